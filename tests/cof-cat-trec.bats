#!/usr/bin/env bats
# shellcheck disable=SC2154
# cof-cat --to trec and --from trec: runs and qrels, byte by byte, and what trec_eval would read otherwise.
load helper

example() {
	printf '0\talice\n1\tbob\n' >users.tsv
	printf '0\tB000X\n1\tA7\tThe Matrix\n2\tZ-9\n' >items.tsv
	printf '%s\n' '0 2 1 3.5' '0 0 2 -1' '1 1 1 0.25' | tr ' ' '\t' |
		cof-cat --from tsv --kind top --users 2 --items 3 >top.cof
	printf '%s\n' '0 1 7' '1 1 0' | tr ' ' '\t' | cof-cat --from tsv --users 2 --items 3 >test.cof
}

ids="--user-ids users.tsv --item-ids items.tsv"

@test "a run and qrels, with dense ids and with raw ones" {
	example
	assert_equal "$(cof-cat --to trec top.cof)" "0 Q0 2 1 3.5 cofilter
0 Q0 0 2 -1 cofilter
1 Q0 1 1 0.25 cofilter"
	# shellcheck disable=SC2086
	assert_equal "$(cof-cat --to trec $ids top.cof)" "alice Q0 Z-9 1 3.5 cofilter
alice Q0 B000X 2 -1 cofilter
bob Q0 A7 1 0.25 cofilter"
	# shellcheck disable=SC2086
	assert_equal "$(cof-cat --to trec $ids test.cof)" "alice 0 A7 1
bob 0 A7 1"
}

@test "out and in again are the same rows" {
	example
	# shellcheck disable=SC2086
	cof-cat --to trec $ids top.cof | cof-cat --from trec --kind top $ids | cof-cat >got
	cof-cat top.cof | cmp - got
	cof-cat --to trec top.cof | cof-cat --from trec --kind top --like top.cof | cof-cat >got
	cof-cat top.cof | cmp - got
	printf '%s\n' '0 2 1 3.5' '0 0 2 -inf' '1 2 1 -inf' | tr ' ' '\t' | cof-cat --from tsv --kind top --like top.cof >none.cof
	cof-cat --to trec none.cof | cof-cat --from trec --kind top --like top.cof | cmp <(cof-cat none.cof) <(cof-cat)
	cof-cat --to trec test.cof | cof-cat --from trec --users 2 --items 3 | cof-cat >got
	assert_equal "$(cat got)" $'0\t1\t0\n1\t1\t0' # qrels have no times
	planted -q --users 40 --items 50 --ratings 400 >ratings.tsv
	ml-split -q --test t.cof --user-ids u.tsv --item-ids i.tsv ratings.tsv | binarize >train.cof
	binarize <t.cof | knn-score -q --train train.cof --all-items --seen train.cof --top 7 >knn.cof
	cof-cat --to trec --user-ids u.tsv --item-ids i.tsv knn.cof |
		cof-cat --from trec --kind top --user-ids u.tsv --item-ids i.tsv --like train.cof >again.cof
	cmp <(cof-cat knn.cof) <(cof-cat again.cof)
	cmp <(rank-eval -k 7 --truth t.cof --train train.cof knn.cof) <(rank-eval -k 7 --truth t.cof --train train.cof again.cof)
}

@test "runs of others: blanks, tabs, CRLF, empty lines, ranks from 0 or with gaps, lines in any order" {
	printf '0\tQ0  2\t0 9.5 x\r\n\r\n0 Q0 1 7 9.5 x\n0 Q0 0 3 9.5 x\n  1 Q0 0 0 1e-3 x\n' >run
	run cof-cat --from trec --kind top --users 2 --items 3 --to tsv run
	assert_status 0
	assert_equal "$output" $'0\t2\t1\t9.5\n0\t0\t2\t9.5\n0\t1\t3\t9.5\n1\t0\t1\t0.001'
	# all ranks are 0: the scores are the order
	run cof-cat --from trec --kind top --users 2 --items 3 --to tsv < <(printf '0 Q0 1 0 1 x\n0 Q0 2 0 5 x\n')
	assert_equal "$output" $'0\t2\t1\t5\n0\t1\t2\t1'
}

@test "qrels: what is judged, but not relevant, is no interaction, and counted" {
	printf '0 0 1 2\n0 0 2 0\n1 0 0 -1\n1 0 2 1\n' >qrels
	run --separate-stderr cof-cat --from trec --users 2 --items 3 --to tsv qrels
	assert_status 0
	assert_equal "$output" $'0\t1\t0\n1\t2\t0'
	assert_equal "$stderr" "cof-cat: 'qrels': lines whose rel is not above 0, which are no interactions: 2"
}

@test "what can be read in two ways, or not at all, is an error with line and byte" {
	bad() {
		printf %b "$2" >bad.txt
		run --separate-stderr cof-cat --from trec --kind "${3:-top}" --users 2 --items 3 --to tsv bad.txt
		assert_status 1
		assert_error cof-cat "$1"
	}
	bad "query '0', lines 1 and 2: the better rank has the smaller score: which of them is the order?" '0 Q0 1 1 1 x\n0 Q0 2 2 5 x\n'
	bad "query '0', lines 1 and 3 have one score and one rank: which is first?" '0 Q0 1 1 1 x\n0 Q0 0 0 5 x\n0 Q0 2 1 1 x\n'
	bad "line 2 of 'bad.txt' (byte 13): 5 fields, a run (qid Q0 docid rank score tag) has 6" '0 Q0 1 1 1 x\n0 Q0 2 2 5\n'
	bad "more than 6 fields, a run" '0 Q0 1 1 1 x y\n'
	bad "6 fields, a qrels file (qid 0 docid rel) has 4" '0 Q0 1 1 1 x\n' interaction
	bad "line 1 of 'bad.txt' (byte 5): docid '3' is not below the bound of items" '0 Q0 3 1 1 x\n'
	bad "qid 'u' is not a whole number" 'u Q0 1 1 1 x\n'
	bad "rank '1.5' is not a whole number of 32 bits" '0 Q0 1 1.5 1 x\n'
	bad "score 'nan' is not a finite number" '0 Q0 1 1 nan x\n'
	bad "score '1e50' is not a finite number" '0 Q0 1 1 1e50 x\n'
	bad "line 2 of 'bad.txt' (byte 18): query '0' has docid '1' twice" '0 Q0 1 1 1 x\n0 Q0 1 2 .5 x\n'
	bad "line 3 of 'bad.txt' (byte 26): query '0' returns after another query" '0 Q0 1 1 1 x\n1 Q0 1 1 1 x\n0 Q0 2 2 .5 x\n'
	bad "query '00' returns after another query" '0 Q0 1 1 1 x\n00 Q0 2 2 .5 x\n'
	bad "rel '1.5' is not a whole number of 32 bits" '0 0 1 1.5\n' interaction
	bad "a NUL in the text" '0 Q0 1 1 1\0 x\n'
	printf '0 Q0 1 1 1 x' >cut.txt
	run --separate-stderr bash -c 'cat cut.txt | cof-cat --from trec --kind top --users 2 --items 3 --to tsv'
	assert_status 1
	assert_error cof-cat "cut off?"
}

@test "a raw id with a blank, or an empty one, has no place in a run" {
	example
	printf '0\tB000X\n1\tA 7\n2\tZ-9\n' >items.tsv
	run --separate-stderr cof-cat --to trec --item-ids items.tsv top.cof
	assert_status 1
	assert_error cof-cat "item 1 is 'A 7' in its id file: a field of trec_eval's has no blanks and is not empty"
	printf '0\tB000X\n1\tA7\tThe Matrix\n2\tZ-9\n' >items.tsv
	run --separate-stderr cof-cat --to trec --item-ids items.tsv --names top.cof
	assert_status 1
	assert_error cof-cat "item 1 is 'The Matrix'"
}

@test "other kinds are not written as trec, nor read" {
	example
	cof-cat --from tsv --kind score --users 2 --items 3 <<<$'0\t1\t1\t2' >score.cof
	run --separate-stderr cof-cat --to trec score.cof
	assert_status 1
	assert_error cof-cat "--to trec writes top records as a run, and interaction records as qrels; these are score records"
	run --separate-stderr cof-cat --from trec --kind rank --users 2 --items 3 score.cof
	assert_status 2
	assert_contains "$stderr" "--from trec reads a run as --kind top, or qrels as --kind interaction"
}

@test "trec_eval reads what cof-cat writes, and rank-eval --as trec prints what it does" {
	python3 -c 'import pytrec_eval' 2>/dev/null || skip "no pytrec_eval"
	planted -q --users 40 --items 50 --ratings 400 >ratings.tsv
	ml-split -q --mode random --test t.cof --user-ids u.tsv --item-ids i.tsv ratings.tsv | binarize >train.cof
	binarize <t.cof >test.cof
	pop-score -q --train train.cof --all-items --seen train.cof --top 10 test.cof >top.cof
	cof-cat --to trec --user-ids u.tsv --item-ids i.tsv top.cof >run.txt
	cof-cat --to trec --user-ids u.tsv --item-ids i.tsv test.cof >qrels.txt
	for metric in ndcg_cut_5 map_cut_5 P_5 recall_5 map recip_rank; do
		assert_near "$(rank-eval -q --as trec --item-ids i.tsv --truth test.cof --only $metric top.cof)" "$(python3 -c '
import pytrec_eval, sys
q, r = (pytrec_eval.parse_qrel(open("qrels.txt")), pytrec_eval.parse_run(open("run.txt")))
name = sys.argv[1]
got = pytrec_eval.RelevanceEvaluator(q, {name.replace("_5", ".5")}).evaluate(r)
print(sum(v[name] for v in got.values()) / len(got))' $metric)" 1e-9
	done
}
