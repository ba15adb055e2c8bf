#!/usr/bin/env bats
# shellcheck disable=SC2154
# cof-cat: text out of streams, streams out of text, counting. Joining is in cof-cat-join.bats.
load helper

# from KIND: text on stdin to a stream on stdout, bounds 10 and 20.
from() {
	cof-cat --from tsv --kind "$1" --users 10 --items 20
}

# A stream of an interaction in bytes made here, with no program of cofilter.
by_hand() {
	python3 - <<-'EOF'
		import struct, sys, zlib
		def crc(b): return b + struct.pack("<I", zlib.crc32(b))
		text = (b'{"kind":"interaction","fields":[["user","u32"],["item","u32"],["time","i64"]],'
		        b'"users":10,"items":20,"provenance":[]}')
		out = crc(b"\x89COF\r\n\x1a\n" + struct.pack("<II", 2, len(text)) + text)
		out += crc(struct.pack("<IIIqIIq", 2, 3, 17, -1, 9, 0, 881250949))
		out += crc(struct.pack("<IIIq", 1, 0, 19, 2**62))
		out += crc(struct.pack("<IQ", 0, 3))
		sys.stdout.buffer.write(out)
	EOF
}

@test "a stream made by hand is printed as tsv, csv and jsonl" {
	by_hand >x.cof
	run --separate-stderr cof-cat x.cof
	assert_status 0
	assert_equal "$output" $'3\t17\t-1\n9\t0\t881250949\n0\t19\t4611686018427387904'
	assert_equal "$stderr" ""
	run cof-cat --to csv <x.cof
	assert_equal "$output" $'user,item,time\n3,17,-1\n9,0,881250949\n0,19,4611686018427387904'
	run cof-cat --to jsonl - <x.cof
	assert_equal "${lines[1]}" '{"user":9,"item":0,"time":881250949}'
}

@test "csv and tsv go back to the same stream, to the bit, for floats of every exponent" {
	python3 - >floats <<-'EOF'
		import random, struct
		random.seed(1)
		for k in range(20000):
		    bits = random.getrandbits(32)
		    if bits >> 23 & 255 == 255: continue
		    print(1, 2, 1, struct.unpack("<f", struct.pack("<I", bits))[0], sep="\t")
		for v in 0.0, -0.0, 16777216.0, 16777218.0, 2.0**31, -2.0**31, 3.4028234663852886e38, 1e-45:
		    print(1, 2, 1, v, sep="\t")
	EOF
	from score <floats >a.cof
	cof-cat a.cof >a.tsv
	from score <a.tsv >b.cof
	cmp a.cof b.cof
	cof-cat a.cof --to csv >a.csv
	cof-cat --from csv --kind score --users 10 --items 20 <a.csv >c.cof
	cof-cat c.cof | cmp - a.tsv
	# the text is the float32 of the text that went in, in at most 9 digits
	python3 - <<-'EOF'
		import struct
		f32 = lambda s: struct.pack("<f", float(s))
		for a, b in zip(open("floats"), open("a.tsv"), strict=True):
		    a, b = a.split("\t")[3], b.split("\t")[3].strip()
		    digits = b.lower().split("e")[0].lstrip("-").replace(".", "").strip("0")
		    assert f32(a) == f32(b) and len(digits) <= 9, (a, b)
	EOF
}

@test "gzip, gzip of two members, files and standard input mix" {
	by_hand >x.cof
	gzip -c x.cof >x.cof.gz
	{ head -c 100 x.cof | gzip; tail -c +101 x.cof | gzip; } >two.gz
	cof-cat x.cof >one
	cat one one one >three
	cof-cat x.cof.gz - two.gz <x.cof >got
	cmp got three
}

@test "--count, --check and --header" {
	by_hand >x.cof
	printf '1\t2\t3\n' | from triple >t.cof
	run cof-cat --count x.cof t.cof x.cof
	assert_equal "$output" 7
	run --separate-stderr cof-cat --check x.cof t.cof
	assert_status 0
	assert_equal "$output$stderr" ""
	run cof-cat --header x.cof
	assert_status 0
	assert_equal "$(python3 -c 'import json, sys; print(json.loads(sys.argv[1])["items"])' "$output")" 20
	head -c -3 x.cof >cut.cof
	run --separate-stderr cof-cat --count cut.cof
	assert_status 1
	assert_equal "$output" ""
	assert_error cof-cat "'cut.cof' ends after 3 rows without a trailer: truncated"
	run --separate-stderr cof-cat --check x.cof cut.cof
	assert_status 1
	assert_equal "$output" ""
	assert_error cof-cat "truncated"
}

@test "--check finds an id out of bounds behind good checksums" {
	by_hand | sed 's/"items":20/"items":19/' >x.cof
	python3 - <<-'EOF'
		import struct, zlib
		b = bytearray(open("x.cof", "rb").read())
		n = 16 + struct.unpack("<I", b[12:16])[0]
		b[n:n + 4] = struct.pack("<I", zlib.crc32(b[:n]))
		open("x.cof", "wb").write(b)
	EOF
	for way in --check --count "--to tsv"; do
		# shellcheck disable=SC2086
		run --separate-stderr cof-cat $way x.cof
		assert_status 1
		assert_error cof-cat "row 3 of 'x.cof' (byte "
		assert_error cof-cat "item 19 is not below the bound 19"
	done
}

@test "--head stops early, over files, and writes a whole stream" {
	by_hand >x.cof
	run cof-cat --head 2 x.cof
	assert_equal "$output" $'3\t17\t-1\n9\t0\t881250949'
	cof-cat --head 4 x.cof x.cof --to cof >h.cof
	run cof-cat --count h.cof
	assert_equal "$output" 4
	head -c -5 x.cof >cut.cof
	run cof-cat --head 3 cut.cof
	assert_status 0
}

@test "names: the second column of an id file, quoted for csv and JSON" {
	by_hand >x.cof
	printf '0\tzero, or "null"\textra\n17\tItem 17\n19\ttab\\\xc3\xa9\x01\n' >items.tsv
	printf '0\tu0\n3\tu3\n9\tu9\n' >users.tsv
	run cof-cat x.cof --item-ids items.tsv
	assert_equal "${lines[0]}" $'3\tItem 17\t-1'
	assert_equal "${lines[1]}" $'9\tzero, or "null"\t881250949'
	run cof-cat x.cof --item-ids items.tsv --user-ids users.tsv --to csv
	assert_equal "${lines[2]}" 'u9,"zero, or ""null""",881250949'
	cof-cat x.cof --item-ids items.tsv --to jsonl >x.jsonl
	python3 - <<-'EOF'
		import json
		rows = [json.loads(line) for line in open("x.jsonl", encoding="utf-8")]
		assert [r["item"] for r in rows] == ["Item 17", 'zero, or "null"', "tab\\\u00e9\x01"], rows
	EOF
	printf '1\t2\t3\n' | from triple >t.cof
	printf '2\tpos\n3\tneg\n' >p.tsv
	run cof-cat t.cof --item-ids p.tsv
	assert_equal "$output" $'1\tpos\tneg'
}

@test "names: what is wrong with a file of them is said" {
	by_hand >x.cof
	try() {
		run --separate-stderr cof-cat x.cof --item-ids items.tsv "${@:2}"
		assert_status 1
		assert_error cof-cat "$1"
	}
	printf '17\ta\n' >items.tsv && try "item 0 has no line in 'items.tsv'"
	printf '17 a\n' >items.tsv && try "line 1 of 'items.tsv': it does not begin with an id and a tab"
	printf '17\ta\nx\tb\n' >items.tsv && try "line 2 of 'items.tsv': it does not begin with"
	printf '\tb\n' >items.tsv && try "'' is not an id"
	printf '20\ta\n' >items.tsv && try "line 1 of 'items.tsv': item 20 is not below 20"
	printf '1\ta\n1\tb\n' >items.tsv && try "line 2 of 'items.tsv': item 1 has a line already"
	printf '1\tcaf\xe9\n' >items.tsv && try "line 1 of 'items.tsv': the name is not UTF-8" --to jsonl
	printf '1\t\xed\xa0\x80\n' >items.tsv && try "not UTF-8" --to jsonl
	printf '1\ta\n2\tb\0c\n' >items.tsv && try "line 2 of 'items.tsv': a NUL in the text"
	rm items.tsv && try "cannot open 'items.tsv'"
}

@test "bad text: file, line, byte and what was expected" {
	try() {
		# shellcheck disable=SC2059
		printf "$1" >x.tsv
		run --separate-stderr cof-cat --from tsv --kind "${3:-rating}" --users 10 --items 20 x.tsv --to tsv
		assert_status 1
		assert_error cof-cat "$2"
	}
	try '1\t2\t3\t4\n1\t2\n' "line 2 of 'x.tsv' (byte 8): 2 fields, 4 expected for kind rating"
	try '1\t2\t3\t4\t5\n' "line 1 of 'x.tsv' (byte 0): 5 fields"
	try '1\t2\t3\t4\n\n' "line 2 of 'x.tsv' (byte 8): 1 fields"
	try '1\t2\t3\t4\n1\t2x\t3\t4\n' "line 2 of 'x.tsv' (byte 10): item '2x' is not a whole number"
	try '1\t-2\t3\t4\n' "item '-2' is not a whole number"
	try '1\t4294967296\t3\t4\n' "item '4294967296' is not a whole number"
	try '10\t2\t3\t4\n' "line 1 of 'x.tsv' (byte 0): user '10' is not below the bound of users"
	try '1\t20\t3\t4\n' "(byte 2): item '20' is not below the bound of items"
	try '1\t2\t3,5\t4\n' "(byte 4): rating '3,5' is not a number"
	try '1\t2\t 3\t4\n' "rating ' 3' is not a number"
	try '1\t2\t0x3\t4\n' "rating '0x3' is not a number"
	try '1\t2\tnan\t4\n' "rating 'nan' is not a number"
	try '1\t2\tinf\t4\n' "rating 'inf' is not finite"
	try '1\t2\t1e39\t4\n' "rating '1e39' is not finite"
	try '1\t2\t\t4\n' "rating '' is not a number"
	try '1\t2\t3\t9223372036854775808\n' "time '9223372036854775808' is not a whole number of 64 bits"
	try '1\t2\t3\t--4\n' "time '--4' is not a whole number of 64 bits"
	try '1\t2\t3\t4\nuser\titem\trating\ttime\n' "line 2 of 'x.tsv'"
	try '1\t2\t3\t\0004\n' "a NUL in the text"
	try '1\t2\t1\tinf\n' "score 'inf' is not finite" score
	try '1\t2\t-inf\t1\n' "label '-inf' is not finite" score
}

@test "groups: a column each in tsv and csv, an array in jsonl, names for all items" {
	printf '1\t2\t3\t4\n9\t19\t0\t0\n' | from group >g.cof
	assert_equal "$(cof-cat --header g.cof | jq -c '.fields[2]')" '["negative","u32",2]'
	run cof-cat g.cof
	assert_equal "$output" $'1\t2\t3\t4\n9\t19\t0\t0'
	cof-cat --to csv g.cof >g.csv
	assert_equal "$(head -n 2 g.csv)" $'user,positive,negative_1,negative_2\n1,2,3,4'
	cof-cat --from csv --kind group --users 10 --items 20 g.csv >h.cof
	cof-cat h.cof | cmp - <(cof-cat g.cof)
	cof-cat --from csv --kind group --users 10 --items 20 <(head -n 1 g.csv) >none.cof
	assert_equal "$(cof-cat --header none.cof | jq -c '.fields[2][2]') $(cof-cat --count none.cof)" '2 0'
	run cof-cat --to jsonl g.cof
	assert_equal "${lines[0]}" '{"user":1,"positive":2,"negative":[3,4]}'
	seq 0 19 | sed 's/.*/&\t<&>/' >items.tsv
	run cof-cat --to jsonl --item-ids items.tsv g.cof
	assert_equal "${lines[1]}" '{"user":9,"positive":"<19>","negative":["<0>","<0>"]}'
	run --separate-stderr cof-cat --from tsv --kind group --users 10 --items 20 --to tsv < <(printf '1\t2\t3\n1\t2\t3\t4\n')
	assert_status 1
	assert_error cof-cat "line 2 of 'standard input' (byte 6): 4 fields, 3 expected for kind group"
	run --separate-stderr cof-cat --from tsv --kind group --users 10 --items 20 --to tsv < <(printf '1\t2\t3\n1\t2\t20\n')
	assert_error cof-cat "line 2 of 'standard input' (byte 10): negative '20' is not below the bound of items"
	run --separate-stderr cof-cat --from tsv --kind group --users 10 --items 20 --to tsv < <(printf '1\t2\n')
	assert_error cof-cat "line 1 of 'standard input' (byte 0): 2 fields, 3 to 16384 expected for kind group"
	run --separate-stderr cof-cat --from tsv --kind group --users 10 --items 20 --to tsv </dev/null
	assert_error cof-cat "'standard input' is empty: nothing shows how many negatives a group has"
	run --separate-stderr cof-cat --from tsv --kind group --users 10 --items 20 --to tsv < <(printf '1\t2\t\0003\n')
	assert_error cof-cat "a NUL in the text"
}

@test "a message is one line without control characters, whatever a name or a field holds" {
	run --separate-stderr cof-cat $'no\nsuch\tfile'
	assert_status 1
	assert_error cof-cat "cannot open 'no?such?file'"
	printf '1\t2\t\0337x\n' >x.tsv
	run --separate-stderr cof-cat --from tsv --users 10 --items 20 --to tsv x.tsv
	assert_error cof-cat "time '?7x' is not a whole number"
}

@test "text in: CRLF, a last line without an end, nothing at all" {
	printf 'user\titem\ttime\r\n1\t2\t3\r\n4\t5\t-6' >x.tsv
	run cof-cat --from tsv --users 10 --items 20 x.tsv --to tsv
	assert_equal "$output" $'1\t2\t3\n4\t5\t-6'
	cof-cat --from tsv --users 10 --items 20 </dev/null >empty.cof
	run cof-cat --count empty.cof
	assert_equal "$output" 0
	run cof-cat --to csv empty.cof
	assert_equal "$output" "user,item,time"
	numpy
	cof-cat empty.cof --to npy >empty.npy
	"$python" -c 'import numpy as np; a = np.load("empty.npy"); assert a.shape == (0,) and a.dtype.names == ("user", "item", "time")'
}

@test "★ text in: a pipe whose last line has no end was cut off; a byte order mark" {
	run --separate-stderr bash -c "printf '1\t2\t3\n4\t5\t6' | cof-cat --from tsv --users 10 --items 20 >x.cof"
	assert_status 1
	assert_error cof-cat "'standard input' ends after 11 bytes without a line end: cut off?"
	run cof-cat --check x.cof
	assert_status 1
	printf '\xef\xbb\xbfuser,item,time\n1,2,3\n' | cof-cat --from csv --users 10 --items 20 >x.cof
	assert_equal "$(cof-cat x.cof)" $'1\t2\t3'
	run --separate-stderr bash -c "printf '\xef\xbb\xbf1,x,3\n' | cof-cat --from csv --users 10 --items 20 >x.cof"
	assert_error cof-cat "line 1 of 'standard input' (byte 5): item 'x' is not a whole number"
}

@test "many blocks: 30001 rows through every way" {
	awk 'BEGIN { for (k = 0; k < 30001; k++) printf "%d\t%d\t%.0f\n", k % 10, k % 20, k * 1000003 }' >x.tsv
	cof-cat --from tsv --users 10 --items 20 x.tsv >x.cof
	run cof-cat --count x.cof
	assert_equal "$output" 30001
	cof-cat x.cof | cmp - x.tsv
	gzip -c x.cof | cof-cat | cmp - x.tsv
	cof-cat --head 20000 x.cof | cmp - <(head -n 20000 x.tsv)
	numpy
	cof-cat x.cof --to npy >x.npy
	"$python" -c 'import numpy as np
a = np.load("x.npy")
assert (a["time"] == np.arange(30001) * 1000003).all() and (a["item"] == np.arange(30001) % 20).all()'
}

@test "npy of a damaged stream is nothing at all" {
	by_hand >x.cof
	head -c -1 x.cof >cut.cof
	run --separate-stderr cof-cat cut.cof --to npy
	assert_status 1
	assert_equal "$output" ""
}

@test "He et al.'s file of candidates through awk, as the page says" {
	printf '(0,17)\t3\t4\n(1,5)\t6\t0\n' >x.test.negative
	awk -F'[(),\t]+' '{ print $2 "\t" $3 "\t1"
	    for (k = 4; k <= NF; k++) print $2 "\t" $k "\t0" }' x.test.negative |
		cof-cat --from tsv --kind sample --users 2 --items 20 >candidates.cof
	run cof-cat candidates.cof
	assert_equal "$output" $'0\t17\t1\n0\t3\t0\n0\t4\t0\n1\t5\t1\n1\t6\t0\n1\t0\t0'
}

@test "options that do not go together are usage errors" {
	try() {
		run --separate-stderr cof-cat "$@" x.cof
		assert_status 2
		assert_contains "$stderr" "Try 'cof-cat --help'"
	}
	by_hand >x.cof
	try --count --check
	try --count --to csv
	try --header --head 3
	try --count --item-ids x.tsv
	try --count --users 3
	try --check --from tsv
	try --from tsv
	try --from csv --users 3
	try --kind rating
	try --users 3
	try --items 3
	try --item-ids x.tsv --to cof
	try --user-ids x.tsv --to npy
	try --head -1
	try --to xml
}
