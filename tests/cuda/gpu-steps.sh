#!/usr/bin/env bash
# The steps of gpu-check.sh, one per call. gpu-check.sh sets what they use: GPU (what nvcc makes),
# BUILD (programs in C), WORK (a temporary folder), and the sizes.
set -u
cd "$(dirname "$0")/../.." || exit 1

# Only the .cu files are compiled, side by side; what is in C comes built.
build() {
	local source name pids=() pid
	mkdir -p "$GPU"
	for source in lib/cuda/*.cu tests/cuda/*.cu; do
		name=$(basename "$source" .cu)
		"$NVCC" -std=c++17 -O3 -lineinfo -arch="sm_$ARCH" -Xcompiler -fPIC,-fvisibility=hidden,-Wall,-Wextra \
			-Ilib -c "$source" -o "$GPU/$name.o" &
		pids+=($!)
		[ ${#pids[@]} -lt "$(nproc)" ] || { wait "${pids[0]}" || return 1; pids=("${pids[@]:1}"); }
	done
	for pid in "${pids[@]}"; do
		wait "$pid" || return 1
	done
	local ops=() c=("$BUILD"/cuda-host/plain/c/*/*.o)
	for source in lib/cuda/*.cu; do
		ops+=("$GPU/$(basename "$source" .cu).o")
	done
	"$NVCC" -shared -cudart static "${ops[@]}" "${c[@]}" -ldl -Xlinker --exclude-libs,ALL \
		-o "$GPU/cofilter-cuda.so" || return 1
	for source in tests/cuda/*.cu; do
		name=$(basename "$source" .cu)
		"$NVCC" -cudart static "$GPU/$name.o" "${ops[@]}" "${c[@]}" -ldl -o "$GPU/$name" || return 1
	done
}

# Checks of every op; programs that know TF32 take it as an argument.
ops_parity() {
	local program
	for program in tests/cuda/test_ops*.cu; do
		program=$GPU/$(basename "$program" .cu)
		echo "== $program $*"
		"$program" "$@" || return 1
	done
}

training_parity() {
	local program
	for program in test_training test_state test_draws; do
		"$BUILD/cuda-host/plain/$program" "$@" || return 1
	done
	for program in test_misuse test_ranked test_bf16; do
		"$BUILD/cuda-host/plain/$program" || return 1
	done
}

sanitize() {
	local tool=$1 program options=()
	# ours, not those of cuBLAS, which take most of the time
	compute-sanitizer --help 2>&1 | grep -q -e '--kernel-name' && options+=(--kernel-name kernel_substring=_kernel)
	[ "$tool" = memcheck ] && options+=(--leak-check full)
	[ "$tool" = racecheck ] && options+=(--racecheck-report all)
	for program in tests/cuda/test_ops*.cu; do
		compute-sanitizer --tool "$tool" "${options[@]}" --error-exitcode 9 \
			"$GPU/$(basename "$program" .cu)" || return 1
	done
	compute-sanitizer --tool "$tool" "${options[@]}" --error-exitcode 9 \
		"$BUILD/cuda-host/plain/test_training" quick
}

# Train twice on one planted data set: the same bytes. The log's seconds are those of the whole
# pipe.
twice() {
	local name
	cd "$WORK" || return 1
	[ -e triples.cof ] || planted -q --users "$USERS" --items "$ITEMS" --ratings "$RATINGS" |
		ml-split -q --test test.cof | binarize -q | negsample -q --pairwise >triples.cof || return 1
	for name in a b; do
		neumf-train -q --device cuda --batch-size 16384 --optimizer lazy-adam --log "$name.jsonl" \
			-o "$name.safetensors" triples.cof || return 1
	done
	cat a.jsonl
	cmp a.safetensors b.safetensors
}

# A batch of a million triples does not fit every device.
throughputs() {
	local size mode bounds tool=$BUILD/cuda-host/plain/throughput
	read -ra bounds <<<"$TABLES"
	for size in $SIZES; do
		for mode in 'train book fp32' 'train-drawn book fp32' 'train wide fp32' 'train-drawn wide tf32' 'train wide tf32' 'train wide bf16' 'train-drawn wide bf16' 'train-adam book fp32' 'train-adam wide tf32'; do
			# shellcheck disable=SC2086
			"$tool" $mode "$size" "$STEPS" "${bounds[@]}" || [ "$size" -ge 1000000 ] || return 1
		done
	done
	size=$PAIRS
	for mode in 'score book fp32' 'rank book fp32' 'rank wide fp32' 'rank wide tf32'; do
		# shellcheck disable=SC2086
		"$tool" $mode "$size" "$STEPS" "${bounds[@]}" || return 1
	done
}

step=$1
shift
case $step in
build) build ;;
limits) "$GPU/limits" "$SCALE" ;;
bench_ops)
	read -ra bounds <<<"$TABLES"
	"$GPU/bench_ops" "$OPS" "${bounds[@]}"
	;;
ops) ops_parity "$@" ;;
training) training_parity "$@" ;;
twice) twice ;;
throughput) throughputs ;;
sanitize) sanitize "$@" ;;
*) echo "no step $step" && exit 2 ;;
esac
