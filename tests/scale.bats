#!/usr/bin/env bats
# shellcheck disable=SC2154
# docs/scale.md: its examples for GNU parallel and Slurm give the bytes of one process; the counts behind its tables are
# those of a batch counted by hand. Its other examples are run by docs.bats.
load helper

# example NAME: the block of docs/scale.md that a comment "<!-- NAME -->" stands above
example() {
	awk -v name="<!-- $1 -->" '$0 == name { on = 1; next } on && /^```/ { if (seen) exit; seen = 1; next } on && seen' \
		"$ROOT/docs/scale.md"
}

setup_files() {
	planted -q --users 200 --items 100 --ratings 4000 | ml-split -q --test test-ratings.cof | binarize >train.cof
	binarize test-ratings.cof >test.cof
	negsample -q --epochs 2 train.cof | neumf-train -q --device cpu -o model.safetensors
	neumf-score -q --device cpu --model model.safetensors --all-items --seen train.cof --ranks test.cof >whole.cof
}

@test "docs/scale.md: GNU parallel scores in shards, to the byte; a job that fails fails all" {
	type -P parallel >/dev/null || skip "no GNU parallel (make deps-dev)"
	setup_files
	export HOME=$PWD
	example parallel >parallel.sh
	grep -q parallel parallel.sh
	bash -euo pipefail parallel.sh
	cmp ranks.cof whole.cof
	rm -f ranks*.cof
	truncate -s -1 test.cof
	run bash -euo pipefail parallel.sh
	[ "$status" -ne 0 ]
	[ ! -e ranks.cof ]
}

@test "docs/scale.md: the Slurm array, with the numbers that Slurm would set" {
	setup_files
	example slurm >array.sh
	grep -q '^#SBATCH --array=1-' array.sh
	tasks=$(sed -n 's/^#SBATCH --array=1-//p' array.sh)
	for ((task = 1; task <= tasks; task++)); do
		SLURM_ARRAY_TASK_ID=$task SLURM_ARRAY_TASK_COUNT=$tasks bash array.sh
	done
	example slurm-join >join.sh
	SLURM_ARRAY_TASK_COUNT=$tasks bash -euo pipefail join.sh
	cmp ranks.cof whole.cof
	# a task that is killed leaves no shard that could be taken for one
	rm ranks-*.cof ranks.cof
	for ((task = 2; task <= tasks; task++)); do
		SLURM_ARRAY_TASK_ID=$task SLURM_ARRAY_TASK_COUNT=$tasks bash array.sh
	done
	run bash -euo pipefail join.sh
	[ "$status" -ne 0 ]
	[ ! -e ranks.cof ]
}

# counted RANKS OPTION...: of triples on stdin, "user positive negative", the counts
counted() {
	cof-cat --from tsv --kind triple --users 100 --items 100 | cof-cat --to npy |
		"$python" "$ROOT/tests/bench/exchange.py" --json --ranks "$@" - | jq -c '[.batch, .rows, .gradients, .dense]'
}

@test "exchange.py: batches counted by hand" {
	numpy
	# One job, which the last of two has. Rank 0 owns user 0, items 0 and 2: three rows of two floats, three gradients of
	# as many, and the loss of the job.
	printf '0\t0\t1\n1\t2\t3\n' >two.tsv
	assert_equal "$(counted 2 --model mf --factors 2 <two.tsv)" '[88,24,32,0]'
	assert_equal "$(counted 1 --model mf --factors 2 <two.tsv)" '[0,0,0,0]'
	# a row that occurs twice is fetched once; its gradients go one by one
	printf '0\t0\t1\n0\t0\t3\n' >same.tsv
	assert_equal "$(counted 2 --model mf --factors 2 <same.tsv)" '[88,16,40,0]'
	# 256 rows, 2 jobs: rank 0 computes those of user 1, rank 1 those of user 0; neither owns what it needs but for item
	# 1 in rank 1 and item 0 in rank 0
	{
		yes $'1\t0\t1' | head -n 128
		yes $'0\t0\t1' | head -n 128
	} >halves.tsv
	assert_equal "$(counted 2 --model mf --factors 2 <halves.tsv)" "[$((64 + 12 * 256)),$((4 * 8)),$((512 * 8 + 8)),0]"
	# dense: 1 x 2 + 2 weights of gmf's head, none of mf; from one to the other, and back
	assert_equal "$(counted 2 --model gmf --factors 3 <halves.tsv | jq -c '.[3]')" "$((2 * 3 * 4))"
	# three ranks of which one has no job
	assert_equal "$(counted 3 --model gmf --factors 3 <halves.tsv | jq -c '.[3]')" "$(((1 + 2) * 3 * 4))"
}
