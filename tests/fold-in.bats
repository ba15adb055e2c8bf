#!/usr/bin/env bats
# shellcheck disable=SC2154
# neumf-score --user-items: users that a model was not trained on, on planted data and, left out one tenth at a time,
# on MovieLens 100K.
load helper

# rows FILE CONDITION [LIKE]: the rows of a stream whose user fits an awk condition on u
rows() {
	cof-cat "$1" | awk -v OFS='\t' "{ u = \$1 } $2" | cof-cat --from tsv --like "$1"
}

# hit RANKS...: HR@10 over rank streams, ties by their mean place
hit() {
	local file
	for file in "$@"; do cof-cat "$file"; done | awk '{ hits += $3 + $4 / 2 < 10; n++ } END { print hits / n }'
}

# train STREAM MODEL: a model of the kind that $kind says
train() {
	case $kind in
	ials) ials-train -q --factors 8 --epochs 8 -o "$2" "$1" ;;
	mf) negsample -q --epochs 15 "$1" | neumf-train -q --device cpu --model mf --factors 8 --lr 0.01 --init-std 0.05 -o "$2" ;;
	biased) negsample -q --epochs 15 --pointwise "$1" |
		neumf-train -q --device cpu --model mf --bias --factors 8 --lr 0.01 --init-std 0.05 -o "$2" ;;
	gmf) negsample -q --epochs 15 --pointwise "$1" |
		neumf-train -q --device cpu --model gmf --factors 8 --lr 0.01 --init-std 0.05 -o "$2" ;;
	mlp) negsample -q --epochs 8 "$1" |
		neumf-train -q --device cpu --model mlp --loss hinge --factors 8 --hidden 8 --lr 0.01 --init-std 0.1 -o "$2" ;;
	neumf) negsample -q --epochs 8 --pointwise "$1" |
		neumf-train -q --device cpu --factors 8 --hidden 16,8 --lr 0.01 --init-std 0.05 -o "$2" ;;
	esac
}

@test "planted data: who was left out is served about as well as who was trained" {
	planted --users 400 --items 120 --ratings 12000 | ml-split -q --test test.r | binarize -q >train.cof
	binarize -q test.r >test.cof
	rows train.cof 'u % 4 != 1' >part.cof
	rows train.cof 'u % 4 == 1' >new.cof
	rows test.cof 'u % 4 == 1' >new-test.cof
	pop-score -q --train part.cof --all-items --seen new.cof --ranks new-test.cof >pop.ranks
	for kind in ials mf biased gmf mlp neumf; do
		train train.cof all.model
		train part.cof part.model
		neumf-score -q --device cpu --model all.model --all-items --seen train.cof --ranks new-test.cof >known.ranks
		neumf-score -q --device cpu --model part.model --user-items new.cof --all-items --seen new.cof \
			--ranks new-test.cof >new.ranks
		known=$(hit known.ranks) new=$(hit new.ranks) pop=$(hit pop.ranks)
		echo "$kind: trained $known, folded in $new, ItemPop $pop"
		awk -v k="$known" -v n="$new" -v p="$pop" 'BEGIN { exit !(n > k - 0.1 && n > p) }'
	done
}

@test "the same bits: any threads, any instruction set, alone or with others, in any place" {
	planted --users 300 --items 80 --ratings 6000 | ml-split -q --test test.r | binarize -q >train.cof
	rows train.cof 'u < 200' >part.cof
	rows train.cof 'u >= 200' >new.cof
	cof-cat new.cof | awk -v OFS='\t' '$1 == 277 { print 3, $2, $3 }' >one.tsv
	cof-cat --from tsv --kind interaction --users 5 --items 80 one.tsv >one.cof
	printf '3\t0\t0\n' | cof-cat --from tsv --kind interaction --users 5 --items 80 >ask.cof
	for kind in ials mf biased neumf; do
		train part.cof part.model
		neumf-score -q --device cpu --threads 1 --model part.model --user-items new.cof --all-items new.cof >want
		neumf-score -q --device cpu --threads 3 --model part.model --user-items new.cof --all-items new.cof | cmp - want
		neumf-score -q --device cpu --model part.model --user-items new.cof --all-items new.cof | cmp - want
		[ "$(uname -m)" != x86_64 ] || COFILTER_CPU=sse2 neumf-score -q --device cpu --model part.model --user-items new.cof \
			--all-items new.cof | cmp - want
		cof-cat want | awk '$1 == 277' | cut -f 2,4 >want.one
		neumf-score -q --device cpu --model part.model --user-items one.cof --all-items ask.cof | cof-cat | cut -f 2,4 |
			cmp - want.one
	done
}

@test "iALS: the exact solution of ials.h, next to NumPy; and the settings are those it was trained with" {
	numpy
	planted --users 60 --items 50 --ratings 700 | ml-split -q --test test.r | binarize -q >train.cof
	rows train.cof 'u < 40' >part.cof
	rows train.cof 'u >= 40 && u < 58' >new.cof
	cof-cat --to npy new.cof >new.npy
	for factors in 5 200; do # 200: more than ials-train solves for at once
		ials-train -q --factors $factors --l2 0.013 --l2-exponent 0.7 --unobserved-weight 0.21 --epochs 3 -o model part.cof
		neumf-score -q --device cpu --model model --user-items new.cof --all-items new.cof | cof-cat --to npy >scores.npy
		"$python" - <<-'END'
			import json, numpy as np
			data = open("model", "rb").read()
			size = int.from_bytes(data[:8], "little")
			t = json.loads(data[8:8 + size])["gmf_item.weight"]
			h = np.frombuffer(data[8 + size:][slice(*t["data_offsets"])], "<f4").reshape(t["shape"]).astype(float)
			rows, got = np.load("new.npy"), np.load("scores.npy")
			off = largest = 0
			for u in np.unique(rows["user"]):
			    own = h[np.unique(rows["item"][rows["user"] == u])]
			    l2 = 0.013 * (len(own) + 0.21 * len(h)) ** 0.7
			    w = np.linalg.solve(own.T @ own + 0.21 * h.T @ h + l2 * np.eye(h.shape[1]), own.sum(axis=0))
			    mine = got[got["user"] == u]
			    off = max(off, np.abs(h[mine["item"]] @ w - mine["score"]).max())
			    largest = max(largest, np.abs(mine["score"]).max())
			assert off < 1e-5 and largest > 0.3, (off, largest)
		END
	done
}

@test "iALS: a trained user is folded in to what the next epoch solves for" {
	planted --users 80 --items 50 --ratings 900 | ml-split -q --test test.r | binarize -q >train.cof
	ials-train -q --factors 8 --epochs 400 -o model train.cof # there the next epoch changes nothing
	neumf-score -q --device cpu --model model --all-items train.cof | cof-cat | cut -f 1,2,4 >want
	neumf-score -q --device cpu --model model --user-items train.cof --all-items train.cof | cof-cat | cut -f 1,2,4 >got
	paste got want | awk '{ d = $3 - $6; worst = d > worst ? d : -d > worst ? -d : worst } END { print worst; exit !(worst < 1e-4 && NR > 1000) }'
}

@test "users without items, and with all of them, have the row of a typical user; the first are reported" {
	planted --users 60 --items 50 --ratings 700 | ml-split -q --test test.r | binarize -q >train.cof
	# user 0 has 3 items, user 1 all, user 2 none
	{ printf '0\t1\t0\n0\t2\t0\n0\t7\t0\n' && seq 0 49 | awk -v OFS='\t' '{ print 1, $1, 0 }'; } |
		cof-cat --from tsv --kind interaction --users 3 --items 50 >new.cof
	printf '0\t0\t0\n1\t0\t0\n2\t0\t0\n' | cof-cat --from tsv --kind interaction --users 3 --items 50 >ask.cof
	for kind in mf biased neumf ials; do
		train train.cof model
		run --separate-stderr bash -c "neumf-score -q --device cpu --model model --user-items new.cof --all-items ask.cof | cof-cat"
		assert_status 0
		assert_equal "$stderr" "neumf-score: users without an item in --user-items, of whom nothing is known: 1"
		for u in 0 1 2; do awk -v u=$u '$1 == u' <<<"$output" | cut -f 2,4 >scores.$u; done
		[ "$(wc -l <scores.2)" -eq 50 ]
		run ! cmp -s scores.0 scores.2
		[ $kind = ials ] || cmp scores.1 scores.2 # for iALS all items are as good as some
		[ "$(cut -f 2 scores.2 | sort -u | wc -l)" -gt 40 ]
		# the typical user's order is close to that of popularity
		pop-score -q --train train.cof --all-items ask.cof | cof-cat | awk '$1 == 2' | sort -k4,4nr | head -n 12 | cut -f 2 | sort >popular
		sort -k2,2gr scores.2 | head -n 12 | cut -f 1 | sort | comm -12 - popular | wc -l >both
		[ "$(cat both)" -ge 5 ]
	done
	run --separate-stderr neumf-score -q --strict --device cpu --model model --user-items new.cof --all-items ask.cof
	assert_status 1
}

@test "by lists, with --candidates and --top, and what does not fit" {
	planted --users 60 --items 50 --ratings 700 | ml-split -q --test test.r | binarize -q >train.cof
	binarize test.r >test.cof
	kind=mf
	train train.cof model
	cof-cat train.cof | awk -v OFS='\t' '{ print $1 + 100, $2, $3 }' |
		cof-cat --from tsv --kind interaction --users 160 --items 50 >new.cof
	cof-cat new.cof | sort -n | head -n 40 | cof-cat --from tsv --kind interaction --users 160 --items 50 >pairs.cof
	neumf-score -q --device cpu --model model --user-items new.cof pairs.cof | cof-cat | sort >by-list
	neumf-score -q --device cpu --model model --user-items new.cof --all-items pairs.cof | cof-cat |
		awk 'NR == FNR { want[$1, $2]; next } ($1, $2) in want' by-list - | sort | cmp - by-list
	neumf-score -q --device cpu --model model --user-items new.cof --seen new.cof --candidates test.cof --all-items \
		--top 3 pairs.cof | cof-cat | awk '{ n[$1]++ } END { for (u in n) if (n[u] != 3 || u < 100) exit 1 }'
	printf '0\t50\t0\n' | cof-cat --from tsv --kind interaction --users 1 --items 51 >wide.cof
	run --separate-stderr neumf-score --device cpu --model model --user-items wide.cof --all-items wide.cof
	assert_status 1
	assert_error neumf-score "'wide.cof' has 51 items, 'model' only 50"
	run --separate-stderr neumf-score --device cpu --model model --user-items new.cof --all-items --seen \
		<(cof-cat new.cof | cof-cat --from tsv --kind interaction --users 161 --items 50) pairs.cof
	assert_status 1
	assert_contains "$stderr" "has 161 users, 'new.cof' only 160"
	negsample -q --grouped --negatives 8 train.cof | neumf-train -q --device cpu --model mf --loss ccl -o groups
	run --separate-stderr neumf-score --device cpu --model groups --user-items new.cof --all-items pairs.cof
	assert_status 1
	assert_error neumf-score "'groups' was trained by ccl: users that it does not have (--user-items) cannot be folded in"
}

@test "MovieLens 100K: HR@10 of users left out, a tenth at a time, within 0.02 of that where they are trained (mf)" {
	movielens_100k
	kind=mf
	negsample -q --epochs 20 train.cof | neumf-train -q --device cpu --model mf --factors 32 --lr 0.003 --l2 0.006 \
		--init-std 0.05 --batch-size 1024 -o all.model
	neumf-score -q --device cpu --model all.model --all-items --seen train.cof --ranks test.cof >known.ranks
	for tenth in 0 1 2 3 4 5 6 7 8 9; do
		rows train.cof "u % 10 == $tenth" >new.cof
		rows test.cof "u % 10 == $tenth" >new-test.cof
		rows train.cof "u % 10 != $tenth" | negsample -q --epochs 20 | neumf-train -q --device cpu --model mf --factors 32 \
			--lr 0.003 --l2 0.006 --init-std 0.05 --batch-size 1024 -o part.model
		neumf-score -q --device cpu --model part.model --user-items new.cof --all-items --seen new.cof \
			--splits-unchecked --ranks new-test.cof >new.ranks.$tenth
	done
	known=$(hit known.ranks) new=$(hit new.ranks.*)
	echo "trained $known, folded in $new"
	assert_near "$new" "$known" 0.02
}
