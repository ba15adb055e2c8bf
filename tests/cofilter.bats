#!/usr/bin/env bats
# Words of a list are split on purpose.
# shellcheck disable=SC2154,SC2046,SC2086,SC2016
# cofilter, the front door: run, recommend, similar, compare. A run is made once and looked at by most tests.
load helper

setup_file() {
	cd "$BATS_FILE_TMPDIR" || return 1
	planted -q --users 60 --items 80 --ratings 1200 >u.data
	awk -F '\t' -v OFS=, 'BEGIN { print "userId,movieId,rating,timestamp" } { print "u" $1, "i" $2, $3, $4 }' u.data >ratings.csv
	hostile_names >names.csv
	cofilter run ratings.csv --names names.csv -o out --quick 2>messages >table || {
		cat messages table >&2
		return 1
	}
}

# Item 1 has commas, quotes and HTML; items 2 and 3 share a name; 4 is the name of 5's id; 6 and 7 joined are 8
hostile_names() {
	printf '%s\n' 'movieId,title' 'i1,"Good, the ""Bad"" & <b>Ugly</b>, The"' 'i2,Twin' 'i3,Twin' 'i4,i5' 'i5,Five' 'i6,Six' 'i7,Seven' 'i8,"Six,Seven"' 'i9,Ünïcode 東京'
	seq 10 40 | sed 's/.*/i&,Item & (1995)/' # and some without a name
}

setup() {
	cd "$BATS_TEST_TMPDIR" || return 1
	out=$BATS_FILE_TMPDIR/out
	data=$BATS_FILE_TMPDIR/ratings.csv
}

# A run of one system, of which nothing is shown.
one_system() {
	cofilter run -q "$data" --quick --systems "$1" -o "$1" >/dev/null
}

lines_of() {
	if [ -e "$1" ]; then wc -l <"$1"; else echo 0; fi
}

same_run() {
	local file
	for file in results.json recommendations.tsv similar.safetensors model.safetensors; do
		cmp "$1/$file" "$2/$file"
	done
}

@test "run: the table, the files and the commands" {
	run cat "$BATS_FILE_TMPDIR/table"
	for label in ItemPop ItemKNN RP3beta EASE iALS BPR-MF NeuMF baseline winner:; do
		assert_contains "$output" "$label"
	done
	[ "$(awk 'length > 80' "$BATS_FILE_TMPDIR/table" | wc -l)" -eq 0 ]
	assert_equal "$(jq -c '[.metric, .split.test, (.systems | length), (.curves | map(.id))]' "$out/results.json")" '["NDCG@10",60,7,["mf","neumf"]]'
	# every user has recommendations, none of what the user has, ranks from 1
	assert_equal "$(sed 1d "$out/recommendations.tsv" | cut -f 1 | sort -u | wc -l)" 60
	[ -z "$(awk -F '[,\t]' 'NR == FNR { had[$1, $2]; next } FNR > 1 && ($1, $3) in had' "$data" "$out/recommendations.tsv")" ]
	assert_equal "$(head -n 1 "$out/recommendations.tsv")" $'user\trank\titem\tscore\tname'
	jq -e '.systems | map(.test["NDCG@10"] >= .interval["NDCG@10"][0] and .test["NDCG@10"] <= .interval["NDCG@10"][1]) | all' "$out/results.json"
}

@test "run: the winner and the best baseline are the best on valid, and p is null for the latter alone" {
	jq -e '(.systems | max_by(.valid).id) == .winner and (.systems | map(select(.id != "neumf")) | max_by(.valid).id) == .best_baseline' "$out/results.json"
	jq -e '.best_baseline as $b | [.systems[] | select(.p == null).id] == [$b]' "$out/results.json"
	# what rank-cmp says of the streams that are there
	base=$(jq -r .best_baseline "$out/results.json")
	cd "$out"
	rank-cmp -q --json test/"$base".ranks.cof $(jq -r --arg b "$base" '.systems[].id | select(. != $b) | "test/\(.).ranks.cof"' results.json) >"$BATS_TEST_TMPDIR/again"
	jq -e --slurpfile r results.json '[.comparisons[] | .holm.randomization] | sort == ([$r[0].systems[].p | select(.) | .[]] | sort)' "$BATS_TEST_TMPDIR/again"
}

@test "run: test is looked at only when all is chosen" {
	# no command before the last choice names test but the split, the check and what makes the stream
	jq -r '.commands[]' "$out/results.json" | awk '/--seen fit.cof/ { exit } { print }' | grep 'test' | grep -vE '^(ml-split|binarize|cof-lint) ' >named || :
	assert_equal "$(cat named)" ''
}

@test "run: its commands, copied, make the same model and the same top" {
	mkdir -p again/tune again/test again/.tasks
	jq -r '.commands[]' "$out/results.json" | sed '/>top.cof$/q' >commands
	grep -q '>top.cof$' commands
	(cd again && set -e && . ../commands) 2>messages >/dev/null
	cmp again/top.cof "$out/top.cof"
	cmp again/comparison.json "$out/comparison.json"
}

@test "run: the same again does nothing over; what is damaged is made again" {
	cp -r "$out" copy
	pipe "cofilter run '$data' --names '$BATS_FILE_TMPDIR/names.csv' -o copy --quick"
	assert_status 0
	[ "$(grep -c 'done before' <<<"$stderr")" -gt 20 ]
	[ "$(grep -c '^\$ ' <<<"$stderr")" -eq 0 ]
	cmp copy/results.json "$out/results.json"
	head -c 500 "$out/train.cof" >copy/train.cof
	rm copy/test/pop.json copy/recommendations.tsv
	touch copy/ratings.cof
	pipe "cofilter run '$data' --names '$BATS_FILE_TMPDIR/names.csv' -o copy --quick"
	assert_status 0
	assert_contains "$stderr" '= import: done before'
	assert_contains "$stderr" '= tune-knn-1: done before'
	assert_contains "$stderr" '>test/pop.json'
	same_run copy "$out"
}

@test "run: another input or other options in a folder are refused, and done over with --force" {
	one_system pop
	run --separate-stderr cofilter run "$data" --quick --systems knn -o pop
	assert_status 2
	assert_error cofilter "'pop' holds a run with other options"
	head -n 800 "$data" >less.csv
	run --separate-stderr cofilter run less.csv --quick --systems pop -o pop
	assert_status 2
	assert_error cofilter "of other ratings"
	cofilter run -q less.csv --quick --systems knn -o pop --force >/dev/null
	cofilter run -q less.csv --quick --systems knn -o fresh >/dev/null
	same_run pop fresh
	mkdir other && touch other/thesis.tex
	run --separate-stderr cofilter run "$data" -o other
	assert_status 1
	assert_error cofilter "holds other files"
}

@test "run: stopped in training, its stages end, and it goes on from the checkpoint to the same bytes" {
	cofilter run -q "$data" --systems neumf -o whole >/dev/null
	cofilter run "$data" --systems neumf -o out 2>messages >/dev/null &
	front=$!
	for _ in $(seq 200); do
		[ "$(lines_of out/tune/neumf-1.jsonl)" -lt 2 ] || break
		sleep 0.05
	done
	kill -TERM $front
	status=0
	wait $front || status=$?
	assert_status 143
	assert_contains "$(cat messages)" "goes on with the rest"
	assert_contains "$(tail -n 1 messages)" "cofilter run $data --systems neumf -o out"
	[ -s out/.tasks/tune-neumf-1.state ]
	[ ! -e out/.tasks/lock ]
	[ ! -e out/results.json ]
	eval "$(tail -n 1 messages)" 2>resumed >/dev/null
	assert_contains "$(cat resumed)" '--resume'
	same_run out whole
}

@test "run: killed at any moment, it ends in the same bytes" {
	one_system mf
	for after in 0.1 0.3 0.5 0.8; do
		# as a fault of power would: none is asked
		setsid cofilter run -q "$data" --quick --systems mf -o killed >/dev/null 2>&1 &
		front=$!
		sleep $after
		kill -KILL -- -$front 2>/dev/null || :
		wait $front || :
	done
	cofilter run -q "$data" --quick --systems mf -o killed >/dev/null
	same_run killed mf
}

@test "run: a second one in the same folder is refused" {
	mkdir -p busy/.tasks/lock
	echo $$ >busy/.tasks/lock/pid
	run --separate-stderr cofilter run "$data" -o busy
	assert_status 1
	assert_error cofilter "is being made by another cofilter, process $$"
}

@test "run: the importer's question is passed on, nothing is left, and the answer goes on" {
	printf 'when,who,what\n1,a,x\n2,a,y\n3,a,z\n4,b,x\n5,b,y\n6,b,w\n' >log.csv
	run --separate-stderr cofilter run -q log.csv
	assert_status 1
	assert_contains "$stderr" "--columns user=NAME,item=NAME names them"
	[ ! -e log.cofilter ]
	run --separate-stderr cofilter run -q log.csv --columns user=who,item=what,time=when --quick --systems pop
	assert_status 0
	assert_contains "$output" 'Only 2 rows are held out'
	[ -s log.cofilter/recommendations.tsv ]
}

@test "run: three users, one item, one rating each, no times, an empty file" {
	printf 'user,item\na,x\na,y\na,z\nb,x\nb,y\nb,w\nc,y\nc,x\nc,99999999999999999999\n' >tiny.csv
	run --separate-stderr cofilter run tiny.csv --quick
	assert_status 0
	assert_contains "$stderr" 'has no times'
	assert_contains "$(cat tiny.cofilter/recommendations.tsv)" 99999999999999999999
	jq -e '.systems[0].test | has("coverage@3")' tiny.cofilter/results.json # a user can get 3 items at most
	printf 'user,item\na,x\nb,x\nc,x\n' >one.csv
	run --separate-stderr cofilter run -q one.csv
	assert_status 1
	assert_error cofilter 'nothing is held out'
	: >empty.csv
	run --separate-stderr cofilter run -q empty.csv
	assert_status 1
	assert_error cof-import 'is empty'
}

@test "run: --min-rating leaves out what is not liked, in train, valid and test" {
	cofilter run -q "$data" --quick --systems pop,knn --min-rating 4 -o liked >/dev/null
	assert_equal "$(cof-cat --count liked/all.cof)" "$(awk -F, 'NR > 1 && $3 >= 4' "$data" | wc -l)"
	assert_equal "$(jq .split.min_rating liked/results.json)" 4
	cof-cat liked/train.cof liked/valid.cof liked/test.cof | cut -f 1,2 | sort >parts
	cof-cat liked/all.cof | cut -f 1,2 | sort | diff - parts
}

@test "run: names that do not fit, or say two things, are refused" {
	printf 'id,title\nx1,A\nx2,B\n' >none.csv
	run --separate-stderr cofilter run -q "$data" --names none.csv --quick
	assert_status 1
	assert_contains "$stderr" "names no item of the ratings"
	printf 'id,title\ni1,A\ni1,B\n' >two.csv
	run --separate-stderr cofilter run -q "$data" --names two.csv --quick
	assert_status 1
	assert_contains "$stderr" "item 'i1' has two names: 'A' and 'B'"
	printf 'id,title\ni1,"A\tB"\n' >tab.csv
	run --separate-stderr cofilter run -q "$data" --names tab.csv --quick
	assert_status 1
	assert_contains "$stderr" "contains a control character"
	printf 'id,title\ni1,A\ni2,\ni3,NA\ni4,None\n' >empty.csv
	cofilter run -q "$data" --names empty.csv --quick --systems pop -o empty >/dev/null
	assert_equal "$(awk -F '\t' 'NF > 2' empty/names.tsv | cut -f 2,3 | tr '\t' ' ')" 'i1 A'
	printf 'label,code\n"A, B",i1\n' >turned.csv
	cofilter run -q "$data" --names turned.csv --names-columns item=code,name=label --quick --systems pop >/dev/null
	grep -qP '\ti1\tA, B$' ratings.cofilter/names.tsv
}

@test "recommend: a known user gets the lines of recommendations.tsv, a new one some, whatever the winner" {
	for system in pop knn rp3beta ease ials mf neumf; do
		one_system $system
		for user in u1 u17; do
			cofilter recommend $system --user $user >told
			awk -F '\t' -v OFS='\t' -v user=$user '$1 == user { print $2, $3, $4, $5 }' $system/recommendations.tsv | diff - told
		done
		[ -s told ]
		cofilter recommend $system --likes i12,i13 -n 3 >new
		[ -s new ]
		[ -z "$(awk -F '\t' '$2 == "i12" || $2 == "i13"' new)" ]
	done
}

@test "recommend: for somebody new, by names with commas, quotes and HTML" {
	cofilter recommend "$out" --likes 'Good, the "Bad" & <b>Ugly</b>, The,Item 12 (1995)' >by-name
	cofilter recommend "$out" --like i1 --like 'Item 12 (1995)' >by-like
	cofilter recommend "$out" --likes 'i1, i12' >by-id
	cmp by-name by-like
	cmp by-name by-id
	assert_equal "$(cut -f 1 by-id | tr '\n' ' ')" '1 2 3 4 5 6 7 8 9 10 '
	[ -z "$(awk -F '\t' '$2 == "i1" || $2 == "i12"' by-id)" ]
	[ "$(cofilter recommend "$out" --likes 'Ünïcode 東京' -n 3 | wc -l)" -ge 1 ]
}

@test "recommend: what can be read in two ways is refused with both" {
	refused() {
		run --separate-stderr cofilter recommend "$out" "${@:2}"
		assert_status 1
		assert_contains "$stderr" "$1"
	}
	refused "'Twin' is more than one item" --likes Twin
	assert_contains "$stderr" 'i2'
	assert_contains "$stderr" 'i3'
	refused "'i5' is more than one item" --likes i5
	refused "can be read in 2 ways" --likes Six,Seven
	refused "no item 'Fiv'; names that hold it" --likes Fiv
	refused "no item 'item 12'" --like 'item 12'
	refused "no user 'u1000'" --user u1000
	run --separate-stderr cofilter recommend "$out"
	assert_status 2
	run --separate-stderr cofilter recommend "$out" --user u1 --likes i1
	assert_status 2
}

@test "★ recommend: ids and names are compared as text, with their blanks" {
	printf '%s\n' u,i 'a,10' 'a, 10' 'a,007' 'b,10' 'b,7' 'b,1e1' 'c, 10' 'c,1e1' 'c,x' 'd,x' 'd,7' 'd,007' >ratings
	printf '%s\n' 'i,n' '007,7' '7,seven' '1e1,10' 'x,-5.0' >names.csv
	cofilter run -q ratings --delimiter , --columns user=u,item=i --names names.csv --systems pop --quick -o run >/dev/null
	asked() { printf '%s' "$1" >asked && cofilter recommend run --only asked --like "$2" 2>/dev/null | cut -f 2; }
	assert_equal "$(asked ' 10' x)" ' 10' # not that of 10
	for item in 10 7; do
		run --separate-stderr cofilter recommend run --like $item
		assert_status 1
		assert_contains "$stderr" "'$item' is more than one item"
	done
	run --separate-stderr cofilter recommend run --likes 'x, 10'
	assert_status 1
	assert_contains "$stderr" "' 10' is an item with its blanks and one without"
	assert_equal "$(asked ' -5.0 ' 007)" x # by its whole name
	printf '%s\n' 'i,n' '7,1' '7,1.0' >two.csv
	run --separate-stderr cofilter run -q ratings --delimiter , --columns user=u,item=i --names two.csv --systems pop --quick -o two
	assert_status 1
	assert_contains "$stderr" "item '7' has two names: '1' and '1.0'"
}

@test "files and folders whose names begin with a dash" {
	mkdir in && cd in
	cp "$data" ./-ratings.csv
	cofilter run -q --systems pop --quick -- -ratings.csv >/dev/null
	cofilter run -q --systems pop --quick -o -run -- -ratings.csv >/dev/null
	cmp ./-ratings.cofilter/results.json ./-run/results.json
	cofilter recommend --user u1 -- -run | diff - <(cofilter recommend --user u1 ./-ratings.cofilter)
	cofilter compare -- -run -ratings.cofilter >/dev/null
}

@test "recommend: --exclude and --only, items and files" {
	cofilter recommend "$out" --user u2 -n 5 >all
	cofilter recommend "$out" --user u2 -n 11 | head -n 5 | cmp - all # scored, where 10 or fewer are read
	mapfile -t best < <(cut -f 2 all)
	printf '%s\n' "${best[1]}" "${best[2]}" >bought.txt
	cofilter recommend "$out" --user u2 -n 2 --exclude "${best[0]}" --exclude bought.txt | cut -f 2,3 | diff - <(sed -n 4,5p all | cut -f 2,3)
	printf '%s\n' "${best[4]}" "${best[3]}" >stock.txt
	cofilter recommend "$out" --user u2 --only stock.txt | cut -f 2,3 | diff - <(sed -n 4,5p all | cut -f 2,3)
	cofilter recommend "$out" --likes i1 -n 3 | cut -f 2 >new
	cofilter recommend "$out" --likes i1 --only new --exclude "$(sed -n 1p new)" | cut -f 2 | diff - <(sed 1d new)
	{ printf '\xef\xbb\xbf' && sed 's/$/\r/' stock.txt && printf '\r\n'; } >windows.txt
	cofilter recommend "$out" --user u2 --only windows.txt | cut -f 2,3 | diff - <(sed -n 4,5p all | cut -f 2,3)
	: >none.txt
	run --separate-stderr cofilter recommend "$out" --user u2 --only none.txt
	assert_status 1
	assert_error cofilter "option --only: 'none.txt' names no item"
	touch "${best[0]}"
	run --separate-stderr cofilter recommend "$out" --user u2 --exclude "${best[0]}"
	assert_status 1
	assert_error cofilter 'is a file and an item'
	cofilter recommend "$out" --user u2 --exclude ./bought.txt >/dev/null
}

@test "similar: cosine of interactions, the item itself left out" {
	cofilter similar "$out" --item i12 -n 100 >told
	binarize -q "$out/ratings.cof" | cof-cat --user-ids "$out/users.tsv" --item-ids "$out/items.tsv" | awk -F '\t' -v OFS='\t' '
		{ n[$2]++; has[$1, $2]; users[$1] }
		END { for (j in n) { if (j == "i12") continue; both = 0; for (u in users) both += (u, j) in has && (u, "i12") in has
			if (both) print j, sprintf("%.5f", both / (sqrt(n[j] * n["i12"]) + 10)) } }' | sort >expected
	awk -F '\t' -v OFS='\t' '{ print $2, sprintf("%.5f", $3) }' told | sort | diff - expected
}

@test "compare: two runs of a split, and not of two" {
	one_system pop
	one_system knn
	run --separate-stderr cofilter compare pop knn
	assert_status 0
	assert_contains "$output" 'B - A'
	assert_equal "$(cofilter compare --json -q --metrics HR@10 pop knn | jq -r '.comparisons[].metric')" 'HR@10'
	cofilter run -q "$data" --quick --systems pop --mode random --test-ratio 0.2 -o random >/dev/null
	run --separate-stderr cofilter compare pop random
	assert_status 1
	assert_error cofilter 'are of different splits'
	for pair in 'pop nothing' 'nothing pop'; do
		run --separate-stderr cofilter compare $pair
		assert_status 1
		assert_error cofilter "'nothing' does not exist"
	done
}

@test "a folder that holds no run, or one that has not ended, is said" {
	mkdir -p empty unfinished/.tasks
	for command in "recommend --user u1" "similar --item i1" report; do
		run --separate-stderr cofilter $command empty
		assert_status 1
		assert_error cofilter "'empty' holds no run"
		run --separate-stderr cofilter $command unfinished
		assert_status 1
		assert_error cofilter 'holds a run that has not ended'
	done
}

@test "STAGE, help, --version, and commands that there are not" {
	assert_equal "$(cofilter cof-cat --count "$out/test.cof")" 60
	run cofilter help
	for stage in "$ROOT"/stages/*.c; do
		assert_contains "$output" "$(basename "$stage" .c)"
	done
	for command in run recommend similar compare; do
		diff <(cofilter help $command) <(cofilter $command --help)
		[ "$(cofilter help $command | awk 'length > 118' | wc -l)" -eq 0 ]
	done
	diff <(cofilter help binarize) <(binarize --help)
	assert_equal "$(cofilter --version)" "cofilter $(cof-cat --version | sed 's/.* //')"
	run --separate-stderr cofilter recomend
	assert_status 2
	assert_contains "$stderr" 'did you mean: recommend?'
	run --separate-stderr cofilter ls
	assert_status 2
	run --separate-stderr cofilter
	assert_status 2
	assert_contains "$stderr" Usage
}

@test "run: users and items of any letters, and folders with blanks" {
	printf '%s\t%s\n' 'a b' x 'a b' y 'a b' -1 'DOM\tom' x 'DOM\tom' y 'DOM\tom' '$(touch p)' '; touch p' y '; touch p' -1 '; touch p' 'x\ny' \
		-5 x -5 '$(touch p)' -5 Ä "o'b" x "o'b" Ä "o'b" -1 1e3 y 1000 x >odd.tsv
	cofilter run -q odd.tsv --columns user=1,item=2 --quick --systems ials,pop -o 'a $(touch p) b' >/dev/null
	cut -f 1 odd.tsv | sort -u >known
	while IFS= read -r user; do
		cofilter recommend 'a $(touch p) b' --user "$user" >told
		user=$user awk -F '\t' -v OFS='\t' '$1 "" == ENVIRON["user"] "" { print $2, $3, $4, $5 }' 'a $(touch p) b/recommendations.tsv' | diff - told
		[ -s told ]
	done <known
	cut -f 2 odd.tsv | sort -u | while IFS= read -r item; do cofilter recommend 'a $(touch p) b' --like "$item" -n 1 >/dev/null; done
	[ ! -e p ]
	[ ! -e 'a $(touch p) b/p' ]
}

@test "run: what a user rated below --min-rating is not recommended, and who has nothing above it is told so" {
	echo u999,i1,1,100 | cat "$data" - >with.csv
	cofilter run -q with.csv --quick --systems pop,knn --min-rating 4 -o liked >/dev/null
	[ -z "$(awk -F '[,\t]' 'NR == FNR { had[$1, $2]; next } FNR > 1 && ($1, $3) in had' with.csv liked/recommendations.tsv)" ]
	for user in u1 u17; do
		cofilter recommend liked --user $user | awk -F '\t' -v OFS='\t' -v user=$user '{ print user, $0 }' |
			diff - <(grep -P "^$user\t" liked/recommendations.tsv)
	done
	run --separate-stderr cofilter recommend liked --user u999
	assert_status 1
	assert_error cofilter "user 'u999' has no rating of the run's --min-rating or more"
	jq -r '.users[] | .user as $u | .liked[] | "\($u),\(.item)"' liked/results.json >shown
	awk -F, 'NR == FNR { if ($3 >= 4) liked[$1, $2]; next } !(($1, $2) in liked) { exit 1 }' with.csv shown
}

@test "run: results.json says how many rows were read, and what was dropped of them adds up" {
	{ cat "$data" && sed -n '2,31s/,[0-9]*$/,1/p' "$data" && printf 'u998,i1,4,5\n'; } >twice.csv
	cofilter run -q twice.csv --quick --systems pop --min-rating 3 -o twice >/dev/null
	assert_equal "$(jq .input.rows twice/results.json)" $(($(wc -l <twice.csv) - 1))
	jq -e '.input.rows - (.input.dropped | add) == .split.train + .split.valid + .split.test' twice/results.json
	jq -e '.input.dropped["ratings dropped for a later one of the same user and item"] == 30 and .split.users_in_train_alone == 1' twice/results.json
	[ "$(grep -c '<th scope="row">Dropped' twice/report.html)" -eq 2 ]
	grep -q '1 user with too few rows' twice/report.html
}

@test "run: the table alone is standard output, and a system without settings ends without a colon" {
	run --separate-stderr cofilter run "$data" --quick --systems pop -o pop
	assert_status 0
	assert_contains "$(head -n 2 <<<"$output")" 'NDCG@10'
	assert_equal "$(grep -c own-future <<<"$output")" 0
	assert_contains "$stderr" own-future # of cof-lint
	grep -qE '^  ItemPop  [0-9.]+ on valid$' <<<"$stderr"
	run --separate-stderr cofilter run -q "$data" --quick --systems pop -o quiet
	assert_equal "$stderr" ''
}

@test "run: options that are empty, twice, from the environment, or no file are not taken for others" {
	refused() {
		run --separate-stderr cofilter run "$data" -o none "${@:2}"
		assert_status 2
		assert_contains "$stderr" "$1"
		[ ! -e none ]
	}
	refused "the value of option '--min-rating' is empty" --min-rating ''
	refused "the value of option '--names' is empty" --names=
	refused "',' names none" --systems ,
	refused "'pop' is named twice" --systems pop,knn,pop
	refused "has more than 15 digits" --seed 9999999999999999
	refused "unknown option '--=x'" --=x
	refused "option '--min-rating': 'good' is not a number" --min-rating good
	refused "option '--test-ratio': '0.5' is not above 0 and below 0.5" --mode random --test-ratio 0.5
	opt_min_rating=5 opt_systems=knn hint=no log=no count=3 cofilter run -q "$data" --quick --systems pop -o env >/dev/null
	jq -e '.split.min_rating == null' env/results.json
	run --separate-stderr cofilter run -q /dev/stdin -o none <"$data"
	assert_status 1
	assert_error cofilter 'needs a file'
	run --separate-stderr cofilter run -q "$data" -o "$data/none"
	assert_status 1
	assert_error cofilter "cannot make '$data/none': Not a directory"
	mkdir $'two\nlines' && cd $'two\nlines'
	run --separate-stderr cofilter run -q "$data"
	assert_status 1
	assert_error cofilter 'the current folder holds a line end'
	run --separate-stderr cofilter report --all
	assert_status 2
}

@test "run: what a fault of power or a full disk has left empty is done again" {
	one_system pop
	cp -r pop copy
	rm copy/results.json copy/.tasks/tune-pop-1
	: >copy/.tasks/tune-pop-1.lines
	: >copy/.tasks/identity
	cofilter run -q "$data" --quick --systems pop -o copy >/dev/null
	cmp copy/results.json pop/results.json
}

@test "run: a command that failed is no success because the disk had no room for the note of it" {
	mkdir full && cd full && mkdir .tasks
	run bash -c '. "$1/pipelines/cofilter-common.sh"; . "$1/pipelines/cofilter-tasks.sh"
		opt_quiet=1; : >.tasks/lines
		run_pipe out "sh -c \"printf half; (sleep 0.2; : >.tasks/failed) & exit 1\"" "sh -c \"cat; sleep 0.4\""' - "$ROOT"
	[ "$status" -ne 0 ]
	[ ! -e out ]
}

@test "run: of two that start at once in a folder, one goes on" {
	for stale in no yes; do
		[ $stale = no ] || { mkdir -p both/.tasks/lock && echo 99999999 >both/.tasks/lock/pid; }
		for k in 1 2; do
			(cofilter run -q "$data" --quick --systems pop -o both >/dev/null 2>said-$k && echo "done" >>ended-$stale || :) &
		done
		wait
		cat said-1 said-2
		assert_equal "$(cat ended-$stale)" 'done'
		grep -q 'is being made by another cofilter' said-1 said-2
		rm -rf both
	done
}

@test "without jq a run, and what asks it, says so" {
	mkdir bin
	ln -s /usr/bin/* bin
	rm bin/jq
	for command in "run -o none $data" "recommend --user u1 $out" "similar --item i1 $out" "report $out"; do
		PATH=$BUILD/bin:$PWD/bin run --separate-stderr $ROOT/pipelines/cofilter $command
		assert_status 1
		assert_error cofilter 'jq is not on the PATH'
	done
	[ ! -e none ]
}

@test "a clone's cofilter finds its stages without the PATH" {
	mkdir -p clone/build
	cp -r "$ROOT/pipelines" clone/
	ln -s "$(dirname "$(command -v cof-cat)")" clone/build/bin
	ln -s clone/pipelines/cofilter here
	assert_equal "$(PATH=/usr/bin:/bin ./here --version)" "$(cofilter --version)"
	PATH=/usr/bin:/bin clone/pipelines/cofilter recommend "$out" --user u1 | diff - <(cofilter recommend "$out" --user u1)
}

@test "options: each of the page is of --help, and the other way round" {
	for command in run recommend similar compare; do
		cofilter $command --help | grep -oE '^ +(-[a-z], )?--[a-z-]+' | grep -oE -- '--[a-z-]+'
	done | sort -u >help
	grep -oE '(Fl|,) -[a-z-]+' "$ROOT/pipelines/cofilter.1" | sed 's/.* /-/' | sort -u >page
	diff help <(grep -vxE -- "--(version|completion)" page)
	for wrong in '--systems nmf' '--seed x' '--mode best' '--device tpu' '--min-rating good' '--test-ratio 0.2' '--names-columns item=1' '--quick=1' '--output'; do
		run --separate-stderr cofilter run "$data" $wrong
		assert_status 2
		assert_contains "$stderr" "Try 'cofilter help run'"
	done
	for wrong in 0 x 1.5 -1; do
		run --separate-stderr cofilter similar "$out" --item i1 -n $wrong
		assert_status 2
	done
}

# offered WORD...: what bash offers for the last word
offered() {
	COMP_WORDS=(cofilter "$@")
	COMP_CWORD=$#
	_cofilter
	printf '%s' "${COMPREPLY[*]}"
}

@test "--completion: commands, stages, and every option of --help" {
	for shell in bash zsh fish; do cofilter --completion $shell >as.$shell; done
	for command in run recommend similar compare; do
		cofilter $command --help | grep -oE -- '^ +(-[a-z], )?--[a-z-]+' | grep -oE -- '--[a-z-]+' | sort >$command.help
	done
	# shellcheck disable=SC1091
	. ./as.bash
	assert_equal "$(offered re)" "recommend report"
	assert_equal "$(offered help rank-)" "rank-cmp rank-eval"
	assert_equal "$(offered --comp)" --completion
	assert_equal "$(offered run x)" ''
	for command in run recommend similar compare; do
		offered $command -- | tr ' ' '\n' | sort | diff - $command.help
	done
	if command -v zsh; then
		for command in run recommend similar compare; do
			# what _arguments is given for the command: the names of the specifications
			zsh -fc '_arguments() { print -rl -- "$@" }; _describe() {}; compadd() {}; . ./as.zsh; words=($1); _cofilter_option' \
				- $command | sed -n '/^.*)\?\*\?\(--[a-z-]*\)\[.*/s//\1/p; s/^\*\?\(--[a-z-]*\)\[.*/\1/p' >given
			while read -r option; do grep -qx -- "$option" given; done <$command.help
		done
	fi
	if command -v fish; then
		fish -c 'source as.fish; complete -C "cofilter re"' >given
		assert_equal "$(cut -f 1 given | xargs)" "recommend report"
		assert_contains "$(cat given)" "a run's recommendations for one user"
		for command in run recommend similar compare; do
			fish -c 'source as.fish; complete -C "cofilter $argv[1] --"' $command | cut -f 1 | sort | diff - $command.help
		done
		assert_equal "$(fish -c 'source as.fish; complete -C "cofilter help rank-"' | xargs)" "rank-cmp rank-eval"
	fi
	for wrong in '' tcsh 'bash zsh'; do
		run --separate-stderr cofilter --completion $wrong
		assert_status 2
	done
}
