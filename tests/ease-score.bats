#!/usr/bin/env bats
# shellcheck disable=SC2154
# ease-score: by hand, against NumPy in double, what it refuses, and on MovieLens.
load helper

@test "two items by hand" {
	# users 0 and 1 have items 0 and 2, user 2 item 2, user 3 nothing; nobody has item 1
	# G of items 0 and 2 = [2 2; 2 3] + 2 I = [4 2; 2 5], its inverse [5 -2; -2 4] / 16: B_02 = 2 / 4, B_20 = 2 / 5
	printf '%s\n' '0 0 1' '0 2 1' '1 2 1' '1 0 1' '2 2 1' '0 2 2' | interactions 4 3 >train.cof
	printf '%s\n' '0 0 1' '2 0 1' '3 0 1' | interactions 4 3 >x.cof
	ease-score --train train.cof --l2 2 --all-items x.cof | cof-cat | cut -f 1,2,4 | tr '\t\n' ' ,' >got
	assert_equal "$(cat got)" "0 0 0.4,0 1 0,0 2 0.5,2 0 0.4,2 1 0,2 2 0,3 0 0,3 1 0,3 2 0,"
}

@test "next to NumPy, for any number of threads, by block, by list and from items" {
	numpy
	random_rows 120 150 5 2500 | awk '$2 != 77' | interactions 120 151 >train.cof # nobody has 77 and 150
	awk 'BEGIN { for (u = 0; u < 120; u++) for (i = 0; i < 151; i++) print u, i, 1 }' | interactions 120 151 >pairs.cof
	ease-score --train train.cof --l2 3 --threads 1 pairs.cof >pairs.1
	ease-score --train train.cof --l2 3 --threads 3 pairs.cof >pairs.3
	cmp pairs.1 pairs.3
	cof-cat pairs.1 >want
	ease-score --train train.cof --l2 3 --threads 2 --all-items pairs.cof | cof-cat | cmp - want
	ease-score --train train.cof --l2 3 --user-items train.cof --all-items pairs.cof | cof-cat | cmp - want
	ease-score --train train.cof --l2 3 --user-items train.cof pairs.cof | cof-cat | cmp - want
	ease-score -q --train train.cof --l2 3 --items 60:140 --all-items pairs.cof | cof-cat | awk '$4 != "-inf"' >part
	awk '$2 >= 60 && $2 < 140' want | cmp - part
	cof-cat --to npy train.cof >train.npy
	cof-cat --to npy pairs.1 >pairs.npy
	"$python" - <<-'END'
		import numpy as np
		rows, got = np.load("train.npy"), np.load("pairs.npy")
		x = np.zeros((120, 151))
		x[rows["user"], rows["item"]] = 1
		p = np.linalg.inv(x.T @ x + 3 * np.eye(151))
		b = -p / np.diag(p)
		np.fill_diagonal(b, 0)
		off = np.abs((x @ b).ravel() - got["score"]).max()
		assert len(got) == 120 * 151 and off < 1e-5, off
		assert np.abs(got["score"]).max() > 0.5
	END
}

@test "--user-items: users that the train file has never seen" {
	printf '%s\n' '0 0 1' '0 1 1' '0 2 1' '1 0 1' '1 1 1' '2 0 1' '2 3 1' '3 2 1' | interactions 4 5 >train.cof
	printf '%s\n' '8 1 1' '8 0 1' '8 1 2' '2 2 1' '5 4 1' | interactions 9 5 >new.cof # 1, 3 and nobody of train
	printf '%s\n' '8 0 1' '2 0 1' '5 0 1' '7 0 1' | interactions 9 5 >x.cof
	printf '%s\n' '1 0 1' '3 0 1' | interactions 4 5 >y.cof
	ease-score --train train.cof --l2 1 --all-items --user-items new.cof x.cof | cof-cat >all
	ease-score --train train.cof --l2 1 --all-items y.cof | cof-cat | cut -f 4 >known
	awk '$1 == 8' all | cut -f 4 | cmp - <(head -n 5 known)
	awk '$1 == 2' all | cut -f 4 | cmp - <(tail -n 5 known)
	assert_equal "$(awk '($1 == 5 || $1 == 7) && $4 != 0' all)" ""
	assert_equal "$(wc -l <all)" 20
}

@test "an empty train stream: every score is 0" {
	printf '' | interactions 3 4 >train.cof
	printf '1 2 1\n' | interactions 3 4 >x.cof
	assert_equal "$(ease-score --train train.cof --all-items x.cof | cof-cat | cut -f 4 | sort -u)" 0
}

@test "a matrix that the machine cannot hold: one line, with the number" {
	seq 0 1999999 | awk -v OFS='\t' '{ print 0, $1, 0 }' |
		cof-cat --from tsv --kind interaction --users 1 --items 4000000 >train.cof
	printf '0 0 1\n' | interactions 1 4 >x.cof
	run --separate-stderr ease-score --train train.cof x.cof
	assert_status 1
	assert_error ease-score "'train.cof' has 2000000 items with users: their matrix needs 16000.0 GB, the machine has "
	[[ $stderr =~ has\ [0-9]+\.[0-9]\ GB$ ]]
	# what counts is items with users
	printf '%s\n' '0 0 1' '0 2999999 1' | interactions 1 3000000 >train.cof
	ease-score -q --train train.cof --l2 1 x.cof | cof-cat | cut -f 4 >got
	assert_near "$(cat got)" 0.5 1e-6 # 1 / (1 + 1)
}

@test "peak memory: one matrix and a tenth, with all that is needed to make it" {
	[ "${BUILD##*/}" != san ] || skip "a sanitizer takes memory of its own"
	planted -q --users 3000 --items 4000 --ratings 300000 | ml-split -q --test x.tsv | binarize >train.cof
	printf '0 0 1\n' | interactions 1 4000 >x.cof
	python3 - 3>peak <<-'E'
		import os, resource, subprocess
		subprocess.run(["ease-score", "-q", "--train", "train.cof", "x.cof"], check=True, stdout=subprocess.DEVNULL)
		os.write(3, b"%d" % (resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024))
	E
	items=$(cof-stat -q --json train.cof | jq .items_seen)
	[ "$items" -gt 3900 ]
	[ "$(cat peak)" -gt $((4 * items * items)) ] # the rest of the test would mean nothing
	[ "$(cat peak)" -lt $((44 * items * items / 10)) ]
}

@test "an l2 that is too small for float32 is refused, and nothing is written" {
	# items 0 and 1 have the same 3000 users: the rows of G are alike but for l2
	seq 0 2999 | awk '{ print $1, 0, 1; print $1, 1, 1 }' | interactions 3000 2 >train.cof
	for l2 in 0.000001 0.001; do
		run --separate-stderr ease-score --train train.cof --l2 $l2 --all-items train.cof
		assert_status 1
		assert_equal "$output" ""
		assert_error ease-score "'train.cof': with l2 $(printf %g $l2) the "
	done
	ease-score --train train.cof --l2 10 --all-items train.cof | cof-cat | cut -f 4 | sort -u >got
	assert_near "$(cat got)" 0.99667774 1e-4 # 3000 / 3010
}

@test "bounds and usage" {
	printf '0 0 1\n' | interactions 5 5 >train.cof
	printf '0 0 1\n' | interactions 5 6 >x.cof
	run --separate-stderr ease-score --train train.cof x.cof
	assert_status 1
	assert_error ease-score "'x.cof' has 6 items, 'train.cof' only 5"
	for options in '--l2 0' '--l2 -1' '--l2 nan' '--l2 1e10'; do
		# shellcheck disable=SC2086
		run --separate-stderr ease-score --train train.cof $options x.cof
		assert_status 2
	done
	run --separate-stderr ease-score x.cof
	assert_status 2
	assert_contains "$stderr" "option --train is missing"
}

@test "MovieLens 100K: EASE, as measured by an independent program" {
	movielens_100k
	for want in '100 0.1506 0.3955 0.0782' '210.93 0.1538 0.3966 0.0786' '400 0.1516 0.3934 0.0796'; do
		read -r l2 hr10 hr50 ndcg10 <<<"$want"
		ease-score --train train.cof --l2 "$l2" --all-items --seen train.cof --ranks test.cof >ranks.cof
		# a user more or less where a score in float32 decides
		assert_near "$(rank-eval --only HR@10 ranks.cof)" "$hr10" 0.0015
		assert_near "$(rank-eval --only HR@50 ranks.cof)" "$hr50" 0.0015
		assert_near "$(rank-eval --only NDCG@10 ranks.cof)" "$ndcg10" 0.001
	done
}
