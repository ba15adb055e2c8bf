#!/usr/bin/env bats
# shellcheck disable=SC2154
# ials-train: against NumPy in double, the loss, blocks of factors, and on MovieLens.
load helper

# loss_of ARGUMENT...: what ials-train prints
loss_of() {
	ials-train "$@" 2>&1 | sed -n 's/.*loss \([^ ]*\) after.*/\1/p'
}

# Users with 0 to 120 of 150 items, so all ways to solve for a row; nobody has item 149, user 7 has nothing.
make_train() {
	awk 'BEGIN { srand(3); for (u = 0; u < 90; u++) { n = u % 9 ? u / 4 : u * 1.4; if (u != 7)
		for (k = 0; k < n; k++) print u, int(149 * rand() * rand()), k } }' | interactions 90 150 >train.cof
}

@test "an epoch and the loss, next to NumPy in double" {
	numpy
	make_train
	cof-cat --to npy train.cof >train.npy
	for how in '5 0.01 1 0.1' '33 0.3 0 1' '64 0.05 0.5 0.02' '100 0.003 1 0.3' '150 0.01 1 0.1'; do
		read -r factors l2 exponent weight <<<"$how"
		options=(--factors "$factors" --l2 "$l2" --l2-exponent "$exponent" --unobserved-weight "$weight")
		ials-train -q "${options[@]}" --epochs 3 -o three train.cof
		loss=$(loss_of "${options[@]}" --epochs 4 -o four train.cof)
		"$python" - "$factors" "$l2" "$exponent" "$weight" "$loss" <<-'END'
			import json, sys, numpy as np
			factors, (l2, exponent, weight, said) = int(sys.argv[1]), map(float, sys.argv[2:6])
			rows = np.load("train.npy")
			x = np.zeros((90, 150))
			x[rows["user"], rows["item"]] = 1
			def load(path):
			    data = open(path, "rb").read()
			    start = 8 + int.from_bytes(data[:8], "little")
			    header = json.loads(data[8:start])
			    floats = np.frombuffer(data, "<f4", offset=start).astype(float)
			    at = lambda n: slice(*(o // 4 for o in header[n]["data_offsets"]))
			    return [floats[at(n)].reshape(header[n]["shape"]) for n in ("gmf_user.weight", "gmf_item.weight")]
			def penalty(x):
			    return l2 * (x.sum(1) + weight * x.shape[1]) ** exponent
			# every block of factors with the rest fixed; one block is the whole system
			def solve(w, h, x, blocks):
			    for u in range(len(x)):
			        have = h[x[u] > 0]
			        if len(have) == 0:
			            w[u] = 0
			            continue
			        full = weight * h.T @ h + have.T @ have + penalty(x)[u] * np.eye(h.shape[1])
			        right = have.sum(0)
			        for b in blocks:
			            rest = right[b] - full[b] @ w[u] + full[np.ix_(b, b)] @ w[u, b]
			            w[u, b] = np.linalg.solve(full[np.ix_(b, b)], rest)
			    return w
			w, h = load("three")
			got_w, got_h = load("four")
			assert w.shape == (90, factors) and h.shape == (150, factors)
			assert not got_w[7].any() and not got_h[149].any()
			# 150 factors are two blocks, of 96 and of the other 54; their coordinates turn within a block only
			blocks = [np.arange(factors)] if factors <= 128 else [np.arange(96), np.arange(96, factors)]
			w = solve(w, h, x, blocks)
			h = solve(h, w, x.T, blocks)
			off = np.abs(w @ h.T - got_w @ got_h.T).max()
			assert off < 1e-5, off
			score = got_w @ got_h.T
			loss = ((1 - score) ** 2 * x).sum() + weight * (score ** 2).sum()
			loss += penalty(x) @ (got_w ** 2).sum(1) + penalty(x.T) @ (got_h ** 2).sum(1)
			assert abs(loss - said) < 1e-5 * loss, (loss, said)
			print("scores off", off, "loss", loss, said)
		END
	done
}

@test "the same bytes for any number of threads, in one block and in several; another seed, another model" {
	make_train
	for factors in 7 64 150 300; do
		ials-train -q --factors $factors --epochs 2 --threads 1 -o one train.cof
		for threads in 2 5; do
			ials-train -q --factors $factors --epochs 2 --threads $threads -o other train.cof
			cmp one other
		done
	done
	ials-train -q --factors 300 --epochs 2 --seed 2 -o other train.cof
	run cmp one other
	assert_status 1
}

@test "the loss never grows" {
	make_train
	for factors in 16 200; do
		last=1e30
		for epochs in 1 2 3 5 8; do
			loss=$(loss_of --factors $factors --l2 0.01 --epochs $epochs -o m train.cof)
			awk -v a="$loss" -v b="$last" 'BEGIN { exit !(a < b) }'
			last=$loss
		done
	done
}

@test "one user, one item, by hand; the model says what it is" {
	# w and h end where w = h / (1.5 h h + 0.2 x 1.5), h the same with w: 1 = 1.5 w^2 + 0.3
	printf '0 0 1\n' | interactions 1 1 >one.cof
	ials-train -q --factors 1 --l2 0.2 --unobserved-weight 0.5 --epochs 60 -o m one.cof
	neumf-score --model m one.cof | cof-cat | cut -f 4 >score
	assert_near "$(cat score)" 0.4666667 1e-5 # w^2 = 0.7 / 1.5
	"$(command -v python3)" - <<-'END'
		import json
		data = open("m", "rb").read()
		about = json.loads(data[8:8 + int.from_bytes(data[:8], "little")])["__metadata__"]
		assert about["model"] == "mf" and about["factors"] == "1" and about["seed"] == "1", about
		assert [p["program"] for p in json.loads(about["provenance"])] == ["cof-cat", "ials-train"], about
		options = json.loads(about["provenance"])[-1]["options"]
		assert options["l2"] == 0.2 and options["epochs"] == 60 and "threads" not in options, options
	END
}

@test "id maps pass into the model" {
	printf 'a,x\na,y\nb,x\nb,z\nc,y\nc,z\n' | ml-split -q --columns user,item --test t.cof --user-ids u.tsv | binarize >train.cof
	ials-train -q --factors 2 -o m train.cof
	printf 'd,x\nd,y\ne,x\ne,z\nc,y\nc,z\n' | ml-split -q --columns user,item --test other.cof >/dev/null
	run --separate-stderr neumf-score --model m --all-items other.cof
	assert_status 1
	assert_error neumf-score "number their users differently"
}

@test "no model where the input is cut off, empty of users, or of another kind; usage" {
	make_train
	head -c 500 train.cof >cut.cof
	run --separate-stderr ials-train -o m cut.cof
	assert_status 1
	assert_error ials-train "truncated"
	[ ! -e m ]
	interactions 3 4 </dev/null >none.cof
	run --separate-stderr ials-train -o m none.cof
	assert_status 1
	assert_error ials-train "'none.cof' holds no rows: nothing to train on"
	[ ! -e m ]
	for options in '--factors 0' '--l2 0' '--unobserved-weight 0' '--epochs 0' '--l2-exponent -1'; do
		# shellcheck disable=SC2086
		run --separate-stderr ials-train $options -o m train.cof
		assert_status 2
	done
	run --separate-stderr ials-train train.cof
	assert_status 2
	assert_contains "$stderr" "option --output is required"
}

@test "embeddings that the machine cannot hold: one line, with the number" {
	printf '0 0 1\n' | interactions 20000000 1 >train.cof
	run --separate-stderr ials-train --factors 65536 -o m train.cof
	assert_status 1
	assert_error ials-train "'train.cof' with 65536 factors needs 52"
	[[ $stderr =~ has\ [0-9]+\.[0-9]\ GB$ ]]
	[ ! -e m ]
}

@test "MovieLens 100K: iALS, 64 factors" {
	movielens_100k
	ials-train -q --factors 64 --l2 0.007 --unobserved-weight 0.3 --epochs 8 -o m train.cof
	neumf-score -q --model m --all-items --seen train.cof --ranks test.cof >ranks.cof
	assert_near "$(rank-eval --only HR@10 ranks.cof)" 0.147 0.004
	assert_near "$(rank-eval --only NDCG@10 ranks.cof)" 0.077 0.003
}
