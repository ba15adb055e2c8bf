#!/usr/bin/env bash
# The steps of gpu-check.sh, one per call. gpu-check.sh sets what they use: GPU (what nvcc makes),
# BUILD (programs in C), WORK (a temporary folder), PATIENCE (how much slower than a GPU), and the sizes.
# A step goes on after a failure: there may be no second run.
set -u
cd "$(dirname "$0")/../.." || exit 1

bad=0

# attempt SECONDS COMMAND...: run it with a limit, and say if it fails. In the foreground: what ends the step ends it, too.
attempt() {
	local limit=$(($1 * PATIENCE)) status
	shift
	echo "== $*"
	timeout --foreground "$limit" "$@"
	status=$?
	case $status in
	0) ;;
	124) echo "== FAIL: $*: not done in $limit s" ;;
	*) echo "== FAIL: $*: exit status $status" ;;
	esac
	[ $status -eq 0 ] || bad=1
}

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
		attempt 30 "$GPU/$(basename "$program" .cu)" "$@"
	done
}

training_parity() {
	local program
	for program in test_training test_state test_draws; do
		attempt 60 "$BUILD/cuda-host/plain/$program" "$@"
	done
	for program in test_misuse test_ranked test_bf16; do
		attempt 30 "$BUILD/cuda-host/plain/$program"
	done
}

sanitize() {
	local tool=$1 program options=()
	# ours, not those of cuBLAS, which take most of the time
	compute-sanitizer --help 2>&1 | grep -q -e '--kernel-name' && options+=(--kernel-name kernel_substring=_kernel)
	[ "$tool" = memcheck ] && options+=(--leak-check full)
	[ "$tool" = racecheck ] && options+=(--racecheck-report all)
	for program in tests/cuda/test_ops*.cu; do
		attempt 120 compute-sanitizer --tool "$tool" "${options[@]}" --error-exitcode 9 \
			"$GPU/$(basename "$program" .cu)"
	done
	for program in test_draws test_training; do
		attempt 240 compute-sanitizer --tool "$tool" "${options[@]}" --error-exitcode 9 \
			"$BUILD/cuda-host/plain/$program" quick
	done
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

# Steps enough that the clock does not count: $TRIPLES triples, 50 to 20,000 steps.
throughputs() {
	local size mode bounds steps tool=$BUILD/cuda-host/plain/throughput
	read -ra bounds <<<"$TABLES"
	for size in $SIZES; do
		steps=$((TRIPLES / size))
		steps=$((steps < LEAST_STEPS ? LEAST_STEPS : steps > 20000 ? 20000 : steps))
		for mode in 'train book fp32' 'train-drawn book fp32' 'train wide fp32' 'train-drawn wide tf32' 'train wide tf32' 'train wide bf16' 'train-drawn wide bf16' 'train-adam book fp32' 'train-adam wide tf32'; do
			# shellcheck disable=SC2086
			attempt 30 "$tool" $mode "$size" $steps "${bounds[@]}"
		done
	done
	for mode in 'score book fp32' 'rank book fp32' 'rank wide fp32' 'rank wide tf32'; do
		# shellcheck disable=SC2086
		attempt 30 "$tool" $mode "$PAIRS" "$BLOCKS" "${bounds[@]}"
	done
}

# On a machine with PyTorch; where that fails the check does not.
torch_peer() {
	local bounds
	read -ra bounds <<<"${TABLES:-138493 26744}"
	if ! python3 -c 'import torch' 2>/dev/null; then
		echo 'no PyTorch here'
		return
	fi
	# shellcheck disable=SC2086
	python3 tests/cuda/torch_peer.py "${bounds[@]}" $SIZES || echo "torch: exit status $?"
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
torch) torch_peer ;;
*) echo "no step $step" && exit 2 ;;
esac && [ $bad -eq 0 ]
