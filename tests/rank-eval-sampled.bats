#!/usr/bin/env bats
# shellcheck disable=SC2154
# rank-eval --sampled: the expectation over draws of negatives, against hand and against draws of negsample.
load helper

@test "--sampled by hand: none, one or both of two drawn negatives are above with 1/6, 4/6, 1/6" {
	cof-cat --from tsv --kind rank --users 1 --items 9 <<<$'0\t3\t2\t0\t0\t5' >x.cof
	only() {
		assert_near "$(rank-eval --sampled "${3:-2}" --only "$1" x.cof)" "$2" 1e-12
	}
	only HR@1 0.166666666667
	only HR@2 0.833333333333
	only NDCG@2 0.587286502381 # (1 + 4 / log2(3)) / 6
	only MRR@3 0.555555555556  # (1 + 4 / 2 + 1 / 3) / 6
	only precision@2 0.416666666667
	only AUC 0.5
	only MRR@3 0.333333333333 4
	only HR@2 0 9 # there are only four
}

@test "--sampled in table and JSON, and what it does not go with" {
	printf '%s\n' '0 7 1 2.5' '0 2 0 2.5' '0 9 0 -1' '0 4 1 2.5' '3 0 0 4' '3 1 1 3' '3 2 0 2' | tr ' ' '\t' |
		cof-cat --from tsv --kind score --users 10 --items 100 >x.cof
	# user 0: both negatives are drawn; user 3: one of two, above or below. NDCG@2 (2/3 + (1 + 1/log2(3)) / 2) / 2
	run --separate-stderr rank-eval -k 1,2 --sampled 1 x.cof
	assert_status 0
	assert_equal "$output" "users       2
positives   3
candidates  3.5 a user; 33.33 % of the others tie with a positive
sampled     1 negatives a positive, each once: expected over all draws
ties        mean: expected over all orders of the tied; [worst, best]

            @1                       @2
HR          0.5833 [0.2500, 0.7500]  1.0000
NDCG        0.5833 [0.2500, 0.7500]  0.7411 [0.6012, 0.9077]
MRR         0.5833 [0.2500, 0.7500]  0.7917 [0.6250, 0.8750]
MAP         0.5833 [0.2500, 0.7500]  0.6667 [0.5000, 0.8750]
precision   0.5833 [0.2500, 0.7500]  0.5833 [0.5000, 0.7500]
recall      0.4167 [0.2500, 0.5000]  0.8333 [0.7500, 1.0000]
AUC         0.6250 [0.5000, 0.7500]"
	assert_equal "$(rank-eval --json --sampled 1 x.cof | jq -c '[.sampled, .tied > 0.3]')" '[1,true]'
	# as many negatives as there are: nothing is sampled
	rank-eval -k 1,2 --sampled 100 x.cof | grep -v ^sampled >got
	rank-eval -k 1,2 x.cof | cmp - got
	cof-cat --from tsv --kind top --users 4 --items 6 <<<$'1\t3\t1\t9' >top.cof
	cof-cat --from tsv --users 4 --items 6 <<<$'1\t3\t0' >truth.cof
	run --separate-stderr rank-eval --sampled 3 --truth truth.cof top.cof
	assert_status 2
	assert_contains "$stderr" "--sampled does not go with top records"
	run --separate-stderr rank-eval --sampled 0 x.cof
	assert_status 2
}

@test "--sampled is the mean over many draws of negsample --candidates" {
	planted -q --users 60 --items 50 --ratings 700 >ratings.tsv
	ml-split -q --mode random --seed 3 --test test.cof ratings.tsv | binarize >train.cof
	binarize <test.cof >positives.cof
	pop-score -q --train train.cof --all-items --seen train.cof --ranks positives.cof >ranks.cof
	for seed in {1..200}; do
		negsample -q --candidates 4 --exclude train.cof --seed "$seed" positives.cof |
			pop-score -q --train train.cof --ranks | rank-eval -q -k 1,3,10 --json
	done | jq -s '[.[].metrics] | (.[0] | keys_unsorted) as $k |
		[.[] | [.[]]] | transpose | map({ mean: (add / length),
			error: ((map(. * .) | add) / length - (add / length | . * .) | if . > 0 then sqrt else 0 end) }) |
		[$k, .] | transpose | map({ key: .[0], value: .[1] }) | from_entries' >draws.json
	rank-eval -q -k 1,3,10 --sampled 4 --json ranks.cof | jq .metrics >expected.json
	# within 4 standard errors of a mean of 200
	run jq -n '[inputs] | .[0] as $d | .[1] | to_entries | map(select((.value - $d[.key].mean | fabs) >
		4 * $d[.key].error / (200 | sqrt) + 1e-9)) | length' draws.json expected.json
	assert_equal "$output" 0
	[ "$(jq '[.[] | select(.error > 0.001)] | length' draws.json)" -gt 10 ]
}
