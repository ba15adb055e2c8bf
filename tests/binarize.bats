#!/usr/bin/env bats
# shellcheck disable=SC2154
# binarize: which ratings pass, what stays of the stream, damaged and wrong input.
load helper

# Five ratings of 3 users and 4 items in rating.cof.
ratings() {
	printf '0\t1\t5\t10\n2\t3\t4\t-20\n1\t0\t3.5\t30\n0\t2\t-1\t40\n2\t0\t0\t50\n' |
		cof-cat --from tsv --kind rating --users 3 --items 4 >rating.cof
}

@test "without --min-rating every rating is kept, in order" {
	ratings
	binarize rating.cof >out.cof
	assert_equal "$(cof-cat out.cof)" $'0\t1\t10\n2\t3\t-20\n1\t0\t30\n0\t2\t40\n2\t0\t50'
	binarize <rating.cof | cmp - out.cof
	assert_contains "$(cof-cat --header out.cof | tr -d ' \n')" '"kind":"interaction"'
	assert_contains "$(cof-cat --header out.cof | tr -d ' \n')" '"users":3,"items":4'
}

@test "--min-rating keeps the ratings at the bound and above" {
	ratings
	assert_equal "$(binarize --min-rating 4 rating.cof | cof-cat)" $'0\t1\t10\n2\t3\t-20'
	assert_equal "$(binarize --min-rating 3.6 rating.cof | cof-cat)" $'0\t1\t10\n2\t3\t-20'
	assert_equal "$(binarize --min-rating 3.5 rating.cof | cof-cat)" $'0\t1\t10\n2\t3\t-20\n1\t0\t30'
	assert_equal "$(binarize --min-rating -1 rating.cof | cof-cat --count)" 5
	assert_equal "$(binarize --min-rating 5.01 rating.cof | cof-cat --count)" 0
}

@test "★ --min-rating 4.1 keeps ratings of 4.1: a bound is rounded to float32, as ratings are" {
	# the floats around 4.1 are 4.0999994 4.0999999 4.1000004, around 0.1 0.09999999404 0.1000000015 0.1000000089
	printf '0\t0\t4.0999994\t1\n0\t0\t4.1\t2\n0\t0\t4.1000004\t3\n0\t0\t0.1\t4\n0\t0\t0.10000001\t5\n' |
		cof-cat --from tsv --kind rating --users 1 --items 1 >rating.cof
	assert_equal "$(binarize --min-rating 4.1 rating.cof | cof-cat)" $'0\t0\t2\n0\t0\t3'
	assert_equal "$(binarize --min-rating 0.1 rating.cof | cof-cat --count)" 5
	assert_equal "$(binarize --min-rating 0.100000005 rating.cof | cof-cat --count)" 5
	assert_equal "$(binarize --min-rating 0.100000006 rating.cof | cof-cat --count)" 4
}

@test "provenance grows by one entry" {
	ratings
	binarize --min-rating 4 rating.cof >out.cof
	before=$(cof-cat --header rating.cof | grep -c '"program"') || true
	assert_equal "$(cof-cat --header out.cof | grep -c '"program"')" $((before + 1))
	assert_contains "$(cof-cat --header out.cof | tr -d ' \n')" '"program":"binarize"'
	assert_contains "$(cof-cat --header out.cof | tr -d ' \n')" '"min-rating":4'
}

@test "wrong kinds, cuts, flips and bounds" {
	ratings
	binarize rating.cof >out.cof
	run --separate-stderr binarize out.cof
	assert_status 1
	assert_error binarize "'out.cof' holds interaction records, rating expected"
	# the last row's last byte lies 12 + 8 + 4 bytes before the end: its checksum, then the trailer
	size=$(wc -c <rating.cof)
	head -c $((size - 1)) rating.cof >cut.cof
	pipe 'binarize <cut.cof >cut.out'
	assert_status 1
	assert_error binarize "truncated"
	(head -c $((size - 30)) rating.cof && printf '\377' && tail -c 29 rating.cof) >flip.cof
	pipe 'binarize <flip.cof >flip.out'
	assert_status 1
	assert_error binarize "'standard input'"
	pipe 'binarize <cut.cof | cof-cat --count'
	assert_status 1
	pipe 'binarize rating.cof >/dev/full'
	assert_status 1
	assert_error binarize "cannot write 'standard output'"
	run -2 binarize --min-rating x rating.cof
	run -2 binarize rating.cof rating.cof
}

@test "ML-100K: 55,375 ratings of 4 and more" {
	dataset ml-100k u.data
	ml-split -q --test test.cof "$data_file" >train.cof
	# counted by awk in the text itself
	expected=$(awk '$3 >= 4' "$data_file" | wc -l)
	assert_equal "$expected" 55375
	assert_equal "$(($(binarize --min-rating 4 train.cof | cof-cat --count) + $(binarize --min-rating 4 test.cof | cof-cat --count)))" "$expected"
}
