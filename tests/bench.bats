#!/usr/bin/env bats
# shellcheck disable=SC2030,SC2031,SC2034,SC1091
# tests/bench: what becomes of rows that were measured, not how fast anything is.
load helper

# measure_rows STARTED NAME=RATE...: as a run of tests/bench/run would
measure_rows() {
	local pair
	started=$1 size=full reps=1 only=() out=$PWD/out machine=''
	mkdir -p "$out"
	rm -f "$out"/*
	. "$ROOT/tests/bench/table.sh"
	blas_kernels() { :; }
	for pair in "${@:2}"; do
		work "${pair%=*}" 'M positives/s' 0 '' "echo rate ${pair#*=}"
	done
	measure
	report
}

@test "bench.json keeps the rows of other runs, one of each; readme says how many times only within a run" {
	export BUILD=$PWD
	(measure_rows 2026-01-01T00:00:00Z train-seed=4 torch-seed=0.5 torch-wide=0.05)
	"$ROOT/tests/bench/readme" >table
	grep -Fx "| sample and train, the book's network, batch 1024 | 4 M positives/s | PyTorch (Debian) 0.5 | 8 x |" table
	(measure_rows 2026-01-02T00:00:00Z train-seed=6.125 train-wide=0.1651)
	[ "$(jq -c 'map(.work) | sort' bench.json)" = '["torch-seed","torch-wide","train-seed","train-wide"]' ]
	"$ROOT/tests/bench/readme" >table
	head -n 1 table | grep -F '; 2026-01-01, 2026-01-02. Medians.'
	grep -Fx "| sample and train, the book's network, batch 1024 | 6.13 M positives/s | PyTorch (Debian) 0.5 |  |" table
	grep -Fx '| train a wide network (64; 256,128,64), batch 8192 | 0.165 M positives/s | PyTorch (Debian) 0.05 |  |' table
	[ "$(grep -c '^|' table)" -eq 4 ]
}

@test "a peer that fails is left out with its reason, a work of ours ends the run" {
	export BUILD=$PWD
	a_run="$(declare -f measure_rows); ROOT=$ROOT; measure_rows 2026-01-01T00:00:00Z"
	run bash -c "$a_run; may_fail=1 work theirs s 0 '' 'echo no wheel >&2; exit 1'; measure; report"
	[ "$status" -eq 0 ]
	[[ $output == *"theirs                    skipped: it failed: no wheel"* ]]
	run bash -c "$a_run; work ours s 0 '' 'echo broken >&2; exit 1'; measure; report"
	[ "$status" -eq 1 ]
	[[ $output == *broken*"'ours' failed"* ]]
}

@test "growth knows its stages" {
	BUILD=$PWD run "$ROOT/tests/bench/growth" cof-stat
	[ "$status" -eq 2 ]
	[ "$output" = "growth: no stage 'cof-stat'" ]
}
