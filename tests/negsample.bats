#!/usr/bin/env bats
# shellcheck disable=SC2154
# negsample: every row of every epoch against the input by brute force; headers, seeds, users without
# negatives, candidate lists. The distributions are in unit/test_sampler.c and unit/test_permute.c.
load helper

# interactions USERS ITEMS ROW...: rows "user item" to standard output as a stream.
interactions() {
	local users=$1 items=$2
	shift 2
	[ $# -eq 0 ] || printf '%s\t0\n' "$@" | tr ' ' '\t' >rows.tsv
	[ $# -gt 0 ] || : >rows.tsv
	cof-cat -q --from tsv --kind interaction --users "$users" --items "$items" --to cof rows.tsv
}

# 60 users, 50 items, about 900 different rows in random order; user 3 lacks only item 7.
random_rows() {
	awk -v seed="$1" 'BEGIN {
		srand(seed)
		for (k = 0; k < 1200; k++) {
			row = int(rand() * 60) "\t" int(rand() * 50)
			if (!(row in seen) && row !~ /^3\t/) { seen[row]; print row "\t" k }
		}
		for (i = 0; i < 50; i++)
			if (i != 7) print "3\t" i "\t0"
	}' >rows.tsv
	cof-cat -q --from tsv --kind interaction --users 60 --items 50 --to cof rows.tsv
}

# check_triples TRAIN EXCLUDE EPOCHS NEGATIVES <TRIPLES: every epoch has each row of TRAIN, NEGATIVES times,
# and no negative is the user's in TRAIN or EXCLUDE. All are tsv.
check_triples() {
	awk -F '\t' -v epochs="$3" -v negatives="$4" '
		FILENAME == ARGV[1] { rows++; train[$1, $2]++; closed[$1, $2]; next }
		FILENAME == ARGV[2] { closed[$1, $2]; next }
		{
			epoch = int(n / (rows * negatives))
			n++
			if (($1, $3) in closed) bad = bad "row " n ": negative " $3 " of user " $1 "; "
			count[epoch, $1, $2]++
		}
		END {
			if (n != rows * negatives * epochs) bad = bad n " rows; "
			for (e = 0; e < epochs; e++)
				for (row in train) {
					if (count[e, row] != negatives * train[row]) bad = bad "epoch " e ": " row "; "
				}
			if (bad != "") { print substr(bad, 1, 300); exit 1 }
		}' "$1" "$2" /dev/stdin
}

json() {
	cof-cat -q --header "$2" | jq -c "$1"
}

@test "pairwise: an epoch is all positives, negatives are nobody's of train and --exclude" {
	random_rows 1 >train.cof
	cof-cat -q train.cof >train.tsv
	random_rows 2 | cof-cat -q | grep -v '^3	' >exclude.tsv # user 3 keeps his only negative
	cof-cat -q --from tsv --kind interaction --users 60 --items 50 --to cof exclude.tsv >exclude.cof

	negsample -q --epochs 3 train.cof | cof-cat -q >triples.tsv
	check_triples train.tsv /dev/null 3 1 <triples.tsv
	negsample -q --epochs 2 --negatives 5 --exclude exclude.cof train.cof | cof-cat -q >triples.tsv
	check_triples train.tsv exclude.tsv 2 5 <triples.tsv
	assert_equal "$(awk '$1 == 3 { print $3 }' triples.tsv | sort -u)" 7
	negsample -q --sampler popularity --epochs 3 --exclude exclude.cof train.cof | cof-cat -q >triples.tsv
	check_triples train.tsv exclude.tsv 3 1 <triples.tsv
}

@test "the brute-force check itself finds a wrong negative, a missing row and a wrong count" {
	printf '0\t0\t0\n0\t1\t0\n' >train.tsv
	printf '0\t1\t2\n0\t0\t3\n' | check_triples train.tsv /dev/null 1 1
	run ! check_triples train.tsv /dev/null 1 1 <<<$'0\t1\t0\n0\t0\t3'
	run ! check_triples train.tsv /dev/null 1 1 <<<$'0\t1\t2\n0\t1\t3'
	run ! check_triples train.tsv /dev/null 2 1 <<<$'0\t1\t2\n0\t0\t3'
	printf '0\t3\t0\n' >exclude.tsv
	run ! check_triples train.tsv exclude.tsv 1 1 <<<$'0\t1\t2\n0\t0\t3'
}

@test "several --exclude files, and one that is the input again" {
	interactions 2 6 '0 0' '1 1' >train.cof
	interactions 2 6 '0 1' '0 2' >a.cof
	interactions 2 6 '0 3' '0 4' '1 0' >b.cof
	negsample -q --epochs 50 -x a.cof -x b.cof -x train.cof train.cof | cof-cat -q | sort -u >out
	assert_equal "$(cat out)" "$(printf '%s\n' '0 0 5' '1 1 2' '1 1 3' '1 1 4' '1 1 5' | tr ' ' '\t')"
}

@test "pointwise: an epoch is each positive with label 1 and N draws with label 0, mixed" {
	random_rows 1 >train.cof
	cof-cat -q train.cof >train.tsv
	negsample -q --pointwise --negatives 4 --epochs 2 train.cof >samples.cof
	assert_equal "$(json '[.kind, .epochs]' samples.cof)" '["sample",2]'
	cof-cat -q samples.cof | awk -F '\t' -v epochs=2 '
		FILENAME == ARGV[1] { rows++; train[$1, $2]; of[$1]++; next }
		{
			epoch = int(n / (rows * 5))
			n++
			known = ($1, $2) in train
			if ($3 != known) bad = bad "row " n " is labelled " $3 "; "
			if (known) positive[epoch, $1, $2]++; else negatives[epoch, $1]++
			if (epoch == 0 && known && n <= rows * 5 / 2) early++
		}
		END {
			if (n != rows * 5 * epochs) bad = bad n " rows; "
			for (e = 0; e < epochs; e++) {
				for (row in train)
					if (positive[e, row] != 1) bad = bad "epoch " e ": " row "; "
				for (u in of)
					if (negatives[e, u] != 4 * of[u]) bad = bad "epoch " e ": user " u "; "
			}
			# hypergeometric: half of the positives, sd below sqrt(rows / 4)
			if (early < rows / 2 - 2 * sqrt(rows) || early > rows / 2 + 2 * sqrt(rows)) bad = bad early " early; "
			if (bad != "") { print substr(bad, 1, 300); exit 1 }
		}' train.tsv /dev/stdin
}

@test "header: kind, bounds, epochs, rows an epoch, provenance with the seed" {
	interactions 3 9 '0 1' '1 2' '2 3' '2 4' >train.cof
	negsample -q --epochs 7 --negatives 3 --seed 9223372036854775807 train.cof >out.cof
	assert_equal "$(json '[.kind, .users, .items, .epochs, .rows_per_epoch]' out.cof)" '["triple",3,9,7,12]'
	assert_equal "$(json '[.provenance[].program]' out.cof)" '["cof-cat","negsample"]'
	cof-cat -q --header out.cof | grep -q '"seed": 9223372036854775807'
	assert_equal "$(cof-cat -q --count out.cof)" 84
	negsample -q --pointwise --negatives 3 train.cof >out.cof
	assert_equal "$(json '[.kind, .epochs, .rows_per_epoch]' out.cof)" '["sample",1,16]'
	run --separate-stderr negsample --seed 77 --head train.cof
	assert_status 2
	run --separate-stderr bash -c 'negsample --seed 77 train.cof >out.cof'
	assert_contains "$stderr" "seed 77"
}

@test "same seed same bytes, on one core too; other seeds and epochs differ in order and draws" {
	random_rows 1 >train.cof
	for options in '' --pointwise '--grouped --negatives 2' '--sampler popularity' '--candidates 3'; do
		# shellcheck disable=SC2086
		{
			negsample -q $options --seed 5 train.cof >a.cof
			negsample -q $options --seed 5 <train.cof >b.cof
			cmp a.cof b.cof
			taskset -c "$(taskset -cp $$ | sed 's/.*: //; s/[-,].*//')" negsample -q $options --seed 5 train.cof >b.cof
			cmp a.cof b.cof
			negsample -q $options --seed 6 train.cof >b.cof
			run ! cmp -s a.cof b.cof
		}
	done
	negsample -q --epochs 2 train.cof | cof-cat -q >both.tsv
	rows=$(($(wc -l <both.tsv) / 2))
	head -n "$rows" both.tsv >first.tsv
	tail -n "$rows" both.tsv >second.tsv
	run ! cmp -s <(cut -f 1,2 first.tsv) <(cut -f 1,2 second.tsv) # another order
	run ! cmp -s <(sort first.tsv) <(sort second.tsv)	       # other negatives
	# more epochs begin as fewer do
	negsample -q train.cof | cof-cat -q | cmp - first.tsv
}

@test "--from-epoch: the rows of the full run from there on, and a header that says where" {
	random_rows 1 >train.cof
	rows=$(cof-cat -q --count train.cof)
	for options in '' '--pointwise --negatives 3' '--grouped --negatives 3' '--sampler popularity'; do
		# shellcheck disable=SC2086
		{
			negsample -q $options --epochs 4 train.cof >full.cof
			per_epoch=$(json .rows_per_epoch full.cof)
			for from in 1 2 4; do
				negsample -q $options --epochs 4 --from-epoch $from train.cof >part.cof
				first=$(((from - 1) * per_epoch))
				cof-cat -q full.cof | tail -n +$((first + 1)) | cmp - <(cof-cat -q part.cof)
				[ $from -gt 1 ] || first=null
				assert_equal "$(json '[.epochs, .rows_per_epoch, .first_row]' part.cof)" "[4,$per_epoch,$first]"
			done
		}
	done
	# and in everything else a header as the full run has it: it is the same stream, begun later
	assert_equal "$(json 'del(.first_row)' part.cof)" "$(json . full.cof)"
	[ "$rows" -gt 100 ]
	# epochs that nobody could have waited for
	negsample -q --epochs 4294967295 --from-epoch 4294967295 train.cof >last.cof
	assert_equal "$(cof-cat -q --count last.cof)" "$rows"
	assert_equal "$(json .first_row last.cof)" $((4294967294 * rows))
}

@test "grouped: an epoch is each positive once, with N negatives of its user" {
	random_rows 1 >train.cof
	cof-cat -q train.cof >train.tsv
	random_rows 2 | cof-cat -q | grep -v '^3	' >exclude.tsv
	cof-cat -q --from tsv --kind interaction --users 60 --items 50 --to cof exclude.tsv >exclude.cof
	for negatives in 1 2 5 100 2047 2048 2049 5000; do
		negsample -q --grouped --epochs 2 --negatives $negatives --exclude exclude.cof train.cof >groups.cof
		assert_equal "$(json '[.kind, .fields[2][2], .epochs, .rows_per_epoch]' groups.cof)" \
			"[\"group\",$negatives,2,$(wc -l <train.tsv)]"
		cof-cat -q groups.cof | awk '{ for (k = 3; k <= NF; k++) print $1 "\t" $2 "\t" $k }' >triples.tsv
		check_triples train.tsv exclude.tsv 2 $negatives <triples.tsv
	done
	# as many different negatives as are open, not the same ones in each group: 5000 draws of 7 to 40 items
	cof-cat -q --head 1 groups.cof | tr '\t' '\n' | tail -n +3 | sort -u | wc -l >different
	[ "$(cat different)" -ge 7 ]
	# a group of one negative is a triple
	negsample -q --grouped --epochs 2 train.cof | cof-cat -q | cmp - <(negsample -q --epochs 2 train.cof | cof-cat -q)
	# draw rN + j does not depend on which rows are made at once
	negsample -q --grouped --epochs 2 --negatives 3 train.cof | cof-cat -q >groups.tsv
	taskset -c "$(taskset -cp $$ | sed 's/.*: //; s/[-,].*//')" negsample -q --grouped --epochs 2 --negatives 3 train.cof |
		cof-cat -q | cmp - groups.tsv
	run --separate-stderr negsample --grouped --negatives 16383 train.cof
	assert_status 2
	assert_contains "$stderr" "a group has at most 16382"
	interactions 1 1 '0 0' | negsample -q --grouped --negatives 16382 2>warned | cof-cat -q --count | grep -x 0
	interactions 1 2 '0 0' | negsample -q --grouped --negatives 16382 | cof-cat -q | tr '\t' '\n' | tail -n +3 >ones
	assert_equal "$(sort ones | uniq -c | tr -d '\n')" "  16382 1"
}

@test "the order of the input does not matter" {
	random_rows 1 >train.cof
	cof-cat -q train.cof | sort -R --random-source=/bin/sh >shuffled.tsv
	cof-cat -q --from tsv --kind interaction --users 60 --items 50 --to cof shuffled.tsv >shuffled.cof
	run ! cmp -s train.cof shuffled.cof
	cmp <(negsample -q train.cof) <(negsample -q shuffled.cof)
}

@test "a user who has all items is skipped and counted, one who lacks a single item gets it" {
	interactions 3 3 '0 0' '0 1' '1 0' '1 1' '1 2' '2 2' >train.cof
	run --separate-stderr bash -c 'negsample --negatives 2 --epochs 4 train.cof >out.cof'
	assert_status 0
	assert_contains "$stderr" "users skipped, since no item can be drawn for them: 1"
	assert_equal "$(json '[.epochs, .rows_per_epoch]' out.cof)" '[4,6]'
	assert_equal "$(cof-cat -q --count out.cof)" 24
	assert_equal "$(cof-cat -q out.cof | cut -f 1 | sort -u | tr '\n' ' ')" "0 2 "
	assert_equal "$(cof-cat -q out.cof | awk '$1 == 0 { print $3 }' | sort -u)" 2
	# nobody is left: a stream without rows, still whole
	interactions 1 1 '0 0' | negsample -q >none.cof 2>warned
	assert_equal "$(cof-cat -q --count none.cof)" 0
}

@test "a row given twice is two positives" {
	interactions 2 5 '0 1' '0 1' '1 2' >train.cof
	negsample -q train.cof >out.cof
	assert_equal "$(json .rows_per_epoch out.cof)" 3
	assert_equal "$(cof-cat -q out.cof | cut -f 1,2 | sort)" "$(printf '0\t1\n0\t1\n1\t2')"
}

@test "popularity: count to the power of alpha; an item without interactions is never drawn" {
	# counts: item 0 one (user 0), item 1 nine, item 2 one; item 3 none
	interactions 11 4 '0 0' '1 1' '2 1' '3 1' '4 1' '5 1' '6 1' '7 1' '8 1' '9 1' '10 2' >train.cof
	drawn() { # share of item 1 among the negatives of user 0: 40000 draws, sd at most 0.0025
		negsample -q --sampler popularity --negatives 40000 "$@" train.cof | cof-cat -q |
			awk '$1 == 0 { n++; ones += $3 == 1 } END { print ones / n }'
	}
	assert_near "$(drawn --alpha 0.5)" 0.75 0.01 # 3 : 1
	assert_near "$(drawn --alpha 1)" 0.9 0.01
	assert_near "$(drawn --alpha 0)" 0.5 0.01
	assert_near "$(drawn)" 0.83864 0.01 # 9 ^ 0.75 = 5.19615
	negsample -q --sampler popularity --epochs 500 train.cof | cof-cat -q | cut -f 3 | sort -u >items
	assert_equal "$(tr '\n' ' ' <items)" "0 1 2 "
	# without item 1 and 2 nothing is left for user 0, though nobody has item 3
	interactions 11 4 '0 1' '0 2' >x.cof
	run --separate-stderr bash -c 'negsample -q --sampler popularity -x x.cof train.cof >out.cof'
	assert_contains "$stderr" "users skipped, since no item can be drawn for them: 1"
	assert_equal "$(json .rows_per_epoch out.cof)" 10
}

@test "candidates: users ascending, their positives once, then N different negatives for each" {
	random_rows 1 >train.cof
	cof-cat -q train.cof >train.tsv
	random_rows 2 >exclude.cof
	cof-cat -q exclude.cof >exclude.tsv
	for sampler in uniform popularity; do
		run --separate-stderr bash -c "negsample --candidates 2 --sampler $sampler -x exclude.cof train.cof >out.cof"
		assert_status 0
		assert_equal "$(json '[.kind, .epochs, .rows_per_epoch]' out.cof)" '["sample",null,null]'
		cof-cat -q out.cof | awk -F '\t' '
			BEGIN { user = -1 }
			FILENAME == ARGV[1] { train[$1, $2]; of[$1]++; closed[$1, $2]; next }
			FILENAME == ARGV[2] { closed[$1, $2]; next }
			$1 < user || ($1 == user && $3 > label) { bad = bad "order; " }
			{ user = $1; label = $3 }
			seen[$1, $2]++ { bad = bad "twice: " $0 "; " }
			$3 == 1 && !(($1, $2) in train) || $3 == 0 && (($1, $2) in closed) { bad = bad "wrong: " $0 "; " }
			{ count[$1, $3]++ }
			END {
				for (u in of) {
					open = 50
					for (i = 0; i < 50; i++) open -= (u, i) in closed
					if (open == 0) continue
					wanted = 2 * of[u] < open ? 2 * of[u] : open
					if (2 * of[u] > open) short++
					if (count[u, 0] != wanted || count[u, 1] != of[u]) bad = bad "user " u " " count[u, 0] "; "
				}
				print short + 0 >"short"
				if (bad != "") { print substr(bad, 1, 300); exit 1 }
			}' train.tsv exclude.tsv /dev/stdin
		assert_contains "$stderr" "users with fewer items left than wanted, who got all of them: $(cat short)"
		[ "$(cat short)" -gt 0 ]
	done
	# a row given twice is one candidate
	interactions 1 9 '0 1' '0 1' | negsample -q --candidates 3 | cof-cat -q --count | grep -x 4
}

@test "--exclude is opened only after the header of the input: an old file in place does no harm" {
	interactions 1 3 '0 0' >train.cof
	interactions 1 3 '0 1' >new.cof
	interactions 1 3 '0 2' >side.cof
	pipe '{ sleep 0.3; cp new.cof side.cof; cat train.cof; } | negsample -q --epochs 40 -x side.cof | cof-cat -q | cut -f 3 | sort -u'
	assert_status 0
	assert_equal "$output" 2
}

@test "wrong input: kind, bounds of --exclude, truncation; nothing that looks whole comes out" {
	interactions 3 3 '0 0' '1 1' '2 2' >train.cof
	interactions 4 3 '3 0' >large.cof
	negsample -q train.cof >triple.cof
	run --separate-stderr -1 negsample -q triple.cof
	assert_error negsample "'triple.cof' holds triple records, interaction expected"
	run --separate-stderr -1 negsample -q -x triple.cof train.cof
	assert_error negsample "'triple.cof' holds triple records, interaction expected"
	run --separate-stderr -1 negsample -q -x large.cof train.cof
	assert_error negsample "'large.cof' has 4 users and 3 items, more than 3 and 3"
	run --separate-stderr -1 negsample -q -x none.cof train.cof
	assert_error negsample "cannot open 'none.cof': No such file or directory"
	head -c -9 train.cof >cut.cof
	run --separate-stderr -1 bash -c 'negsample -q cut.cof >out.cof'
	assert_error negsample "truncated"
	[ ! -s out.cof ]
	interactions 3 3 | negsample -q --sampler popularity >none.cof
	assert_equal "$(cof-cat -q --count none.cof)" 0
}

@test "options that contradict each other are refused" {
	interactions 3 3 '0 0' >train.cof
	for options in '--pairwise --pointwise' '--candidates 2 --pairwise' '--candidates 2 --negatives 3' \
		'--candidates 2 --epochs 2' '--candidates 2 --from-epoch 1' '--candidates 2 --grouped' '--grouped --pointwise' \
		'--grouped --pairwise' '--epochs 3 --from-epoch 4' '--from-epoch 2' '--from-epoch 0' '--alpha 1' '--negatives 0' '--epochs 0' '--sampler other' '--candidates 0'; do
		# shellcheck disable=SC2086
		run --separate-stderr negsample $options train.cof
		assert_status 2
		assert_contains "$stderr" "Try 'negsample --help'"
	done
}
