#!/usr/bin/env bats
# shellcheck disable=SC2154
# Parts of different splits are not tested against each other. Two runs of one log number everything in the same way,
# so that no id map shows it.
load helper

mixed="are parts of different splits: rows of test may be in train (--splits-unchecked to go on)"

# split DIGIT [OPTION]...: trainDIGIT.cof and testDIGIT.cof
split() {
	ml-split -q --mode random --seed "$1" --test ratings.cof "${@:2}" log.tsv | binarize -q >"train$1.cof"
	binarize -q ratings.cof >"test$1.cof"
}

setup() {
	cd "$BATS_TEST_TMPDIR" || return 1
	planted -q --users 30 --items 20 --ratings 150 >log.tsv
	split 1
	split 2
}

# refused PROGRAM MESSAGE ARGUMENT...: dies, and goes on with --splits-unchecked
refused() {
	run --separate-stderr "$1" -q "${@:3}"
	assert_status 1
	assert_error "$1" "$2"
	run --separate-stderr "$1" -q --splits-unchecked "${@:3}"
	assert_status 0
}

@test "train of one run and test of another are refused, whichever files they are" {
	assert_equal "$(cof-cat --header train1.cof | jq -c .user_ids)" "$(cof-cat --header train2.cof | jq -c .user_ids)"
	pop-score -q --train train1.cof --all-items --seen train1.cof test1.cof >scores.cof
	refused pop-score "'test2.cof' and 'train1.cof' $mixed" --train train1.cof --all-items test2.cof
	refused knn-score "'test2.cof' and 'train1.cof' $mixed" --train train1.cof test2.cof
	refused pop-score "'train2.cof' and 'train1.cof' $mixed" --train train1.cof --all-items --seen train2.cof test1.cof
	negsample -q train1.cof | neumf-train -q --device reference -o model
	refused neumf-score "'test2.cof' and 'model' $mixed" --device reference --model model test2.cof
	neumf-score -q --device reference --model model test1.cof >scores.cof
	refused negsample "'test2.cof' and 'train1.cof' $mixed" --candidates 2 --exclude train1.cof test2.cof
	negsample -q --candidates 2 --exclude train1.cof test1.cof >candidates.cof
	refused pop-score "'candidates.cof' and 'train2.cof' $mixed" --train train2.cof candidates.cof
}

@test "the id is of seed, options and input; the same work has the same, by whatever way it came" {
	id() { cof-cat --header "$1" | jq -r '.provenance[0].split'; }
	[[ $(id train1.cof) =~ ^[0-9a-f]{16}$ ]]
	assert_equal "$(id test1.cof)" "$(id train1.cof)"
	[ "$(id train1.cof)" != "$(id train2.cof)" ]
	gzip -c log.tsv | ml-split -q --mode random --seed 1 --test ratings.cof >x.cof
	assert_equal "$(id x.cof)" "$(id train1.cof)"
	split 1 --test-ratio 0.2
	[ "$(id x.cof)" != "$(id train1.cof)" ]
	head -n -1 log.tsv >short.tsv
	ml-split -q --mode random --seed 1 --test ratings.cof short.tsv >y.cof
	[ "$(id x.cof)" != "$(id y.cof)" ]
}

@test "what is of both runs, or of none, is taken; users of --user-items may be of another" {
	cof-cat --to cof train1.cof train2.cof >both.cof
	pop-score -q --train both.cof --all-items test2.cof >scores.cof
	pop-score -q --train both.cof --all-items test1.cof >scores.cof
	cof-cat test2.cof | cof-cat --from tsv --users 30 --items 20 >none.cof
	pop-score -q --train train1.cof --all-items none.cof >scores.cof
	pop-score -q --train train1.cof --user-items train2.cof --all-items --seen train2.cof test2.cof >scores.cof
	refused pop-score "'test2.cof' and 'train1.cof' $mixed" --train train2.cof --user-items train1.cof --all-items test2.cof
}
