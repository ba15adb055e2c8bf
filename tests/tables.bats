#!/usr/bin/env bats
# The pipelines that end in a table of systems: ncf.sh on any data set in He et al.'s format, gowalla.sh.
# The name of a data set may hold a $, but is not to be expanded.
# shellcheck disable=SC2154,SC2016,SC2030,SC2031,SC2034

load helper

# he_files FOLDER NAME: a small planted data set. The latest item of each user is held out; the lists have 19 negatives, of
# which one is there twice and, for user 0, one is the positive; items 200 to 209 are in lists only.
he_files() {
	mkdir -p "$1"
	planted -q --users 60 --items 200 --ratings 3000 | awk -F '\t' -v stem="$1/$2" -v OFS='\t' '
		{ u = $1 - 1; i = $2 - 1; has[u, i]; if (u in last) print last[u] >(stem ".train.rating"); last[u] = u OFS i OFS $3 OFS $4; item[u] = i }
		END {
			for (u = 0; u < 60; u++) {
				printf "(%d,%d)", u, item[u] >(stem ".test.negative")
				if (u == 0) printf "\t%d", item[u] >(stem ".test.negative")
				for (k = n = 0; n < 19; k++) if (!((u, j = (u * 7 + k * 11) % 210) in has)) {
					printf "\t%d", j >(stem ".test.negative")
					if (!n++) printf "\t%d", j >(stem ".test.negative")
				}
				print "" >(stem ".test.negative")
			}
		}'
}

# table SCRIPT SETTING...: run a pipeline, which must end well; everything it writes is in out/
table() {
	run env OUT="$PWD/out" DEVICE=cpu EPOCHS=2 MF_EPOCHS=2 CCL_EPOCHS='2 2' "${@:2}" "$ROOT/pipelines/$1"
	[ "$status" -eq 0 ] || { echo "$output" && return 1; }
}

# refused WORDS SETTING...: ncf.sh ends with an error in these words
refused() {
	run env OUT="$PWD/out" COFILTER_DATA="$PWD" "${@:2}" "$ROOT/pipelines/ncf.sh"
	assert_equal "$status" 1
	assert_contains "$output" "$1"
}

@test "ncf: DATA=DIR with odd names; ten systems, the best first, compared and explained" {
	he_files "toys of o'hara" 'my $toys.v2'
	gzip -n toys*/*.negative
	table ncf.sh DATA="toys of o'hara" SEEDS='1 2'
	assert_contains "$output" "== data: my \$toys.v2"
	assert_contains "$output" "lists: 61 items stand twice, which count once: 1 times the positive among its negatives"
	assert_contains "$output" "60 users, 210 items, 2940 interactions; valid: 60 of them (the latest of each user)"
	assert_contains "$output" "GMF 8: epoch 1 of at most 2, loss"
	result="out/ncf-my \$toys.v2.json"
	assert_equal "$(jq -r '.table | map(.system) | sort | join(",")' "$result")" \
		"EASE,GMF 8,ItemKNN,ItemPop,MF 8,MLP 8,NeuMF 8,NeuMF pretrained 8,RP3beta,iALS 8"
	jq -e '.table | . == sort_by(-.mean["NDCG@10"])' "$result"
	jq -e '.baseline as $b | all(.table[]; if .system == $b then .p == null else .holm >= .p and .p > 0 end)' "$result"
	jq -e '[.systems[] | select(.system == "GMF 8") | .seed] == [1, 2]' "$result"
	jq -e '.table[] | select(.system == "GMF 8") | .sd["HR@10"] != null and .epochs <= 2 and .valid > 0' "$result"
	assert_contains "$(cat "out/ncf-my \$toys.v2.md")" "| ItemPop | ."
	! command -v gnuplot >/dev/null || [ -s "out/ncf-my \$toys.v2.svg" ]
}

@test "ncf: rows are what the stages give, and the settings are those best on valid" {
	he_files . toys
	table ncf.sh COFILTER_DATA="$PWD" NAME=toys SYSTEMS='ItemPop EASE' EASE_L2='10 100 1000'
	work=out/ncf-toys
	pop-score -q --train $work/train.cof.gz --ranks $work/test.cof.gz | rank-eval -q -k 10 --json >pop.json
	assert_equal "$(jq '.systems[] | select(.system == "ItemPop").metrics["HR@10"]' out/ncf-toys.json)" "$(jq '.metrics["HR@10"]' pop.json)"
	for l2 in 10 100 1000; do
		ease-score -q --train $work/fit.cof.gz --l2 $l2 --ranks $work/valid.cof.gz | rank-eval -q -k 10 --only NDCG@10
		echo " $l2"
	done | paste - - | sort -g | tail -n 1 | sed 's/.* //' >best
	assert_equal "$(jq -r '.table[] | select(.system == "EASE").setting' out/ncf-toys.json)" "--l2 $(cat best)"
	# fit and valid are train
	cof-cat $work/train.cof.gz | sort >train.tsv
	{ cof-cat $work/fit.cof.gz && cof-cat --to tsv $work/valid.cof.gz | awk '$3 == 1 { print $1 "\t" $2 }'; } | cut -f 1,2 | sort >parts.tsv
	cut -f 1,2 train.tsv | sort | diff - parts.tsv
}

@test "KEEP: rows of the run before stay, those made again are new; not those of other data" {
	he_files . toys
	table ncf.sh COFILTER_DATA="$PWD" NAME=toys SYSTEMS='ItemPop EASE GMF' EASE_L2='10 100' SEEDS='1 2'
	jq -c '.table[] | select(.system == "ItemPop")' out/ncf-toys.json >first
	table ncf.sh COFILTER_DATA="$PWD" NAME=toys SYSTEMS='RP3beta EASE GMF' EASE_L2=7 KEEP=1
	assert_equal "$(jq -r '.table | map("\(.system) \(.seeds | join(","))") | sort | join("; ")' out/ncf-toys.json)" \
		"EASE 0; GMF 8 1; ItemPop 0; RP3beta 0"
	assert_equal "$(jq -r '.table[] | select(.system == "EASE").setting' out/ncf-toys.json)" "--l2 7"
	jq -e --slurpfile first first '.table[] | select(.system == "ItemPop") | .mean == $first[0].mean and .setting == $first[0].setting' out/ncf-toys.json
	sed -i '$d' toys.train.rating
	refused "KEEP: the rows in '$PWD/out/ncf-toys' are of other data" NAME=toys SYSTEMS=ItemPop KEEP=1
	table ncf.sh COFILTER_DATA="$PWD" NAME=toys SYSTEMS=ItemPop
	assert_equal "$(jq '.table | length' out/ncf-toys.json)" 1
}

@test "ncf: what is chosen does not depend on the test lists" {
	he_files a toys
	he_files b toys
	awk -F '\t' -v OFS='\t' '{ split($1, pair, /[(,)]/); $1 = "(" pair[2] "," $NF ")"; $NF = pair[3]; print }' a/toys.test.negative >b/toys.test.negative
	for folder in a b; do
		table ncf.sh OUT="$PWD/$folder" DATA=$folder SYSTEMS='RP3beta GMF'
		jq -c '.table | sort_by(.system)[] | [.system, .setting, .epochs, .valid]' $folder/ncf-toys.json >$folder.chosen
		jq -c '.table | sort_by(.system)[] | .mean' $folder/ncf-toys.json >$folder.mean
	done
	diff a.chosen b.chosen
	run ! cmp -s a.mean b.mean
}

@test "ncf: a train file without times, with CR, with a column of zeros" {
	he_files . toys
	cut -f 1-3 toys.train.rating | sed 's/$/\r/' >three && mv three toys.train.rating
	# as make runs it, by a path from the folder it is in
	ln -s "$ROOT/pipelines" pipelines
	run env OUT=out DATA=. SYSTEMS=ItemPop pipelines/ncf.sh
	[ "$status" -eq 0 ] || { echo "$output" && return 1; }
	assert_contains "$output" "valid: 60 of them (as many as users, drawn: the file has no times)"
	sed 's/\r$/\t0\r/' toys.train.rating >zeros && mv zeros toys.train.rating
	table ncf.sh DATA=. SYSTEMS=ItemPop
	assert_contains "$output" "the file has no times"
}

@test "ncf: what is missing or wrong is said, and no table appears" {
	he_files . toys
	he_files two toys
	he_files two dolls
	refused "NAME is 'none': no none.train.rating, .gz or .xz, under \$COFILTER_DATA" NAME=none
	refused "DATA is 'no-such': no such folder" DATA=no-such
	mkdir empty
	refused "DATA is 'empty': no X.train.rating" DATA=empty
	refused "it holds dolls toys" DATA=two
	rm two/dolls.test.negative
	refused "no dolls.test.negative, .gz or .xz, in 'two'" DATA=two NAME=dolls
	refused "SYSTEMS names 'Best'" DATA=. SYSTEMS=Best
	refused "pretrained starts from GMF and MLP" DATA=. SYSTEMS=pretrained
	tr '\t' ' ' <toys.train.rating >two/toys.train.rating
	refused "lines of user, item and rating with tabs between" DATA=two NAME=toys
	head -c 1000 toys.test.negative >two/toys.test.negative
	cp toys.train.rating two
	refused "two/toys" DATA=two NAME=toys POP_SCORE=false SYSTEMS=ItemPop
	[ ! -e out/ncf-toys.json ]
}

@test "gowalla: tab-separated pairs or LightGCN's lists, every system, published rows" {
	mkdir -p pairs/gowalla lists/gowalla
	planted -q --users 60 --items 200 --ratings 3000 | awk -F '\t' -v OFS='\t' '
		NR % 5 { print $1 - 1, $2 - 1 >"pairs/gowalla/gowalla.train.tsv"; next } { print $1 - 1, $2 - 1 >"rest" }'
	awk -F '\t' 'NR == FNR { user[$1]; item[$2]; next } $1 in user && $2 in item' pairs/gowalla/gowalla.train.tsv rest |
		gzip -n >pairs/gowalla/gowalla.test.tsv.gz
	for part in train test; do
		gzip -dcf pairs/gowalla/gowalla.$part.tsv* | awk -F '\t' '
			{ line[$1] = line[$1] " " $2 } END { for (u = 0; u < 60; u++) if (u in line) print u line[u] }' >lists/gowalla/$part.txt
	done
	table gowalla.sh COFILTER_DATA="$PWD/pairs"
	assert_equal "$(jq -r '.table | map(.system) | sort | join(",")' out/gowalla.json)" "EASE,ItemKNN,ItemPop,MF-BPR 64,MF-CCL 64,RP3beta,iALS 256,iALS 64"
	assert_equal "$(jq -r '.table[] | select(.system == "EASE") | "\(.setting) \(.published["recall@20"])"' out/gowalla.json)" "--l2 80 0.1765"
	jq -e '.only_published | map(.system) | index("LightGCN") != null' out/gowalla.json
	jq -c '.systems[].metrics' out/gowalla.json >pairs.metrics
	table gowalla.sh COFILTER_DATA="$PWD/lists" SYSTEMS='ItemPop RP3beta' TUNE=1
	assert_contains "$output" '--alpha 1 --beta 0.2 '
	assert_equal "$(jq -c '.systems[] | select(.system == "ItemPop").metrics' out/gowalla.json)" "$(head -n 1 pairs.metrics)"
	run env OUT="$PWD/out" COFILTER_DATA=/nonexistent "$ROOT/pipelines/gowalla.sh"
	assert_equal "$status" 1
	assert_contains "$output" "no gowalla/gowalla.train.tsv, .gz or .xz, nor gowalla/train.txt"
}

@test "a matrix that does not fit the memory is left out with a reason; published figures are well formed" {
	. "$ROOT/pipelines/table.sh"
	run fits_memory EASE 5000000
	assert_equal "$status" 1
	assert_contains "$output" "EASE: left out: 5000000 x 5000000 items take 110000.0 GB of memory"
	fits_memory EASE 1000
	grep -v '^#' "$ROOT/pipelines/published.tsv" | awk -F '\t' '
		NF != 5 || $3 <= 0 || $3 >= 1 || $4 <= 0 || $4 >= 1 || ($1, $2) in seen { print; bad = 1 } { seen[$1, $2] } END { exit bad }'
}

@test "MovieLens 1M: ItemPop as published, EASE .718 and .451" {
	dataset ml-1m ml-1m.test.negative.gz
	table ncf.sh COFILTER_DATA="${data_file%/ml-1m/*}" NAME=ml-1m SYSTEMS='ItemPop EASE' EASE_L2=1000
	jq -r '.table[] | "\(.system) \(.mean["HR@10"]) \(.mean["NDCG@10"])"' out/ncf-ml-1m.json >means
	assert_near "$(awk '/ItemPop/ { print $2 }' means)" 0.4535 0.00005
	assert_near "$(awk '/ItemPop/ { print $3 }' means)" 0.2543 0.00005
	assert_near "$(awk '/EASE/ { print $2 }' means)" 0.718 0.0005
	assert_near "$(awk '/EASE/ { print $3 }' means)" 0.451 0.0005
}

@test "Gowalla: ItemPop as published" {
	dataset gowalla gowalla.test.tsv.xz
	table gowalla.sh COFILTER_DATA="${data_file%/gowalla/*}" SYSTEMS=ItemPop
	assert_near "$(jq '.table[0].mean["recall@20"]' out/gowalla.json)" 0.0416 0.00005
	assert_near "$(jq '.table[0].mean["NDCG@20"]' out/gowalla.json)" 0.0317 0.00005
}
