#!/usr/bin/env bats
# shellcheck disable=SC2154
# Models of every kind as they were written once: what the first release wrote is read for good, and gives the same
# scores. Streams of each version are in record.bats, models with checksums and without in model-file.bats.
load helper

GOLDEN=$BATS_TEST_DIRNAME/golden

# score DEVICE MODEL: user, item and score of every pair that the model knows.
score() {
	printf '%d\t%d\t0\n' 0 0 0 1 0 2 1 0 1 1 1 2 2 0 2 1 2 2 |
		cof-cat --from tsv --kind sample --users 3 --items 3 |
		neumf-score -q --device "$1" --model "$2" 2>notes | cof-cat | cut -f 1,2,4
}

@test "models of every kind: the scores of the release that wrote them" {
	for scores in "$GOLDEN"/*.scores; do
		model=${scores%.scores}.safetensors
		for device in reference cpu; do
			score $device "$model" >got
			paste got "$scores" >both
			awk '{ d = $3 - $6; if ($1 != $4 || $2 != $5 || d > 1e-6 || d < -1e-6) { print; bad = 1 } } END { exit bad || NR != 9 }' both
		done
	done
}

@test "the tensors of a model are where the format of safetensors says" {
	numpy
	"$python" - "$GOLDEN/neumf.safetensors" <<-'EOF'
		import json, sys, numpy as np
		data = open(sys.argv[1], "rb").read()
		size = int.from_bytes(data[:8], "little")
		header = json.loads(data[8:8 + size])
		assert header["__metadata__"]["model"] == "neumf" and size % 8 == 0, header
		t = {}
		for name, what in header.items():
		    if name == "__metadata__": continue
		    assert what["dtype"] == "F32"
		    begin, end = what["data_offsets"]
		    t[name] = np.frombuffer(data[8 + size + begin:8 + size + end], "<f4").reshape(what["shape"]).astype(float)
		scores = np.loadtxt(sys.argv[1].replace(".safetensors", ".scores"))
		for u, i, want in scores:
		    u, i = int(u), int(i)
		    h = np.concatenate([t["mlp_user.weight"][u], t["mlp_item.weight"][i]])
		    for k in range(2): h = np.maximum(t[f"mlp.{k}.weight"] @ h + t[f"mlp.{k}.bias"], 0)
		    top = np.concatenate([t["gmf_user.weight"][u] * t["gmf_item.weight"][i], h])
		    got = (t["head.weight"] @ top + t.get("head.bias", np.zeros(1)))[0]
		    assert abs(got - want) < 1e-6, (u, i, got, want)
	EOF
}
