#!/usr/bin/env bats
# shellcheck disable=SC2154
# The sweep of pipelines/Snakefile: the bytes of the plain pipeline.
load helper

# The plain pipeline of one setting and seed, as plain/PART.cof: train.cof and so on in the folder.
plain() {
	mkdir plain
	ml-split -q --test plain/test.r "$1" >plain/train.r
	ml-split -q --test plain/valid.r plain/train.r | binarize >plain/fit.cof
	for part in train valid test; do binarize plain/$part.r >plain/$part.cof; done
}

# ranks SETTING SEED PART LEARN
ranks() {
	# shellcheck disable=SC2086
	negsample -q --epochs "$epochs" --seed "$2" "plain/$4.cof" |
		neumf-train -q --device cpu --seed "$2" --optimizer lazy-adam $1 -o plain/model
	neumf-score -q --device cpu --model plain/model --all-items --seen "plain/$4.cof" --ranks "plain/$3.cof"
}

snakemake() {
	local found
	found=$(type -P snakemake || type -P "$ROOT/build/snakemake/bin/snakemake") || skip "no snakemake (make deps-dev)"
	HOME=$PWD XDG_CACHE_HOME=$PWD/.cache "$found" -s "$ROOT/pipelines/Snakefile" -c2 -d sweep "$@"
}

@test "snakemake: a sweep end to end has the bytes of the plain pipeline, and nothing to do a second time" {
	epochs=5
	if data=$(COFILTER_DATA=${COFILTER_DATA:-}:$ROOT/data find_data ml-100k/u.data); then
		data=$(realpath "$data")
	else
		planted -q >data.tsv
		data=$PWD/data.tsv
	fi
	snakemake --config data="$data" seeds=1,2 shards=3 epochs=$epochs >log 2>&1 || { tail -n 40 log && false; }
	plain "$data"
	for part in fit train valid test; do cmp sweep/$part.cof plain/$part.cof; done
	winner=$(head -n 1 sweep/valid.tsv | cut -f 1)
	[[ $winner = mf-* ]]
	assert_equal "$(wc -l <sweep/valid.tsv)" 3
	assert_equal "$(sort -t $'\t' -k 2,2gr sweep/valid.tsv | head -n 1 | cut -f 1)" "$winner"
	# one setting of each part, joined of shards; of test the winner's alone, and only there the whole of train is seen
	ranks "--model mf --factors 8 --lr 0.005" 2 valid fit | cmp - sweep/ranks/mf-8.2.valid.whole.cof
	option=$(sed -n "s/^ *\"$winner\": \"\(.*\)\",$/\1/p" "$ROOT/pipelines/Snakefile")
	ranks "$option" 1 test train | cmp - "sweep/ranks/$winner.1.test.whole.cof"
	assert_equal "$(cd sweep/ranks && ls -- *test*)" "$winner.1.test.whole.cof
$winner.2.test.whole.cof
pop.test.whole.cof"
	# the mean of the seeds, and the comparison on test
	mean=$(for seed in 1 2; do rank-eval -q --only NDCG@10 "sweep/ranks/$winner.$seed.valid.whole.cof"; done |
		awk '{ sum += $1 } END { printf "%.4f", sum / 2 }')
	assert_contains "$(cat sweep/report.txt)" "$winner"
	assert_equal "$(head -n 1 sweep/valid.tsv | cut -f 2)" "$mean"
	(cd sweep && rank-cmp -q --metrics HR@10,NDCG@10 ranks/pop.test.whole.cof "ranks/$winner".[12].test.whole.cof) >compared
	tail -n "$(wc -l <compared)" sweep/report.txt | cmp - compared
	snakemake --config data="$data" seeds=1,2 shards=3 epochs=$epochs >again 2>&1
	assert_contains "$(cat again)" "Nothing to be done"
}

@test "snakemake: the interval of a mean over seeds: Student's t for many, none for one, and a seed counts once" {
	local system seed seeds
	mkdir -p sweep/valid
	for system in mf-8 mf-16 mf-16-l2; do
		for seed in 1 2 3 4 5 6 7 8 9 10 11; do echo "0.$((20 + seed))" >"sweep/valid/$system.$seed.txt"; done
	done
	# values of standard deviation sqrt(11) / 100: the half is 2.228 / 100 for 11 of them, 12.706 / 200 for 2
	for seeds in "1,2,3,4,5,6,7,8,9,10,11 0.2600 0.2377 0.2823 11" "1,2,1 0.2150 0.1515 0.2785 2" "4 0.2400 undefined undefined 1"; do
		rm -f sweep/valid.tsv
		snakemake --allowed-rules choose --config seeds="${seeds%% *}" -- valid.tsv >log 2>&1 || { tail -n 40 log && false; }
		assert_equal "$(sort sweep/valid.tsv | head -n 1)" "$(tr ' ' '\t' <<<"mf-16 ${seeds#* }")"
	done
}
