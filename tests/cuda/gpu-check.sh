#!/usr/bin/env bash
# Check the CUDA backend on a machine with a GPU, nvcc and a C compiler; nothing else is needed.
# Runs in the folder that `make gpu-kit` packs, or in a checkout after `make all cuda-host`. Takes
# at most 9 minutes.
#   tests/cuda/gpu-check.sh             logs and summary.txt go to $OUT (gpu-out)
#   tests/cuda/gpu-check.sh --emulated  the same on the host runtime, with small sizes: shows that
#                                       the script and all its steps run
# Exit status: 0 all checks passed, 1 something failed, 77 no GPU here.
set -u
ROOT=$(cd "$(dirname "$0")/../.." && pwd)
OUT=$(mkdir -p "${OUT:-gpu-out}" && cd "${OUT:-gpu-out}" && pwd) || exit 1
BUILD=${BUILD:-$ROOT/build}
GPU=$OUT/build # what nvcc makes
STEP=$ROOT/tests/cuda/gpu-steps.sh
BUDGET=${BUDGET:-530}
export BUILD LC_ALL=C
export PATH=$BUILD/bin:$ROOT/bats/bin:$PATH
emulated=
[ "${1-}" = --emulated ] && emulated=yes
failed=0
: >"$OUT/steps.txt"

say() {
	echo "$*" | tee -a "$OUT/steps.txt"
}

# Seconds that a step may take: $1, or what is left of the budget.
allowed() {
	local left=$((BUDGET - SECONDS))
	echo $((left < $1 ? left : $1))
}

# step NAME LIMIT COMMAND...: run it with a log and print one line, the verdict.
step() {
	local name=$1 limit start=$SECONDS status
	limit=$(allowed "$2")
	shift 2
	if [ "$limit" -lt 5 ]; then
		say "skip $name: no time left"
		failed=1
		return 1
	fi
	timeout "$limit" "$@" >"$OUT/$name.log" 2>&1 </dev/null
	status=$?
	case $status in
	0) say "ok   $name ($((SECONDS - start)) s)" ;;
	124) say "FAIL $name: not done in $limit s ($OUT/$name.log)" ;;
	*) say "FAIL $name: exit status $status ($OUT/$name.log)" ;;
	esac
	[ $status -eq 0 ] || failed=1
	return $status
}

find_nvcc() {
	NVCC=${NVCC:-$(command -v nvcc || ls /usr/local/cuda/bin/nvcc 2>/dev/null)}
	[ -n "$NVCC" ] || { say 'FAIL no nvcc found' && exit 1; }
	CUDA=$(cd "$(dirname "$(readlink -f "$NVCC")")/.." && pwd)
	PATH=$CUDA/bin:$CUDA/compute-sanitizer:$PATH
}

# The four tools at the same time: their slow part is on the host, not on the device.
sanitizers() {
	local tool pids=()
	command -v compute-sanitizer >/dev/null || { say 'skip compute-sanitizer: it is not here' && return; }
	for tool in memcheck racecheck initcheck synccheck; do
		step "sanitizer-$tool" 150 "$STEP" sanitize $tool &
		pids+=($!)
	done
	wait "${pids[@]}"
	grep -q '^FAIL sanitizer' "$OUT/steps.txt" && failed=1
}

# The floor of a step is the longest of three times: its bytes at the copy rate, its arithmetic at
# the sgemm rate for as many rows, and 30 nodes of a graph; all rates as measured here.
table() {
	awk '
	FNR == NR {
		value[$1] = $2
		if ($1 ~ /^sgemm/) {
			split($1, part, /[_x]/)
			sum[part[2], part[3]] += $2; num[part[2], part[3]]++
			sum[part[2]] += $2; num[part[2]]++
		}
		next
	}
	$6 == "M/s" {
		work = ($1 == "train" ? "triples" : "pairs")
		rate = ($3, 2 * $4) in num ? sum[$3, 2 * $4] / num[$3, 2 * $4] : sum[$3] / num[$3]
		us = $4 * $9 / (value["copy"] * 1e3); limit = "bytes"
		flop = $4 * $7 / (rate * 1e6)
		if (flop > us) { us = flop; limit = "arithmetic" }
		launch = 30 * value["graph_node"]
		if ($1 == "train" && launch > us) { us = launch; limit = "launches" }
		printf "%-6s %-5s %s %8d  %10s M %s/s  floor %10.4g M/s (%s): %3.0f %%\n", $1, $2, $3, $4, $5, work,
			$4 / us, limit, 100 * us / $11
	}' "$OUT/limits.log" "$OUT/throughput.log"
}

summary() {
	echo "== cofilter on $(head -n 1 "$OUT/gpu.txt")"
	cat "$OUT/steps.txt"
	grep -h worst "$OUT"/ops-*.log "$OUT"/training.log 2>/dev/null | grep -E 'gradient:' |
		sed -n 's/^ok - \(.*\): gradient: worst relative error \([^ ]*\).*/\2 \1/p' | sort -g |
		awk '{ if (/tf32/) { t = $0 } else { f = $0 } }
		     END { print "worst gradient error against reference: fp32 " f; print "                                        tf32 " t }'
	echo '== limits of the device'
	grep -E '^(copy|gather|gather_bytes|launch|graph_node|sgemm_.*x128x256|sgemm_.*x128x64) ' "$OUT/limits.log"
	echo '== throughput against the floor from these limits'
	table
	echo "whole program on a stream: $(cat "$OUT/a.jsonl" 2>/dev/null)"
	echo "== $([ $failed -eq 0 ] && echo 'all is well' || echo 'SOMETHING FAILED'), $SECONDS s"
}

cd "$ROOT" || exit 1
if [ -n "$emulated" ]; then
	GPU=$BUILD/cuda-host/plain
	echo 'the host runtime (no GPU)' >"$OUT/gpu.txt"
	SIZES='64 100' STEPS=3 PAIRS=2000 TABLES='300 200' USERS=200 ITEMS=300 RATINGS=8000 SCALE=20000
else
	nvidia-smi --query-gpu=name,driver_version,memory.total,clocks.max.sm,clocks.max.mem,compute_cap \
		--format=csv,noheader >"$OUT/gpu.txt" 2>&1 || { echo 'no GPU here' && exit 77; }
	ARCH=$(head -n 1 "$OUT/gpu.txt" | sed 's/.*, *//; s/\.//')
	SIZES='1024 16384 131072' STEPS=200 PAIRS=1711616 TABLES='' USERS=20000 ITEMS=5000 RATINGS=2000000 SCALE=1
	find_nvcc
	COFILTER_TEST_PLUGIN=$GPU/cofilter-cuda.so
	export ARCH CUDA NVCC COFILTER_TEST_PLUGIN
fi
COFILTER_CUDA_PLUGIN=$GPU/cofilter-cuda.so
export COFILTER_CUDA_PLUGIN GPU OUT SIZES STEPS PAIRS TABLES USERS ITEMS RATINGS SCALE

if [ -n "$emulated" ] || step build 150 "$STEP" build; then
	step limits 60 "$STEP" limits
	step ops-fp32 60 "$STEP" ops
	step ops-tf32 60 "$STEP" ops tf32
	step training 90 "$STEP" training ${emulated:+quick}
	step bats 100 bats tests/cuda/plugin.bats
	step reproducibility 60 "$STEP" twice
	step throughput 120 "$STEP" throughput
	[ -n "$emulated" ] || sanitizers
fi
summary | tee "$OUT/summary.txt"
exit $failed
