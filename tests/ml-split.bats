#!/usr/bin/env bats
# shellcheck disable=SC2154
# ml-split: every mode and option on inputs small enough to split by hand; formats; bad input; side files.
load helper

# split ARGUMENT...: standard input to train.cof, test to test.cof; notes are kept in $stderr.
split() {
	run --separate-stderr bash -c 'ml-split --test test.cof "$@" >train.cof' - "$@"
}

# text LINE...: lines to in.tsv, blanks made tabs.
text() {
	printf '%s\n' "$@" | tr ' ' '\t' >in.tsv
}

# has FILE LINE...: the rows of a stream are these, blanks for tabs.
has() {
	local file=$1
	shift
	assert_equal "$(cof-cat -q "$file")" "$(printf '%s\n' "$@" | tr ' ' '\t')"
}

# fails EXIT TEXT ARGUMENT...: ml-split ends with that and one line; an old test file stays as it was.
fails() {
	local exit=$1 why=$2
	shift 2
	echo old >test.cof
	split "$@"
	assert_status "$exit"
	if [ "$exit" -eq 1 ]; then
		assert_error ml-split "$why"
	else
		assert_contains "$stderr" "ml-split: "
		assert_contains "$stderr" "$why"
	fi
	assert_equal "$(cat test.cof)" old
	[ ! -s train.cof ] || return 1
	rm -f test.cof train.cof
	local left
	left=$(find . -name '*.cof*')
	assert_equal "$left" ""
}

# asks TEXT ARGUMENT...: ml-split does not know how to read its input: it shows the first line, and ends with TEXT.
asks() {
	local why=$1
	shift
	echo old >test.cof
	split "$@"
	assert_status 1
	assert_contains "$stderr" "ml-split: line 1: "
	assert_contains "$(tail -n 1 <<<"$stderr")" "$why"
	assert_equal "$(cat test.cof)" old
	[ ! -s train.cof ]
	rm test.cof
}

@test "leave-one-out: the latest row of each user, of equal times the first in the input" {
	text '1 10 5 100' '2 10 4 300' '1 20 3 300' '2 30 2 200' '1 30 1 300' '2 20 1 100'
	split in.tsv
	assert_status 0
	# items 10 20 30 are 0 1 2; user 1 has two rows at 300, items 20 and 30, and 20 comes first
	has test.cof '0 1 3 300' '1 0 4 300'
	has train.cof '0 0 5 100' '1 2 2 200' '0 2 1 300' '1 1 1 100'
}

@test "leave-one-out --valid: the second latest; ties again by the input order" {
	text '7 1 5 100' '7 2 4 300' '7 3 3 300' '7 4 2 300' '8 1 1 5' '8 2 1 6'
	split --valid valid.cof in.tsv
	assert_status 0
	has test.cof '0 1 4 300'
	has valid.cof '0 2 3 300'
	# user 8 has two rows, too few for three parts
	has train.cof '0 0 5 100' '0 3 2 300' '1 0 1 5' '1 1 1 6'
	assert_contains "$stderr" 'users with fewer than 3 ratings, left in train: 1'
}

@test "leave-one-out: a user of one row stays in train and is counted" {
	text '1 1 1 1' '2 1 1 1' '2 2 1 2' '3 3 1 1'
	split in.tsv
	has test.cof '1 1 1 2'
	has train.cof '0 0 1 1' '1 0 1 1' '2 2 1 1'
	assert_contains "$stderr" 'users with fewer than 2 ratings, left in train: 2'
	assert_contains "$stderr" '3 users, 3 items; ratings: train 3, test 1, valid 0'
}

@test "test and valid are ordered by user, time, input; train as the input" {
	text '9 1 1 5' '3 2 1 9' '9 3 1 4' '3 4 1 7' '3 1 1 7' '9 2 1 4' '3 3 1 1' '9 4 1 1'
	# 8 rows, ratio 0.375: 3 test, 3 valid. By time: 3-2@9 | 3-4@7 | 3-1@7 | 9-1@5 | 9-3@4 | 9-2@4 | ...
	split --mode global-time --test-ratio 0.375 --valid valid.cof in.tsv
	assert_status 0
	has test.cof '0 3 1 7' '0 0 1 7' '0 1 1 9'
	has valid.cof '1 2 1 4' '1 1 1 4' '1 0 1 5'
	has train.cof '0 2 1 1' '1 3 1 1'
}

@test "global-time: a cut through equal times takes the first in the input; shares are rounded" {
	text '1 1 1 7' '1 2 1 7' '2 1 1 7' '2 2 1 7' '3 1 1 7'
	split --mode global-time --test-ratio 0.3 in.tsv # 1.5 rows: 2
	has test.cof '0 0 1 7' '0 1 1 7'
	has train.cof '1 0 1 7' '1 1 1 7' '2 0 1 7'
	assert_contains "$stderr" 'users without a rating in train: 1'
	split --mode global-time --test-ratio 0.29 in.tsv # 1.45 rows: 1
	has test.cof '0 0 1 7'
}

@test "global-time: negative and extreme times are in order" {
	text '1 1 1 -9223372036854775808' '1 2 1 -1' '1 3 1 0' '1 4 1 9223372036854775807' '1 5 1 65536'
	split --mode global-time --test-ratio 0.4 in.tsv
	has test.cof '0 4 1 65536' '0 3 1 9223372036854775807'
	split --mode global-time --test-ratio 0.8 in.tsv
	has train.cof '0 0 1 -9223372036854775808'
}

# pairs FILE USERS ITEMS: the rows as "rawuser rawitem", sorted.
pairs() {
	cof-cat -q --user-ids "$2" --item-ids "$3" "$1" | cut -f 1,2 | LC_ALL=C sort
}

@test "random: the share is right, and a pair's part depends on seed and labels only" {
	awk 'BEGIN { for (u = 1; u <= 200; u++) for (i = 1; i <= 50; i++) print u "\t" i "\t3\t" u * i }' >in.tsv
	split --mode random --test-ratio 0.2 --valid valid.cof --user-ids u --item-ids i in.tsv
	assert_status 0
	assert_contains "$stderr" 'random, seed 1'
	# 10,000 draws at 0.2: sd 40; 5 sd on either side
	n=$(cof-cat --count test.cof)
	((n > 1800 && n < 2200))
	n=$(cof-cat --count valid.cof)
	((n > 1800 && n < 2200))
	assert_equal "$(($(cof-cat --count test.cof) + n + $(cof-cat --count train.cof)))" 10000
	pairs test.cof u i >test1
	pairs valid.cof u i >valid1

	# the same pairs in another order, other numbers, among other rows: the same parts
	(tac in.tsv && printf 'x%s\ty\t1\t1\n' 1 2 3) >other.tsv
	split --mode random --test-ratio 0.2 --valid valid.cof --user-ids u --item-ids i other.tsv
	pairs test.cof u i | grep -v x >test2
	pairs valid.cof u i | grep -v x >valid2
	cmp test1 test2
	cmp valid1 valid2

	# without valid the test rows are the same
	split --mode random --test-ratio 0.2 --user-ids u --item-ids i in.tsv
	pairs test.cof u i | cmp test1 -

	# another seed, another split; the same seed, the same bytes
	split --mode random --test-ratio 0.2 --seed 2 --user-ids u --item-ids i in.tsv
	run ! cmp -s <(pairs test.cof u i) test1
	cp test.cof again.cof
	split --mode random --test-ratio 0.2 --seed 2 in.tsv
	cmp test.cof again.cof
}

@test "the default share is 0.1" {
	awk 'BEGIN { for (k = 1; k <= 100; k++) print "1\t" k "\t3\t" k }' >in.tsv
	split --mode global-time in.tsv
	assert_equal "$(cof-cat --count test.cof)" 10
}

@test "of one user and item the latest row stays, of equal times the first, before core and split" {
	text '1 1 1 10' '1 2 1 5' '1 1 2 30' '1 1 3 30' '1 1 4 20' '2 1 5 1' '2 1 4 1'
	split in.tsv
	assert_contains "$stderr" 'ratings dropped for a later one of the same user and item: 4'
	has test.cof '0 0 2 30'
	has train.cof '0 1 1 5' '1 0 5 1'
	# user 2 has two lines but one rating
	split --min-user 2 in.tsv
	has test.cof '0 0 2 30'
	has train.cof '0 1 1 5'
}

@test "the core is iterated, and ids stay dense" {
	# items 2 and 3 have one user each: without their rows user 2 and then item 4 fall below 2 as well
	text '5 1 1 1' '5 6 1 2' '6 1 1 1' '6 6 1 2' '2 2 1 1' '2 4 1 2' '3 4 1 1' '3 3 1 2' '3 1 1 3'
	split --min-user 2 --min-item 2 --user-ids u --item-ids i in.tsv
	assert_status 0
	# round 1: 2-2 and 3-3 go; round 2: user 2 has one row, 2-4; then item 4 has one, 3-4; then user 3 has one, 3-1
	assert_contains "$stderr" 'ratings dropped by --min-user 2 --min-item 2: 5'
	assert_equal "$(cat u)" $'0\t5\n1\t6'
	assert_equal "$(cat i)" $'0\t1\n1\t6'
	has test.cof '0 1 1 2' '1 1 1 2'
	has train.cof '0 0 1 1' '1 0 1 1'
	assert_contains "$(cof-cat --header train.cof | tr -d ' \n')" '"users":2,"items":2'
}

@test "the core at each bound alone" {
	text '1 1 1 1' '1 2 1 2' '1 3 1 3' '2 1 1 1' '2 2 1 2'
	split --min-user 3 in.tsv
	has test.cof '0 2 1 3'
	has train.cof '0 0 1 1' '0 1 1 2'
	split --min-item 2 in.tsv
	has test.cof '0 1 1 2' '1 1 1 2'
	has train.cof '0 0 1 1' '1 0 1 1'
	fails 1 'no rating is left after --min-user 4 --min-item 0' --min-user 4 in.tsv
}

@test "numeric ids keep numeric order, and '1' and '01' are two" {
	text '10 7 1 1' '9 007 1 1' '2 07 1 1' '02 123456789012345678901 1 1' '0 23456789012345678901 1 1' '00 00 1 1'
	split --user-ids u --item-ids i in.tsv
	assert_status 0
	assert_equal "$(cut -f 2 u | tr '\n' ' ')" '0 00 2 02 9 10 '
	assert_equal "$(cut -f 2 i | tr '\n' ' ')" '00 7 07 007 23456789012345678901 123456789012345678901 '
	assert_equal "$(cut -f 1 u | tr '\n' ' ')" '0 1 2 3 4 5 '
	has train.cof '5 1 1 1' '4 3 1 1' '2 2 1 1' '3 5 1 1' '0 4 1 1' '1 0 1 1'
}

@test "other ids are in order of first appearance; one of them is enough" {
	text '10 b 1 1' '9 a 1 1' 'x10 -3 1 1' '2 b 1 1'
	split --user-ids u --item-ids i in.tsv
	assert_equal "$(cat u)" $'0\t10\n1\t9\n2\tx10\n3\t2'
	assert_equal "$(cat i)" $'0\tb\n1\ta\n2\t-3'
	has train.cof '0 0 1 1' '1 1 1 1' '2 2 1 1' '3 0 1 1'
}

@test "ml-100k and ml-1m: their delimiters, and 1 to 5 enforced" {
	text '1 1 5 10' '1 2 1 20'
	split --format ml-100k in.tsv
	has test.cof '0 1 1 20'
	assert_equal "$stderr" 'ml-split: 1 users, 2 items; ratings: train 1, test 1, valid 0 (leave-one-out, seed 1)'
	printf '1::1::5::10\n1::2::4::20\n' >in.dat
	split --format ml-1m in.dat
	has test.cof '0 1 4 20'
	split in.dat # auto
	has test.cof '0 1 4 20'
	assert_contains "$stderr" 'delimiter ::, no header line, columns user,item,rating,time'

	printf 'a:b::1::5::10\na:b::2::4::20\n' >in.dat # one colon is part of a label
	split --user-ids u in.dat
	assert_equal "$(cat u)" $'0\ta:b'

	text '1 1 5 10' '1 2 6 20'
	fails 1 "line 2 of 'in.tsv' (byte 13): rating '6' is outside 1..5" --format ml-100k in.tsv
	text '1 1 0.5 10'
	fails 1 "line 1 of 'in.tsv' (byte 4): rating '0.5' is outside 1..5" --format ml-100k in.tsv
	split in.tsv
	assert_status 0
	text '1 1 5 10 7'
	fails 1 "line 1 of 'in.tsv' (byte 8): the line has more than 4 columns" --format ml-100k in.tsv
	asks 'no header' in.tsv
}

@test "auto: a header names the columns, in any order" {
	printf '\xef\xbb\xbftimestamp,userId,x,movieId,rating\r\n30,1,z,8,4.5\r\n10,1,z,9,3\r\n' >in.csv
	split --item-ids i in.csv
	assert_status 0
	assert_contains "$stderr" "'in.csv': delimiter comma, a header line, columns time,user,-,item,rating"
	has test.cof '0 0 4.5 30'
	has train.cof '0 1 3 10'
	assert_equal "$(cat i)" $'0\t8\n1\t9'
	printf 'user_id:token\titem_id:token\ttimestamp:float\na\tb\t5.0\na\tc\t4\n' >in.inter
	split in.inter
	has test.cof '0 0 1 5'
	split -q in.inter
	assert_equal "$stderr" ""
}

@test "a header of unknown words is not guessed at: --columns names its columns, --header says that there is one" {
	printf 'who;what;stars;when\n1;1;2;3\n1;2;2;4\n' >in.csv
	asks 'line 1 (who, what, stars, when) may be a header or data' in.csv
	asks 'line 1 (who, what, stars, when) may be a header or data' --columns user,item,rating,time in.csv
	split --columns user,item,rating,time --header yes in.csv
	has test.cof '0 1 2 4'
	split --columns user=who,item=what,rating=stars,time=when in.csv
	has test.cof '0 1 2 4'
	assert_contains "$stderr" 'delimiter semicolon, a header line, columns user,item,rating,time'
	printf 'userId,movieId\n1,2\n1,3\n' >in.csv
	split --columns item,user in.csv
	has train.cof '0 0 1 0' '1 0 1 0'
}

@test "auto: two, three and four columns, other delimiters, no last line end" {
	printf '1 2\n1 3' >in
	split in # no times: the last in the input is the latest
	has test.cof '0 1 1 0'
	has train.cof '0 0 1 0'
	assert_contains "$stderr" 'delimiter space, no header line, columns user,item'
	assert_contains "$stderr" "'in' has no times: later in it counts as later"
	assert_contains "$stderr" "'in' has no line end after its last line"
	printf '1|2|3\n1|3|4\n' >in
	split in
	has test.cof '0 1 4 0'
	assert_contains "$stderr" 'delimiter bar, no header line, columns user,item,rating'
	printf '1,2,100000000\n1,3,100000001\n' >in
	split in
	has test.cof '0 1 1 100000001'
	assert_contains "$stderr" 'columns user,item,time'
	printf '\r\n1\t2\t3\t\r\n\n1\t3\t4\t\r\n' >in # DeepCF's: an empty last column
	split in
	has test.cof '0 1 4 0'
}

@test "what --format, --delimiter, --columns and --header say holds" {
	printf '5/x/1/9\n6/x/1/8\n' >in
	split --delimiter / --columns time,-,user,item in
	has test.cof '0 0 1 6'
	printf '1,2,ignored\n1,3\n' >in
	fails 1 "line 2 of 'in' (byte 15): the line ends after 2 of 3 columns" --delimiter comma --columns user,item in
	printf '1,2,ignored\n1,3,\n' >in
	split --format tsv --delimiter comma --columns user,item in
	has test.cof '0 1 1 0'
	text 'user item rating time' '1 2 3 4'
	fails 1 "line 1 of 'in.tsv' (byte 10): rating 'rating' is not a number" --format tsv --header no --columns user,item,rating,time in.tsv
}

@test "ratings and times in every form of a number" {
	text '1 1 5 1' '1 2 0.5 2' '1 3 -2.25 3' '1 4 1e3 4' '1 5 16777217 5' '1 6 +.5 6' '1 7 0.1 7' '1 8 3.40282347e38 8' \
		'1 9 00004.50000 9' '1 10 0.0000000001 10.000' '1 11 123456.789 11'
	split in.tsv
	assert_status 0
	assert_equal "$(cof-cat train.cof | cut -f 3 | tr '\n' ' ')" \
		'5 0.5 -2.25 1000 16777216 0.5 0.1 3.4028235e+38 4.5 1e-10 '
	has test.cof '0 10 123456.79 11'
}

@test "gzip, standard input and '-'" {
	text '1 1 1 1' '1 2 1 2'
	gzip -k in.tsv
	split in.tsv
	cp train.cof a
	split in.tsv.gz
	cmp train.cof a
	split - <in.tsv
	cmp train.cof a
	split <in.tsv.gz
	cmp train.cof a
}

@test "provenance: size and XXH3-128 of the text, the same for a file, a pipe and gzip" {
	# longer than the reader's buffer of 1 MiB
	awk 'BEGIN { for (k = 0; k < 90000; k++) print k % 1000 "\t" k % 977 "\t" k % 5 + 1 "\t" k }' >long.tsv
	printf '\xef\xbb\xbfuser,item\r\n1,2\r\n1,3' >short.csv
	for file in long.tsv short.csv; do
		split $file
		cof-cat --header train.cof | jq -c '.provenance[0].input' >said
		python3 - $file >want <<-'EOF'
			import ctypes, sys
			class Hash(ctypes.Structure):
			    _fields_ = [("low", ctypes.c_uint64), ("high", ctypes.c_uint64)]
			data, lib = open(sys.argv[1], "rb").read(), ctypes.CDLL("libxxhash.so.0")
			lib.XXH3_128bits.restype = Hash
			h = lib.XXH3_128bits(data, ctypes.c_size_t(len(data)))
			print('{"bytes":%d,"xxh3_128":"%016x%016x"}' % (len(data), h.high, h.low))
		EOF
		cmp said want
		cp train.cof a
		cmp <(cof-cat --header test.cof | jq 'del(.provenance[].part)') <(cof-cat --header a | jq .)
	assert_equal "$(cof-cat --header test.cof | jq -r '.provenance[0].part')" test
		split <$file
		cmp train.cof a
		gzip -k $file
		split $file.gz
		cmp train.cof a
		assert_contains "$stderr" '; gzip of 1 member'
		{ head -c 10 $file | gzip && tail -c +11 $file | gzip; } |
			ml-split --no-final-newline --test test.cof 2>err | cmp - a
		grep -q '; gzip of 2 members' err
	done
}

@test "bad input is one line with file, line and byte; no output is left" {
	text '1 1 1 1' '1 2 1x 2'
	fails 1 "line 2 of 'in.tsv' (byte 12): rating '1x' is not a number" in.tsv
	for bad in nan inf -inf NaN 1e39 0x10 '' 1,5 ' 1'; do
		printf '1\t1\t1\t1\n1\t2\t%s\t2\n' "$bad" >in.tsv
		fails 1 "line 2 of 'in.tsv' (byte 12): rating" in.tsv
	done
	for bad in 2x 1.x '' - 9223372036854775808 -9223372036854775809 1e9; do
		printf '1\t1\t1\t1\n1\t2\t1\t%s\n' "$bad" >in.tsv
		fails 1 "line 2 of 'in.tsv' (byte 14): time" in.tsv
	done
	text '1 1 1 1' '1 2 1'
	fails 1 "line 2 of 'in.tsv' (byte 13): the line ends after 3 of 4 columns" in.tsv
	text '1 1' '1 2 1' '1 3 1 1'
	fails 1 "line 1 of 'in.tsv' (byte 3): the line ends after 2 of 4 columns" --columns user,item,rating,time in.tsv
	text '1 1 1 1' '1 2 1 1' '7'
	fails 1 "line 3 of 'in.tsv' (byte 17): the line ends after 1 of 4 columns" in.tsv
	printf '1\t1\t1\t1\n1\t\t1\t1\n' >in.tsv
	fails 1 "line 2 of 'in.tsv' (byte 10): item is empty" in.tsv
	printf '1\t1\t1\t1\n1\ta\001b\t1\t1\n' >in.tsv
	fails 1 "line 2 of 'in.tsv' (byte 10): item 'a?b' contains a control character" in.tsv
	printf '1\t1\t1\t1\n1\ta\0b\t1\t1\n' >in.tsv
	fails 1 "'in.tsv' is no text: byte 11 is 0" in.tsv
	# after a byte order mark, CRLF and an empty line
	printf '\xef\xbb\xbf1,1,1,1\r\n\r\n1,1,z,1\r\n' >in.csv
	fails 1 "line 3 of 'in.csv' (byte 18): rating 'z' is not a number" in.csv
}

@test "empty and headed-only inputs, one word, a line too long, damaged gzip" {
	: >in
	fails 1 "'in' is empty" in
	printf '\n\r\n' >in
	fails 1 "'in' is empty" in
	printf '\xef\xbb\xbf' >in
	fails 1 "'in' is empty" in
	echo 'userId,movieId,rating,timestamp' >in
	fails 1 "'in' holds no ratings" in
	echo word >in
	asks "'in': no usual delimiter" in
	(printf '1\t1\t1\t1\n1\t' && head -c 1100000 /dev/zero | tr '\0' 7 && printf '\t1\t1\n') >in
	fails 1 "line 2 of 'in' (byte 8): the line is longer" in
	seq 1 9 | sed 's/.*/&\t&\t&\t&/' | gzip | head -c 30 >in
	fails 1 "'in'" in
	fails 1 "cannot open 'no such file'" 'no such file'
}

@test "rating records: ids, bounds and id maps stay, and the split is that of the text" {
	awk 'BEGIN { srand(3); for (k = 0; k < 900; k++) print "u" int(rand() * 40) "\t" "i" int(rand() * 60) "\t" 1 + int(rand() * 5) "\t" int(rand() * 500) }' >in.tsv
	cof-import -q --user-ids u --item-ids i in.tsv >in.cof
	for how in '' '--valid valid.cof' '--mode global-time --test-ratio 0.2'; do
		# shellcheck disable=SC2086
		split $how in.tsv
		for part in train test; do
			cof-cat $part.cof >$part.want
		done
		# shellcheck disable=SC2086
		split $how in.cof
		assert_status 0
		for part in train test; do
			cof-cat $part.cof | cmp - $part.want
			assert_equal "$(cof-cat --header $part.cof | jq -c '[.users, .items, .user_ids, .item_ids]')" \
				"$(cof-cat --header in.cof | jq -c '[.users, .items, .user_ids, .item_ids]')"
		done
		assert_equal "$(cof-cat --header train.cof | jq -c '[.provenance[].program]')" '["cof-import","ml-split"]'
		rm -f valid.cof
	done
	# a core leaves the bounds as they are
	split --min-user 20 in.cof
	assert_contains "$stderr" 'ratings dropped by --min-user 20 --min-item 0'
	assert_equal "$(cof-cat --header train.cof | jq .users)" "$(cof-cat --header in.cof | jq .users)"
	# a random split is keyed by the dense ids: the same again
	split --mode random in.cof
	cp test.cof again.cof
	split --mode random <in.cof
	cmp test.cof again.cof
}

@test "rating records: duplicates, no times, other kinds, options about text" {
	printf '0\t0\t1\t0\n0\t1\t2\t0\n0\t0\t3\t0\n' | cof-cat --from tsv --kind rating --users 3 --items 3 >in
	split in
	has train.cof '0 1 2 0'
	has test.cof '0 0 3 0'
	assert_contains "$stderr" "'in' has no times: later in it counts as later"
	split --duplicates sum in
	has test.cof '0 0 4 0'
	fails 1 "user '0' has item '0' in ratings 1 and 3: --duplicates error" --duplicates error in
	fails 1 "'in' holds 3 ratings, --expect-rows says 4" --expect-rows 4 in
	fails 2 "option --columns: 'in' holds records, no text" --columns user,item in
	fails 2 "option --format: 'in' holds records, no text" --format csv in
	fails 2 "'in' holds records, whose raw ids are not known" --item-ids i in
	binarize <in >pairs
	fails 1 "'pairs' holds interaction records, rating expected" pairs
	head -c -5 in >short
	fails 1 "truncated" short
	printf '' | cof-cat --from tsv --kind rating --users 3 --items 3 >none
	fails 1 "'none' holds no ratings" none
}

@test "★ without times the last row of a user is held out, not the oldest, and it is said" {
	printf 'u1\ta\nu1\tb\nu2\ta\nu1\tc\nu2\tc\n' >in.tsv
	split --item-ids i in.tsv
	has test.cof '0 2 1 0' '1 2 1 0'
	assert_equal "$(cut -f 2 i | tr '\n' ' ')" 'a b c '
	assert_contains "$stderr" "'in.tsv' has no times: later in it counts as later"
	split --mode global-time --test-ratio 0.4 in.tsv
	has test.cof '0 2 1 0' '1 2 1 0'
}

@test "wrong usage" {
	text '1 1 1 1' '1 2 1 2'
	run -2 ml-split in.tsv
	assert_contains "$output" 'option --test is missing'
	fails 2 "'-' of --valid is also standard output" --valid - in.tsv
	fails 2 "'test.cof' of --item-ids is also 'test.cof' of --test" --item-ids test.cof in.tsv
	fails 2 'option --valid: the name is empty' --valid '' in.tsv
	fails 2 'the name of an input is empty' ''
	fails 2 'does not go with --mode leave-one-out' --test-ratio 0.1 in.tsv
	fails 2 'test-ratio' --mode random --test-ratio 0 in.tsv
	fails 2 'test-ratio' --mode random --test-ratio 1 in.tsv
	fails 2 'test-ratio' --mode random --test-ratio 0.5 --valid v.cof in.tsv
	fails 2 'test-ratio' --mode random --test-ratio nan in.tsv
	fails 2 'mode' --mode newest in.tsv
	fails 2 "'movie' is not user" --columns user,movie in.tsv
	fails 2 "'user' is given twice" --columns user,user in.tsv
	fails 2 "lacks user or item" --columns user,rating in.tsv
	fails 2 'does not go with --format ml-1m' --format ml-1m --columns user,item in.tsv
	fails 2 'delimiter' --delimiter '' in.tsv
	fails 2 'delimiter' --delimiter 1 in.tsv
	fails 2 'operands' in.tsv in.tsv
}

@test "no output is written over the input, into another or into train, by whatever name" {
	text '1 1 1 1' '1 2 1 2'
	cp in.tsv before
	: >old
	ln -s old link
	ln in.tsv hard
	refused() { # TEXT COMMAND
		run --separate-stderr bash -c "$2"
		assert_status 2
		assert_contains "$stderr" "$1"
	}
	refused "'in.tsv' of --test is also the input 'in.tsv'" 'ml-split --test in.tsv in.tsv'
	refused "'./in.tsv' of --item-ids is also standard input" 'ml-split --test t --item-ids ./in.tsv <in.tsv'
	refused "'hard' of --test is also the input 'in.tsv'" 'ml-split --test hard in.tsv'
	refused "'link' of --valid is also 'old' of --test" 'ml-split --test old --valid link in.tsv'
	refused "'./new' of --valid is also 'new' of --test" 'ml-split --test new --valid ./new in.tsv'
	refused "'old' of --test is also standard output" 'ml-split --test old in.tsv >old'
	refused "'/dev/fd/1' of --test is also standard output" 'set -o pipefail
		ml-split --test /dev/fd/1 in.tsv | cat'
	refused "'/proc/self/fd/1' of --test is also standard output" 'set -o pipefail
		ml-split --test /proc/self/fd/1 in.tsv | cat'
	cmp in.tsv before
	[ ! -e t ]
	ml-split -q --test /dev/null --valid /dev/null --item-ids i in.tsv >/dev/null
	[ -s i ]
}

@test "a symbolic link stays one: its file is replaced, and made where there is none" {
	text '1 1 1 1' '1 2 1 2'
	echo old >file
	ln -s file link
	ln -s nowhere dangling
	ml-split -q --test link in.tsv >/dev/null
	[ -L link ]
	assert_equal "$(cof-cat --count file)" 1
	ml-split -q --test dangling in.tsv >/dev/null
	[ -L dangling ]
	cmp file nowhere
	ln -s circle circle
	run --separate-stderr -1 ml-split -q --test circle in.tsv
	assert_error ml-split "cannot follow the link 'circle': Too many levels of symbolic links"
}

@test "all four files appear or none: one that cannot be written leaves the others" {
	text '1 1 1 1' '1 2 1 2'
	fails 1 "cannot create 'no/valid.cof'" --valid no/valid.cof in.tsv
	echo old >u
	fails 1 "cannot create 'no/items'" --user-ids u --item-ids no/items in.tsv
	assert_equal "$(cat u)" old
	fails 1 "cannot create 'no/valid.cof'" --valid no/valid.cof no-input # before anything is read
	[ ! -e valid.cof ]
	run --separate-stderr bash -c 'ml-split --test /dev/full in.tsv >train.cof'
	assert_status 1
	assert_error ml-split "cannot write '/dev/full'"
	[ ! -s train.cof ]
	run --separate-stderr bash -c 'ml-split -q --test test.cof in.tsv >/dev/full'
	assert_status 1
	assert_error ml-split "cannot write 'standard output'"
}

@test "side files are complete before the first byte on standard output" {
	awk 'BEGIN { for (u = 1; u <= 5000; u++) for (i = 1; i <= 3; i++) print u "\t" i "\t3\t" i }' >in.tsv
	for file in test.cof valid.cof u i; do echo old >$file; done
	# the reader waits for the header of its standard input, then reads what lies there
	ml-split -q --test test.cof --valid valid.cof --user-ids u --item-ids i in.tsv | (
		head -c 16 >magic
		cof-cat --count test.cof valid.cof >counts
		wc -l <u >users
		cat >rest
	)
	assert_equal "$(cat counts)" 10000
	assert_equal "$(cat users)" 5000
	cat magic rest >train.cof
	assert_equal "$(cof-cat --count train.cof)" 5000

	# through a pipe in place: standard output stays empty until the reader of the side pipe has all
	# (80,000 rows of 20 bytes are more than a pipe holds)
	awk 'BEGIN { for (u = 1; u <= 80000; u++) for (i = 1; i <= 2; i++) print u "\t" i "\t3\t" i }' >in.tsv
	mkfifo side
	ml-split -q --test side in.tsv >train.cof 3>&- &
	exec 4<side
	head -c 1000 <&4 >part
	sleep 0.3
	[ ! -s train.cof ]
	cat <&4 >>part
	exec 4<&-
	wait $!
	assert_equal "$(cof-cat --count part)" 80000
	assert_equal "$(cof-cat --count train.cof)" 80000
}

@test "side outputs to /dev/fd/N and to pipes that are read one after the other" {
	awk 'BEGIN { for (u = 1; u <= 9000; u++) for (i = 1; i <= 3; i++) print u "\t" i "\t3\t" i }' >in.tsv
	ml-split -q --test /dev/fd/5 --valid valid.cof in.tsv 5>test.cof >train.cof
	assert_equal "$(cof-cat --count test.cof)" 9000
	mkfifo a b
	ml-split -q --test a --valid b in.tsv >train2.cof &
	cmp a test.cof
	cmp b valid.cof
	wait $!
	cmp train.cof train2.cof
}

@test "a reader that stops ends it quietly" {
	# 100,000 train rows of 20 bytes: more than a pipe holds
	awk 'BEGIN { for (u = 1; u <= 50000; u++) for (i = 1; i <= 3; i++) print u "\t" i "\t3\t" i }' >in.tsv
	# shellcheck disable=SC2016
	run --separate-stderr bash -c 'ml-split -q --test test.cof in.tsv | head -c 100 >/dev/null; echo ${PIPESTATUS[0]}'
	assert_equal "$stderr" ""
	assert_equal "$output" 141
}

@test "ML-100K: 943 test rows, 99,057 train rows, each user's latest" {
	dataset ml-100k u.data
	split --user-ids u --item-ids i "$data_file"
	assert_status 0
	assert_equal "$(cof-cat --count test.cof)" 943
	assert_equal "$(cof-cat --count train.cof)" 99057
	assert_equal "$(wc -l <u)" 943
	assert_equal "$(wc -l <i)" 1682
	# awk finds each user's latest row, of equal times the first, on its own
	awk -F '\t' '!($1 in t) || $4 > t[$1] { t[$1] = $4; row[$1] = $0 }
		END { for (u in row) print row[u] }' "$data_file" | sort -n >expected
	cof-cat --user-ids u --item-ids i test.cof | sort -n | cmp - expected
	split --format ml-100k "$data_file"
	assert_equal "$(cof-cat --count test.cof)" 943
}

@test "MovieLens latest: a csv with header and CRLF, gzip" {
	dataset ml-latest-small ratings.csv.gz
	split --user-ids u --item-ids i "$data_file"
	assert_status 0
	assert_contains "$stderr" 'delimiter comma, a header line, columns user,item,rating,time'
	zcat "$data_file" | tr -d '\r' | awk -F , 'NR > 1 && (!($1 in t) || $4 > t[$1]) { t[$1] = $4; row[$1] = $0 }
		END { for (u in row) print row[u] }' | sort -n >expected
	cof-cat --user-ids u --item-ids i test.cof | awk -F '\t' '{ printf "%s,%s,%.1f,%s\n", $1, $2, $3, $4 }' |
		sort -n | cmp - expected
}

@test "He et al.'s rating files work as they are" {
	dataset ml-1m ml-1m.test.rating.gz
	split "$data_file"
	assert_status 0
	assert_contains "$stderr" 'columns user,item,rating,time'
	assert_equal "$(cof-cat --count train.cof)" 6040 # one row a user
	dataset deepcf AToy.train.rating.gz
	split "$data_file"
	assert_status 0
	assert_contains "$stderr" 'columns user,item,rating'
}

@test "Online Retail: repeated purchases count once" {
	dataset online-retail transactions.tsv.xz
	command -v xz >/dev/null || skip "no xz"
	xz -dc "$data_file" >in.tsv
	split --mode global-time in.tsv
	assert_status 0
	# the data set's own notes: 396,370 lines, 266,226 unique pairs
	assert_contains "$stderr" 'ratings dropped for a later one of the same user and item: 130144'
	assert_equal "$(($(cof-cat --count train.cof) + $(cof-cat --count test.cof)))" 266226
	assert_equal "$(cof-cat --count test.cof)" 26623
}

# split_both ARGUMENT...: in.tsv split in memory and on the disk; every file has the same bytes, the notes the same words.
split_both() {
	split --valid valid.cof --user-ids users.tsv --item-ids items.tsv "$@" in.tsv
	assert_status 0
	local notes=$stderr
	mkdir -p memory
	mv train.cof test.cof valid.cof users.tsv items.tsv memory/
	split --memory 1M --valid valid.cof --user-ids users.tsv --item-ids items.tsv "$@" in.tsv
	assert_status 0
	assert_equal "$stderr" "$notes"
	for file in train.cof test.cof valid.cof users.tsv items.tsv; do
		cmp "$file" "memory/$file"
	done
}

@test "--memory: a log sorted on the disk, in many runs, gives the same bytes" {
	planted -q >once.tsv
	# some of its ratings come twice, later or earlier; 120,000 rows of 24 bytes are 8 runs
	awk '{ print } NR % 5 == 0 { $3 = 6 - $3; $4 += (NR % 3 - 1) * 1000; print }' OFS='\t' once.tsv >in.tsv
	split_both
	split_both --mode random --test-ratio 0.3 --duplicates max
	split_both --mode global-time --duplicates first
	split_both --min-user 40 --min-item 60
	cut -f 1-3 in.tsv >no-times.tsv
	mv no-times.tsv in.tsv
	split_both
	split_both --mode global-time --duplicates sum
	# rating records are split alike
	cof-import -q in.tsv >in.cof
	ml-split -q --test test.cof in.cof | cmp - <(ml-split -q --memory 2M --test test.cof in.cof)
	# and the pair that may not be there is the same
	split --duplicates error in.tsv
	local why=$stderr
	split --duplicates error --memory 1M in.tsv
	assert_status 1
	assert_equal "$stderr" "$why"
}

@test "--memory: sizes, and a folder for temporary files that is not there" {
	text '1 10 5 100' '2 10 4 300' '1 20 3 300'
	for size in 0 '' K 1X 1KK -1 1.5G 99999999999999999999 99999999T; do
		fails 2 "option --memory: '$size' is no size such as 64M or 1G" --memory "$size" in.tsv
	done
	planted -q >in.tsv
	TMPDIR=/nowhere/at/all fails 1 "cannot create a temporary file in '/nowhere/at/all': No such file" --memory 1K in.tsv
	TMPDIR='' split --memory 1T in.tsv
	assert_status 0
}
