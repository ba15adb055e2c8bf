#!/usr/bin/env bats
# shellcheck disable=SC2154,SC2016
# cof-cat --replay: the commands that made a stream or a model, to the byte, for every stage and every pipeline; and
# nothing of a hostile header ever runs.
load helper

setup_file() {
	cd "$BATS_FILE_TMPDIR" || return 1
	planted -q --users 60 --items 50 --ratings 700 >ratings.tsv
	ml-split -q --test test-rating.cof --user-ids users.tsv --item-ids items.tsv ratings.tsv >rating.cof
	binarize -q rating.cof >train.cof
	binarize -q test-rating.cof >test.cof
	negsample -q --epochs 2 train.cof | neumf-train -q --device cpu -o model.safetensors
}

setup() {
	mkdir "$BATS_TEST_TMPDIR/work"
	cd "$BATS_TEST_TMPDIR/work" || return 1
	cp "$BATS_FILE_TMPDIR"/*.* .
}

# replays FILE [INPUT]...: the commands make the same file
replays() {
	local file=$1 inputs=() input
	shift
	for input in "${@:-ratings.tsv}"; do inputs+=(--input "$input"); done
	run --separate-stderr cof-cat --replay "$file" "${inputs[@]}"
	[ "$status" -eq 0 ] || { cof-cat --replay "$file" || :; }
	assert_status 0
	assert_equal "$output" "identical: $(gzip -cdf "$file" | wc -c) bytes"
	assert_equal "$(compgen -G "${TMPDIR:-/tmp}/cofilter-replay-*" | wc -l)" "${left:-0}"
}

refuses() {
	run --separate-stderr cof-cat --replay "$1"
	assert_status 1
	assert_error cof-cat "'$1' cannot be made again: $2"
	assert_equal "$output" ""
}

@test "the commands are a pipeline that a person would write, and make the file" {
	cof-cat --replay model.safetensors >commands
	cat >want <<-'EOF'
		set -eu
		ml-split "$1" --test /dev/null |
		    binarize |
		    negsample --epochs 2 |
		    neumf-train --loss bpr --device cpu -o output.safetensors
	EOF
	grep -v '^#' commands | diff want -
	assert_equal "$(sed -n 2p commands)" "# \$1: $(cof-cat --header train.cof | jq -c .provenance[0].input | sed 's/:/: /g; s/,/, /')"
	mkdir folder
	(cd folder && sh ../commands ../ratings.tsv 2>/dev/null)
	cmp folder/output.safetensors model.safetensors
	cp train.cof copy.cof
	cof-cat --replay <train.cof | diff <(cof-cat --replay copy.cof) -
}

@test "all parts of a split, however it is made" {
	for options in "" "--mode random --seed 7 --test-ratio 0.25" "--mode global-time --min-user 3 --min-item 2 --valid valid.cof" \
		"--valid valid.cof"; do
		# shellcheck disable=SC2086
		ml-split -q $options --test t.cof ratings.tsv >r.cof
		replays r.cof
		replays t.cof
		[[ $options != *valid* ]] || replays valid.cof
		binarize -q --min-rating 3.5 t.cof >b.cof
		replays b.cof
		binarize -q r.cof | gzip >b.cof.gz
		replays b.cof.gz
	done
	gzip -k ratings.tsv
	replays r.cof ratings.tsv.gz
	# of records, of records that were split before
	cof-import -q ratings.tsv >all.cof
	replays all.cof
	ml-split -q --mode random --test t.cof all.cof >r.cof
	replays r.cof
	replays t.cof
	ml-split -q --test t2.cof --valid v2.cof r.cof | ml-split -q --mode random --test t3.cof | binarize -q >x.cof
	replays x.cof
	replays t3.cof
	replays v2.cof
}

@test "how a text was read: columns with a blank and a quote, times, duplicates" {
	{ echo "the 'user';item \$(id);stars;when" && awk -F '\t' '{ printf "%s;%s;%s;%s\n", $1, $2, $3, strftime("%d.%m.%Y", $4, 1) }' ratings.tsv; } >odd.csv
	columns="user=the 'user',item=item \$(id),rating=stars,time=when"
	ml-split -q --columns "$columns" --time-format %d.%m.%Y --delimiter ';' --duplicates sum --test t.cof odd.csv >r.cof
	replays r.cof odd.csv
	binarize -q --min-rating -1e-3 t.cof >b.cof
	replays b.cof odd.csv
}

@test "negatives of every kind, excluded files, epochs that begin later" {
	for options in "--epochs 3 --seed 9" "--pointwise --negatives 4" "--grouped --negatives 3" \
		"--sampler popularity --alpha 0.5" "--from-epoch 3 --epochs 4"; do
		# shellcheck disable=SC2086
		negsample -q $options train.cof >x.cof
		replays x.cof
	done
	negsample -q --candidates 9 --exclude train.cof test.cof >lists.cof
	replays lists.cof
	negsample -q --exclude test.cof --exclude lists-of.cof train.cof >x.cof 2>/dev/null || negsample -q --exclude test.cof train.cof >x.cof
	replays x.cof
}

@test "models of every kind; pretraining; resumed; least squares" {
	negsample -q train.cof >triple.cof
	for options in "--model gmf --factors 4" "--model mlp --hidden 8,4 --mlp-factors 3 --optimizer lazy-adam" \
		"--model mf --loss hinge --optimizer sgd --lr 0.05 --l2 0.01 --drop-last --batch-size 100" \
		"--sigmoid-output --weight-decay 1e-5 --init-std 0.02 --dense-init glorot --seed 12345678901234567"; do
		# shellcheck disable=SC2086
		neumf-train -q --device cpu $options -o m.safetensors triple.cof
		replays m.safetensors
	done
	neumf-train -q --device reference -o m.safetensors triple.cof
	replays m.safetensors
	neumf-train -q --device cpu --model gmf -o gmf.safetensors triple.cof
	neumf-train -q --device cpu --model mlp -o mlp.safetensors triple.cof
	negsample -q --seed 3 train.cof | neumf-train -q --device cpu --init-from gmf.safetensors,mlp.safetensors --alpha 0.3 -o m.safetensors
	replays m.safetensors
	ials-train -q --factors 5 --epochs 3 --unobserved-weight 0.2 --l2-exponent 0.5 -o m.safetensors train.cof
	replays m.safetensors
	negsample -q --epochs 3 train.cof >three.cof
	neumf-train -q --device cpu --checkpoint c --checkpoint-every 1 -o whole.safetensors three.cof
	replays whole.safetensors
}

@test "scores, ranks and tops of every scorer, with all their side inputs" {
	negsample -q --candidates 9 --exclude train.cof test.cof >lists.cof
	for scorer in "pop-score --train train.cof" "knn-score --train train.cof --similarity rp3beta --neighbours 7 --beta 0.4" \
		"ease-score --train train.cof --l2 30.5" "neumf-score --model model.safetensors --device cpu"; do
		$scorer -q lists.cof >x.cof
		replays x.cof
		$scorer -q --all-items --seen train.cof --ranks test.cof >x.cof
		replays x.cof
		$scorer -q --all-items --seen train.cof --seen test.cof --items 3:40 --top 4 test.cof >x.cof
		replays x.cof
	done
	for method in "ease-score --l2 30" "knn-score --similarity jaccard --shrink 3 --center"; do
		$method -q --train train.cof --save-model m.safetensors
		replays m.safetensors
		${method%% *} -q --model m.safetensors --train train.cof --all-items --seen train.cof --top 3 test.cof >x.cof
		replays x.cof
		cof-cat --to cof --head 300 train.cof >some.cof
		${method%% *} -q --model m.safetensors --train some.cof --all-items --top 3 test.cof >x.cof
		replays x.cof
		${method%% *} -q --model m.safetensors --user-items train.cof --all-items --ranks test.cof >x.cof
		replays x.cof
	done
	pop-score -q --train train.cof --all-items --candidates test.cof --user-items train.cof --ranks test.cof >x.cof
	replays x.cof
	ials-train -q --factors 3 --epochs 2 -o ials.safetensors train.cof
	neumf-score -q --device cpu --model ials.safetensors --all-items --ranks test.cof >x.cof
	replays x.cof
}

@test "joined, cut and divided streams; texts through cof-cat; ids that continue" {
	negsample -q train.cof >one.cof
	negsample -q --seed 2 train.cof >two.cof
	cof-cat --to cof one.cof two.cof >both.cof
	replays both.cof
	neumf-train -q --device cpu -o m.safetensors both.cof
	replays m.safetensors
	cof-cat --to cof --shard 2/3 train.cof >x.cof
	replays x.cof
	cof-cat --to cof --head 99 train.cof | negsample -q >x.cof
	replays x.cof
	cof-cat train.cof | awk '$1 % 2' >text.tsv
	cof-cat --from tsv --users 60 --items 50 text.tsv | negsample -q >x.cof
	replays x.cof text.tsv
	cof-cat --from tsv --like train.cof text.tsv | negsample -q >x.cof
	replays x.cof text.tsv ratings.tsv
	replays x.cof ratings.tsv text.tsv
	awk -F '\t' -v OFS='\t' 'NR % 3 { print $1 + 20, $2, $3, $4 + 5 }' ratings.tsv >tomorrow.tsv
	ml-split -q --known-users users.tsv --known-items items.tsv --test t.cof tomorrow.tsv | binarize -q >x.cof
	replays x.cof users.tsv tomorrow.tsv items.tsv
	run --separate-stderr cof-cat --replay x.cof --input tomorrow.tsv --input users.tsv
	assert_status 1
	assert_error cof-cat 'no --input is what the commands read: {"ids": '
}

@test "another text, none, too many, another file: exit 1, and why" {
	sed 1d ratings.tsv >other.tsv
	run --separate-stderr cof-cat --replay train.cof --input other.tsv
	assert_status 1
	assert_error cof-cat 'no --input is what the commands read: {"bytes": '
	run --separate-stderr cof-cat --replay train.cof --input ratings.tsv --input other.tsv
	assert_status 1
	assert_error cof-cat "'other.tsv' is nothing that the commands read"
	run --separate-stderr cof-cat --replay train.cof --input nosuch
	assert_status 1
	# rows of another stream under the header of this one
	cof-cat train.cof | sed '$d' | cof-cat --from tsv --like train.cof >short.cof
	python3 - <<-'EOF'
		def parts(f):
		    data = open(f, 'rb').read()
		    end = 16 + int.from_bytes(data[12:16], 'little') + 4
		    return data[:end], data[end:]
		open('mixed.cof', 'wb').write(parts('train.cof')[0] + parts('short.cof')[1])
	EOF
	cof-cat --check mixed.cof
	run --separate-stderr cof-cat --replay mixed.cof --input ratings.tsv
	assert_status 1
	assert_error cof-cat "'mixed.cof' is not what its commands make: byte "
	assert_equal "$output" ""
	run --separate-stderr cof-cat --replay - --input ratings.tsv <train.cof
	assert_status 2
	run --separate-stderr cof-cat --replay train.cof test.cof
	assert_status 2
	run --separate-stderr cof-cat --input ratings.tsv train.cof
	assert_status 2
}

@test "what provenance does not tell is not made up" {
	cof-cat train.cof | cof-cat --from tsv --users 60 --items 50 | cof-cat --to cof >x.cof
	edit_header x.cof 'h["provenance"] = []'
	refuses x.cof "it says nothing of how it came about"
	binarize -q x.cof 2>/dev/null || :
	negsample -q x.cof >y.cof
	refuses y.cof "its first stage, negsample, read records of which nothing is said"
	negsample -q --exclude x.cof train.cof >y.cof
	refuses y.cof "it says nothing of where it, or a side input, came from"
	negsample -q --epochs 2 train.cof |
		neumf-train -q --device cpu --on-epoch 'touch pwned; echo 1' --checkpoint c --checkpoint-every 1 -o m.safetensors
	rm pwned
	refuses m.safetensors "a command of --on-epoch chose its epoch"
	refuses c "it is a checkpoint"
	[ ! -e pwned ]
	negsample -q --epochs 3 train.cof >x.cof
	cof-cat --to cof --head 5 x.cof >/dev/null
	cp x.cof y.cof
	edit_header y.cof 'h["provenance"][-1]["options"]["colour"] = "red"'
	refuses y.cof "negsample had an option that replay does not know"
}

@test "a hostile header runs nothing and writes nothing" {
	hostile() { # PYTHON: changes h
		cp test.cof x.cof
		edit_header x.cof "p = h['provenance']; e = p[-1]; evil = \"x'; touch pwned; '\$(touch pwned)\`touch pwned\`\\\" \" ; $1"
		cof-cat --replay x.cof >commands 2>err || [ "$(wc -l <err)" = 1 ]
		(mkdir -p folder && cd folder && timeout 20 sh ../commands ../ratings.tsv >/dev/null 2>&1) || :
		cof-cat --replay x.cof --input ratings.tsv >/dev/null 2>&1 || :
		if [ "$(find . .. -name 'pwned*' -o -name evil | wc -l)" != 0 ]; then
			echo "$1: it ran"
			cat commands
			return 1
		fi
		LC_ALL=C grep -q '[^ -~[:space:]]' err && return 1
		rm -rf folder
	}
	hostile 'e["program"] = evil'
	hostile 'e["program"] = "sh"; e["options"] = {"c": "touch pwned"}'
	hostile 'e["program"] = "touch pwned"'
	hostile 'e["program"] = "binarize; touch pwned; binarize"'
	hostile 'e["program"] = "\x1b[31mbinarize"'
	hostile 'e["program"] = ["touch", "pwned"]'
	hostile 'e["options"]["min-rating"] = evil'
	hostile 'e["options"]["min-rating"] = "1\ntouch pwned\n"'
	hostile 'e["options"]["min-rating"] = [1, evil]'
	hostile 'e["options"][evil] = 1'
	hostile 'e["options"]["min-rating; touch pwned #"] = 1'
	hostile 'e["options"]["min-rating=3 touch"] = "pwned"'
	hostile 'p[0]["options"]["columns"] = evil'
	hostile 'p[0]["options"]["columns"] = "\ntouch pwned"'
	hostile 'p[0]["options"]["test"] = "evil"'
	hostile 'p[0]["options"]["user-ids"] = "pwned"'
	hostile 'p[0]["version"] = "1\ntouch pwned"'
	hostile 'p[0]["input"] = {"bytes": 1, "xxh3_128": "\ntouch pwned\n"}'
	hostile 'p[0]["input"] = "\ntouch pwned"'
	hostile 'p[0]["input"]["\ntouch pwned\n"] = 1'
	hostile 'p[0]["part"] = evil'
	hostile 'p[0]["split"] = evil'
	hostile 'p.append({"program": "neumf-train", "options": {"on-epoch": "touch pwned"}})'
	hostile 'p.append({"program": "negsample", "options": {"pairwise": "evil", "pointwise": evil}})'
	hostile 'p.append({"program": "negsample", "options": {}, "side": {evil: [p[:2]]}})'
	hostile 'p.append({"program": "negsample", "options": {}, "side": {"exclude": [evil]}})'
	hostile 'p.append({"program": "negsample", "options": {}, "side": {"exclude": {"a": evil}}})'
	hostile 'p.append({"program": "negsample", "options": {}, "side": {"exclude": [{"ids": [[1, evil]]}]}})'
	hostile 'p.append({"program": "cof-cat", "options": {"from": evil}, "kind": evil, "users": 1, "items": 1})'
	hostile 'p.append({"program": "cof-cat", "options": {"from": "tsv"}, "kind": evil, "users": evil, "items": 1})'
	hostile 'p.append({"program": "cof-cat", "options": {"from": "cof", "shard": "1/2; touch pwned"}})'
	hostile 'h["provenance"] = [dict(e) for _ in range(900)]'
	deep='x = [dict(p[0])]
for k in range(200): x = x[:1] + [{"program": "negsample", "options": {}, "side": {"exclude": [x]}}]
h["provenance"] = x'
	hostile "1
$deep"
}

@test "a model may be hostile too" {
	python3 - <<-'EOF'
		import json, struct
		data = open('model.safetensors', 'rb').read()
		n = struct.unpack('<Q', data[:8])[0]
		h = json.loads(data[8:8 + n])
		m = h['__metadata__']
		p = json.loads(m['provenance'])
		p[-1]['options']['hidden'] = "8'; touch pwned; '"
		m['provenance'], m['device'] = json.dumps(p), 'cuda; touch pwned'
		del m['checksum'], m['header_checksum']
		text = json.dumps(h).encode()
		text += b' ' * (-len(text) % 8)
		open('evil.safetensors', 'wb').write(struct.pack('<Q', len(text)) + text + data[8 + n:])
	EOF
	cof-cat --replay evil.safetensors >commands 2>/dev/null
	grep -qF -- "--hidden '8'\\''; touch pwned; '\\'''" commands
	mkdir folder
	(cd folder && sh ../commands ../ratings.tsv >/dev/null 2>&1) || :
	cof-cat --replay evil.safetensors --input ratings.tsv >/dev/null 2>&1 || :
	[ ! -e pwned ] && [ ! -e folder/pwned ]
	grep -q -- "--device cuda -o" commands
}

@test "the defaults that replay leaves out are those of --help" {
	# of C, as cpp has it: "program", "options"
	cpp -P -I"$ROOT/lib" "$ROOT/lib/stream/replay_stage.c" 2>/dev/null | tr '\n' ' ' |
		grep -oE 'static const struct replay_stage stages\[\] = .*' | sed 's/};.*//' | sed 's/" *"//g' |
		grep -oE '\{ "[^}]*\}' >table
	[ "$(wc -l <table)" -ge 11 ]
	while IFS= read -r line; do
		program=$(cut -d '"' -f 2 <<<"$line")
		options=$(cut -d '"' -f 4 <<<"$line")
		"$program" --help >help
		for option in $options; do
			name=${option%%=*}
			grep -A 3 -E -- "^ +(-., )?--$name( |$)" help >lines || { [[ $option != *=* ]] && continue; echo "$program has no --$name"; return 1; }
			[[ $option == *=* ]] || continue
			grep -qF -- "[${option#*=}]" lines || { echo "$program --$name is not ${option#*=} by default" && return 1; }
		done
	done <table
}

@test "every stream and model of the d2l pipeline" {
	planted -q >log.tsv
	mkdir out
	run env OUT="$PWD/out" SEEDS=1 EPOCHS=2 DATASET="$PWD/log.tsv" "$ROOT/pipelines/d2l-neumf.sh"
	[ "$status" -eq 0 ]
	find out -name '*.cof*' -o -name '*.safetensors' | sort >files
	[ "$(wc -l <files)" -ge 15 ]
	while read -r file; do
		replays "$file" log.tsv
	done <files
}
