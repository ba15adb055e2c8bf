#!/usr/bin/env bats
# shellcheck disable=SC2154
# Model files: checksums, and damage in a model of real size. Every bit of a small
# model is flipped in tests/unit/test_safetensors.c.
load helper

GOLDEN=$BATS_TEST_DIRNAME/golden

# flip FILE BIT: the file with one bit changed, on stdout.
flip() {
	python3 -c 'import sys
data, bit = bytearray(open(sys.argv[1], "rb").read()), int(sys.argv[2])
data[bit // 8] ^= 1 << bit % 8
sys.stdout.buffer.write(data)' "$1" "$2"
}

# What it scores: golden.bats.
@test "a model of before checksums is read and noted, one with them is read" {
	printf '0\t0\t0\n' | cof-cat --from tsv --users 3 --items 3 >pairs.cof
	run --separate-stderr neumf-score --device reference --model "$GOLDEN/mf.safetensors" pairs.cof
	assert_status 0
	assert_contains "$stderr" "mf.safetensors' has no checksum: damage in it would not be seen"
	run --separate-stderr neumf-score --device reference --model "$GOLDEN/checksum.safetensors" pairs.cof
	assert_status 0
	[[ $stderr != *"has no checksum"* ]]
}

@test "one flipped bit, wherever it is, and no score comes of the model" {
	planted --users 300 --items 200 --ratings 4000 | ml-split -q --test test.cof | binarize -q >train.cof
	negsample -q train.cof | neumf-train -q --device cpu -o model
	binarize -q test.cof >pairs.cof
	size=$(wc -c <model)
	header=$(python3 -c 'print(8 + int.from_bytes(open("model", "rb").read(8), "little"))')
	# 60 bits of the header, 60 of the tensors, evenly, and the first and the last of each
	for bit in $(seq 0 $((header * 8 / 59)) $((header * 8 - 1))) $((header * 8 - 1)) $((header * 8)) \
		$(seq $((header * 8 + 1)) $(((size - header) * 8 / 59)) $((size * 8 - 1))) $((size * 8 - 1)); do
		flip model "$bit" >flipped
		run --separate-stderr neumf-score -q --device cpu --model flipped pairs.cof
		assert_status 1
		assert_error neumf-score flipped
		assert_equal "$output" ""
	done
}

@test "a model through a pipe and gzip is checked too, and what stdout gets is the file" {
	planted --users 30 --items 20 --ratings 120 | ml-split -q --test test.cof | binarize -q | negsample -q >t.cof
	neumf-train -q --device cpu -o model t.cof
	neumf-train -q --device cpu -o - t.cof | cmp - model
	binarize -q test.cof >pairs.cof
	neumf-score -q --device cpu --model model pairs.cof >want
	gzip -c model >model.gz
	neumf-score -q --device cpu --model model.gz pairs.cof | cmp - want
	neumf-score -q --device cpu --model <(cat model) pairs.cof | cmp - want
	bit=$(($(wc -c <model) * 8 - 40)) # of a mantissa
	flip model $bit >flipped
	run --separate-stderr neumf-score -q --model <(gzip -c flipped) pairs.cof
	assert_status 1
	assert_error neumf-score "are damaged: their checksum is wrong"
}

# edit FILE KEY [VALUE]: the model with other metadata, without checksums, on stdout.
edit() {
	python3 -c 'import json, sys
data = open(sys.argv[1], "rb").read()
end = 8 + int.from_bytes(data[:8], "little")
header = json.loads(data[8:end])
meta = header["__metadata__"]
for key in "checksum", "header_checksum", sys.argv[2]:
    meta.pop(key, None)
meta.update([sys.argv[2:4]] if len(sys.argv) > 3 else [])
text = json.dumps(header).encode()
text += b" " * (-len(text) % 8)
sys.stdout.buffer.write(len(text).to_bytes(8, "little") + text + data[end:])' "$@"
}

@test "a score that its loss does not have is refused, not taken for ours" {
	printf '0\t0\t0\n0\t1\t0\n' | cof-cat --from tsv --kind interaction --users 2 --items 3 >pairs.cof
	negsample -q pairs.cof | neumf-train -q --device cpu --model mf -o dot
	negsample -q --grouped pairs.cof | neumf-train -q --device cpu --model mf --loss ccl -o cosine
	edit dot seed 1 >same
	neumf-score -q --model same pairs.cof | cmp - <(neumf-score -q --model dot pairs.cof)
	edit dot score cosine >a
	edit cosine score >b
	edit cosine score euclidean >c
	for model in a b c; do
		run --separate-stderr neumf-score -q --model $model pairs.cof
		assert_status 1
		assert_error neumf-score "metadata of '$model': a score by"
	done
	assert_equal "$stderr" "neumf-score: metadata of 'c': a score by euclidean, where loss ccl has one by cosine"
}
