#!/usr/bin/env bats
# shellcheck disable=SC2030,SC2031,SC2154
# neumf-train --init-from: what comes from the models, against NumPy, and what is refused.
load helper

# interactions USERS ITEMS: about a third of all pairs
interactions() {
	local u i
	for ((u = 0; u < $1; u++)); do
		for ((i = 0; i < $2; i++)); do
			(((u * i + u) % 3 == 1 || i == u % $2)) && printf '%d\t%d\t0\n' "$u" "$i"
		done
	done | cof-cat --from tsv --kind interaction --users "$1" --items "$2"
}

setup() {
	cd "$BATS_TEST_TMPDIR" || return 1
	interactions 12 9 | tee yesterday.cof | negsample -q --pointwise --epochs 3 >samples.cof
	negsample -q --epochs 3 yesterday.cof >triples.cof
	interactions 15 14 | tee today.cof | negsample -q --pointwise >new-samples.cof
	negsample -q today.cof >new-triples.cof
}

# train OUT ARGS...: a model with weights of some size
train() {
	run --separate-stderr neumf-train -q --device cpu --factors 3 --mlp-factors 4 --hidden 6,5 --init-std 0.3 --lr 0.01 \
		--batch-size 32 -o "$@"
}
# The first weights: sgd whose steps change none of them (biases of 0 become 1e-30).
first=(--optimizer sgd --lr 1e-30)

# Python with the tensors of a model as load("FILE"), metadata as meta("FILE").
python() {
	{
		cat <<-'EOF'
			import json, numpy as np
			def parse(path):
			    data = open(path, "rb").read()
			    start = 8 + int.from_bytes(data[:8], "little")
			    return json.loads(data[8:start]), np.frombuffer(data, "<f4", offset=start)
			def meta(path): return parse(path)[0]["__metadata__"]
			def load(path):
			    header, values = parse(path)
			    return {name: values[t["data_offsets"][0] // 4:t["data_offsets"][1] // 4].reshape(t["shape"])
			            for name, t in header.items() if name != "__metadata__"}
			def same(a, b): return a.shape == b.shape and (np.abs(a - b) < 1e-25).all()
		EOF
		cat
	} | "$python" -
}

@test "a model of its own kind: its tensors, and in rows that are new those of a fresh start" {
	numpy
	for model in neumf gmf mlp mf; do
		for kind in samples triples; do
			[ "$model$kind" != mfsamples ] || continue
			train old --model $model $kind.cof
			assert_status 0
			train fresh --model $model --seed 7 "${first[@]}" new-$kind.cof
			train warm --model $model --seed 7 "${first[@]}" --init-from old new-$kind.cof
			assert_status 0
			assert_equal "$stderr" ""
			python <<-'EOF'
				old, fresh, warm = load("old"), load("fresh"), load("warm")
				assert old.keys() == fresh.keys() == warm.keys()
				for name, w in warm.items():
				    n = len(old[name])
				    assert same(w[:n], old[name]) and same(w[n:], fresh[name][n:]), name
				    assert name[:4] not in ("gmf_", "mlp_") or len(w) > n, name
			EOF
		done
	done
}

@test "a gmf and an mlp make a neumf as He et al. have it" {
	numpy
	for kind in samples triples; do
		train g --model gmf $kind.cof
		train m --model mlp $kind.cof
		train half --init-from g,m "${first[@]}" $kind.cof
		assert_status 0
		train turned --init-from m,g --alpha 0.5 "${first[@]}" $kind.cof
		train third --init-from g,m --alpha 0.3 "${first[@]}" $kind.cof
		train grown --init-from g,m "${first[@]}" new-$kind.cof
		assert_status 0
		python <<-'EOF'
			# load_pretrain_model of NeuMF.py, hexiangnan/neural_collaborative_filtering, in float32:
			# new_weights = concatenate(gmf, mlp), new_b = gmf + mlp, both times 0.5
			g, m = load("g"), load("m")
			for path, a in ("half", 0.5), ("third", 0.3), ("grown", 0.5):
			    n = load(path)
			    for name, w in n.items():
			        if name == "head.weight":
			            expected = np.concatenate([a * g[name], (1 - a) * m[name]], 1)
			            assert np.abs(w - expected).max() < 1e-7, (path, name)
			        elif name == "head.bias":
			            assert abs(w[0] - (a * g[name][0] + (1 - a) * m[name][0])) < 1e-7 and w[0] != 0, (path, name)
			        else:
			            from_ = (g if name.startswith("gmf") else m)[name]
			            assert same(w[:len(from_)], from_), (path, name)
			half = np.float32(0.5) * np.concatenate([g["head.weight"], m["head.weight"]], 1)
			assert same(load("half")["head.weight"], half)
			assert all(same(w, load("turned")[name]) for name, w in load("half").items())
		EOF
		# the first logit is alpha times that of gmf, the rest that of mlp
		for model in g m half third; do
			neumf-score -q --device reference --model $model --all-items yesterday.cof | cof-cat | cut -f 4 >$model.txt
		done
		paste g.txt m.txt half.txt third.txt | awk '
			function near(a, b) { return a - b < 1e-6 && b - a < 1e-6 }
			!near($3, 0.5 * $1 + 0.5 * $2) || !near($4, 0.3 * $1 + 0.7 * $2) { print; exit 1 }'
		[ "$(wc -l <half.txt)" -eq 108 ]
	done
}

# Weights that a fresh start draws, given to it by a file, are a fresh start: moments and step begin anew.
@test "the optimizer starts afresh" {
	for optimizer in adam lazy-adam sgd; do
		train drawn --model mf "${first[@]}" triples.cof
		train fresh --model mf --optimizer $optimizer triples.cof
		train warm --model mf --optimizer $optimizer --init-from drawn triples.cof
		python3 - <<-'EOF'
			def tensors(path):
			    data = open(path, "rb").read()
			    return data[8 + int.from_bytes(data[:8], "little"):]
			assert tensors("drawn") != tensors("fresh") == tensors("warm")
		EOF
	done
}

# ids FILE KEY PAIRS: fingerprints in the header of a stream
ids() {
	edit_header "$1" "h['$2'] = [[n, d * 16] for n, d in $3]"
}

@test "the id maps of the model are the beginning of those of the input" {
	ids triples.cof user_ids "((10, 'a'), (12, 'b'))"
	ids triples.cof item_ids "((9, 'c'),)"
	train old --model mf triples.cof
	for grown in "((12, 'b'), (15, 'd'))" "((10, 'a'), (12, 'b'), (15, 'd'))"; do
		ids new-triples.cof user_ids "$grown"
		ids new-triples.cof item_ids "((9, 'c'), (14, 'd'))"
		train warm --model mf --init-from old new-triples.cof
		assert_status 0
	done
	# of one family, but the ids from 10 on are others; then older; then another family
	for other in "((10, 'a'), (12, 'c'), (15, 'd'))" "((10, 'a'),)" "((15, 'd'),)"; do
		ids new-triples.cof user_ids "$other"
		train no --model mf --init-from old new-triples.cof
		assert_status 1
		assert_error neumf-train "cannot start from 'old': its user ids are not the beginning of the input's (--ids-unchecked to go on)"
		train warm --model mf --init-from old --ids-unchecked new-triples.cof
		assert_status 0
	done
	ids new-triples.cof user_ids "()"
	ids new-triples.cof item_ids "((9, 'd'),)"
	train no --model mf --init-from old new-triples.cof
	assert_status 1
	assert_error neumf-train "its item ids are not the beginning"
	[ ! -e no ]
}

@test "two models number their ids alike, also where the input knows nothing of its own" {
	cp triples.cof unknown.cof
	for side in user item; do
		cp unknown.cof triples.cof
		ids triples.cof ${side}_ids "((9, 'a'),)"
		train g --model gmf triples.cof
		for pair in "0 ((9, 'a'), (10, 'b'))" "0 ()" "1 ((9, 'c'),)"; do
			ids triples.cof ${side}_ids "${pair#* }"
			train p --model mlp triples.cof
			assert_status 0
			train warm --init-from g,p unknown.cof
			assert_status "${pair%% *}"
		done
		assert_error neumf-train "'g' and 'p': they number their ${side}s differently (--ids-unchecked to go on)"
		train warm --init-from g,p --ids-unchecked unknown.cof
		assert_status 0
	done
}

# refused MESSAGE ARGS...
refused() {
	local message=$1
	shift
	train no "$@"
	assert_status 1
	assert_error neumf-train "$message"
	[ ! -e no ]
}

@test "what does not fit is refused, and the tensor named" {
	train g --model gmf samples.cof
	train m --model mlp samples.cof
	train n samples.cof
	train pairwise --model gmf triples.cof
	refused "cannot start from 'n': tensor 'gmf_item.weight' is of shape (9, 3), not (9, 4)" --init-from n --factors 4 samples.cof
	refused "cannot start from 'n': tensor 'head.weight' is of shape (1, 8), not (1, 7)" --init-from n --hidden 6,4 samples.cof
	refused "cannot start from 'g': the new model has no tensor 'head.bias'" --init-from g --model mf triples.cof
	refused "cannot start from 'g': tensor 'head.weight' is of shape (1, 3), not (1, 8)" --init-from g samples.cof
	refused "cannot start from 'm': it has no tensor 'gmf_item.weight'" --init-from m samples.cof
	refused "cannot start from 'pairwise': it has no tensor 'head.bias'" --init-from pairwise --model gmf samples.cof
	refused "two models make a neumf, and are a gmf and an mlp: 'g' is a gmf, 'n' a neumf" --init-from g,n samples.cof
	refused "two models make a neumf" --init-from g,m --model mlp samples.cof
	train big new-samples.cof
	refused "cannot start from 'big': it has 15 users, the input only 12" --init-from big samples.cof
	head -c 1000 n >short
	refused "'short'" --init-from short samples.cof
	refused "'none'" --init-from none samples.cof
	refused "'none'" --init-from g,none samples.cof
	train warm --model gmf --init-from pairwise --loss hinge triples.cof
	assert_status 0
	assert_error neumf-train "'pairwise' was trained with another loss: bpr, now hinge"
}

@test "provenance has the checksums of the models, and no paths" {
	numpy
	train g --model gmf samples.cof
	train m --model mlp samples.cof
	train n --init-from ./g,m samples.cof
	train one --init-from n samples.cof
	train fresh samples.cof
	python <<-'EOF'
		options = lambda path: json.loads(meta(path)["provenance"])[-1]["options"]
		assert options("n")["init-from"] == meta("g")["checksum"] + "," + meta("m")["checksum"]
		assert options("n")["alpha"] == 0.5
		assert options("one")["init-from"] == meta("n")["checksum"] and "alpha" not in options("one")
		assert not {"init-from", "alpha"} & options("fresh").keys()
	EOF
}

@test "wrong usage" {
	train g --model gmf samples.cof
	for options in '--init-from g,g,g' '--init-from g,' '--init-from ,g' '--init-from ,' '--alpha 0.5' \
		'--init-from g --alpha 0.5' '--init-from g,g --alpha 1.5'; do
		# shellcheck disable=SC2086
		train no $options samples.cof
		assert_status 2
		[ ! -e no ]
	done
	train no --init-from '' samples.cof
	assert_status 2
	# yesterday's model is an input: it stays
	cp g before
	train g --init-from ./g --model gmf samples.cof
	assert_status 2
	train no --init-from g --log g --model gmf samples.cof
	assert_status 2
	cmp g before
	[ ! -e no ]
}
