#!/usr/bin/env bats
# shellcheck disable=SC2154
# knn-score: similarities and neighbours by hand, against a plain program, and on MovieLens.
load helper

# Users 0..3 have {0,1,2}, {0,1}, {0,3}, {2}: n = 3 2 2 1 0; n_01 = 2, n_02 = n_12 = n_03 = 1.
make_train() {
	printf '%s\n' '0 0 1' '0 1 1' '0 2 1' '1 0 1' '1 1 1' '2 0 1' '2 3 1' '3 2 1' '0 1 2' |
		interactions 5 5 >train.cof
}

# check OPTIONS "ITEM EXPECTED"...: scores of user $user
check() {
	local options=$1 pair
	shift
	# shellcheck disable=SC2086
	printf "%d %d 1\n" "$user" 0 "$user" 1 "$user" 2 "$user" 3 "$user" 4 | interactions 5 5 |
		knn-score --train train.cof $options | cof-cat | cut -f 2,4 >scores
	for pair in "$@"; do
		assert_near "$(awk -v i="${pair% *}" '$1 == i { print $2 }' scores)" "${pair#* }" 1e-6
	done
}

@test "cosine: sim(i,j) = n_ij / (sqrt(n_i n_j) + shrink)" {
	make_train
	user=1 # has 0 and 1: sims 0-1 2/sqrt(6), 0-2 1/sqrt(6), 1-2 1/sqrt(4), 0-3 1/sqrt(3)
	check '--shrink 0' '0 0.8164966' '1 0.8164966' '2 0.9082483' '3 0.5773503' '4 0'
	user=3 # has 2
	check '--shrink 0' '0 0.4082483' '1 0.5' '2 0' '3 0' '4 0'
	user=4 # has nothing
	check '--shrink 0' '0 0' '1 0' '2 0' '3 0' '4 0'
}

@test "shrink" {
	make_train
	user=3
	check '--shrink 10' '0 0.0803246' '1 0.0833333' # 1 / (sqrt(6) + 10), 1 / (2 + 10)
	check '' '0 0.0803246' '1 0.0833333'
}

@test "neighbours: the K most alike, of equal ones the smaller id" {
	make_train
	user=1
	# nearest of 0 is 1 (0.816 before 3 and 2), of 1 is 0, of 2 is 1 (0.5 before 0.408), of 3 is 0
	check '--shrink 0 --neighbours 1' '0 0.8164966' '1 0.8164966' '2 0.5' '3 0.5773503' '4 0'
	# item 0 with 1, 2 and 3 once each: equal similarities, so the nearest two are 1 and 2
	printf '%s\n' '0 0 1' '0 1 1' '1 0 1' '1 2 1' '2 0 1' '2 3 1' '3 3 1' '3 4 1' '4 2 1' '4 1 1' |
		interactions 5 5 >train.cof
	user=2 # n = 3 2 2 2 1; has 0 and 3
	check '--shrink 0 --neighbours 2' '0 0' '1 0.4082483' '2 0.4082483' '3 0.4082483' '4 0.7071068'
	user=0 # has 0 and 1
	check '--shrink 0 --neighbours 2' '0 0.4082483'
}

@test "the score of a pair is that of the block, for any number of threads" {
	awk 'BEGIN { srand(5); for (k = 0; k < 900; k++) print int(40 * rand()), int(70 * rand() * rand()), k }' |
		interactions 40 70 >train.cof
	awk 'BEGIN { for (u = 0; u < 40; u++) for (i = 0; i < 70; i++) print u, i, 1 }' | interactions 40 70 >pairs.cof
	knn-score --train train.cof --neighbours 5 --threads 1 pairs.cof >pairs.1
	knn-score --train train.cof --neighbours 5 --threads 3 pairs.cof >pairs.3
	knn-score --train train.cof --neighbours 5 --threads 2 --all-items pairs.cof >all.2
	cmp pairs.1 pairs.3
	cof-cat pairs.1 >a
	cof-cat all.2 >b
	cmp a b
	# the same by a program that holds the square matrix
	cof-cat train.cof | awk '!seen[$1, $2]++ { has[$1, $2] = 1; n[$2]++ }
		END { for (i = 0; i < 70; i++) for (j = 0; j < 70; j++) if (i != j) {
			both = 0
			for (u = 0; u < 40; u++) both += has[u, i] && has[u, j]
			if (both) sim[i, j] = both / (sqrt(n[i] * n[j]) + 10) }
		for (i = 0; i < 70; i++) for (k = 0; k < 5; k++) {
			best = -1
			for (j = 0; j < 70; j++)
				if (sim[i, j] && !near[i, j] && (best < 0 || sim[i, j] > sim[i, best] * (1 + 1e-9))) best = j
			if (best >= 0) near[i, best] = 1 }
		for (u = 0; u < 40; u++) for (i = 0; i < 70; i++) {
			s = 0
			for (j = 0; j < 70; j++) if (has[u, j] && near[i, j]) s += sim[i, j]
			printf "%d\t%d\t%.6f\n", u, i, s } }' >want
	awk '{ printf "%d\t%d\t%.6f\n", $1, $2, $4 }' a >got
	# six digits may round apart
	paste got want | awk '{ d = $3 - $6; bad += $1 != $4 || $2 != $5 || d > 2e-6 || d < -2e-6 } END { exit bad > 0 || NR != 2800 }'
}

@test "--user-items: who has the items of a train user has their scores, to the bit" {
	random_rows 40 70 5 900 | interactions 40 70 >train.cof
	random_rows 40 70 6 100 | interactions 40 70 >test.cof
	random_rows 40 70 7 3000 | sort -n -k1,1 | awk '{ $3 = $3 % 5 == 0; print }' | tr ' ' '\t' |
		cof-cat --from tsv --kind sample --users 40 --items 70 >lists.cof
	for options in 'test.cof' '--ranks test.cof' '--top 5 test.cof' '--items 10:60 --ranks test.cof'; do
		options="--all-items --seen train.cof $options"
		# shellcheck disable=SC2086
		knn-score -q --train train.cof --threads 2 $options >want
		for threads in 1 3; do
			# shellcheck disable=SC2086
			knn-score -q --train train.cof --user-items train.cof --threads $threads $options >got
			cof-cat got | cmp - <(cof-cat want) # their headers name the files
		done
	done
	for options in '' '--ranks' '--top 5' '--items 10:60'; do
		# shellcheck disable=SC2086
		knn-score -q --train train.cof $options lists.cof >want 2>/dev/null
		for threads in 1 3; do
			# shellcheck disable=SC2086
			knn-score -q --train train.cof --user-items train.cof --threads $threads $options lists.cof \
				>got 2>/dev/null
			cof-cat got | cmp - <(cof-cat want)
		done
	done
	cof-cat want | grep -q .
}

@test "--user-items: users that the train file has never seen, numbered on their own" {
	make_train # users 0..4
	# user 8 has what user 1 of train.cof has (an item twice), user 2 what user 3 has, user 5 items of nobody
	printf '%s\n' '8 1 1' '8 0 1' '8 1 2' '2 2 1' '5 4 1' | interactions 9 5 >new.cof
	printf '%s\n' '8 0 1' '2 0 1' '5 0 1' '7 0 1' | interactions 9 5 >x.cof
	printf '%s\n' '1 0 1' '3 0 1' '4 0 1' | interactions 5 5 >y.cof
	knn-score --train train.cof --shrink 0 --all-items --user-items new.cof x.cof >new
	assert_equal "$(cof-cat --header new | jq -c '[.users, .items]')" '[9,5]'
	knn-score --train train.cof --shrink 0 --all-items y.cof | cof-cat | cut -f 4 >known
	cof-cat new >all
	assert_equal "$(cut -f 1 all | uniq | paste -sd ' ')" "2 5 7 8"
	awk '$1 == 8' all | cut -f 4 | cmp - <(head -n 5 known)
	awk '$1 == 2' all | cut -f 4 | cmp - <(sed -n 6,10p known)
	assert_equal "$(awk '($1 == 5 || $1 == 7) && $4 != 0' all)" "" # and user 7 has nothing
	# --seen numbers them as --user-items does
	run --separate-stderr bash -c 'knn-score --train train.cof --all-items --user-items new.cof --seen new.cof \
		--top 2 x.cof | cof-cat --to csv | grep ^8, | cut -d , -f 2,3 | paste -sd " "'
	assert_equal "$output" '2,1 3,2'
	assert_equal "$stderr" "knn-score: users without an item in --user-items, of whom nothing is known: 1" # user 7
	run --separate-stderr knn-score --strict --train train.cof --all-items --user-items new.cof x.cof
	assert_status 1
	# a list of pairs, in its order
	printf '%s\n' '8 2 0' '8 0 1' '2 1 1' | tr ' ' '\t' | cof-cat --from tsv --kind sample --users 9 --items 5 >pairs.cof
	knn-score --train train.cof --shrink 0 --user-items new.cof pairs.cof | cof-cat >got
	assert_equal "$(cut -f 1-3 got | tr '\t' ' ' | paste -sd ,)" "8 2 0,8 0 1,2 1 1"
	assert_equal "$(cut -f 4 got | paste -sd ' ')" "$(awk '$1 == 8 && $2 == 2 || $1 == 8 && $2 == 0 || $1 == 2 && $2 == 1' all |
		sort -k1,1nr -k2,2nr | cut -f 4 | paste -sd ' ')"
}

@test "--user-items: bounds" {
	make_train
	printf '1 1 1\n' | interactions 9 5 >new.cof
	printf '1 1 1\n' | interactions 9 6 >wide.cof
	printf '1 1 1\n' | interactions 10 5 >x.cof
	run --separate-stderr knn-score --train train.cof --user-items new.cof --all-items x.cof
	assert_status 1
	assert_error knn-score "'x.cof' has 10 users, 'new.cof' only 9"
	run --separate-stderr knn-score --train train.cof --user-items wide.cof --all-items new.cof
	assert_status 1
	assert_error knn-score "'wide.cof' has 6 items, 'train.cof' only 5"
	run --separate-stderr knn-score --train train.cof --user-items new.cof --seen x.cof --all-items new.cof
	assert_status 1
	assert_error knn-score "'x.cof' has 10 users, 'new.cof' only 9"
}

@test "jaccard: sim(i,j) = n_ij / (n_i + n_j - n_ij + shrink)" {
	make_train
	user=1 # has 0 and 1; n = 3 2 2 1 0
	check '--similarity jaccard --shrink 0' '0 0.6666667' '1 0.6666667' '2 0.5833333' '3 0.3333333' '4 0'
	check '--similarity jaccard --shrink 2' '0 0.4' '1 0.4' '2 0.3666667' '3 0.2' '4 0' # 1/6 + 1/5
}

@test "center: by hand" {
	make_train # of 4 users with items (user 4 has none) m = 3/4 1/2 1/2 1/4 0; all similarities as without
	user=1     # has 0 and 1. Nearest of 0: 1 (w = 1, b = 3/4 - 1/2), of 1: 0, of 2: 1, of 3: 0
	check '--shrink 0 --neighbours 1 --center' '0 1.25' '1 0.75' '2 1' '3 0.5' '4 0'
	# 2 from 0 and 1: sims 1/sqrt(6) and 1/2, w = 0.449490 and 0.550510; b = 1/2 - 0.449490 * 3/4 - 0.550510 / 2
	check '--shrink 0 --center' '2 0.8876276'
	user=3 # has 2, nearest of nobody
	check '--shrink 0 --neighbours 1 --center' '0 0.25' '1 -0.25' '2 0' '3 -0.5' '4 0'
	user=4 # has nothing
	check '--shrink 0 --neighbours 1 --center' '0 0.25' '1 -0.25' '2 0' '3 -0.5' '4 0'
	# the bounds are nothing to it
	printf '%s\n' '0 0 1' '0 1 1' '0 2 1' '1 0 1' '1 1 1' '2 0 1' '2 3 1' '3 2 1' | interactions 9 7 >train.cof
	printf '%s\n' '3 0 1' '3 3 1' '3 6 1' | interactions 9 7 | knn-score --train train.cof --shrink 0 --neighbours 1 --center |
		cof-cat | cut -f 4 | paste -sd ' ' >got
	assert_equal "$(cat got)" '0.25 -0.5 0'
}

@test "rp3beta by hand: walks from an item to its users and on" {
	make_train # users have 3, 2, 2, 1 items; w_01 = 1/3 + 1/2, w_02 = w_12 = 1/3, w_03 = 1/2
	user=1 # item 2 from 0: (1/3) / 3, from 1: (1/3) / 2; 0 from 1: (5/6) / 2; 3 from 0: (1/2) / 3
	check '--similarity rp3beta --alpha 1 --beta 0' '0 0.4166667' '1 0.2777778' '2 0.2777778' '3 0.1666667' '4 0'
	check '--similarity rp3beta --alpha 1 --beta 1' '0 0.1388889' '1 0.1388889' '2 0.1388889' '3 0.1666667' '4 0'
	check '--similarity rp3beta --alpha 0 --beta 0' '0 2' '1 2' '2 2' '3 1' '4 0'
	# each item keeps its one best end: 0 keeps 1 (0.2778 before 0.1667), 1 keeps 0, 2 keeps 0 (1/6, as 1: smaller id)
	check '--similarity rp3beta --alpha 1 --beta 0 --neighbours 1' '0 0.4166667' '1 0.2777778' '2 0' '3 0'
	user=3 # has 2
	check '--similarity rp3beta --alpha 1 --beta 0 --neighbours 1' '0 0.1666667' '1 0' '2 0'
}

@test "jaccard, rp3beta and centered scores next to NumPy, for any number of threads, by block, by list and from items" {
	numpy
	random_rows 60 90 5 1500 | interactions 60 91 >train.cof
	awk 'BEGIN { for (u = 0; u < 60; u++) for (i = 0; i < 91; i++) print u, i, 1 }' | interactions 60 91 >pairs.cof
	cof-cat --to npy train.cof >train.npy
	for how in 'jaccard --shrink 3' 'rp3beta --alpha 1.3 --beta 0.4' 'rp3beta --alpha 0.7 --beta 0' \
		'jaccard --shrink 0 --center' 'cosine --shrink 2 --center'; do
		# shellcheck disable=SC2206
		options=(--train train.cof --neighbours 7 --similarity $how)
		knn-score "${options[@]}" --threads 1 pairs.cof >one
		for threads in 2 5; do
			knn-score "${options[@]}" --threads $threads pairs.cof | cmp - one
		done
		cof-cat one >want
		knn-score "${options[@]}" --all-items pairs.cof | cof-cat | cmp - want
		knn-score "${options[@]}" --all-items --user-items train.cof pairs.cof | cof-cat | cmp - want
		cof-cat --to npy one >got.npy
		"$python" - "$how" <<-'END'
			import sys, numpy as np
			rows, got, how = np.load("train.npy"), np.load("got.npy"), sys.argv[1].split()
			x = np.zeros((60, 91))
			x[rows["user"], rows["item"]] = 1
			n, users = np.maximum(x.sum(0), 1), np.maximum(x.sum(1), 1)
			center = how[-1] == "--center"
			how = how[:len(how) - center]
			value = dict(zip(how[1::2], map(float, how[2::2])))
			both = x.T @ x
			if how[0] == "jaccard":
			    sim = both / (n[:, None] + n - both + value["--shrink"])
			elif how[0] == "cosine":
			    sim = both / (np.sqrt(n[:, None] * n) + value["--shrink"])
			else:
			    sim = (x.T / users ** value["--alpha"]) @ x / n ** value["--alpha"] / n[:, None] ** value["--beta"]
			np.fill_diagonal(sim, 0)
			sim = sim.astype("f4")
			by = sim.T if how[0] == "rp3beta" else sim  # the item whose 7 best count is the row
			kept = np.zeros_like(by)
			for i, row in enumerate(by):
			    best = sorted(np.flatnonzero(row > 0), key=lambda j: (-row[j], j))[:7]
			    kept[i, best] = row[best]
			kept = kept.T if how[0] == "rp3beta" else kept
			kept = kept.astype(float)
			mean = x.mean(0) * 60 / (x.sum(1) > 0).sum()
			if center:
			    kept /= np.maximum(kept.sum(1, keepdims=True), 1e-30)
			want = (x - mean) @ kept.T + mean if center else x @ kept.T
			off = np.abs(want - got["score"].reshape(60, 91)).max()
			assert off < 1e-5 * got["score"].max(), off
		END
	done
}

@test "options that do not go with the similarity are refused" {
	make_train
	for options in '--similarity rp3beta --shrink 3' '--similarity rp3beta --center' '--alpha 1' '--similarity jaccard --beta 0' '--similarity pearson'; do
		# shellcheck disable=SC2086
		run --separate-stderr knn-score --train train.cof $options train.cof
		assert_status 2
	done
	run --separate-stderr knn-score --train train.cof --similarity rp3beta --shrink 3 train.cof
	assert_contains "$stderr" "option --shrink goes with --similarity cosine or jaccard"
}

@test "items without users cost little: 10,000,000 of them, 6 users" {
	printf '%s\n' '0 5 1' '0 9999999 1' '1 5 1' '1 9999999 1' '2 7000000 1' '3 5 1' '4 7000000 1' '5 123456 1' |
		interactions 6 10000000 >train.cof
	printf '%s\n' '3 9999999 1' '3 123456 1' '2 5 1' | interactions 6 10000000 >x.cof
	run --separate-stderr timeout 60 knn-score -q --train train.cof --shrink 0 --threads 2 x.cof
	assert_status 0
	timeout 60 knn-score -q --train train.cof --shrink 0 x.cof | cof-cat | cut -f 2,4 | paste -sd ' ' >got
	assert_equal "$(cat got)" $'9999999\t0.8164966 123456\t0 5\t0' # 2 / sqrt(3 x 2)
}

@test "the time does not grow with items times bound: 200,000 of 16,000,000 items, and the same bytes as among few" {
	python3 - >pairs <<-'EOF'
		import random
		random.seed(1)
		for user in range(100000):
		    for item in random.randrange(200000), random.randrange(200000): print(user, item * 79, 1)
	EOF
	interactions 100000 16000000 <pairs >wide.cof
	awk '{ print $1, $2 / 79, $3 }' pairs | interactions 100000 200000 >narrow.cof
	head -n 40 pairs | interactions 100000 16000000 >x.cof
	head -n 40 pairs | awk '{ print $1, $2 / 79, $3 }' | interactions 100000 200000 >y.cof
	run --separate-stderr timeout 60 knn-score -q --train wide.cof x.cof
	assert_status 0
	timeout 60 knn-score -q --train wide.cof x.cof | cof-cat | awk -v OFS='\t' '{ $2 /= 79; print }' >wide.tsv
	timeout 60 knn-score -q --train narrow.cof y.cof | cof-cat | cmp - wide.tsv
}

@test "bounds and usage" {
	make_train
	printf '0 0 1\n' | interactions 5 6 >x.cof
	run --separate-stderr knn-score --train train.cof x.cof
	assert_status 1
	assert_error knn-score "'x.cof' has 6 items, 'train.cof' only 5"
	for options in '--neighbours 0' '--shrink -1' '--shrink nan'; do
		# shellcheck disable=SC2086
		run --separate-stderr knn-score --train train.cof $options x.cof
		assert_status 2
	done
}

@test "MovieLens 100K, --user-items: user 12, as user 0 of a file of one user, gets the same list" {
	movielens_100k
	cof-cat train.cof | awk -v OFS='\t' '$1 == 12 { $1 = 0; print }' |
		cof-cat --from tsv --kind interaction --users 1 --items 1682 >me.cof
	printf '12\t0\t0\n' | cof-cat --from tsv --kind interaction --users 943 --items 1682 |
		knn-score --train train.cof --all-items --seen train.cof --top 20 | cof-cat | cut -f 2- >want
	knn-score --train train.cof --all-items --user-items me.cof --seen me.cof --top 20 me.cof |
		cof-cat >got
	cut -f 2- got | cmp - want
	assert_equal "$(cut -f 1 got | uniq -c | tr -s ' ')" ' 20 0'
}

@test "MovieLens 100K: ItemKNN, 20 neighbours, shrink 10" {
	movielens_100k
	knn-score --train train.cof --all-items --seen train.cof --ranks test.cof >ranks.cof
	assert_near "$(rank-eval --only HR@50 ranks.cof)" 0.348 0.0005
	assert_near "$(rank-eval --only HR@10 ranks.cof)" 0.136 0.0005
	assert_near "$(rank-eval --only NDCG@10 ranks.cof)" 0.067 0.0005
	assert_near "$(rank-eval --only AUC ranks.cof)" 0.871 0.0005
}
