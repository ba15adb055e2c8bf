#!/usr/bin/env bats
# shellcheck disable=SC2154
# Scorers: files made from different id maps, by the example of pop-score.
load helper

interactions() {
	tr ' ' '\t' | cof-cat --from tsv --kind interaction --users 6 --items 8
}

train() {
	printf '%s\n' '0 0 1' '1 0 1' '2 0 1' '0 1 1' '1 1 1' '4 5 1' | interactions
}

# ids FILE USERS ITEMS: say in a header which maps the ids come from: a hexadecimal digit, or - for unknown
ids() {
	edit_header "$1" "
for key, digit in ('user_ids', '$2'), ('item_ids', '$3'):
    h.pop(key, 0)
    if digit != '-':
        h[key] = [[2, digit * 16]]"
}

# refused OPTION...: pop-score dies of different id maps, and runs with --ids-unchecked; what it says is in $stderr
refused() {
	run --separate-stderr pop-score --all-items --train train.cof --ids-unchecked "$@" x.cof
	assert_status 0
	run --separate-stderr pop-score --all-items --train train.cof "$@" x.cof
	assert_status 1
	assert_equal "$output" ""
}

# accepted OPTION...
accepted() {
	run --separate-stderr pop-score --all-items --train train.cof "$@" x.cof
	assert_status 0
	assert_equal "$stderr" ""
}

@test "files made from different id maps are refused, whichever two they are" {
	train >train.cof
	printf '0 7 9\n' | interactions >x.cof
	cp train.cof seen.cof
	cp train.cof more.cof
	accepted --seen seen.cof
	ids x.cof 1 2
	accepted --seen seen.cof
	ids train.cof 1 3
	refused
	assert_error pop-score "'x.cof' and 'train.cof' number their items differently"
	ids train.cof 3 2
	refused
	assert_error pop-score "'x.cof' and 'train.cof' number their users differently"
	ids train.cof 1 2
	accepted --seen seen.cof --seen more.cof
	ids seen.cof 1 3
	refused --seen seen.cof
	assert_error pop-score "'seen.cof' and 'train.cof' number their items differently"
	ids train.cof - -
	refused --seen seen.cof
	assert_error pop-score "'seen.cof' and 'x.cof' number their items differently"
	ids x.cof - -
	accepted --seen seen.cof
	ids more.cof 1 2
	refused --seen seen.cof --seen more.cof
	assert_error pop-score "'more.cof' and 'seen.cof' number their items differently"
}

@test "--user-items numbers the users, the train file the items" {
	train >train.cof
	printf '0 7 9\n' | interactions >x.cof
	cp train.cof mine.cof
	ids train.cof 1 2
	ids mine.cof 5 2
	accepted --user-items mine.cof
	ids x.cof 5 2
	printf '0 6 9\n' | interactions >seen.cof
	ids seen.cof 5 2
	accepted --user-items mine.cof --seen seen.cof
	refused
	assert_error pop-score "'x.cof' and 'train.cof' number their users differently"
	ids x.cof 1 2
	refused --user-items mine.cof
	assert_error pop-score "'x.cof' and 'mine.cof' number their users differently"
	ids x.cof - -
	ids seen.cof 1 -
	refused --user-items mine.cof --seen seen.cof
	assert_error pop-score "'seen.cof' and 'mine.cof' number their users differently"
	ids mine.cof 5 3
	refused --user-items mine.cof
	assert_error pop-score "'mine.cof' and 'train.cof' number their items differently"
	# the output has the ids of who numbers them, or else of the input
	ids mine.cof 5 2
	pop-score -q --all-items --train train.cof --user-items mine.cof x.cof >out.cof
	assert_equal "$(cof-cat --header out.cof | jq -c '[.user_ids, .item_ids]')" \
		'[[[2,"5555555555555555"]],[[2,"2222222222222222"]]]'
	pop-score -q --all-items --train train.cof x.cof >out.cof
	assert_equal "$(cof-cat --header out.cof | jq -c '[.user_ids, .item_ids]')" \
		'[[[2,"1111111111111111"]],[[2,"2222222222222222"]]]'
	ids train.cof - -
	ids x.cof 1 2
	pop-score -q --all-items --train train.cof x.cof >out.cof
	assert_equal "$(cof-cat --header out.cof | jq -c '[.user_ids, .item_ids]')" \
		'[[[2,"1111111111111111"]],[[2,"2222222222222222"]]]'
}

@test "a model carries the id maps of its training file to the scores" {
	train >train.cof
	ids train.cof 1 2
	negsample -q train.cof | neumf-train -q --device reference -o model
	printf '0 7 9\n' | interactions >x.cof
	neumf-score -q --device reference --all-items --model model x.cof >out.cof
	assert_equal "$(cof-cat --header out.cof | jq -c '[.user_ids, .item_ids]')" \
		'[[[2,"1111111111111111"]],[[2,"2222222222222222"]]]'
	ids x.cof 1 3
	run --separate-stderr neumf-score --device reference --all-items --model model x.cof
	assert_status 1
	assert_error neumf-score "'x.cof' and 'model' number their items differently"
	neumf-score -q --device reference --all-items --model model --ids-unchecked x.cof >out.cof
}
