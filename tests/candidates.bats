#!/usr/bin/env bats
# shellcheck disable=SC2154
# --candidates of every scorer: next to a plain program that ranks what is left of all scores.
load helper

make_inputs() {
	random_rows 30 60 1 400 | interactions 30 60 >train.cof
	random_rows 30 60 2 60 | interactions 30 60 >test.cof
	random_rows 30 60 3 300 | interactions 30 60 >mine.cof
	printf '%s\n' '0 41' '7 3' '2 19' '2 8' '0 3' '1 20' '3 5' '0 33' | interactions 9 60 >some.cof # items 3 5 8 19 ...
	negsample -q --pairwise train.cof | neumf-train -q --device cpu --factors 4 --hidden 4 -o neumf.model
	ials-train -q --factors 4 -o ials.model train.cof
}

# brute_force LOW HIGH TOP: from all.tsv (all scores), test.tsv, seen.tsv and candidates.tsv (rows as cof-cat prints
# them) make want.score, want.rank and want.top; ranks and lists of the items left, -inf for positives that are not.
brute_force() {
	python3 - "$@" <<-'END'
		import sys
		low, high, most = map(int, sys.argv[1:])
		rows = lambda name: [line.split("\t") for line in open(name)]
		score = {(int(u), int(i)): (float(s), s.strip()) for u, i, _, s in rows("all.tsv")}
		pairs = lambda name: {(int(r[0]), int(r[1])) for r in rows(name)}
		test, seen = pairs("test.tsv"), pairs("seen.tsv")
		kept = [i for i in sorted({i for _, i in pairs("candidates.tsv")}) if low <= i < high]
		out = {kind: open("want." + kind, "w") for kind in ("score", "rank", "top")}
		for u in sorted({u for u, _ in test}):
		    positives = sorted(i for v, i in test if v == u)
		    own = [i for i in kept if (u, i) not in seen or i in positives]
		    for i in sorted({*own, *positives}):
		        print(u, i, int(i in positives), score[u, i][1] if i in own else "-inf", sep="\t", file=out["score"])
		    for i in positives:
		        others = [j for j in own if j != i]
		        s = score[u, i][0]
		        ties = [j for j in others if score[u, j][0] == s]
		        row = (sum(score[u, j][0] > s for j in others), len(ties), sum(j < i for j in ties)) if i in own else (len(own), 0, 0)
		        print(u, i, *row, len(own), sep="\t", file=out["rank"])
		    listed = sorted((-score[u, i][0], i) for i in kept if (u, i) not in seen)[:most]
		    for k, (s, i) in enumerate(listed):
		        print(u, i, k + 1, score[u, i][1], sep="\t", file=out["top"])
	END
}

# check RANGE COMMAND...: the command with --candidates against brute force, as scores, ranks and top lists
check() {
	local range=$1
	shift
	"$@" -q --all-items every.cof | cof-cat | sort -k1,1n -k2,2n >all.tsv
	brute_force "${range%:*}" "${range#*:}" 4
	for kind in score rank top; do
		case $kind in score) way=(--all-items) ;; rank) way=(--all-items --ranks) ;; top) way=(--all-items --top 4) ;; esac
		[ "$range" = 0:60 ] || way+=(--items "$range")
		for threads in 1 3; do
			"$@" -q "${way[@]}" --seen train.cof --candidates some.cof --threads $threads test.cof | cof-cat >got
			cmp got want.$kind
		done
	done
}

make_texts() {
	cof-cat test.cof | sort -u >test.tsv
	cof-cat train.cof >seen.tsv
	cof-cat some.cof >candidates.tsv
	# each user of the test stream once, so that all items come with label 0 or 1 of no meaning
	cof-cat test.cof | awk '!seen[$1]++ { print $1, $2 }' | interactions 30 60 >every.cof
}

@test "all items: scores, ranks and top lists next to brute force, for every scorer" {
	make_inputs
	make_texts
	for range in 0:60 4:34; do
		check $range pop-score --train train.cof
		check $range knn-score --train train.cof
		check $range ease-score --train train.cof --l2 5
		check $range neumf-score --model neumf.model --device cpu
		check $range neumf-score --model ials.model --device cpu
		check $range knn-score --train train.cof --user-items mine.cof --splits-unchecked
		check $range ease-score --train train.cof --l2 5 --user-items mine.cof
	done
}

@test "every item a candidate: what comes without the option, to the byte" {
	make_inputs
	seq 0 59 | sed 's/^/0 /' | interactions 1 60 >every-item.cof
	for way in '--all-items' '--all-items --ranks' '--all-items --top 5' '--ranks' ''; do
		# shellcheck disable=SC2086
		knn-score -q --train train.cof --seen train.cof $way <(cof-cat test.cof | sort -n | awk '{ print $1, $2 }' |
			interactions 30 60) 2>/dev/null | cof-cat >want
		# shellcheck disable=SC2086
		knn-score -q --train train.cof --seen train.cof $way --candidates every-item.cof <(cof-cat test.cof | sort -n |
			awk '{ print $1, $2 }' | interactions 30 60) 2>/dev/null | cof-cat >got
		cmp got want
		[ -s got ]
	done
}

@test "lists: rows whose item is no candidate go, but positives, which are missed" {
	make_inputs
	# user 4: positives 3 and 40, negatives 5, 6 and 8; candidates are 3, 5, 8 (and others)
	printf '4 3 1\n4 40 1\n4 5 0\n4 6 0\n4 8 0\n' | tr ' ' '\t' |
		cof-cat --from tsv --kind sample --users 30 --items 60 >list.cof
	pop-score --train train.cof list.cof | cof-cat >all
	run --separate-stderr bash -c 'pop-score --train train.cof --candidates some.cof list.cof | cof-cat'
	assert_equal "$stderr" "pop-score: 1 positives lie outside --candidates: missed"
	assert_equal "$output" "$(awk -v OFS='\t' '$2 == 40 { $4 = "-inf" } $2 != 6' all)"
	run --separate-stderr bash -c 'pop-score --train train.cof --candidates some.cof --items 5:60 --ranks list.cof | cof-cat'
	assert_equal "$stderr" "pop-score: 2 positives lie outside --items or --candidates: missed"
	assert_equal "$output" "$(printf '4\t3\t2\t0\t0\t2\n4\t40\t2\t0\t0\t2')"
}

@test "what cannot be: no rows, none within --items, other ids, more items, no stream" {
	make_inputs
	printf '' | interactions 1 60 >none.cof
	run --separate-stderr pop-score --train train.cof --all-items --candidates none.cof test.cof
	assert_status 1
	assert_error pop-score "'none.cof' holds no rows: no item is a candidate"
	run --separate-stderr pop-score --train train.cof --all-items --items 42:60 --candidates some.cof test.cof
	assert_status 1
	assert_error pop-score "'some.cof' holds no item that is within --items"
	printf '0 60\n' | interactions 1 61 >wide.cof
	run --separate-stderr pop-score --train train.cof --all-items --candidates wide.cof test.cof
	assert_status 1
	assert_error pop-score "'wide.cof' has 61 items, 'train.cof' only 60"
	head -c -1 some.cof >cut.cof
	run --separate-stderr pop-score --train train.cof --all-items --candidates cut.cof test.cof
	assert_status 1
	assert_error pop-score "'cut.cof'"
	cp some.cof other.cof
	edit_header other.cof 'h["item_ids"] = [[60, "00000000000000aa"]]'
	cp train.cof known.cof
	edit_header known.cof 'h["item_ids"] = [[60, "00000000000000bb"]]'
	run --separate-stderr pop-score --train known.cof --all-items --candidates other.cof test.cof
	assert_status 1
	assert_error pop-score "'other.cof' and 'known.cof' number their items differently"
	pop-score -q --train known.cof --all-items --candidates other.cof --ids-unchecked test.cof >/dev/null
	# who the users are does not matter
	edit_header other.cof 'h["item_ids"] = [[60, "00000000000000bb"]]; h["user_ids"] = [[9, "00000000000000cc"]]'
	edit_header known.cof 'h["user_ids"] = [[30, "00000000000000dd"]]'
	pop-score -q --train known.cof --all-items --candidates other.cof test.cof >/dev/null
}
