#!/usr/bin/env bash
# Check the CUDA backend on a machine with a GPU and cuBLAS. Runs in the folder that `make gpu-kit`
# packs, whose programs are for one architecture; for others, or in a checkout after `make all
# cuda-host`, nvcc and a C compiler are needed. Two runs, of at most 8 minutes each:
#   tests/cuda/gpu-check.sh check       correctness, limits, every op by itself, throughput
#   tests/cuda/gpu-check.sh sanitize    compute-sanitizer's four tools
# With --emulated after it: the same on the host runtime, with small sizes, to see that the script
# and its steps run (sanitize then has nothing to do).
# $OUT (gpu-out) gets three files, RUN-summary.txt, RUN.json and RUN-logs.tar.gz; all else is done in
# a temporary folder. Exit status: 0 all checks passed, 1 something failed, 77 no GPU here.
set -u
ROOT=$(cd "$(dirname "$0")/../.." && pwd)
RUN=${1-}
case $RUN in check | sanitize) ;; *) echo "usage: $0 check|sanitize [--emulated]" >&2 && exit 2 ;; esac
emulated='' PATIENCE=1
[ "${2-}" = --emulated ] && emulated=yes PATIENCE=20
OUT=$(mkdir -p "${OUT:-gpu-out}" && cd "${OUT:-gpu-out}" && pwd) || exit 1
WORK=$(mktemp -d) || exit 1
trap 'rm -rf "$WORK"' EXIT
BUILD=${BUILD:-$ROOT/build}
GPU=$WORK/build LOGS=$WORK/logs # what nvcc makes; what comes back
STEP=$ROOT/tests/cuda/gpu-steps.sh
BUDGET=${BUDGET:-$((465 * PATIENCE))}
export BUILD WORK LOGS PATIENCE LC_ALL=C
export PATH=$BUILD/bin:$ROOT/bats/bin:$PATH
failed=0
mkdir "$LOGS"
: >"$LOGS/steps.txt"

say() {
	echo "$*" | tee -a "$LOGS/steps.txt"
}

# Seconds that a step may take: $1, or what is left of the budget. The host runtime has no hurry.
allowed() {
	local left=$((BUDGET - SECONDS)) limit=$(($1 * PATIENCE))
	echo $((left < limit ? left : limit))
}

# why LOG: the lines that say what went wrong, else the last ones.
why() {
	local lines
	lines=$(grep -v '^ok' "$1" |
		grep -m 4 -E '^not ok|FAIL|failed:|[Ee]rror[: ]|fatal|^=+ *(Invalid|Error|Warning|Leaked|Uninit|Barrier)')
	[ -n "$lines" ] || lines=$(tail -n 3 "$1")
	cut -c1-160 <<<"$lines" | sed 's/^/       /' | tee -a "$LOGS/steps.txt"
}

# step NAME LIMIT COMMAND...: run it with a log and print one line, the verdict; of a failure, why.
step() {
	local name=$1 limit start=$SECONDS status
	limit=$(allowed "$2")
	shift 2
	if [ "$limit" -lt 5 ]; then
		say "skip $name: no time left"
		failed=1
		return 1
	fi
	timeout "$limit" "$@" >"$LOGS/$name.log" 2>&1 </dev/null
	status=$?
	case $status in
	0) say "ok   $name ($((SECONDS - start)) s)" ;;
	124) say "FAIL $name: not done in $limit s ($name.log)" ;;
	*) say "FAIL $name: exit status $status ($name.log)" ;;
	esac
	[ $status -eq 0 ] || { failed=1 && why "$LOGS/$name.log"; }
	return $status
}

# nvcc, cuBLAS and the tools beside them: of a toolkit, or of Python's packages.
find_cuda() {
	local dir
	NVCC=${NVCC:-$(command -v nvcc || ls /usr/local/cuda/bin/nvcc 2>/dev/null)}
	CUDA=${NVCC:+$(cd "$(dirname "$(readlink -f "$NVCC")")/.." && pwd)}
	PATH=$CUDA/bin:$CUDA/compute-sanitizer:$PATH
	for dir in "$CUDA"/lib64 "$CUDA"/lib "$CUDA"/targets/*/lib \
		$(python3 -c 'import nvidia; print(*[p + "/cu13/lib" for p in nvidia.__path__])' 2>/dev/null); do
		[ -e "$dir/libcublas.so.13" ] || continue
		LD_LIBRARY_PATH=$dir${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
		break
	done
	export NVCC CUDA PATH LD_LIBRARY_PATH
}

# The programs that nvcc makes: those of the kit, if they are for this device.
make_programs() {
	if [ "$(cat "$BUILD/gpu/arch" 2>/dev/null)" = "$ARCH" ]; then
		say "ok   build: the kit has it for sm_$ARCH"
		return
	fi
	[ -n "$NVCC" ] || { say "FAIL build: the kit has nothing for sm_$ARCH, and there is no nvcc" && failed=1 && return 1; }
	step build 150 "$STEP" build
}

# The four tools at the same time, each with its own limit: their slow part is on the host, not on
# the device.
sanitizers() {
	local tool pids=()
	command -v compute-sanitizer >/dev/null || { say 'FAIL sanitize: no compute-sanitizer here' && failed=1 && return; }
	for tool in memcheck racecheck initcheck synccheck; do
		step "sanitizer-$tool" $((BUDGET - SECONDS - 10)) "$STEP" sanitize $tool &
		pids+=($!)
	done
	wait "${pids[@]}"
	grep -q '^FAIL sanitizer' "$LOGS/steps.txt" && failed=1
}

# Each line of throughput.log with two floors: what these kernels move at the copy rate, and the
# least that any kernels could; in both the longest of bytes, arithmetic at the rate of products of as
# many rows (forward and backward), and launches: nodes of the graph one after another, or one.
table() {
	awk -v form="$1" '
	FNR == NR {
		value[$1] = $2
		if ($1 ~ /^gemm/ && $2 > 0) {
			sub(/^gemm_(d[wx]_)?/, "", $1); split($1, part, /[_x]/); mode = part[1]; rows = part[2]
			sum[mode, rows] += 1 / $2; num[mode, rows]++
			if (!(rows in seen)) { seen[rows] = 1; size[++sizes] = rows }
		}
		next
	}
	# microseconds at the rate of the most rows measured up to so many, else of the fewest
	function products(flop, mode, rows,   i, at) {
		for (i = 1; i <= sizes; i++)
			if ((mode, size[i]) in num && (!at || (size[i] <= rows && size[i] > at) || (at > rows && size[i] < at)))
				at = size[i]
		return at ? flop * sum[mode, at] / num[mode, at] / 1e6 : 0
	}
	function longest(bytes, launches) {
		us = $4 * bytes / (value["copy"] * 1e3); limit = "bytes"
		if (flop > us) { us = flop; limit = "arithmetic" }
		if (launches * value["graph_node"] > us) { us = launches * value["graph_node"]; limit = "launches" }
		return us
	}
	$6 == "M/s" {
		train = $1 ~ /^train/; per = (train ? "triples" : "pairs")
		flop = products($4 * $7, $3, 2 * $4)
		moved = longest($9, $15); why = limit
		best = longest($11, train ? 1 : 0)
		if (form == "json")
			printf "%s{\"work\":\"%s\",\"network\":\"%s\",\"precision\":\"%s\",\"batch\":%d,\"millions_per_s\":%s,\"us_per_step\":%s,\"floor_us\":%.2f,\"least_us\":%.2f}", \
				(count++ ? "," : ""), $1, $2, $3, $4, $5, $13, moved, best
		else
			printf "%-11s %-5s %s %8d  %10s M %s/s; floor of these kernels %9.4g (%s): %3.0f %%; of any %9.4g: %3.0f %%\n", \
				$1, $2, $3, $4, $5, per, $4 / moved, why, 100 * moved / $13, $4 / best, 100 * best / $13
	}' "$LOGS/limits.log" "$LOGS/throughput.log" 2>/dev/null
}

summary() {
	echo "== cofilter on $(head -n 1 "$LOGS/gpu.txt")"
	cat "$LOGS/steps.txt"
	if [ "$RUN" = check ]; then
		grep -h worst "$LOGS/training.log" 2>/dev/null | grep -E 'gradient:' |
			sed -n 's/^ok - \(.*\): gradient: worst relative error \([^ ]*\).*/\2 \1/p' | sort -g |
			awk '{ if (/tf32/) { t = $0 } else { f = $0 } }
			     END { print "worst gradient error against reference: fp32 " f; print "                                        tf32 " t }'
		echo '== limits of the device'
		grep -E '^(copy|gather|launch|graph_node|gemm)' "$LOGS/limits.log"
		echo '== every op by itself, batch of bench_ops; share: its bytes at the copy rate over its time'
		awk '$1 == "op" { printf "%-24s %10s us  share %5.1f %%  %8.2f TFLOP/s\n", $2, $3, 100 * $9, $7 / $3 / 1e6 }' \
			"$LOGS/bench_ops.log"
		echo '== throughput against the floors from these limits'
		table text
		echo '== PyTorch, the same network with dense Adam, a step one CUDA graph: triples'
		grep -hE '^(torch|no PyTorch)' "$LOGS/torch.log" 2>/dev/null
		echo "whole program on a stream: $(cat "$WORK/a.jsonl" 2>/dev/null)"
	fi
	echo "== $([ $failed -eq 0 ] && echo 'all is well' || echo 'SOMETHING FAILED'), $SECONDS s"
}

# One object: what ran on what, and every number.
json() {
	printf '{"run":"%s","device":"%s","failed":%d,"seconds":%d,"steps":[' "$RUN" "$(head -n 1 "$LOGS/gpu.txt" | tr -d '"')" \
		$failed $SECONDS
	awk '/^(ok|FAIL|skip) / { v = $1; n = $2; sub(/:$/, "", n); printf "%s{\"step\":\"%s\",\"verdict\":\"%s\"}", (k++ ? "," : ""), n, v }' \
		"$LOGS/steps.txt"
	printf '],"limits":{'
	[ -e "$LOGS/limits.log" ] &&
		awk '!/^#/ && NF == 3 { printf "%s\"%s\":%s", (n++ ? "," : ""), $1, $2 }' "$LOGS/limits.log"
	printf '},"ops":['
	[ -e "$LOGS/bench_ops.log" ] &&
		awk '$1 == "op" { printf "%s{\"op\":\"%s\",\"us\":%s,\"bytes\":%s,\"flop\":%s,\"share\":%s}", (n++ ? "," : ""), $2, $3, $5, $7, $9 }' \
			"$LOGS/bench_ops.log"
	printf '],"throughput":['
	table json
	printf '],"torch":['
	[ -e "$LOGS/torch.log" ] &&
		awk '$1 == "torch" { printf "%s{\"network\":\"%s\",\"precision\":\"%s\",\"batch\":%s,\"millions_per_s\":%s}", (n++ ? "," : ""), $2, $3, $4, $5 }' \
			"$LOGS/torch.log"
	printf ']}\n'
}

cd "$ROOT" || exit 1
if [ -n "$emulated" ]; then
	GPU=$BUILD/cuda-host/plain
	echo 'the host runtime (no GPU)' >"$LOGS/gpu.txt"
	SIZES='64 100' TRIPLES=300 LEAST_STEPS=3 PAIRS=2000 BLOCKS=3 TABLES='300 200' USERS=200 ITEMS=300 RATINGS=8000 SCALE=20000 OPS=64
else
	nvidia-smi --query-gpu=name,driver_version,memory.total,clocks.max.sm,clocks.max.mem,compute_cap \
		--format=csv,noheader >"$LOGS/gpu.txt" 2>&1 || { echo 'no GPU here' && exit 77; }
	ARCH=$(head -n 1 "$LOGS/gpu.txt" | sed 's/.*, *//; s/\.//')
	SIZES='1024 16384 131072 1048576' TRIPLES=20000000 LEAST_STEPS=50 PAIRS=1711616 BLOCKS=200 TABLES=''
	USERS=20000 ITEMS=5000 RATINGS=2000000 SCALE=1 OPS=131072
	[ "$(cat "$BUILD/gpu/arch" 2>/dev/null)" = "$ARCH" ] && GPU=$BUILD/gpu
	find_cuda
	COFILTER_TEST_PLUGIN=$GPU/cofilter-cuda.so
	export ARCH COFILTER_TEST_PLUGIN
fi
COFILTER_CUDA_PLUGIN=$GPU/cofilter-cuda.so
export COFILTER_CUDA_PLUGIN GPU SIZES TRIPLES LEAST_STEPS PAIRS BLOCKS TABLES USERS ITEMS RATINGS SCALE OPS

if [ -n "$emulated" ] || make_programs; then
	if [ "$RUN" = sanitize ]; then
		[ -n "$emulated" ] || sanitizers
	else
		step ops-fp32 60 "$STEP" ops
		step ops-tf32 60 "$STEP" ops tf32
		step training 90 "$STEP" training ${emulated:+quick}
		step limits 60 "$STEP" limits
		step bench_ops 60 "$STEP" bench_ops
		step throughput 150 "$STEP" throughput
		[ -n "$emulated" ] || step torch 60 "$STEP" torch
		step reproducibility 60 "$STEP" twice
		step bats 120 bats tests/cuda/plugin.bats tests/cuda/drawn.bats tests/cuda/ranked.bats
	fi
fi
summary | tee "$OUT/$RUN-summary.txt"
json >"$OUT/$RUN.json"
tar -C "$WORK" -czf "$OUT/$RUN-logs.tar.gz" logs
exit $failed
