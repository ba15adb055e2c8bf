#!/usr/bin/env bats
# shellcheck disable=SC2154
# The format of record streams: files of every version that was ever written, the format page's own reader, headers
# that are refused, and which id maps go together.
load helper

GOLDEN=$BATS_TEST_DIRNAME/golden
KINDS='rating interaction triple sample score rank top group'

# from KIND: text on stdin to a stream on stdout, bounds 10 and 20.
from() {
	cof-cat --from tsv --kind "$1" --users 10 --items 20
}

# The files were written by the stages of the release that began with the version, and stay as they are.
@test "streams of version 2 of every kind, as they were written once: header and rows" {
	for kind in $KINDS; do
		cof-cat --header "$GOLDEN/$kind.cof" | jq -c .
		cof-cat "$GOLDEN/$kind.cof"
	done >got
	diff "$GOLDEN/version-2.txt" got
}

@test "a stream of version 1, and of one to come, gets one line from every stage that reads streams" {
	cp "$GOLDEN/version-1.cof" old.cof
	cp "$GOLDEN/interaction.cof" new.cof
	printf '\3' | dd of=new.cof bs=1 seek=8 conv=notrunc 2>/dev/null
	ours=": make it again with this release"
	while read -r stage options; do
		# shellcheck disable=SC2086
		{
			run --separate-stderr -1 $stage $options old.cof
			assert_equal "$stderr" "$stage: 'old.cof' has format version 1, this program reads 2$ours"
			run --separate-stderr -1 $stage $options new.cof
			assert_equal "$stderr" "$stage: 'new.cof' has format version 3, this program reads 2"
		}
	done <<-'EOF'
		binarize
		negsample
		neumf-train -o model
		pop-score --train old.cof
		rank-eval
		cof-cat --count
	EOF
}

# The reader of the page as read_cof.py.
python_reader() {
	numpy
	mandoc -Tascii "$ROOT/lib/stream/record.5" >/dev/null || skip "no mandoc"
	# .Bd -literal blocks hold the code as it is, but for \e
	awk '/^\.Bd -literal$/ { on = 1; next } /^\.Ed/ { on = 0 } on' "$ROOT/lib/stream/record.5" |
		sed 's/\\e/\\/g' >read_cof.py
	[ "$(grep -vc '^$' read_cof.py)" -le 20 ]
}

@test "rows of every kind come back from text as they went in, read by the Python of record.5" {
	python_reader
	printf '0\t19\t3.5\t-5\n9\t0\t0.1\t9223372036854775807\n' >rating.tsv
	printf '3\t4\t-9223372036854775808\n' >interaction.tsv
	printf '1\t2\t3\n9\t19\t0\n' >triple.tsv
	printf '1\t2\t1\n1\t3\t0\n' >sample.tsv
	printf '1\t2\t1\t0.333333343\n1\t3\t0\t-inf\n' >score.tsv
	printf '1\t2\t4294967295\t1\t0\t7\n' >rank.tsv
	printf '1\t2\t1\t-1.17549435e-38\n' >top.tsv
	printf '1\t2\t3\t19\t5\t6\n9\t0\t1\t1\t1\t2\n' >group.tsv
	for kind in $KINDS; do
		from "$kind" <"$kind.tsv" >"$kind.cof"
		cof-cat --to npy "$kind.cof" >"$kind.npy"
		"$python" - "$kind" <<-'EOF'
			import sys, numpy as np
			from read_cof import read_cof
			kind = sys.argv[1]
			header, rows = read_cof(open(kind + ".cof", "rb"))
			text = [line.rstrip("\n").split("\t") for line in open(kind + ".tsv")]
			if kind == "group": text = [(user, positive, rest) for user, positive, *rest in text]
			want = np.array([tuple(line) for line in text], rows.dtype)
			assert header["kind"] == kind and header["users"] == 10 and header["items"] == 20, header
			assert header["provenance"][0]["program"] == "cof-cat", header
			assert rows.tobytes() == want.tobytes(), (rows, want)
			array = np.load(kind + ".npy")
			assert array.dtype == rows.dtype and array.tobytes() == want.tobytes(), array
			size = {"rating": 20, "interaction": 16, "triple": 12, "sample": 12, "score": 16, "rank": 24, "top": 16, "group": 24}
			assert rows.dtype.itemsize == size[kind]
		EOF
	done
	head -c -1 rating.cof >cut.cof
	run "$python" -c 'import read_cof; read_cof.read_cof(open("cut.cof", "rb"))'
	[ "$status" -ne 0 ]
	assert_contains "$output" "truncated or damaged"
	run "$python" -c "import read_cof; read_cof.read_cof(open('$GOLDEN/version-1.cof', 'rb'))"
	assert_contains "$output" "not a record stream of version 2"
	"$python" - "$GOLDEN/group.cof" <<-'EOF'
		import sys
		from read_cof import read_cof
		header, rows = read_cof(open(sys.argv[1], "rb"))
		assert header["rows_per_epoch"] == 3 and rows["negative"].shape == (6, 3) and list(rows["negative"][0]) == [2, 0, 2]
	EOF
}

# refused PYTHON WHY: the header of x.cof, so changed, is no header.
refused() {
	cp x.cof y.cof
	edit_header y.cof "$1"
	run --separate-stderr cof-cat --check y.cof
	assert_status 1
	assert_equal "$stderr" "cof-cat: the header of 'y.cof' is invalid: $2"
}

# taken PYTHON: it is one.
taken() {
	cp x.cof y.cof
	edit_header y.cof "$1"
	cof-cat --check y.cof
}

@test "provenance is a list of at most 1000 objects" {
	printf '1\t2\t3\n' | from triple >x.cof
	taken 'h["provenance"] = []'
	taken 'h["provenance"] = [{}, {"program": "mine"}]'
	refused 'h["provenance"] = [1]' "an entry of its provenance is not an object"
	refused 'h["provenance"].append("text")' "an entry of its provenance is not an object"
	refused 'h["provenance"] = {}' "it has no provenance"
	refused 'del h["provenance"]' "it has no provenance"
	refused 'h["history"] = h.pop("provenance")' "it has no provenance"
	taken 'h["provenance"] = [{"n": n} for n in range(1000)]'
	refused 'h["provenance"] = [{"n": n} for n in range(1001)]' "its provenance has more than 1000 entries"
	# one more is too many
	cp x.cof y.cof
	edit_header y.cof 'h["provenance"] = [{"n": n} for n in range(1000)]'
	run --separate-stderr -1 bash -c 'cof-cat --to cof y.cof >z.cof'
	assert_error cof-cat "the header of 'standard output' would have 1001 entries of provenance, more than 1000"
	[ ! -s z.cof ]
}

@test "id maps in a header: pairs of an ascending count and 16 hexadecimal digits" {
	printf '1\t2\t3\n' | from triple >x.cof
	taken 'h["user_ids"] = [[1, "0123456789abcdef"], [10, "fedcba9876543210"]]; h["item_ids"] = []'
	for bad in '{}' '1' '"x"' '[1]' '[[]]' '[[1]]' '[[1, 2]]' '[["1", "0123456789abcdef"]]' '[[0, "0123456789abcdef"]]' \
		'[[4294967296, "0123456789abcdef"]]' '[[1, "0123456789abcde"]]' '[[1, "0123456789abcdef0"]]' \
		'[[1, "0123456789ABCDEF"]]' '[[1, "0123456789abcdef", 0]]' \
		'[[2, "0123456789abcdef"], [2, "0123456789abcdef"]]' '[[2, "0123456789abcdef"], [1, "0123456789abcdef"]]'; do
		for key in user_ids item_ids; do
			refused "h['$key'] = $bad" "user_ids or item_ids is not a list of [count, hash], counts ascending"
		done
	done
}

@test "first_row lies within the epochs" {
	printf '1\t2\t3\n' | from triple >x.cof
	taken "h.update(epochs=3, rows_per_epoch=5, first_row=5)"
	taken "h.update(epochs=3, rows_per_epoch=5, first_row=15)"
	taken "h.update(epochs=2**63 - 1, rows_per_epoch=2**63 - 1, first_row=2**63 - 1)"
	for bad in 'epochs=3, rows_per_epoch=5, first_row=16' 'epochs=3, first_row=1' 'rows_per_epoch=5, first_row=1' \
		'first_row=1'; do
		refused "h.update($bad)" "its first_row lies beyond its epochs"
	done
	for bad in 'first_row=-1' 'epochs="3"' 'rows_per_epoch=1.5' 'epochs=None'; do
		refused "h.update($bad)" "epochs, rows_per_epoch or first_row is not a number"
	done
}

@test "a group's header says how many negatives, 1 to 16382" {
	printf '1\t2\t3\t4\n' | from group >x.cof
	taken 'h["fields"][2][2] = 2'
	for bad in 'del f[2][2]' 'f[2][2] = 0' 'f[2][2] = 16383' 'f[2][2] = "2"' 'f[1].append(1)' \
		'f[2] = ["negative", "f32", 2]' 'f.append(["time", "i64"])' 'del f[2]'; do
		refused "f = h['fields']; $bad" "its fields are not those of its kind"
	done
	# a row of 65536 bytes, as long as a block may be
	seq 16384 | sed 's/.*/1/' | paste -s >want
	from group <want >got
	cof-cat got | cmp - want
	run --separate-stderr -1 bash -c 'seq 16385 | sed "s/.*/1/" | paste -s | cof-cat --from tsv --kind group --users 2 --items 2'
	assert_error cof-cat "16385 fields, 3 to 16384 expected for kind group"
}

# ratings ITEM...: train.cof and its test part, of users a and b who rated the items in this order.
ratings() {
	printf "a\t%s\t1\n" "$@" >in.tsv
	printf "b\t%s\t1\n" "$@" >>in.tsv
	ml-split -q --format tsv --columns user,item,rating --test test-ratings.cof --item-ids items.tsv in.tsv | binarize
}

@test "streams whose ids come from other maps of the same size are not taken together" {
	ratings one two three four >x.cof
	ratings two one three four >y.cof
	assert_equal "$(cof-cat --header x.cof | jq -c .user_ids)" "$(cof-cat --header y.cof | jq -c .user_ids)"
	items="number their items differently: made from different id maps (--ids-unchecked to go on)"
	run --separate-stderr -1 bash -c 'cof-cat x.cof y.cof --to cof >z.cof'
	assert_equal "$stderr" "cof-cat: 'x.cof' and 'y.cof' $items"
	run --separate-stderr -1 bash -c 'negsample -q --exclude y.cof x.cof >z.cof'
	assert_equal "$stderr" "negsample: 'x.cof' and 'y.cof' $items"
	run --separate-stderr -1 bash -c 'negsample -q --exclude y.cof <x.cof >z.cof'
	assert_equal "$stderr" "negsample: 'standard input' and 'y.cof' $items"
	[ ! -s z.cof ]
	# on demand they are; the header knows no map then, of items, and still that of the users
	cof-cat --ids-unchecked x.cof y.cof --to cof >z.cof
	assert_equal "$(cof-cat --header z.cof | jq -c '[has("user_ids", "item_ids")]')" '[true,false]'
	negsample -q --ids-unchecked --splits-unchecked --exclude y.cof x.cof >z.cof
	edit_header x.cof 'h["user_ids"][0][1] = "0" * 16'
	run --separate-stderr -1 bash -c 'cof-cat x.cof y.cof >z.tsv'
	assert_error cof-cat "'x.cof' and 'y.cof' number their users differently"
}

@test "a map that was extended goes with what it was before, one that is not known with any" {
	ratings one two three four >x.cof
	cp x.cof longer.cof
	edit_header longer.cof 'h["item_ids"].append([6, "f" * 16]); h["items"] = 6'
	negsample -q --exclude x.cof longer.cof | cof-cat --header | jq -c .item_ids >got
	assert_equal "$(cat got)" "$(cof-cat --header longer.cof | jq -c .item_ids)"
	edit_header longer.cof 'h["items"] = 4'
	cof-cat x.cof longer.cof --to cof | cof-cat --header | jq -c .item_ids >got
	assert_equal "$(cat got)" "$(cof-cat --header x.cof | jq -c .item_ids)"
	cp x.cof unknown.cof
	edit_header unknown.cof 'del h["user_ids"], h["item_ids"]'
	negsample -q --exclude unknown.cof x.cof >z.cof
	cof-cat x.cof unknown.cof --to cof | cof-cat --header >got
	run ! grep _ids got
	# two extensions of one map
	cp x.cof other.cof
	edit_header other.cof 'h["item_ids"].append([6, "a" * 16])'
	cof-cat longer.cof other.cof >/dev/null
}

@test "the fingerprint of a map is XXH3-64 of its raw ids, and goes through all stages" {
	ratings one two three four >x.cof
	hash=$(cut -f 2 items.tsv | python3 -c 'import ctypes, sys
data, lib = sys.stdin.buffer.read(), ctypes.CDLL("libxxhash.so.0")
lib.XXH3_64bits.restype = ctypes.c_uint64
print("%016x" % lib.XXH3_64bits(data, ctypes.c_size_t(len(data))))')
	ids=$(cof-cat --header x.cof | jq -c '[.user_ids, .item_ids]')
	assert_contains "$ids" "[[4,\"$hash\"]]]"
	[[ $ids == '[[[2,"'* ]]
	binarize test-ratings.cof >test.cof
	negsample -q x.cof >triple.cof
	negsample -q --grouped x.cof >group.cof
	negsample -q --candidates 1 x.cof >sample.cof
	pop-score -q --train x.cof --all-items test.cof >score.cof
	cof-cat --to cof triple.cof triple.cof >twice.cof
	for file in test-ratings test triple group sample score twice; do
		assert_equal "$(cof-cat --header $file.cof | jq -c '[.user_ids, .item_ids]')" "$ids"
	done
	printf '1\t2\t3\n' | from triple | cof-cat --header >got
	run ! grep _ids got
}
