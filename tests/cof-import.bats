#!/usr/bin/env bats
# shellcheck disable=SC2154
# cof-import: every format, what can be read in two ways, quotes, times, duplicates, cut texts. A ★ is a case in which
# a program gave a wrong result with exit status 0.
load helper

# import ARGUMENT...: `in` to out.cof; notes are kept in $stderr.
import() {
	rm -f out.cof users.tsv items.tsv
	run --separate-stderr bash -c 'cof-import --user-ids users.tsv --item-ids items.tsv "$@" in >out.cof' - "$@"
}

# has LINE...: the rows, with raw ids, are these, "|" for tabs.
has() {
	assert_status 0
	assert_equal "$(cof-cat --user-ids users.tsv --item-ids items.tsv out.cof)" "$(printf '%s\n' "$@" | tr '|' '\t')"
}

nothing_written() {
	if [ -s out.cof ] || [ -e users.tsv ] || [ -e items.tsv ]; then
		echo "something was written"
		return 1
	fi
}

# fails TEXT ARGUMENT...: one line that holds TEXT, exit status 1, nothing written.
fails() {
	local why=$1
	shift
	import "$@"
	assert_status 1
	assert_error cof-import "$why"
	nothing_written
}

# asks TEXT ARGUMENT...: the first line is shown, the last line holds TEXT and names an option; exit status 1, also with
# -q, nothing written.
asks() {
	local why=$1
	shift
	import -q "$@"
	assert_status 1
	assert_contains "$stderr" "cof-import: line 1: "
	assert_contains "$(tail -n 1 <<<"$stderr")" "$why"
	assert_contains "$(tail -n 1 <<<"$stderr")" " --"
	nothing_written
}

# refuses TEXT ARGUMENT...: wrong usage
refuses() {
	local why=$1
	shift
	import "$@"
	assert_status 2
	assert_contains "$stderr" "$why"
	nothing_written
}

## quotes

@test "★ quoted fields: two breads are two items" {
	printf 'user,item\nu1,"Bread, white"\nu1,"Bread, brown"\n' >in
	import
	has 'u1|Bread, white|1|0' 'u1|Bread, brown|1|0'
}

@test "★ a header in quotes, R's default, is a header and no user" {
	printf '"user","item","rating"\n"a","b",3\n"a","c","4.5"\n' >in
	import
	has 'a|b|3|0' 'a|c|4.5|0'
}

@test "RFC 4180: doubled quotes, delimiters and line ends in quotes, CRLF, empty fields" {
	printf 'user,note,item,time\r\n"a ""x""","one\r\ntwo, ""three""\n","b,c",5\r\n"",,z,6\r\n' >in
	fails "line 5 of 'in' (byte 63): user is empty"
	printf 'user,note,item,time\r\n"a ""x""","one\r\ntwo, ""three""\n","b,c",5\r\n\r\nd,,"""",6\r\n' >in
	import
	has 'a "x"|b,c|1|5' 'd|"|1|6'
	# the line after the record of three lines is line 5
	printf 'user,note,item,time\n"a","1\n2\n3",b,5\nd,,e,x\n' >in
	fails "line 5 of 'in' (byte 41): time 'x' is not a number of seconds"
}

@test "RFC 4180: a line end in the quotes of an id is an error" {
	printf 'user,item\n"a\nb",c\n' >in
	fails "line 2 of 'in' (byte 10): user 'a?b' contains a control character"
}

@test "quotes that break the rule are errors" {
	printf 'user,item\na,b\n"a"b,c\n' >in
	fails "line 3 of 'in' (byte 17): text behind a closing quote"
	printf 'user,item\na,b\na"b,c\n' >in
	fails "line 3 of 'in' (byte 15): a quote within a field"
	printf 'user,item\na,b\na, "c"\n' >in
	fails "line 3 of 'in' (byte 17): a quote within a field"
	printf 'user,item\na,b\na,"c\nd,e\n' >in
	fails "line 3 of 'in' (byte 14): a quote in this record is not closed"
	{ printf 'user,item\na,b\na,"' && seq 300000 && printf '"\n'; } >in
	fails "line 3 of 'in' (byte 14): a quote in this record is not closed within 1048576 bytes"
}

@test "a quote in a text of tabs: nobody knows whether it is RFC 4180's" {
	printf 'a\tb\n"c"\td\na\te\n' >in
	fails "line 2 of 'in' (byte 4): a field begins with a quote: --format csv"
	import --format tsv
	has 'a|b|1|0' '"c"|d|1|0' 'a|e|1|0'
	import --format csv --delimiter tab
	has 'a|b|1|0' 'c|d|1|0' 'a|e|1|0'
	printf 'user\titem\tx\n1\t2\tc\n1\t3\t"\n' >in
	fails "line 3 of 'in' (byte 22): a field begins with a quote"
}

@test "records in quotes that cross the reader's window of 1 MiB" {
	awk 'BEGIN { print "user,note,item"
		for (k = 0; k < 60000; k++) printf "u%d,\"a \"\"%d\"\",\n%s\",\"i,\"\"%d\"\n", k % 977, k, substr("xxxxxxxxxxxxxxxxxxxx", 1 + k % 19), k }' >in
	import
	assert_status 0
	python3 - >want <<-'EOF'
		import csv
		rows = list(csv.reader(open("in", newline="")))[1:]
		print("".join(f"{user}\t{item}\n" for user, _, item in rows), end="")
	EOF
	cof-cat --user-ids users.tsv --item-ids items.tsv out.cof | cut -f 1,2 | cmp - want
	assert_equal "$(wc -l <want)" 60000
}

@test "a carriage return that ends no line is an error" {
	printf 'user,x,item\na,b\rc,d\n' >in
	fails "line 2 of 'in' (byte 15): a carriage return that ends no line"
	printf '1\t2\t3\t4\r5\n' >in
	fails "line 1 of 'in' (byte 7): a carriage return that ends no line" --columns user,-,-,item
}

@test "texts of quotes, delimiters and line ends: read as Python's csv module reads them, or not at all" {
	# CSV_FILES=20000 takes minutes
	python3 "$ROOT/tests/csv-differential.py" "${CSV_FILES:-300}" "${CSV_SEED:-1}"
}

## headers and columns

@test "★ a header of other names: time, user and item are not guessed from their places" {
	printf 'timestamp,uid,iid,stars\n5,1,2,3\n6,1,3,4\n' >in
	asks "column 4, 'stars', may be the rating"
	import --columns user=uid,item=iid,rating=stars,time=timestamp
	has '1|2|3|5' '1|3|4|6'
	printf 'track,listener,plays\nt1,ann,3\nt2,bob,4\n' >in
	asks 'line 1 (track, listener, plays) may be a header or data'
	import --columns user=listener,item=track,rating=plays
	has 'ann|t1|3|0' 'bob|t2|4|0'
	assert_contains "$stderr" 'delimiter comma, a header line, columns item,user,rating'
}

@test "★ a header with user and item whose rating has another name is asked about" {
	printf 'user,item,stars,timestamp\n1,2,5,881250949\n' >in
	asks "column 3, 'stars', may be the rating, which the header does not name"
	import --columns user=user,item=item,rating=stars,time=timestamp
	has '1|2|5|881250949'
	import --columns user=user,item=item
	has '1|2|1|0'
	assert_contains "$stderr" 'not used: stars, timestamp'
	printf 'user,item,rating,when\n1,2,5,881250949\n' >in
	asks "column 4, 'when', may be the time"
	printf 'user,item,rating,when\n1,2,5,2014-04-07\n' >in
	asks "column 4, 'when', may be the time"
	# by its name, whatever it holds
	printf 'user,item,rating,Created_Date\n1,2,5,Jan 5\n' >in
	asks "column 4, 'Created_Date', may be the time"
	printf 'user,item,stars\n1,2,five\n' >in
	asks "column 3, 'stars', may be the rating"
	# numbers as they are written in Germany, and with thousands
	printf 'user;item;plays\n1;2;3,5\n1;3;1.234\n' >in
	asks "column 3, 'plays', may be the rating"
	printf 'user\titem\tplays\n1\t2\t1,234.5\n1\t3\t-12\n' >in
	asks "column 3, 'plays', may be the rating"
	printf '{"user":1,"item":2,"plays":"3.5"}\n' >in
	asks "'plays' may be the rating among its keys"
	printf '{"user":1,"item":2,"plays":"3,5"}\n' >in
	asks "'plays' may be the rating among its keys"
	printf '{"user":1,"item":2,"plays":"3,5 or 4"}\n' >in
	import
	has '1|2|1|0'
	printf '{"user":1,"item":2,"review_date":"Jan 5"}\n' >in
	asks "'review_date' may be the time among its keys"
}

@test "★ a column of true and false may be the rating: no like of what is disliked" {
	printf 'user,item,liked\n1,2,True\n1,3,False\n' >in
	asks "column 3, 'liked', may be the rating"
	import --columns user=user,item=item
	has '1|2|1|0' '1|3|1|0'
	printf 'user,item,why\n1,2,True\n1,3,because\n' >in
	import
	has '1|2|1|0' '1|3|1|0'
	printf '{"user":1,"item":2}\n{"user":1,"item":3,"liked":false}\n' >in
	fails "line 2 of 'in' (byte 20): 'liked' may be the rating"
}

@test "★ two columns of numbers below two words: the words are no rating" {
	printf 'uid,sid\n10,2\n9,3\n' >in
	asks 'line 1 (uid, sid) may be a header or data'
	import --columns user=uid,item=sid
	has '10|2|1|0' '9|3|1|0'
	# numeric order of ids is kept
	assert_equal "$(cut -f 2 users.tsv | tr '\n' ' ')" '9 10 '
}

@test "★ --columns by place over a header: no user too many" {
	printf 'uid,sid\n1,2\n1,3\n' >in
	asks '--header yes or --header no says which' --columns user,item
	import --columns user,item --header yes
	has '1|2|1|0' '1|3|1|0'
	import --columns user,item --header no
	has 'uid|sid|1|0' '1|2|1|0' '1|3|1|0'
	printf 'userId,movieId\n1,2\n1,3\n' >in
	import --columns user,item
	has '1|2|1|0' '1|3|1|0'
}

@test "★ the header again, of files joined: its names are no user and item" {
	printf 'user,item\n1,2\nuser,item\n3,4\n' >in
	fails "line 3 of 'in' (byte 14): the header again"
	printf '"user","item"\r\n1,2\r\n"user","item"\n3,4\n' >in
	fails "line 3 of 'in' (byte 20): the header again" --columns user=user,item=item
	printf 'user,item,rating\n1,2,5\nuser,item,rating\n3,4,5\n' >in
	fails "line 3 of 'in' (byte 23): the header again" --columns user,item
	printf '\xef\xbb\xbfx,user,item\na,1,2\n\xef\xbb\xbfx,user,item\nb,3,4\n' >in # Windows puts a mark before each
	fails "line 3 of 'in' (byte 21): the header again"
	printf '\xef\xbb\xbf1,2\n2,3\n\xef\xbb\xbf1,4\n' >in
	fails "line 3 of 'in' (byte 11): a byte order mark: of several files, only the first may have one"
	printf 'user,item\n1,2\nuser,items\nusers,item\n' >in
	import
	has '1|2|1|0' 'user|items|1|0' 'users|item|1|0'
	printf 'user,item\n1,2\n\nuser,item\n' >in
	import --header no --columns user,item
	has '1|2|1|0' 'user|item|1|0'
}

@test "★ a first row of data whose rating or time is missing is no header" {
	printf '1,2,nan,5\n1,3,4,6\n' >in
	fails "line 1 of 'in' (byte 4): rating 'nan' is not a number"
	printf '1,2,3,unknown\n1,3,4,881250949\n' >in
	fails "line 1 of 'in' (byte 6): time 'unknown'"
	printf 'ann,bread,nan\nbob,milk,4\n' >in
	fails "line 1 of 'in' (byte 10): rating 'nan' is not a number"
	printf '"1","2","nan"\n' >in
	fails "line 1 of 'in' (byte 8): rating 'nan' is not a number"
}

@test "words over words: a header or data? One that comes back is data" {
	printf 'ann,bread\nbob,milk\n' >in
	asks 'line 1 (ann, bread) may be a header or data'
	import --header no
	has 'ann|bread|1|0' 'bob|milk|1|0'
	printf 'ann,bread\nann,milk\n' >in
	import
	has 'ann|bread|1|0' 'ann|milk|1|0'
	# neither a word that comes back nor a number makes data of a line with a word above numbers
	printf 'who,product\n1,product\n2,milk\n' >in
	asks 'line 1 (who, product) may be a header or data'
	printf 'who,what,2019\n1,2,5\n1,3,4\n' >in
	asks 'line 1 (who, what, 2019) may be a header or data'
	printf 'ann,bread,3\nbob,milk,4\n' >in
	import
	has 'ann|bread|3|0' 'bob|milk|4|0'
	assert_contains "$stderr" 'no header line, columns user,item,rating'
}

@test "comments above the data, as SNAP, KONECT and Matrix Market have them" {
	printf '# FromNodeId\tToNodeId\n0\t4\n0\t5\n' >in
	asks "line 1 may be a comment, a header or data: grep -v '^#' leaves comments out"
	asks 'line 1 may be a comment' --columns user,item
	import --columns user,item --header yes
	has '0|4|1|0' '0|5|1|0'
	import --columns user,item --header no
	has '# FromNodeId|ToNodeId|1|0' '0|4|1|0' '0|5|1|0'
	printf '%% bip weighted\n1 1 5 1234\n' >in
	asks "grep -v '^%' leaves comments out"
	printf '%%%%MatrixMarket matrix coordinate real general\n3 3 2\n1 2 5\n1 3 4\n' >in
	fails "is a Matrix Market file: grep -v '^%' | sed 1d leaves its entries"
	grep -v '^%' in | sed 1d >entries && mv entries in
	import
	has '1|2|5|0' '1|3|4|0'
}

@test "--columns: names that are not there, numbers, names that are numbers" {
	printf 'a,b,c\n1,2,3\n' >in
	asks 'its first line (a, b, c) lacks a column that --columns names' --columns user=a,item=z
	import --columns user=a,item=3
	has '1|3|1|0'
	import --columns user=3,item=1 --header yes
	has '3|1|1|0'
	printf '1,2,3\n4,5,6\n' >in
	import --columns user=3,item=1
	has '3|1|1|0' '6|4|1|0'
	printf 'u,3,x\n4,5,6\n' >in
	asks "'3' of --columns may be two columns" --columns user=u,item=3
	printf 'u,i,i\n4,5,6\n' >in
	asks "'i' of --columns may be two columns" --columns user=u,item=i
	printf '"Kunde, Nr.","Größe"\n4,5\n' >in
	import --columns 'user=1,item=Größe'
	has '4|5|1|0'
	refuses "'users' is not user, item" --columns users=a,item=b
	refuses 'lacks user or item' --columns user=a
	refuses "'user' is given twice" --columns user=a,user=b,item=c
	refuses 'is not user=NAME' --columns user=,item=c
	refuses 'has no name, only a number' --columns user=a,item=b --header no
}

@test "columns without a header: what speaks against their places is asked about" {
	printf '1,2014-04-07T10:51:09.277Z,214536502,0\n' >in # ★ Yoochoose
	asks 'column 2 may be a time, where an id would stand'
	import --columns user,time,item
	has '1|214536502|1|1396867869'
	assert_contains "$stderr" 'times whose fraction of a second was cut: 1'
	printf '881250949,1,5\n881250950,2,4\n' >in
	asks 'column 1 may be a time, where an id would stand'
	printf '1,2,881250949\n1,3,0\n' >in
	asks 'column 3 may be a rating, a time or something else'
	printf '1,2,20110105\n1,3,20110106\n' >in # ★ days that would be ratings
	asks 'column 3 may be a rating, a time or something else'
	asks 'column 3 may be a rating, a time or something else' --time-format %Y%m%d
	import --columns user,item,time --time-format %Y%m%d
	has '1|2|1|1294185600' '1|3|1|1294272000'
	printf '1,2,20110105,881250949\n1,3,20110106,881250949\n' >in
	asks 'column 3 does not look like a rating'
	printf '1,2,good\n1,3,bad\n' >in
	asks 'column 3 may be a rating, a time or something else'
	printf '1,2,3,4,5\n' >in
	asks 'its lines have 5 columns and no header'
	printf '1,2,3,soon\n1,3,3,later\n' >in
	asks 'column 4 does not look like a time'
}

@test "every line has as many fields as the first" {
	printf 'user,title,item\na,b,c\nd,Bread, white,e\n' >in
	fails "line 3 of 'in' (byte 36): the line has more than 3 columns"
	printf 'user,item,x,y\na,b,c,d\nd,e,f\n' >in
	fails "line 3 of 'in' (byte 27): the line ends after 3 of 4 columns"
}

## delimiters

@test "★ a decimal comma is not taken for a delimiter" {
	printf '1;10;3,5;881250949\n2;10;4,5;881250949\n' >in
	asks '--delimiter says which'
	assert_contains "$stderr" "by comma: 2 fields; user '2;10;4', item '5;881250949'"
	assert_contains "$stderr" "by semicolon: 4 fields; user '2', item '10', rating '4,5', time '881250949'"
	fails "line 1 of 'in' (byte 5): rating '3,5' is not a number" --delimiter semicolon --columns user,item,rating,time
	tr , . <in >points && mv points in
	import
	has '1|10|3.5|881250949' '2|10|4.5|881250949'
}

@test "blanks in dates are no delimiters, others may be" {
	printf 'u1,i1,2011-01-01 10:00:00\nu2,i1,2011-01-01 10:00:01\n' >in
	import
	has 'u1|i1|1|1293876000' 'u2|i1|1|1293876001'
	printf '1\tToy Story\n2\tToy Soldiers\n' >in
	asks '--delimiter says which'
	import --delimiter tab
	has '1|Toy Story|1|0' '2|Toy Soldiers|1|0'
}

@test "★ blanks behind delimiters: part of them, or of the ids?" {
	printf 'u1, a b\nu2, c\nu2, c d\nu1, c\n' >in
	asks "blanks stand behind every comma: --delimiter ', ' takes them for part of it"
	import --delimiter ', '
	has 'u1|a b|1|0' 'u2|c|1|0' 'u2|c d|1|0' 'u1|c|1|0'
	assert_contains "$stderr" "delimiter ', ', no header line"
	import --delimiter comma
	has 'u1| a b|1|0' 'u2| c|1|0' 'u2| c d|1|0' 'u1| c|1|0'
	printf 'userId, movieId, rating\n1, 10, 3\n' >in
	asks 'blanks stand behind every comma'
	printf '"user", "item"\n"a", "b"\n' >in
	asks 'blanks stand behind every comma'
	import --delimiter ', '
	has 'a|b|1|0'
	printf '1 | 10 | 3\n2 | 10 | 4\n' >in
	asks "blanks stand around every bar: --delimiter ' | '"
	import --delimiter ' | '
	has '1|10|3|0' '2|10|4|0'
	printf 'user\titem\tname\nu1\ti1\tDoe, John\n' >in # the blanks of a column are its own affair
	import
	has 'u1|i1|1|0'
}

@test "--delimiter: what is no delimiter is wrong usage at once" {
	printf '1,2\n' >in
	refuses 'is not ASCII' --delimiter $'\xe9'
	refuses 'is not ASCII' --delimiter '§'
	refuses 'a quote' --delimiter '"'
	refuses 'does not go with --format jsonl' --format jsonl --delimiter ,
	refuses 'does not go with --format lightgcn' --format lightgcn --columns user,item
	refuses 'does not go with --format inter' --format inter --header no
	refuses 'does not go with --format ml-1m' --format ml-1m --time-format iso
}

## other formats

@test "★ LightGCN's lists: every item is one, and a line alone is asked about" {
	printf '1 10 20 30\n' >in
	asks '--format lightgcn says which'
	import --format lightgcn
	has '1|10|1|0' '1|20|1|0' '1|30|1|0'
	printf '0 10 20 30\n1 7\n2\n3 8 9 \r\n' >in
	import
	has '0|10|1|0' '0|20|1|0' '0|30|1|0' '1|7|1|0' '3|8|1|0' '3|9|1|0'
	assert_contains "$stderr" 'a line per user: the user, then all items (lightgcn)'
	printf '0 10 20\n1 7 8\n2 3 4\n' >in
	asks '--format lightgcn says which'
	import --columns user,item,rating
	has '0|10|20|0' '1|7|8|0' '2|3|4|0'
	printf '0 10  20\n1 7\n' >in
	fails "line 1 of 'in' (byte 5): item is empty" --format lightgcn
}

@test "LightGCN: lists longer than a batch and than the window" {
	awk 'BEGIN { for (u = 0; u < 40; u++) { printf "%d", u; for (i = 0; i < 12000; i++) printf " %d", i * 7; print "" } }' >in
	import --format lightgcn
	assert_status 0
	awk '{ for (k = 2; k <= NF; k++) print $1 "\t" $k "\t1\t0" }' in >want
	cof-cat --user-ids users.tsv --item-ids items.tsv out.cof | cmp - want
}

@test "★ JSON lines: keys say what is what" {
	printf '{"a":"x","b":"y"}\n{"a":"x","b":"z"}\n' >in
	asks "its keys do not name user and item (a, b): --columns user=KEY,item=KEY names them"
	import --columns user=b,item=a
	has 'y|x|1|0' 'z|x|1|0'
	printf '{"user":"x","item":7,"rating":4.5,"timestamp":"2014-04-07T10:51:09Z"}\n' >in
	import
	has 'x|7|4.5|1396867869'
	printf '{"user":"x","item":7,"stars":4.5}\n' >in
	asks "'stars' may be the rating among its keys (user, item, stars)"
}

@test "★ JSON lines: a rating or a time that the first line lacks is asked about" {
	printf '{"user":1,"item":2}\n{"user":1,"item":3,"rating":5}\n' >in
	fails "line 2 of 'in' (byte 20): 'rating' may be the rating, which the first line lacks: --columns user=KEY,item=KEY"
	printf '{"user":1,"item":2,"rating":4}\n{"user":1,"item":3,"rating":5,"date":"2014-04-07"}\n' >in
	fails "line 2 of 'in' (byte 31): 'date' may be the time"
	import --columns user=user,item=item,rating=rating
	has '1|2|4|0' '1|3|5|0'
	printf '{"user":1,"item":2,"note":"a"}\n{"user":1,"item":3,"other":"b"}\n' >in
	import
	has '1|2|1|0' '1|3|1|0'
}

@test "★ RecBole's sequences are not one item" {
	printf 'user_id:token\titem_id:token_seq\n1\t2 3\n' >in
	asks "'item_id:token_seq' holds a sequence in each field, not one item"
	printf 'user_id:token\titem_id:token\tgenre:token_seq\n1\t2\ta b\n' >in
	import
	has '1|2|1|0'
}

@test "a decimal comma is called one; a column without a name, by its number" {
	printf 'user;item;rating\n1;2;3,5\n' >in
	fails "rating '3,5' is not a number: a decimal comma should be a point, one between thousands left out"
	for number in 1,234 1.234,5 1,234,567.8; do
		printf 'user;item;rating\n1;2;%s\n' "$number" >in
		fails "rating '$number' is not a number: a decimal comma should be a point"
	done
	printf 'user;item;rating\n1;2;3,x\n' >in
	fails "rating '3,x' is not a number, or not finite"
	printf ',user,item,rating\n0,1,2,3\n' >in
	import
	has '1|2|3|0'
	assert_contains "$stderr" 'not used: column 1'
}

@test "lines that end in CR alone" {
	printf 'user,item\r1,2\r3,4\r' >in
	fails "lines of 'in' end in CR, as on an old Mac: tr '\\r' '\\n'"
	printf '1,2\r\n3,4' >in
	import
	has '1|2|1|0' '3|4|1|0'
}

@test "JSON lines: dotted keys, escapes, what is no object" {
	printf '{"r":{"id":"A\\u00e9"},"x.y":"k","n":5,"t":1252800000.75}\n{"r":{"id":12},"x.y":3,"n":"2","t":1}\n' >in
	import --columns user=r.id,item=x.y,rating=n,time=t
	has 'Aé|k|5|1252800000' '12|3|2|1'
	assert_contains "$stderr" 'times whose fraction of a second was cut: 1'
	fails "line 1 of 'in' (byte 0): the object has no 'r.no'" --columns user=r.no,item=x.y
	fails "'r' is no id" --columns user=r,item=x.y
	fails "'t' is no id" --columns user=t,item=x.y
	printf '{"user":1,"item":2}\n{"user":1,"item":2\n' >in
	fails "line 2 of 'in' (byte 20): no JSON object: "
	printf '{"user":1,"item":2}\n[1,2]\n' >in
	fails "line 2 of 'in' (byte 20): JSON, but no object"
	printf '{\n"user":1,\n"item":2\n}\n' >in
	fails 'no JSON object: string or '
	assert_contains "$stderr" ': jq -c . prints one per line'
	printf '{"user":"\\ud800","item":2}\n' >in
	fails 'invalid Unicode'
	[[ $stderr != *jq* ]]
	printf '[{"user":1,"item":2}]\n' >in
	fails "is a JSON array, an object per line expected: jq -c '.[]'"
	printf '{"user":"a\\tb","item":2}\n' >in
	fails "user 'a?b' contains a control character"
	printf '{"user":1,"user":2,"item":2}\n' >in
	fails "duplicate"
	refuses 'JSON has keys, not places' --format jsonl --columns user,item
}

@test "RecBole's .inter: types in the header, fractions of seconds" {
	printf 'user_id:token\titem_id:token\trating:float\ttimestamp:float\na\t"b"\t3\t881250949.75\nc\td\t4\t881250950.0\n' >in
	import
	has 'a|"b"|3|881250949' 'c|d|4|881250950'
	assert_contains "$stderr" 'times whose fraction of a second was cut: 1'
	printf 'session:token\titem_id:token\n1\t2\n' >in
	asks 'its header (session:token, item_id:token) does not name user and item'
	import --columns user=session:token,item=item_id:token
	has '1|2|1|0'
}

@test "He et al.'s lists with negatives become samples; ml-split refuses them" {
	printf '(0,25)\t1064\t174\t\r\n(1,3)\t5\n' >in
	import
	assert_equal "$(cof-cat --header out.cof | jq -r .kind)" sample
	has '0|25|1' '0|1064|0' '0|174|0' '1|3|1' '1|5|0'
	run --separate-stderr ml-split --test t in
	assert_status 1
	assert_error ml-split "cof-import makes sample records of it"
	printf '(0,25)\t1064\n1,3\t5\n' >in
	fails "line 2 of 'in' (byte 12): list '1,3' does not begin with (user,item)" --format negative
}

@test "what is no text is named, with the program that makes text of it" {
	printf 'PAR1xxxx' >in
	fails 'is a Parquet file: convert it to CSV first'
	printf 'PK\3\4xxxx' >in
	fails 'is a zip archive or a workbook (xlsx): unzip -p'
	printf '\xfd7zXZ\0xxxx' >in
	fails 'is xz data: xz -dc'
	printf '\x28\xb5\x2f\xfdxxxx' >in
	fails 'is zstd data: zstd -dc'
	printf '\xff\xfe1\0,\0' >in
	fails 'is UTF-16 text: iconv'
	printf '1,2\n\0' >in
	fails 'is no text: byte 4 is 0'
	ln -sf /dev/zero in
	fails 'is no text: byte 0 is 0'
	rm in
	printf '1\t1\t1\t1\n' | cof-import -q >x.cof
	cp x.cof in
	fails 'holds records already'
}

## times

@test "times: Unix seconds with fractions, ISO 8601 in every form; the local zone has no say" {
	export TZ=America/New_York
	printf 'a,b,1,881250949.9\na,c,1,-1.5\na,d,1,7\n' >in
	import
	has 'a|b|1|881250949' 'a|c|1|-1' 'a|d|1|7'
	assert_contains "$stderr" 'times whose fraction of a second was cut: 2'
	printf 'user,item,time\na,b,2014-04-07\na,c,2014-04-07T10:51\na,d,2014-04-07 10:51:09\na,e,2014-04-07T10:51:09.277Z\na,f,2014-04-07T12:51:09+02:00\na,g,1969-12-31T23:59:59-0030\na,h,2000-02-29T23:59:60Z\n' >in
	import
	has 'a|b|1|1396828800' 'a|c|1|1396867860' 'a|d|1|1396867869' 'a|e|1|1396867869' 'a|f|1|1396867869' 'a|g|1|1799' 'a|h|1|951868800'
	for bad in 2014-02-29 2014-13-01 2014-04-07T24:00 2014-04-07T10:60 2014-4-7 2014-04-07x 2014-04-07T10:51+25:00; do
		printf 'user,item,time\na,b,2014-04-07\na,c,%s\n' "$bad" >in
		fails "line 3 of 'in' (byte 34): time '$bad' is not a"
	done
	printf 'user,item,time\na,b,2014-04-07\na,c,5\n' >in
	asks 'holds times that are not all Unix seconds, nor all ISO 8601'
	printf 'user,item,time\na,b,20140407\na,c,20140408\n' >in
	asks 'may hold days, as in 20110105, or numbers'
	import --time-format unix
	has 'a|b|1|20140407' 'a|c|1|20140408'
	import --time-format %Y%m%d
	has 'a|b|1|1396828800' 'a|c|1|1396915200'
}

@test "--time-format: patterns as strptime reads them" {
	check_time() { # PATTERN TEXT SECONDS
		printf 'user,item,time\na,b,"%s"\n' "$2" >in
		import --time-format "$1"
		has "a|b|1|$3"
	}
	check_time '%d/%m/%Y %H:%M' '01/12/2010 08:26' 1291191960
	check_time '%m/%d/%y %I:%M %p' '12/1/10 8:26 AM' 1291191960
	check_time '%a, %d %b %Y %T %z' 'Wed, 01 Dec 2010 08:26:00 +0100' 1291188360
	check_time '%B %e, %Y' 'December 1, 2010' 1291161600
	check_time '%F %R' '2010-12-01 08:26' 1291191960
	check_time '%D' '12/01/10' 1291161600
	check_time '%Y-%j' 2010-335 1291161600
	check_time '%FT%T.%fZ' 2010-12-01T08:26:00.5Z 1291191960
	check_time '%s' -5 -5
	check_time '%Y%%%m%n%d' '2010%12  01' 1291161600
	printf 'user,item,time\na,b,31/02/2010\n' >in
	fails "time '31/02/2010' is not a date that exists" --time-format %d/%m/%Y
	fails "time '31/02/2010' does not fit --time-format" --time-format %d.%m.%Y
	refuses 'as a pattern it has no year' --time-format %d/%m
	refuses 'as a pattern it has a conversion other than' --time-format %Y%Q
	refuses 'as a pattern it has a conversion other than' --time-format %Y%
}

## ratings and duplicates

@test "★ --time-format of a text without times is not passed over" {
	printf 'user,item\n1,2\n' >in
	fails 'no column is the time, which --time-format is about' --time-format iso
	fails 'no column is the time' --time-format iso --columns user,item --header yes
	printf '{"user":1,"item":2}\n' >in
	fails 'no column is the time' --time-format iso
	printf '1 2 3\n2 3\n' >in
	fails 'no column is the time' --time-format iso
}

@test "a rating is rounded once" {
	# above the middle of 1 and the next float; as a double it is the middle, which would round to 1
	printf '1,2,1.00000005960464478\n1,3,16777217\n1,4,0.1\n' >in
	import
	assert_equal "$(cof-cat out.cof | cut -f 3 | tr '\n' ' ')" '1.0000001 16777216 0.1 '
}

@test "--duplicates: latest, first, sum, max, error" {
	printf 'a,x,1,5\na,x,4,9\nb,x,7,1\na,x,2,9\na,y,3,1\n' >in
	import
	has 'a|x|4|9' 'b|x|7|1' 'a|y|3|1'
	assert_contains "$stderr" 'ratings dropped for a later one of the same user and item: 2'
	import --duplicates first
	has 'a|x|1|5' 'b|x|7|1' 'a|y|3|1'
	import --duplicates sum
	has 'a|x|7|9' 'b|x|7|1' 'a|y|3|1'
	import --duplicates max
	has 'a|x|4|9' 'b|x|7|1' 'a|y|3|1'
	fails "user 'a' has item 'x' in ratings 1 and 2: --duplicates error" --duplicates error
	printf 'a,x,3e38\na,x,3e38\n' >in
	fails "user 'a' has item 'x' in ratings 1 and 2: their sum is no finite float" --duplicates sum
	# without times the last is the latest
	printf 'a,x,1\na,x,4\nb,x,7\na,x,2\n' >in
	import
	has 'b|x|7|0' 'a|x|2|0'
}

@test "★ users written NULL, nan or NA would become one user" {
	for id in NA N/A '#N/A' '<NA>' nan NaN NULL null '\N' None; do
		printf '%s\n' 'a,x,1,5' "$id,x,2,6" "$id,y,2,6" >in
		fails "(byte 8): is '$id' a user, or a missing value?"
		printf '%s\n' 'a,x,1,5' "b,$id,2,6" >in
		fails "is '$id' an item, or a missing value?" -q
	done
	printf '%s\n' 'a,x,1,5' 'null,x,2,6' 'b,NA,2,6' 'NAN,y,1,1' >in
	import --missing drop
	has 'a|x|1|5' 'NAN|y|1|1'
	assert_contains "$stderr" 'ratings dropped for a missing user or item: 2'
	import --missing keep
	has 'a|x|1|5' 'null|x|2|6' 'b|NA|2|6' 'NAN|y|1|1'
	printf '%s\n' 'NA,x,1,5' 'null,x,2,6' >in
	fails 'holds no rating of a known user and item (--unknown drop, --missing drop)' --missing drop
	for id in ' ' '  ' ' NA' 'null ' ' N/A '; do # as columns of one width have them
		printf '%s\n' 'a,x,1,5' "b,$id,2,6" >in
		fails "is '$id' an item, or a missing value?"
	done
	printf '%s\n' 'u,i,5' ',i,4' 'u,"",3' 'u,j,2' >in # as shops have those who do not register
	fails "line 2 of 'in' (byte 6): user is empty: --missing drop leaves such rows out"
	fails "user is empty" --missing keep
	import --missing drop
	has 'u|i|5|0' 'u|j|2|0'
	assert_contains "$stderr" 'ratings dropped for a missing user or item: 2'
	printf '%s\n' '{"user":"u","item":1}' '{"user":null,"item":2}' '{"user":"","item":3}' >in
	fails "line 2 of 'in' (byte 22): user is empty: --missing drop"
	import --missing drop
	has 'u|1|1|0'
	printf '{"item":1}\n' >in
	asks "its keys do not name user and item" --missing drop
	# JSON has a null of its own, which is no id at all
	printf '%s\n' '{"user":"nan","item":"x"}' >in
	fails "is 'nan' a user, or a missing value?"
}

## texts that were cut off

@test "a text from a pipe whose last line has no end is an error, of a file a warning" {
	printf '1,2,3\n1,3,4' >in
	run --separate-stderr bash -c 'cat in | cof-import -q >out.cof'
	assert_status 1
	assert_error cof-import "'standard input' ends after 11 bytes without a line end: cut off? (--no-final-newline"
	[ ! -s out.cof ]
	run --separate-stderr bash -c 'cat in | cof-import -q --no-final-newline >out.cof'
	assert_status 0
	assert_equal "$stderr" ''
	mkfifo pipe
	cat in >pipe &
	run --separate-stderr bash -c 'cof-import -q pipe >out.cof'
	assert_status 1
	import -q
	assert_status 0
	assert_equal "$stderr" "cof-import: 'in' has no line end after its last line: is it whole?"
	run --separate-stderr bash -c 'cof-import -q <in >out.cof'
	assert_status 0
	assert_contains "$stderr" 'is it whole?'
}

@test "every cut of a text from a pipe fails, but for those at the end of a line" {
	printf 'user,item,rating\nann,"x, ""y""",3\nbob,z,4.5\nann,z,5\n' >whole
	for ((size = 1; size < $(wc -c <whole); size++)); do
		status=0
		head -c $size whole | cof-import -q >out.cof 2>err || status=$?
		case $size in
		17) grep -q 'holds no ratings' err ;;
		34 | 44) [ $status -eq 0 ] ;;
		*) [ $status -eq 1 ] && [ ! -s out.cof ] ;;
		esac || {
			echo "cut after $size bytes: status $status, $(cat err)"
			return 1
		}
	done
}

@test "--expect-rows, and the number of gzip members, show what was cut at the end of a line" {
	printf '1,2,3\n1,2,4\n1,4,5\n' >in
	import --expect-rows 3
	assert_status 0
	fails "'in' holds 3 ratings, --expect-rows says 4" --expect-rows 4
	{ head -n 1 in | gzip && tail -n +2 in | gzip; } >in.gz
	run --separate-stderr bash -c 'cof-import in.gz >out.cof'
	assert_contains "$stderr" 'gzip of 2 members'
}

## real data

# sizes FILE USERS ITEMS ROWS ARGUMENT...
sizes() {
	cp "$1" in
	import "${@:5}"
	assert_status 0
	assert_equal "$(cof-cat --header out.cof | jq -c '[.users, .items]') $(cof-cat --count out.cof)" "[$2,$3] $4"
}

@test "MovieLens 100K and latest, as they are" {
	dataset ml-100k u.data
	sizes "$data_file" 943 1682 100000
	sizes "$data_file" 943 1682 100000 --format ml-100k --duplicates error --expect-rows 100000
	dataset ml-latest-small ratings.csv.gz
	sizes "$data_file" 610 9724 100836
	# titles with commas in quotes
	zcat "${data_file%/*}/movies.csv.gz" >in
	import --columns user=movieId,item=title
	assert_status 0
	grep -q $'\tAmerican President, The (1995)$' items.tsv
}

@test "a published pair of train and test lists shares one numbering: ItemPop has the published values" {
	dataset deepcf AToy.train.rating.gz
	# the lists first: they name items that train does not have
	cof-import -q --user-ids u --item-ids i "${data_file%/*}/AToy.test.negative.gz" >lists.cof
	cof-import -q --known-users u --known-items i "$data_file" | binarize >train.cof
	pop-score -q --train train.cof --ranks lists.cof 2>err | rank-eval -q -k 10 --json >metrics.json
	assert_near "$(jq '.metrics["HR@10"]' metrics.json)" 0.2840 0.0005
	assert_near "$(jq '.metrics["NDCG@10"]' metrics.json)" 0.1518 0.0005
}

@test "MovieLens 1M as He et al. have it, their test lists, and DeepCF's" {
	dataset ml-1m ml-1m.test.negative.gz
	sizes "$data_file" 6040 3706 604000
	sizes "${data_file%/*}/ml-1m.test.rating.gz" 6040 1921 6040
	if command -v xz >/dev/null; then
		xz -dc "${data_file%/*}/ml-1m.train.rating.rebuilt.xz" >rows
		sizes rows "$(cut -f 1 rows | sort -u | wc -l)" "$(cut -f 2 rows | sort -u | wc -l)" 994169 --duplicates error
	fi
	dataset deepcf AToy.train.rating.gz
	zcat "$data_file" | tr -d '\r' | sort -u >rows
	sizes "$data_file" "$(cut -f 1 rows | sort -u | wc -l)" "$(cut -f 2 rows | sort -u | wc -l)" "$(cut -f 1,2 rows | sort -u | wc -l)"
}

@test "Gowalla, as pairs and as LightGCN's lists: the same rows" {
	dataset gowalla gowalla.train.tsv.xz
	command -v xz >/dev/null || skip "no xz"
	xz -dc "$data_file" >pairs
	sizes pairs 29858 40981 810128
	cof-cat out.cof >want
	awk -F '\t' 'NR == 1 || $1 != u { if (NR > 1) print line; u = $1; line = $1 } { line = line " " $2 } END { print line }' pairs >lists
	sizes lists 29858 40981 810128
	cof-cat out.cof | cmp - want
}

@test "Online Retail: quantities add up" {
	dataset online-retail transactions.tsv.xz
	command -v xz >/dev/null || skip "no xz"
	xz -dc "$data_file" >in
	import --duplicates sum
	assert_status 0
	awk -F '\t' '{ q[$1 "\t" $2] += $3 } END { for (p in q) print p "\t" q[p] }' in | sort >want
	cof-cat --user-ids users.tsv --item-ids items.tsv out.cof | cut -f 1-3 | sort | cmp - want
}
