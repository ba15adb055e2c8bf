#!/usr/bin/env bats
# shellcheck disable=SC2154
# pop-score, and with it what all scorers share: order, --seen, --items, ranks, top lists, reports.
load helper

# interactions [ITEMS] / samples: text "user item time" or "user item label" to a stream of 6 users
interactions() {
	tr ' ' '\t' | cof-cat --from tsv --kind interaction --users 6 --items "${1:-8}"
}
samples() {
	tr ' ' '\t' | cof-cat --from tsv --kind sample --users 6 --items 8
}

# Item i of 0..7 has 3 2 2 1 1 1 0 0 interactions.
make_train() {
	printf '%s\n' '0 0 1' '1 0 1' '2 0 1' '0 1 1' '1 1 1' '0 2 1' '3 2 1' '3 3 1' '4 4 1' '4 5 1' |
		interactions >train.cof
}

# score OPTION...: run pop-score on standard input, print what it writes as text with spaces
score() {
	pop-score --train train.cof "$@" 2>err | cof-cat | tr '\t' ' '
}

@test "pairs: scores in input order, one row a pair" {
	make_train
	run score < <(printf '%s\n' '3 6 1' '3 0 1' '1 3 1' | interactions)
	assert_equal "$output" "3 6 1 0
3 0 1 3
1 3 1 1"
}

@test "samples: labels are kept, a list's repeats count once, label 1 wins" {
	make_train
	run score < <(printf '%s\n' '3 6 0' '3 0 1' '3 6 0' '3 4 0' '3 4 1' '3 1 0' '0 7 0.5' '0 1 0' | samples)
	assert_equal "$output" "3 6 0 0
3 0 1 3
3 4 1 1
3 1 0 2
0 7 0.5 0
0 1 0 2"
	assert_equal "$(cat err)" "pop-score: users with a positive among their own negatives, which counts once: 1
pop-score: rows that list an item again, which counts once: 2"
}

@test "samples: ranks and top lists" {
	make_train
	printf '%s\n' '3 6 0' '3 3 1' '3 4 0' '3 5 1' '3 1 0' '0 7 1' '0 6 0' '0 6 0' | samples >x.cof
	run score --ranks x.cof # user 3 by score: 1, then 3 4 5, then 6
	assert_equal "$output" "3 3 1 2 0 5
3 5 1 2 2 5
0 7 0 1 1 2"
	run score --top 3 x.cof
	assert_equal "$output" "3 1 1 2
3 3 2 1
3 4 3 1
0 6 1 0
0 7 2 0"
}

@test "all items: users ascending, seen items left out" {
	make_train
	printf '%s\n' '4 3 9' '1 2 9' '1 5 9' | interactions >x.cof
	run score --all-items --seen train.cof x.cof
	assert_equal "$output" "1 2 1 2
1 3 0 1
1 4 0 1
1 5 1 1
1 6 0 0
1 7 0 0
4 0 0 3
4 1 0 2
4 2 0 2
4 3 1 1
4 6 0 0
4 7 0 0"
	run score --all-items --seen train.cof --ranks x.cof
	assert_equal "$output" "1 2 0 0 0 6
1 5 1 2 2 6
4 3 3 0 0 6"
	run score --all-items --seen train.cof --top 2 x.cof
	assert_equal "$output" "1 2 1 2
1 3 2 1
4 0 1 3
4 1 2 2"
	for most in 100 4294967295; do
		run score --all-items --seen train.cof --top $most x.cof
		assert_equal "${#lines[@]}" 12
	done
	assert_equal "$(cat err)" ""
}

@test "--seen may be repeated, and holds for lists too" {
	make_train
	printf '%s\n' '1 7 1' | interactions >more.cof
	printf '%s\n' '1 2 9' | interactions >x.cof
	run score --all-items --seen train.cof --seen more.cof --ranks x.cof
	assert_equal "$output" "1 2 0 0 0 5"
	printf '%s\n' '1 0 0' '1 7 0' '1 2 1' '1 6 0' | samples >x.cof
	run score --seen train.cof --seen more.cof x.cof
	assert_equal "$output" "1 2 1 2
1 6 0 0"
}

@test "a positive found in --seen stays a candidate and is reported, but no top list has it" {
	make_train
	printf '%s\n' '0 1 9' '0 7 9' | interactions >x.cof
	run score --all-items --seen train.cof --ranks x.cof
	assert_equal "$output" "0 1 0 0 0 6
0 7 4 1 1 6"
	assert_equal "$(cat err)" "pop-score: positives found in --seen, which stay candidates: 1"
	run score --all-items --seen train.cof --top 1 x.cof
	assert_equal "$output" "0 3 1 1"
	assert_equal "$(cat err)" ""
	printf '%s\n' '0 1 1' '0 2 0' '0 7 0' | samples >x.cof
	run score --seen train.cof --ranks x.cof
	assert_equal "$output" "0 1 0 0 0 2"
	assert_equal "$(cat err)" "pop-score: positives found in --seen, which stay candidates: 1"
	run --separate-stderr pop-score --strict --train train.cof --seen train.cof --ranks x.cof
	assert_status 1
	assert_error pop-score "positives found in --seen"
}

@test "--items LO:HI: a positive outside is a miss with score -inf, a negative is no candidate" {
	make_train
	printf '%s\n' '4 0 9' '4 2 9' '4 7 9' '5 1 9' | interactions >x.cof
	run score --all-items --items 1:3 x.cof
	assert_equal "$output" "4 0 1 -inf
4 1 0 2
4 2 1 2
4 7 1 -inf
5 1 1 2
5 2 0 2"
	assert_equal "$(cat err)" "pop-score: 2 positives lie outside --items: missed"
	run score --all-items --items 1:3 --ranks x.cof
	assert_equal "$output" "4 0 2 0 0 2
4 2 0 1 1 2
4 7 2 0 0 2
5 1 0 1 0 2"
	run score --all-items --items 1:3 --top 5 x.cof
	assert_equal "$output" "4 1 1 2
4 2 2 2
5 1 1 2
5 2 2 2"
	printf '%s\n' '4 7 1' '4 0 0' '4 2 1' '4 1 0' | samples >x.cof
	run score --items 1:3 x.cof
	assert_equal "$output" "4 7 1 -inf
4 2 1 2
4 1 0 2"
	run score --items 1:3 --ranks x.cof
	assert_equal "$output" "4 2 0 1 1 2
4 7 2 0 0 2"
	run score --items 1:3 --top 5 x.cof
	assert_equal "$output" "4 1 1 2
4 2 2 2"
}

@test "users without a candidate or a positive are reported" {
	make_train
	printf '%s\n' '0 0 9' '5 7 9' | interactions >x.cof
	run score --all-items --seen train.cof --items 1:3 --ranks x.cof
	assert_equal "$output" "0 0 0 0 0 0
5 7 2 0 0 2"
	assert_equal "$(cat err)" "pop-score: users without a candidate: 1
pop-score: 2 positives lie outside --items: missed"
	printf '%s\n' '0 0 0' '5 7 1' | samples >x.cof
	run score --all-items --items 7:8 --ranks x.cof
	assert_equal "$output" "5 7 0 0 0 1"
	assert_equal "$(cat err)" "pop-score: users without a positive, who have no rank records: 1"
	run score --all-items --items 7:8 x.cof
	assert_equal "$output" "0 7 0 0
5 7 1 0"
	run --separate-stderr pop-score --strict --train train.cof --all-items --ranks x.cof
	assert_status 1
	assert_error pop-score "users without a positive"
}

@test "a user who returns after another is an error without --all-items" {
	make_train
	printf '%s\n' '3 6 1' '1 0 1' '3 3 1' | interactions >x.cof
	run --separate-stderr pop-score --train train.cof x.cof
	assert_status 1
	assert_error pop-score "row 3 of 'x.cof'"
	run score --all-items --ranks x.cof
	assert_equal "${#lines[@]}" 3
}

@test "bounds beyond the train file's are an error" {
	make_train
	printf '%s\n' '0 0 1' | interactions 9 >x.cof
	run --separate-stderr pop-score --train train.cof --all-items x.cof
	assert_status 1
	assert_error pop-score "'x.cof' has 9 items, 'train.cof' only 8"
	printf '%s\n' '0 0 1' | interactions >y.cof
	run --separate-stderr pop-score --train train.cof --seen x.cof --all-items y.cof
	assert_status 1
	assert_error pop-score "'x.cof'"
	run --separate-stderr pop-score --train train.cof --items 3:9 --all-items y.cof
	assert_status 1
	assert_error pop-score "3:9 exceeds the 8 items"
}

@test "ratings are read as positives, whatever the rating" {
	make_train
	printf '%s\n' '4 3 1 9' '1 2 5 9' '1 5 -2 9' | tr ' ' '\t' |
		cof-cat --from tsv --kind rating --users 6 --items 8 >ratings.cof
	printf '%s\n' '4 3 9' '1 2 9' '1 5 9' | interactions >x.cof
	for options in '' --ranks --all-items '--all-items --seen train.cof' '--all-items --ranks' '--all-items --top 2'; do
		# shellcheck disable=SC2086
		pop-score -q --train train.cof $options x.cof 2>/dev/null | cof-cat >want
		# shellcheck disable=SC2086
		pop-score -q --train train.cof $options ratings.cof 2>err | cof-cat | cmp - want
		[ -s want ]
	done
	pop-score -q --train train.cof --ranks ratings.cof 2>err >/dev/null
	assert_contains "$(cat err)" "'ratings.cof' lists no negatives"
}

@test "the test file of ml-split goes straight in" {
	movielens_100k
	pop-score --train train.cof --all-items --seen train.cof --ranks test.cof | cof-cat >want
	pop-score --train train.cof --all-items --seen train.cof --ranks test-ratings.cof | cof-cat | cmp - want
	[ "$(wc -l <want)" -eq 943 ]
}

@test "--user-items: users the train file does not have get the same counts, in blocks and lists" {
	make_train
	printf '9\t0\t1\n' | cof-cat --from tsv --kind interaction --users 12 --items 8 >new.cof
	printf '11\t2\t9\n9\t5\t9\n' | cof-cat --from tsv --kind interaction --users 12 --items 8 >x.cof
	run score --user-items new.cof x.cof
	assert_equal "$output" "11 2 1 2
9 5 1 1"
	run score --user-items new.cof --all-items --seen new.cof --ranks x.cof
	assert_equal "$output" "9 5 2 2 2 7
11 2 1 1 1 8"
	run score --user-items new.cof --all-items --seen new.cof --top 1 x.cof
	assert_equal "$output" "9 1 1 2
11 0 1 3"
	printf '%s\n' '11 2 1' '11 7 0' '11 0 0' | tr ' ' '\t' | cof-cat --from tsv --kind sample --users 12 --items 8 >y.cof
	run score --user-items new.cof --ranks y.cof
	assert_equal "$output" "11 2 1 0 0 3"
	run --separate-stderr pop-score --train train.cof --all-items x.cof # by their ids they are unknown
	assert_status 1
	assert_error pop-score "'x.cof' has 12 users, 'train.cof' only 6"
}

@test "wrong usage" {
	make_train
	run --separate-stderr pop-score --all-items </dev/null
	assert_status 2
	assert_contains "$stderr" "option --train is missing"
	for options in '--ranks --top 3' '--top 0' '--items 3' '--items 3:3' '--threads 0' 'x.cof y.cof'; do
		# shellcheck disable=SC2086
		run --separate-stderr pop-score --train train.cof $options x.cof
		assert_status 2
		assert_equal "$output" ""
	done
}

@test "the header has the bounds and the options that count" {
	make_train
	printf '%s\n' '0 0 1' | interactions 5 >x.cof
	pop-score --train train.cof --all-items --seen train.cof --top 3 --threads 2 x.cof >top.cof
	run jq -c '[.kind, .users, .items, (.provenance | length), .provenance[-1].program, .provenance[-1].options]' \
		<(cof-cat --header top.cof)
	assert_equal "$output" '["top",6,8,2,"pop-score",{"all-items":true,"top":3}]'
}

# random_lists USERS ITEMS SEED: samples with repeats, several positives, few distinct scores
random_lists() {
	awk -v users="$1" -v items="$2" -v seed="$3" 'BEGIN { OFS = "\t"; srand(seed)
		for (u = users - 1; u >= 0; u--)
			for (k = int(40 * rand()); k >= 0; k--)
				print u, int(items * rand()), rand() < 0.2 ? 1 : 0 }'
}

random_interactions() {
	awk -v users="$1" -v items="$2" -v seed="$3" -v n="$4" 'BEGIN { OFS = "\t"; srand(seed)
		for (k = 0; k < n; k++)
			print int(users * rand()), int(items * rand() * rand()), k }'
}

# Rank rows from score rows by counting, with no program of cofilter.
count_ranks() {
	awk 'BEGIN { OFS = "\t" }
	function flush(  k, j, above, ties, before) {
		for (k = 0; k < n; k++) {
			if (!(label[k] > 0))
				continue
			above = ties = before = 0
			for (j = 0; j < n; j++) {
				above += score[j] > score[k]
				ties += j != k && score[j] == score[k]
				before += j != k && score[j] == score[k] && item[j] + 0 < item[k] + 0
			}
			print user, item[k], above, ties, before, n
		}
		n = 0
	}
	n && $1 != user { flush() }
	{ user = $1; item[n] = $2; label[n] = $3; score[n++] = $4 }
	END { flush() }' | sort -n -k1,1 -k2,2
}

@test "random data: ranks by counting, scores and ranks evaluate alike, any number of threads" {
	random_interactions 60 50 1 400 | cof-cat --from tsv --kind interaction --users 60 --items 50 >train.cof
	random_interactions 60 50 2 200 | cof-cat --from tsv --kind interaction --users 60 --items 50 >all.cof
	random_lists 60 50 3 | cof-cat --from tsv --kind sample --users 60 --items 50 >lists.cof
	for options in 'lists.cof' '--seen train.cof lists.cof' '--all-items all.cof' \
		'--all-items --seen train.cof all.cof' '--all-items --seen train.cof lists.cof'; do
		# shellcheck disable=SC2086
		for threads in 1 3; do
			pop-score -q --train train.cof --threads $threads $options >score.$threads 2>/dev/null
			pop-score -q --train train.cof --threads $threads --ranks $options >rank.$threads 2>/dev/null
			pop-score -q --train train.cof --threads $threads --top 7 $options >top.$threads 2>/dev/null
		done
		cmp score.1 score.3
		cmp rank.1 rank.3
		cmp top.1 top.3
		cof-cat score.1 | count_ranks >counted
		[ -s counted ]
		cof-cat rank.1 | sort -n -k1,1 -k2,2 | diff - counted
		for ties in mean worst best id; do
			rank-eval -k 1,5,10 --ties $ties --json score.1 >by-score 2>/dev/null
			rank-eval -k 1,5,10 --ties $ties --json rank.1 >by-rank 2>/dev/null
			cmp by-score by-rank
		done
	done
}

@test "random data, --items: scores and ranks evaluate alike" {
	random_interactions 60 50 1 400 | cof-cat --from tsv --kind interaction --users 60 --items 50 >train.cof
	random_interactions 60 50 2 200 | cof-cat --from tsv --kind interaction --users 60 --items 50 >all.cof
	random_lists 60 50 3 | cof-cat --from tsv --kind sample --users 60 --items 50 >lists.cof
	for options in 'lists.cof' '--seen train.cof lists.cof' '--all-items --seen train.cof all.cof'; do
		# shellcheck disable=SC2086
		pop-score -q --train train.cof --items 5:30 $options 2>/dev/null | rank-eval --json >by-score 2>/dev/null
		# shellcheck disable=SC2086
		pop-score -q --train train.cof --items 5:30 --ranks $options 2>/dev/null | rank-eval --json >by-rank 2>/dev/null
		cmp by-score by-rank
		run jq '.outside > 0' by-score
		assert_equal "$output" true
	done
}

@test "a list with repeats evaluates as the list without, also in a score stream made elsewhere" {
	make_train
	printf '%s\n' '3 6 0' '3 3 1' '3 4 0' '3 1 0' '3 3 0' '3 4 0' | samples >x.cof
	printf '%s\n' '3 6 0' '3 3 1' '3 4 0' '3 1 0' | samples >y.cof
	pop-score --train train.cof --ranks y.cof | rank-eval --json >want
	pop-score --train train.cof --ranks x.cof | rank-eval --json | cmp - want
	pop-score --train train.cof x.cof | rank-eval --json | cmp - want
	printf '3\t%s\n' $'6\t0\t0' $'3\t1\t1' $'4\t0\t1' $'1\t0\t2' $'3\t0\t1' $'4\t0\t1' |
		cof-cat --from tsv --kind score --users 6 --items 8 | rank-eval --json | cmp - want
}

@test "MovieLens 100K: ItemPop under every tie policy, and on the book's items" {
	movielens_100k
	pop-score --train train.cof --all-items --seen train.cof --ranks test.cof >ranks.cof
	assert_near "$(rank-eval --only HR@50 ranks.cof)" 0.216 0.0005
	assert_near "$(rank-eval --only HR@50 --ties worst ranks.cof)" 0.215 0.0005
	assert_near "$(rank-eval --only HR@50 --ties id ranks.cof)" 0.215 0.0005
	assert_near "$(rank-eval --only HR@50 --ties best ranks.cof)" 0.217 0.0005
	assert_near "$(rank-eval --only HR@10 ranks.cof)" 0.084 0.0005
	assert_near "$(rank-eval --only NDCG@10 ranks.cof)" 0.042 0.0005
	assert_near "$(rank-eval --only AUC ranks.cof)" 0.799 0.0005
	pop-score -q --train train.cof --all-items --seen train.cof --items 0:943 --ranks test.cof >ranks.cof
	assert_near "$(rank-eval --only AUC ranks.cof)" 0.638 0.0005
	assert_equal "$(rank-eval --json ranks.cof | jq .outside)" 113
}

# given_lists FILE USERS ITEMS: the published lists of He et al. "(user,item) TAB negative ..." as samples
given_lists() {
	gzip -dc "$1" | awk -F '\t' -v OFS='\t' '{ split($1, pair, /[(,)]/); print pair[2], pair[3], 1
		for (k = 2; k <= NF; k++) print pair[2], $k + 0, 0 }' |
		cof-cat --from tsv --kind sample --users "$2" --items "$3"
}

# numbers LISTS: HR@10, NDCG@10 and what is reported of ItemPop, by scores and by ranks
numbers() {
	run --separate-stderr pop-score --train train.cof --ranks "$1"
	assert_status 0
	pop-score --train train.cof --ranks "$1" 2>/dev/null | rank-eval -k 10 --json >by-rank
	pop-score --train train.cof "$1" 2>/dev/null | rank-eval -k 10 --json >by-score
	cmp by-rank by-score
}

@test "MovieLens 1M, He's lists: ItemPop .4535 and .2543, 156 positives among the negatives" {
	dataset ml-1m ml-1m.train.rating.rebuilt.xz
	xz -dc "$data_file" | cut -f 1-3 | cof-cat --from tsv --kind interaction --users 6040 --items 3706 >train.cof
	given_lists "${data_file%/*}/ml-1m.test.negative.gz" 6040 3706 >lists.cof
	numbers lists.cof
	assert_contains "$stderr" "among their own negatives, which counts once: 156"
	assert_near "$(jq '.metrics["HR@10"]' by-rank)" 0.4535 0.00005
	assert_near "$(jq '.metrics["NDCG@10"]' by-rank)" 0.2543 0.00005
}

@test "AToy: ItemPop .284 and .152, 12 positives among the negatives" {
	dataset deepcf AToy.train.rating.gz
	gzip -dc "$data_file" | tr ' ' '\t' | awk -v OFS='\t' '{ print $1, $2, 0 }' |
		cof-cat --from tsv --kind interaction --users 3137 --items 33953 >train.cof
	given_lists "${data_file%/*}/AToy.test.negative.gz" 3137 33953 >lists.cof
	numbers lists.cof
	assert_contains "$stderr" "among their own negatives, which counts once: 12"
	assert_near "$(jq '.metrics["HR@10"]' by-rank)" 0.284 0.0005
	assert_near "$(jq '.metrics["NDCG@10"]' by-rank)" 0.152 0.0005
}
