#!/usr/bin/env bats
# shellcheck disable=SC2154
# neumf-score: scores of models written here by hand, devices, bounds.
load helper

# model KIND SIGMOID: with KIND mf-bias an mf with biases; two users, three items, factors 2; mlp is one layer of 1 on embeddings of 1
make_model() {
	python3 - "$1" "$2" >model.safetensors <<-'EOF'
		import json, struct, sys
		kind, sigmoid = sys.argv[1:]
		bias, kind = kind == "mf-bias", kind.split("-")[0]
		gmf, mlp = kind != "mlp", kind in ("neumf", "mlp")
		tensors = {}
		if gmf:
		    tensors["gmf_item.weight"] = ([3, 2], [1, 2, 3, -1, 0.5, 0])
		    tensors["gmf_user.weight"] = ([2, 2], [1, 1, -2, 4])
		if bias:
		    tensors["global_bias"] = ([1], [10])
		    tensors["item_bias"] = ([3], [1, 0, -0.5])
		    tensors["user_bias"] = ([2], [100, -4])
		if kind == "neumf":
		    tensors["head.weight"] = ([1, 3], [2, 1, 10])
		elif kind == "gmf":
		    tensors["head.weight"] = ([1, 2], [2, 1])
		elif kind == "mlp":
		    tensors["head.weight"] = ([1, 1], [10])
		if mlp:
		    tensors["mlp.0.weight"] = ([1, 2], [1, -1])
		    tensors["mlp.0.bias"] = ([1], [0.5])
		    tensors["mlp_item.weight"] = ([3, 1], [0, 1, 2])
		    tensors["mlp_user.weight"] = ([2, 1], [0, 1])
		header = {"__metadata__": {"model": kind, "loss": "bpr", "sigmoid_output": sigmoid, "users": "2", "items": "3",
		    "factors": "2" if gmf else "0", "mlp_factors": "1" if mlp else "0", "hidden": "1" if mlp else ""}}
		if bias:
		    header["__metadata__"]["bias"] = "true"
		data = b""
		for name in sorted(tensors):
		    shape, values = tensors[name]
		    raw = struct.pack("<%df" % len(values), *values)
		    header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [len(data), len(data) + len(raw)]}
		    data += raw
		text = json.dumps(header).encode()
		text += b" " * (-len(text) % 8)
		sys.stdout.buffer.write(struct.pack("<Q", len(text)) + text + data)
	EOF
}

# scores OPTION...: item and score columns of users 0 and 1, all items
scores() {
	printf '0 0 1\n1 1 1\n' | interactions 2 3 |
		neumf-score -q --model model.safetensors --all-items "$@" | cof-cat | cut -f 4 | paste -sd ' '
}

@test "mf is the dot product" {
	make_model mf false
	for device in reference cpu; do
		assert_equal "$(scores --device $device)" "3 2 0.5 6 -10 -1"
	done
}

@test "mf with biases adds them" {
	make_model mf-bias false
	for device in reference cpu; do
		assert_equal "$(scores --device $device)" "114 112 110 13 -4 4.5"
		assert_equal "$(scores --device $device --top 1)" "114 13"
	done
	sed -i 's/"bias": "true"/"bias": "yes."/' model.safetensors
	pipe "printf '0\t0\t1\n' | cof-cat --from tsv --kind interaction --users 2 --items 3 |
		neumf-score -q --model model.safetensors --all-items"
	assert_status 1
	assert_error neumf-score '"bias" is '"'yes.'"
}

@test "gmf, mlp and neumf" {
	for device in reference cpu; do
		make_model gmf false # 2 g_0 + g_1
		assert_equal "$(scores --device $device)" "4 5 1 4 -16 -2"
		make_model mlp false # 10 relu(user - item + 0.5)
		assert_equal "$(scores --device $device)" "5 0 0 15 5 0"
		make_model neumf false
		assert_equal "$(scores --device $device)" "9 5 1 19 -11 -2"
	done
}

@test "a model trained on the sigmoid's output is scored by it" {
	make_model mf true
	for device in reference cpu; do
		read -r -a got <<<"$(scores --device $device)"
		assert_near "${got[0]}" 0.95257413 1e-7
		assert_near "${got[2]}" 0.62245933 1e-7
		assert_near "${got[4]}" 0.0000453979 1e-10
	done
}

@test "pairs score as blocks do" {
	make_model neumf false
	printf '1 2 1\n1 0 1\n0 1 1\n' | interactions 2 3 | neumf-score -q --model model.safetensors |
		cof-cat | cut -f 1,2,4 | paste -sd ' ' | tr '\t' ' ' >got
	assert_equal "$(cat got)" "1 2 -2 1 0 19 0 1 5"
}

@test "ranks and top lists of a model" {
	make_model mf false
	printf '0 1 1\n1 2 1\n' | interactions 2 3 >x.cof
	run bash -c 'neumf-score -q --model model.safetensors --all-items --ranks x.cof | cof-cat | tr "\t" " "'
	assert_equal "$output" "0 1 1 0 0 3
1 2 1 0 0 3"
	run bash -c 'neumf-score -q --model model.safetensors --all-items --top 2 x.cof | cof-cat | tr "\t" " "'
	assert_equal "$output" "0 0 1 3
0 1 2 2
1 0 1 6
1 2 2 -1"
	# longer than any list: room for so many is not asked for
	neumf-score -q --model model.safetensors --all-items --top 4294967295 x.cof | cof-cat >longest
	neumf-score -q --model model.safetensors --all-items --top 3 x.cof | cof-cat | cmp - longest
}

@test "a stream may have smaller bounds than the model, not larger ones" {
	make_model mf false
	printf '0 0 1\n' | interactions 1 1 >x.cof
	run bash -c 'neumf-score -q --model model.safetensors --all-items x.cof | cof-cat | cut -f 4 | paste -sd " "'
	assert_equal "$output" "3 2 0.5"
	printf '0 0 1\n' | interactions 3 3 >x.cof
	run --separate-stderr neumf-score -q --model model.safetensors x.cof
	assert_status 1
	assert_error neumf-score "'x.cof' has 3 users, 'model.safetensors' only 2"
	assert_equal "$output" ""
}

@test "ratings are positives" {
	make_model mf false
	printf '0\t1\t0\t1\n1\t2\t4\t1\n' | cof-cat --from tsv --kind rating --users 2 --items 3 >x.cof
	run bash -c 'neumf-score -q --model model.safetensors --all-items --ranks x.cof | cof-cat | tr "\t" " "'
	assert_equal "$output" "0 1 1 0 0 3
1 2 1 0 0 3"
	run bash -c 'neumf-score -q --model model.safetensors x.cof | cof-cat | tr "\t" " "'
	assert_equal "$output" "0 1 1 2
1 2 1 -1"
}

@test "a score that is not finite is fatal" {
	make_model mf false
	# the first float of gmf_item becomes 3e38: 3e38 x -2 is beyond float32
	python3 - <<-'EOF'
		import struct
		b = bytearray(open("model.safetensors", "rb").read())
		at = 8 + struct.unpack_from("<Q", b)[0]
		struct.pack_into("<f", b, at, 3e38)
		open("model.safetensors", "wb").write(b)
	EOF
	printf '1 1 1\n1 0 1\n' | interactions 2 3 >x.cof
	for options in '--all-items' '--all-items --ranks' '--all-items --top 1' '' '--device reference'; do
		# shellcheck disable=SC2086
		run --separate-stderr bash -c "neumf-score -q --model model.safetensors $options x.cof >out"
		assert_status 1
		assert_error neumf-score "the score of user 1 and item 0 is not finite"
		run --separate-stderr cof-cat --check out
		assert_status 1
	done
}

@test "wrong usage, missing model, no device" {
	printf '0 0 1\n' | interactions 2 3 >x.cof
	run --separate-stderr neumf-score x.cof
	assert_status 2
	assert_contains "$stderr" "option --model is missing"
	run --separate-stderr neumf-score --model none.safetensors x.cof
	assert_status 1
	assert_error neumf-score "cannot open 'none.safetensors'"
	run --separate-stderr neumf-score --model x.cof x.cof
	assert_status 1
	run --separate-stderr neumf-score --model x.cof --device gpu x.cof
	assert_status 2
}

@test "the model is opened only after the header of the input" {
	make_model mf false
	mv model.safetensors ready
	mkfifo pipe
	printf '0 0 1\n' | interactions 2 3 >x.cof
	(
		sleep 0.3
		mv ready model.safetensors
		cat x.cof
	) >pipe &
	run --separate-stderr neumf-score -q --model model.safetensors --all-items pipe
	assert_status 0
}
