#!/usr/bin/env bats
# shellcheck disable=SC2154
# --save-model and --model of ease-score and knn-score: the bytes that --train gives, and what no file can do.
load helper

make_inputs() {
	random_rows 40 70 1 700 | awk '$2 != 33' | interactions 40 71 >train.cof # nobody has 33 and 70
	random_rows 40 70 2 60 | sort -n -s -k1,1 | interactions 40 71 >test.cof
	random_rows 9 70 3 60 | interactions 9 71 >mine.cof
	random_rows 9 70 4 9 | sort -n -s -k1,1 | interactions 9 71 >ask.cof
	printf '%s\n' '0 33' '0 70' '0 2' '0 3' '0 11' | interactions 1 71 >some.cof
}

# Stages with settings, as bash arrays are written.
METHODS=('ease-score --l2 3' 'knn-score --neighbours 7' 'knn-score --similarity jaccard --shrink 2'
	'knn-score --similarity rp3beta --alpha 0.7 --beta 0.3 --neighbours 9' 'knn-score --center --neighbours 7')

@test "--model gives the bytes that --train gives: for its users, for others, for any option" {
	make_inputs
	local method stage way threads
	for method in "${METHODS[@]}"; do
		stage=${method%% *}
		# shellcheck disable=SC2086
		{
			$method --train train.cof --threads 1 --save-model w
			$method --train train.cof --threads 3 --save-model w3
			cmp w w3
			for way in '--all-items --seen train.cof --ranks' '--all-items --top 5' '--all-items' '' '--ranks' \
				'--all-items --items 3:40' '--all-items --candidates some.cof --top 3'; do
				$method -q --train train.cof $way test.cof >want 2>/dev/null
				for threads in 1 3; do
					$stage -q --model w --train train.cof --threads $threads $way test.cof >got 2>/dev/null
					cmp got want
				done
			done
			for way in '--all-items --seen mine.cof --top 5' '' '--all-items --candidates some.cof'; do
				$method -q --train train.cof --user-items mine.cof $way ask.cof >want 2>/dev/null
				$stage -q --model w --user-items mine.cof $way ask.cof >got 2>/dev/null
				cmp got want
				[ -s got ]
			done
		}
	done
}

@test "--train with --model says who has what: users may have come, and items may be more than they had" {
	make_inputs
	ease-score --train train.cof --l2 3 --save-model w
	{ cof-cat train.cof | awk '{ print $1, $2 }' && echo 45 3 && echo 45 12; } | interactions 46 71 >later.cof
	printf '0 3\n0 12\n' | interactions 1 71 >same.cof
	printf '45 1\n' | interactions 46 71 | ease-score --model w --train later.cof --all-items | cof-cat | cut -f 4 >got
	printf '0 1\n' | interactions 1 71 | ease-score --model w --user-items same.cof --all-items | cof-cat | cut -f 4 >want
	cmp got want
}

@test "a file as item_weights.h has it: read by NumPy, it gives the scores" {
	numpy
	make_inputs
	ease-score --train train.cof --l2 3 --save-model e
	knn-score --train train.cof --neighbours 7 --save-model k
	knn-score --train train.cof --neighbours 7 --center --save-model c
	cat >read.py <<-'END'
		import json, sys, numpy as np
		data = open(sys.argv[1], "rb").read()
		size = int.from_bytes(data[:8], "little")
		header = json.loads(data[8:8 + size])
		types = {"F32": "<f4", "U32": "<u4", "U64": "<u8"}
		def tensor(name):
		    t = header[name]
		    a, b = t["data_offsets"]
		    return np.frombuffer(data[8 + size + a:8 + size + b], types[t["dtype"]]).reshape(t["shape"])
		meta = header["__metadata__"]
		assert meta["model"] == "item-weights" and meta["items"] == "71" and meta["users"] == "40", meta
		rows, got = np.load("train.npy"), np.load("scores.npy")
		x = np.zeros((40, 71))
		x[rows["user"], rows["item"]] = 1
		b, base = np.zeros((71, 71)), 0
		if meta["method"] == "ease-score":
		    items = tensor("items")
		    b[np.ix_(items, items)] = -tensor("weights").astype(float) / tensor("diagonal")
		else:
		    start, item, sim = tensor("offsets"), tensor("items"), tensor("weights")
		    base = tensor("base") if "base" in header else 0
		    for j in range(71):
		        b[j, item[start[j]:start[j + 1]]] = sim[start[j]:start[j + 1]]
		want = (x @ b + base)[got["user"], got["item"]]
		assert len(got) > 1000 and np.abs(want - got["score"]).max() < 1e-5 and np.abs(want).max() > 0.1
	END
	cof-cat --to npy train.cof >train.npy
	ease-score -q --model e --train train.cof --all-items test.cof | cof-cat --to npy >scores.npy
	"$python" read.py e
	knn-score -q --model k --train train.cof --all-items test.cof | cof-cat --to npy >scores.npy
	"$python" read.py k
	knn-score -q --model c --train train.cof --all-items test.cof | cof-cat --to npy >scores.npy
	"$python" read.py c
}

# flip FILE BIT: the file with one bit changed, on stdout.
flip() {
	python3 -c 'import sys
data, bit = bytearray(open(sys.argv[1], "rb").read()), int(sys.argv[2])
data[bit // 8] ^= 1 << bit % 8
sys.stdout.buffer.write(data)' "$1" "$2"
}

@test "one flipped bit: an error, or it is in a row that nobody needs" {
	make_inputs
	printf '0 2\n0 11\n' | interactions 1 71 >two.cof
	seq 0 39 | sed 's/$/ 0/' | interactions 40 71 >everybody.cof
	for method in ease-score knn-score 'knn-score --center'; do
		stage=${method%% *}
		# shellcheck disable=SC2086
		$method --train train.cof --save-model w
		"$stage" --model w --user-items two.cof --all-items two.cof >want
		size=$(wc -c <w) errors=0 same=0
		for bit in $(seq 0 $((size * 8 / 150)) $((size * 8 - 1))); do
			flip w "$bit" >flipped
			run --separate-stderr to_file "$stage" --model flipped --user-items two.cof --all-items two.cof
			if [ "$status" -eq 0 ]; then
				cmp out want
				same=$((same + 1))
			else
				assert_status 1
				assert_error "$stage" flipped
				errors=$((errors + 1))
			fi
		done
		echo "$stage: $errors errors, $same the same"
		((errors > 10 && same > 20))
		# with all rows in use none goes unseen
		for bit in $(seq 7 $((size * 8 / 60)) $((size * 8 - 1))) $((size * 8 - 1)); do
			flip w "$bit" >flipped
			run --separate-stderr "$stage" --model flipped --train train.cof --all-items --top 1 everybody.cof
			assert_status 1
		done
	done
}

to_file() {
	"$@" >out
}

@test "a file that is no such file, or another stage's: one line that says whose" {
	make_inputs
	ease-score --train train.cof --save-model e
	knn-score --train train.cof --save-model k
	ials-train -q --factors 4 -o mf train.cof
	while read -r stage file text; do
		run --separate-stderr "$stage" --model "$file" --user-items mine.cof --all-items ask.cof
		assert_status 1
		assert_error "$stage" "$text"
		assert_equal "$output" ""
	done <<-'EOF'
		ease-score k 'k' holds item weights of knn-score: 'knn-score --model' reads it
		knn-score e 'e' holds item weights of ease-score: 'ease-score --model' reads it
		ease-score mf 'mf' is a model of kind mf, and holds no item weights: 'neumf-score --model' reads it
		knn-score mf 'mf' is a model of kind mf, and holds no item weights: 'neumf-score --model' reads it
		ease-score train.cof 'train.cof' is no safetensors file
		ease-score nosuch cannot open 'nosuch'
	EOF
	for file in e k; do
		run --separate-stderr neumf-score --model $file --device cpu test.cof
		assert_status 1
		assert_error neumf-score "'$file' holds item weights of "
		run --separate-stderr bash -c "negsample -q train.cof | neumf-train --device cpu --init-from $file -o m"
		assert_status 1
		assert_contains "$stderr" "'$file' holds item weights of "
	done
}

@test "cut, longer, packed, from a pipe" {
	make_inputs
	for stage in ease-score knn-score; do
		$stage --train train.cof --save-model w
		head -c -1 w >short
		run --separate-stderr $stage --model short --user-items mine.cof --all-items ask.cof
		assert_status 1
		assert_error $stage "'short' ends at byte $(($(wc -c <w) - 1)), its header says $(wc -c <w)"
		{ cat w && echo; } >long
		run --separate-stderr $stage --model long --user-items mine.cof --all-items ask.cof
		assert_status 1
		assert_error $stage "'long' goes on after byte $(wc -c <w)"
		gzip -c w >w.gz
		run --separate-stderr $stage --model w.gz --user-items mine.cof --all-items ask.cof
		assert_status 1
		assert_error $stage "'w.gz' is packed, or no regular file"
		run --separate-stderr bash -c "cat w | $stage --model /dev/stdin --user-items mine.cof --all-items ask.cof"
		assert_status 1
		assert_contains "$stderr" "is packed, or no regular file"
	done
}

@test "who numbers what, which split, how many" {
	planted --users 60 --items 50 --ratings 700 >ratings.tsv
	ml-split -q --seed 1 --mode random --test test1.r ratings.tsv | binarize >train1.cof
	ml-split -q --seed 2 --mode random --test test2.r ratings.tsv | binarize >train2.cof
	binarize test1.r >test1.cof
	binarize test2.r >test2.cof
	knn-score --train train1.cof --save-model w
	knn-score -q --model w --train train1.cof --all-items test1.cof >/dev/null
	for wrong in '--train train1.cof test2.cof' '--train train2.cof test1.cof' '--train train2.cof test2.cof'; do
		# shellcheck disable=SC2086
		run --separate-stderr knn-score --model w --all-items $wrong
		assert_status 1
		assert_contains "$stderr" "are parts of different splits"
		# shellcheck disable=SC2086
		knn-score -q --splits-unchecked --model w --all-items $wrong >/dev/null
	done
	knn-score -q --model w --user-items train2.cof --all-items test2.cof >/dev/null # users of their own
	cp train1.cof other.cof
	edit_header other.cof 'h["user_ids"] = [[60, "00000000000000aa"]]'
	run --separate-stderr knn-score --model w --train other.cof --all-items test1.cof
	assert_status 1
	assert_error knn-score "number their users differently"
	knn-score -q --model w --user-items other.cof --all-items other.cof >/dev/null
	edit_header other.cof 'h["item_ids"] = [[50, "00000000000000aa"]]'
	run --separate-stderr knn-score --model w --user-items other.cof --all-items other.cof
	assert_status 1
	assert_error knn-score "number their items differently"
	printf '0 51\n' | interactions 1 52 >wide.cof
	run --separate-stderr knn-score --model w --user-items wide.cof --all-items wide.cof
	assert_status 1
	assert_error knn-score "'wide.cof' has 52 items, 'w' only "
}

@test "wrong usage" {
	make_inputs
	ease-score --train train.cof --save-model w
	cp w before
	while IFS='|' read -r options text; do
		# shellcheck disable=SC2086
		run --separate-stderr ease-score $options
		assert_status 2 || { echo "$options"; return 1; }
		assert_contains "$stderr" "$text"
	done <<-'EOF'
		--model w test.cof|option --model: it knows no users: --train or --user-items says which items they have
		--model w --train train.cof --user-items mine.cof ask.cof|come from --train or from --user-items, not from both
		--model w --train train.cof --l2 3 test.cof|option --l2 goes with learning
		--model w --save-model x --train train.cof|options --model and --save-model exclude each other
		--save-model x|option --train is missing
		--save-model x --train train.cof test.cof|nothing is scored, the input 'test.cof' has no use
		--save-model x --train train.cof --all-items|nothing is scored, --all-items has no use
		--save-model x --train train.cof --seen test.cof|nothing is scored, --seen has no use
		--save-model train.cof --train train.cof|train.cof
		--save-model - --train train.cof|'-' of --save-model is also standard output
	EOF
	run --separate-stderr knn-score --model w --train train.cof --neighbours 3 test.cof
	assert_status 2
	assert_contains "$stderr" "option --neighbours goes with learning"
	[ ! -e x ]
	cmp w before
}

@test "a file appears whole or not at all; an old one stays" {
	make_inputs
	knn-score --train train.cof --save-model w
	cp w before
	head -c -1 train.cof >cut.cof
	run --separate-stderr knn-score --train cut.cof --save-model w
	assert_status 1
	cmp w before
	run --separate-stderr ease-score --train train.cof --l2 0.000001 --save-model w
	assert_status 1
	cmp w before
	run --separate-stderr knn-score --train train.cof --save-model /dev/full
	assert_status 1
	assert_error knn-score "/dev/full"
	# nobody has anything: a model of no rows
	printf '' | interactions 3 4 >none.cof
	printf '1 2\n' | interactions 3 4 >x.cof
	for stage in knn-score ease-score; do
		$stage --train none.cof --save-model w
		$stage --train none.cof --all-items x.cof >want
		$stage --model w --train none.cof --all-items x.cof | cmp - want
	done
}
