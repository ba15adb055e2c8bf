#!/usr/bin/env bats
# shellcheck disable=SC2154
# rank-eval: metrics against numbers worked out by hand, and the two ways to it against each other.
load helper

# scores / ranks: text "user item label score" or "user item above ties ties_before candidates" to a stream
scores() {
	tr ' ' '\t' | cof-cat --from tsv --kind score --users 10 --items 100
}
ranks() {
	tr ' ' '\t' | cof-cat --from tsv --kind rank --users 10 --items 100
}

# only METRIC EXPECTED [OPTION]...: of x.cof, to six digits; one number and nothing else
only() {
	local metric=$1 expected=$2
	shift 2
	run --separate-stderr rank-eval --only "$metric" "$@" x.cof
	assert_status 0
	[[ $output =~ ^[0-9.e-]+$ ]]
	assert_near "$output" "$expected" 5.01e-7 || { echo "$metric $*"; return 1; }
}

# User 0: positives 7 and 4 tie with negative 2, negative 9 below. Positives stand at 1,2 | 1,3 | 2,3.
# User 3: positive 1 is second of three, no ties.
two_users() {
	printf '%s\n' '0 7 1 2.5' '0 2 0 2.5' '0 9 0 -1' '0 4 1 2.5' '3 0 0 4' '3 1 1 3' '3 2 0 2'
}

@test "every metric, mean over all orders of the tied" {
	two_users | scores >x.cof
	only HR@1 0.333333        # (2/3 + 0) / 2
	only NDCG@1 0.333333
	only MRR@1 0.333333
	only MAP@1 0.333333
	only precision@1 0.333333
	only recall@1 0.166667    # (1/3 + 0) / 2
	only HR@2 1.000000
	only NDCG@2 0.648798      # (2/3 + 1/log2(3)) / 2
	only MRR@2 0.666667       # ((1 + 1 + 1/2) / 3 + 1/2) / 2
	only MAP@2 0.541667       # ((1 + 1/2 + 1/4) / 3 + 1/2) / 2
	only precision@2 0.583333 # (2/3 + 1/2) / 2
	only recall@2 0.833333    # (2/3 + 1) / 2
	only AUC 0.625000         # (3/4 + 1/2) / 2
}

@test "every metric, worst, best and item id order" {
	two_users | scores >x.cof
	only HR@1 0.000000 --ties worst
	only HR@1 0.500000 --ties best
	only HR@1 0.000000 --ties id # user 0: 2, 4, 7
	only NDCG@2 0.508891 --ties worst # ((1/log2(3)) / (1 + 1/log2(3)) + 1/log2(3)) / 2
	only NDCG@2 0.815465 --ties best
	only NDCG@2 0.508891 --ties id
	only MRR@2 0.500000 --ties worst
	only MRR@2 0.750000 --ties best
	only MAP@2 0.375000 --ties worst # (1/4 + 1/2) / 2
	only MAP@2 0.750000 --ties best
	only precision@2 0.500000 --ties worst
	only recall@2 0.750000 --ties worst
	only recall@2 1.000000 --ties best
	only AUC 0.500000 --ties worst
	only AUC 0.750000 --ties best
	only AUC 0.500000 --ties id
	# with the negative's id between the positives', it is passed by one of them
	two_users | sed 's/0 2 0/0 5 0/' | scores >x.cof
	only HR@1 0.500000 --ties id
	only MAP@3 0.666667 --ties id # ((1 + 2/3) / 2 + 1/2) / 2
	only AUC 0.625000 --ties id # ((1 + 1/2) / 2 + 1/2) / 2
}

@test "the table, with intervals where ties make them" {
	two_users | scores >x.cof
	run --separate-stderr rank-eval -k 1,2 x.cof
	assert_status 0
	assert_equal "$stderr" ""
	assert_equal "$output" "users       2
positives   3
candidates  3.5 a user; 33.33 % of the others tie with a positive
ties        mean: expected over all orders of the tied; [worst, best]

            @1                       @2
HR          0.3333 [0.0000, 0.5000]  1.0000
NDCG        0.3333 [0.0000, 0.5000]  0.6488 [0.5089, 0.8155]
MRR         0.3333 [0.0000, 0.5000]  0.6667 [0.5000, 0.7500]
MAP         0.3333 [0.0000, 0.5000]  0.5417 [0.3750, 0.7500]
precision   0.3333 [0.0000, 0.5000]  0.5833 [0.5000, 0.7500]
recall      0.1667 [0.0000, 0.2500]  0.8333 [0.7500, 1.0000]
AUC         0.6250 [0.5000, 0.7500]"
}

@test "JSON has every metric, worst and best" {
	two_users | scores >x.cof
	rank-eval -k 2 --json --ties worst x.cof >x.json
	run jq -c '[.users, .positives, .outside, .candidates, .ties, .metrics["MRR@2"], .metrics.AUC, .worst.AUC, .best.AUC]' x.json
	assert_equal "$output" '[2,3,0,3.5,"worst",0.5,0.5,0.5,0.75]'
	run jq -c '.metrics | keys_unsorted' x.json
	assert_equal "$output" '["HR@2","NDCG@2","MRR@2","MAP@2","precision@2","recall@2","AUC"]'
	assert_near "$(jq .tied x.json)" 0.3333333333 1e-9
}

@test "--per-user has a line a user" {
	two_users | scores | rank-eval -k 2 --per-user users.tsv >out
	run cat users.tsv
	assert_equal "${lines[0]}" $'user\tpositives\tcandidates\tHR@2\tNDCG@2\tMRR@2\tMAP@2\tprecision@2\trecall@2\tAUC'
	assert_equal "${lines[1]}" $'0\t2\t4\t1\t0.666666667\t0.833333333\t0.583333333\t0.666666667\t0.666666667\t0.75'
	assert_equal "${lines[2]}" $'3\t1\t3\t1\t0.630929754\t0.5\t0.5\t0.5\t1\t0.5'
	assert_equal "${#lines[@]}" 3
}

@test "--per-user appears with the table or not at all" {
	two_users | scores >x.cof
	for name in - /dev/stdout /dev/fd/1; do
		run --separate-stderr rank-eval --per-user $name x.cof
		assert_status 2
		assert_equal "$output" ""
		assert_contains "$stderr" "rank-eval: '$name' of --per-user is also standard output"
	done
	run --separate-stderr rank-eval --per-user '' x.cof
	assert_status 2
	echo old >users.tsv
	run --separate-stderr bash -c 'rank-eval --per-user users.tsv x.cof >/dev/full'
	assert_status 1
	assert_error rank-eval "cannot write 'standard output'"
	assert_equal "$(cat users.tsv)" old
	rank-eval --per-user /dev/stderr x.cof 2>lines >/dev/null
	assert_equal "$(wc -l <lines)" 3
	assert_equal "$(ls users*)" users.tsv
}

@test "rank records say the same as the scores they come from" {
	two_users | scores | rank-eval --json >a
	printf '%s\n' '0 7 0 2 2 4' '0 4 0 2 1 4' '3 1 1 0 0 3' | ranks | rank-eval --json >b
	cmp a b
}

@test "an item listed twice counts once, as a positive, and is reported" {
	two_users | sed 's/^0 9 0 -1/0 7 0 2.5\n0 9 0 -1\n0 9 0 -1/' | scores >x.cof
	two_users | scores >y.cof
	run --separate-stderr rank-eval -k 1,2 --json x.cof
	assert_status 0
	assert_equal "$output" "$(rank-eval -k 1,2 --json y.cof)"
	assert_equal "$stderr" "rank-eval: users with a positive among their own negatives, which counts once: 1
rank-eval: rows that list an item again, which counts once: 2"
	run --separate-stderr rank-eval --strict x.cof
	assert_status 1
	assert_equal "$output" ""
	assert_error rank-eval "positive among their own negatives"
	run --separate-stderr rank-eval --strict y.cof
	assert_status 0
}

@test "a positive of score -inf is outside: missed everywhere, AUC 0" {
	printf '%s\n' '0 1 1 5' '0 2 1 -inf' '0 3 0 4' '0 4 0 3' | scores >x.cof
	only AUC 0.500000
	only recall@100 0.500000
	only HR@100 1.000000
	only MAP@100 0.500000
	only NDCG@100 0.613147 # 1 / (1 + 1/log2(3))
	rank-eval --json x.cof >a
	printf '%s\n' '0 1 0 0 0 3' '0 2 3 0 0 3' | ranks | rank-eval --json >b
	cmp a b
	run jq .outside a
	assert_equal "$output" 1
}

@test "an item of score -inf is no candidate, whatever its label" {
	printf '%s\n' '0 1 1 5' '0 2 1 2' '0 3 0 4' '0 4 1 -inf' | scores | rank-eval --json >a
	printf '%s\n' '0 0 0 -inf' '0 1 1 5' '0 2 1 2' '0 3 0 4' '0 4 1 -inf' '0 5 -1 -inf' |
		scores | rank-eval --json >b
	cmp a b
	run jq -c '[.candidates, .metrics.AUC, .outside]' b
	assert_equal "$output" '[3,0.333333333333333,1]' # (1 + 0 + 0) / 3
}

@test "users without a positive, and without a negative, are left out and reported" {
	printf '%s\n' '0 1 1 5' '0 3 0 4' '1 1 0 5' '2 1 1 1' | scores >x.cof
	run --separate-stderr rank-eval --only AUC x.cof
	assert_status 0
	assert_equal "$output" 1
	assert_equal "$stderr" "rank-eval: users without a positive, left out of all means: 1
rank-eval: users without a negative, left out of the mean of AUC: 1"
	only HR@1 1.000000
	run --separate-stderr rank-eval --strict x.cof
	assert_status 1
	printf '%s\n' '1 1 0 5' | scores >x.cof
	run --separate-stderr rank-eval x.cof
	assert_status 1
	assert_error rank-eval "'x.cof' holds no user with a positive"
}

@test "--only has all digits, and any cutoff" {
	two_users | scores >x.cof
	# the shortest text that reads back as the same double, as Python prints it
	run python3 -c 'import subprocess, sys
for name in "HR@1", "NDCG@2", "MAP@2", "precision@2", "recall@1", "AUC":
    text = subprocess.run(["rank-eval", "--only", name, "x.cof"], capture_output=True, text=True, check=True).stdout
    print(text == repr(float(text)).removesuffix(".0") + "\n", end=" ")'
	assert_equal "$output" "True True True True True True "
	# with -k, a cutoff among its own and one that is not; --per-user has those of both
	for k in 1 2 3; do
		assert_equal "$(rank-eval -k 1,2 --only "HR@$k" x.cof)" "$(rank-eval --only "HR@$k" x.cof)"
	done
	rank-eval -k 1,2 --only HR@3 --per-user u.tsv x.cof
	assert_equal "$(head -n 1 u.tsv | tr '\t' '\n' | grep ^HR | tr '\n' ' ')" "HR@1 HR@2 HR@3 "
	rank-eval --only HR@3 --per-user u.tsv x.cof
	assert_equal "$(head -n 1 u.tsv | tr '\t' '\n' | grep ^HR)" HR@3
	many=$(seq -s, 16)
	rank-eval -k "$many" --only HR@16 x.cof
	run --separate-stderr rank-eval -k "$many" --only HR@17 x.cof
	assert_status 2
}

@test "--only says what there is" {
	two_users | scores >x.cof
	run --separate-stderr rank-eval --only ndcg@10 x.cof
	assert_status 2
	assert_equal "$output" ""
	assert_contains "$stderr" "'ndcg@10' is not HR@K, NDCG@K, MRR@K, MAP@K, precision@K, recall@K or AUC"
}

@test "--only AUC of users without a negative is no number, but an error" {
	printf '%s\n' '0 1 1 5' '2 1 1 1' | scores >x.cof
	run --separate-stderr rank-eval -q --only AUC x.cof
	assert_status 1
	assert_equal "$output" ""
	assert_contains "$stderr" "rank-eval: 'x.cof' holds no user with a negative: AUC is undefined"
}

@test "-0 equals 0" {
	printf '%s\n' '0 1 1 -0' '0 3 0 0' | scores >x.cof
	only HR@1 0.500000
}

@test "a warning when most candidates tie" {
	printf '%s\n' '0 1 1 0' '0 2 0 0' '0 3 0 0' '0 4 0 1' | scores >x.cof
	run --separate-stderr rank-eval x.cof
	assert_status 0
	assert_error rank-eval "66.7 % of a user's candidates tie with a positive"
}

@test "what cannot be is an error that names the row" {
	printf '%s\n' '0 1 1 5' '3 1 1 5' '0 2 0 4' | scores >x.cof
	run --separate-stderr rank-eval x.cof
	assert_status 1
	assert_error rank-eval "row 3 of 'x.cof'"
	assert_error rank-eval "user 0 returns after another user"
	printf '%s\n' '0 1 1 5' '0 2 0 1' '0 1 1 4' '3 1 1 5' | scores >x.cof
	run --separate-stderr rank-eval x.cof
	assert_status 1
	assert_error rank-eval "row 3 of 'x.cof'"
	assert_error rank-eval "user 0, whose rows end here, has item 1 with two scores"
	printf '%s\n' '0 7 0 2 2 4' '0 4 0 1 1 4' '3 1 1 0 0 3' | ranks >x.cof
	run --separate-stderr rank-eval x.cof
	assert_status 1
	assert_error rank-eval "row 2 of 'x.cof'"
	printf '%s\n' '0 7 4294967295 4294967295 0 4' | ranks >x.cof
	run --separate-stderr rank-eval x.cof
	assert_status 1
	assert_error rank-eval "above and ties exceed the candidates"
	printf '%s\n' '0 7 0 0 0 100' '0 8 1 0 0 101' | ranks >x.cof
	run --separate-stderr rank-eval x.cof
	assert_status 1
	assert_error rank-eval "row 2 of 'x.cof'"
	assert_error rank-eval "101 candidates of 100 items"
	head -c 200 x.cof >cut.cof
	run --separate-stderr rank-eval cut.cof
	assert_status 1
	assert_equal "$output" ""
}

@test "wrong usage" {
	two_users | scores >x.cof
	for options in '--only HR' '--only AUC@3' '--only HR@0' '--only hr@1' '-k 0' '-k 1,' '--ties random' \
		'--only AUC --json' '--only MRR' '--only HR@' '--only HR@4294967296' 'x.cof x.cof'; do
		# shellcheck disable=SC2086
		run --separate-stderr rank-eval $options x.cof
		assert_status 2
		assert_equal "$output" ""
	done
	two_users | cut -d ' ' -f 1-3 | tr ' ' '\t' | cof-cat --from tsv --kind sample --users 10 --items 100 >sample.cof
	run --separate-stderr rank-eval sample.cof
	assert_status 1
	assert_error rank-eval "holds sample records"
}
