#!/usr/bin/env bats
# shellcheck disable=SC2154
# Ids that stay: maps that are known and grow, raw ids and names into text and out of it, id files of another map.
load helper

# json FILTER FILE: of a stream's header
json() {
	cof-cat --header "$2" | jq -c "$1"
}

# A log of string ids: 6 users, 5 items; day 2 has two users and an item more, in another order.
setup() {
	cd "$BATS_TEST_TMPDIR" || return 1
	printf '%s\n' user,item,rating,time ann,milk,1,1 bob,bread,1,2 ann,bread,1,3 cy,eggs,1,4 bob,milk,1,5 \
		cy,tea,1,6 dee,milk,1,7 dee,salt,1,8 eve,milk,1,9 fay,tea,1,10 eve,eggs,1,11 fay,milk,1,12 >day1.csv
	{ head -n 1 day1.csv && tail -n +2 day1.csv | tac && printf '%s\n' zoe,wine,1,13 gil,milk,1,14 gil,wine,1,15; } >day2.csv
}

# split FILE OUT [OPTION]...: ml-split to OUT.cof and OUT-test.cof, maps to OUT-users.tsv and OUT-items.tsv
split() {
	ml-split -q --test "$2-test.cof" --user-ids "$2-users.tsv" --item-ids "$2-items.tsv" "${@:3}" "$1" | binarize -q >"$2.cof"
}

assert_dies() {
	local status_wanted=1
	[ "$1" = usage ] && status_wanted=2
	shift
	run --separate-stderr "${@:2}"
	assert_status "$status_wanted"
	assert_contains "$stderr" "$1"
	assert_equal "$output" ""
}

@test "users.md: new data in another order of ids dies in one line; with --known-users it goes on" {
	split day1.csv one
	negsample -q one.cof | neumf-train -q --device reference -o model
	{ head -n 1 day1.csv && tail -n +2 day1.csv | tac; } >turned.csv
	split turned.csv turned
	run --separate-stderr neumf-score -q --device reference --model model --all-items turned.cof
	assert_status 1
	assert_error neumf-score "number their users differently: made from different id maps"
	# more users and items than the model, but the same family; without the new ones also the same bounds
	split day2.csv known --known-users one-users.tsv --known-items one-items.tsv
	run --separate-stderr neumf-score -q --device reference --model model --all-items known.cof
	assert_error neumf-score "'known.cof' has 8 users, 'model' only 6"
	split day2.csv same --known-users one-users.tsv --known-items one-items.tsv --unknown drop
	neumf-score -q --device reference --model model --all-items --splits-unchecked same.cof >scores.cof
	assert_equal "$(json '[.users, .items]' scores.cof)" '[6,5]'
	cmp one-users.tsv same-users.tsv
}

@test "a known map keeps every dense id, and the header gets a further pair" {
	split day1.csv one
	split day2.csv two --known-users one-users.tsv --known-items one-items.tsv
	cmp one-users.tsv <(head -n 6 two-users.tsv)
	assert_equal "$(tail -n +7 two-users.tsv)" $'6\tzoe\n7\tgil'
	assert_equal "$(tail -n +6 two-items.tsv)" $'5\twine'
	for side in user item; do
		assert_equal "$(json ".${side}_ids[0]" two.cof)" "$(json ".${side}_ids[0]" one.cof)"
	done
	assert_equal "$(json '.user_ids | map(.[0])' two.cof)" '[6,8]'
	# a third day that knows both maps is of the family of either, though it shares no order with them
	split day1.csv three --known-users one-users.tsv --known-users two-users.tsv --known-items two-items.tsv
	assert_equal "$(json '[.users, (.user_ids | map(.[0]))]' three.cof)" '[8,[6,8]]'
	cmp three-users.tsv two-users.tsv
	# and its rows are those of the first day
	cof-cat one.cof | cmp - <(cof-cat three.cof)
}

@test "what is new is numbered by value where it is all digits, else as it comes; known ids keep their names" {
	printf '0\t7\tSeven\n1\tx\n2\tgone\tNo rows\n' >users.tsv
	printf '%s\t1\t3\t0\n' 10 7 9 x 7 >ratings.tsv
	ml-split -q --format tsv --test t.cof --known-users users.tsv --user-ids out.tsv ratings.tsv >train.cof
	assert_equal "$(cat out.tsv)" $'0\t7\tSeven\n1\tx\n2\tgone\tNo rows\n3\t9\n4\t10'
	assert_equal "$(json .users train.cof)" 5
	run --separate-stderr ml-split --format tsv --test t.cof --known-users users.tsv ratings.tsv
	assert_contains "$stderr" "ml-split: users: 3 known, 2 added"
	assert_contains "$stderr" "users with fewer than 2 ratings, left in train: 4"
}

@test "--unknown: add, drop with a count, error with the line" {
	split day1.csv one
	printf 'user,item,rating,time\nnobody,none,3,4\n' >strangers.csv
	run --separate-stderr cof-import --known-users one-users.tsv --unknown drop strangers.csv
	assert_status 1
	assert_error cof-import "'strangers.csv' holds no rating of a known user and item (--unknown drop, --missing drop)"
	ml-split --test t.cof --known-users one-users.tsv --known-items one-items.tsv --unknown drop day2.csv 2>err >train.cof
	assert_contains "$(cat err)" "ml-split: ratings dropped for an unknown user or item: 3"
	assert_equal "$(json '[.users, .items]' train.cof)" '[6,5]'
	# of items alone: new users are added, but not those whose rows all go
	ml-split -q --test t.cof --known-items one-items.tsv --unknown drop --user-ids u.tsv day2.csv >train.cof
	assert_equal "$(cut -f 2 u.tsv | sort | tr '\n' ' ')" "ann bob cy dee eve fay gil "
	run --separate-stderr ml-split -q --test t.cof --known-users one-users.tsv --unknown error day2.csv
	assert_status 1
	assert_error ml-split "line 14 of 'day2.csv' (byte 179): user 'zoe' is not in 'one-users.tsv' (--unknown error)"
	run --separate-stderr ml-split -q --test t.cof --known-items one-items.tsv --unknown error day2.csv
	assert_error ml-split "item 'wine' is not in 'one-items.tsv' (--unknown error)"
	run --separate-stderr ml-split -q --test t.cof --unknown error day1.csv
	assert_status 2
	assert_contains "$stderr" "option --unknown goes with --known-users or --known-items"
}

@test "a map that is no map, or was cut off, is refused" {
	try() {
		run --separate-stderr ml-split -q --test t.cof --known-users users.tsv day1.csv
		assert_status 1
		assert_error ml-split "$1"
		[ ! -e t.cof ]
	}
	printf '0\tann\n2\tbob\n' >users.tsv && try "line 2 of 'users.tsv': id 2, where a map has 1"
	printf '0\tann\n1\tann\n' >users.tsv && try "line 2 of 'users.tsv': 'ann' is id 0 already"
	printf '0\tann\n1\tbo' >users.tsv && try "line 2 of 'users.tsv': it has no line end: the file was cut off"
	: >users.tsv && try "'users.tsv' holds no ids"
	rm users.tsv && try "cannot open 'users.tsv'"
	yes | head -c 100000 >users.tsv && try "line 1 of 'users.tsv'"
}

@test "published train and test with string ids share one map" {
	head -n 10 day1.csv >train.csv
	{ head -n 1 day1.csv && tail -n 3 day1.csv && echo new,milk,1,99; } >test.csv
	cof-import -q --user-ids train-users.tsv --item-ids train-items.tsv train.csv | binarize -q >train.cof
	cof-import -q --known-users train-users.tsv --known-items train-items.tsv --unknown drop test.csv | binarize -q >test.cof
	assert_equal "$(json '[.users, .items, .user_ids, .item_ids]' test.cof)" "$(json '[.users, .items, .user_ids, .item_ids]' train.cof)"
	run --separate-stderr pop-score -q --train train.cof --all-items --seen train.cof --ranks test.cof
	assert_status 0
	cof-cat --user-ids train-users.tsv --item-ids train-items.tsv --to csv test.cof | tail -n +2 | sort >got
	tail -n 4 test.csv | grep -v new | sed 's/,1,/,/' | grep -v '^fay' | sort | cmp - got
}

@test "users.md: --user-ids maps inwards with --from: who asks for user 414 gets user 414" {
	seq 1 500 | awk '{ print $1 - 1 "\t" $1 }' >users.tsv
	run cof-cat --from csv --user-ids users.tsv --items 9 --to tsv <<<"414,1,0"
	assert_equal "$output" $'414\t1\t0'
	cof-cat --from csv --user-ids users.tsv --items 9 <<<"414,1,0" >x.cof
	assert_equal "$(cof-cat x.cof)" $'413\t1\t0'
	assert_equal "$(json '[.users, (.user_ids | map(.[0])), .item_ids]' x.cof)" '[500,[500],null]'
	assert_dies data "line 1 of 'standard input' (byte 0): user '501' is not in 'users.tsv'" \
		cof-cat --from csv --user-ids users.tsv --items 9 --to tsv <<<"501,1,0"
	# a smaller bound than the map has
	run --separate-stderr cof-cat --from csv --user-ids users.tsv --users 400 --items 9 --to tsv <<<"414,1,0"
	assert_error cof-cat "user '414' is not below the bound of users"
}

@test "raw ids go out as csv and tsv and come back, whatever they hold" {
	printf '0\tsay "hi", then go\n1\t"\n2\t,\n3\tplain\n4\t  \n5\tcaf\xc3\xa9\n6\ta"b\n' >items.tsv
	seq 0 6 | sed 's/.*/0\t&\t5/' | cof-cat --from tsv --users 1 --items 7 >x.cof
	for to in csv tsv; do
		cof-cat --to $to --item-ids items.tsv x.cof >x.$to
		cof-cat --from $to --users 1 --item-ids items.tsv x.$to >back.cof
		cof-cat back.cof | cmp - <(cof-cat x.cof)
	done
	assert_equal "$(sed -n 2p x.csv)" '0,"say ""hi"", then go",5'
	assert_equal "$(json .users back.cof)" 1
	# as R writes it: every text in quotes, the header too
	printf '"user","item","time"\r\n0,"plain",5\r\n' | cof-cat --from csv --users 1 --item-ids items.tsv >r.cof
	assert_equal "$(cof-cat r.cof)" $'0\t3\t5'
	printf '0,"plain,5\n' >x.csv
	run --separate-stderr cof-cat --from csv --users 1 --item-ids items.tsv --to tsv x.csv
	assert_error cof-cat "line 1 of 'x.csv' (byte 2): quotes that do not end"
	printf '0,"plain"x,5\n' >x.csv
	run --separate-stderr cof-cat --from csv --users 1 --item-ids items.tsv --to tsv x.csv
	assert_error cof-cat "line 1 of 'x.csv' (byte 2): quotes that do not end"
}

@test "names: the third column, outwards and inwards; a name of two items is refused" {
	printf '0\tm1\tToy Story (1995)\n1\tm2\tHeat, the film\n2\tm3\n3\tm4\tHeat, the film\n' >items.tsv
	printf '0\t%s\t0\n' 0 1 2 >x.tsv
	cof-cat --from tsv --users 1 --items 4 x.tsv >x.cof
	run cof-cat --item-ids items.tsv x.cof
	assert_equal "$output" $'0\tm1\t0\n0\tm2\t0\n0\tm3\t0'
	run cof-cat --item-ids items.tsv --names --to csv x.cof
	assert_equal "$output" $'user,item,time\n0,Toy Story (1995),0\n0,"Heat, the film",0\n0,m3,0'
	run cof-cat --from csv --users 1 --item-ids items.tsv --names --to tsv <<<$'0,Toy Story (1995),0\n0,m3,0'
	assert_equal "$output" $'0\tToy Story (1995)\t0\n0\tm3\t0'
	run --separate-stderr cof-cat --from csv --users 1 --item-ids items.tsv --names --to tsv <<<'0,"Heat, the film",0'
	assert_error cof-cat "item 'Heat, the film' is the name of several ids in 'items.tsv'"
	run --separate-stderr cof-cat --from csv --users 1 --item-ids items.tsv --names --to tsv <<<'0,m1,0'
	assert_error cof-cat "item 'm1' is not in 'items.tsv'"
	assert_dies usage "--names goes with --user-ids or --item-ids" cof-cat --names x.cof
}

@test "an id file of another map is refused, outwards and inwards; an older and a newer one are not" {
	split day1.csv one
	split day2.csv two --known-users one-users.tsv --known-items one-items.tsv
	split day2.csv other
	for file in one two; do
		cof-cat --user-ids $file-users.tsv one.cof >$file.txt
	done
	cmp one.txt two.txt
	run --separate-stderr cof-cat --user-ids other-users.tsv one.cof
	assert_status 1
	assert_error cof-cat "'other-users.tsv' is not the id map that numbers the users of the stream (--ids-unchecked to go on)"
	cof-cat --user-ids other-users.tsv --ids-unchecked one.cof >other.txt
	# an older map lacks who is new
	run --separate-stderr cof-cat --user-ids one-users.tsv two.cof
	assert_error cof-cat "has no line in 'one-users.tsv'"
	# titles in place of raw ids are no map
	sed 's/\t/\tTitle of /' one-items.tsv >titles.tsv
	run --separate-stderr cof-cat --item-ids titles.tsv one.cof
	assert_error cof-cat "'titles.tsv' is not the id map that numbers the items of the stream"
	# inwards
	cof-cat --from tsv --like one.cof --user-ids two-users.tsv --item-ids one-items.tsv <<<$'ann\tmilk\t1' >x.cof
	assert_equal "$(json '[.users, .user_ids, .item_ids]' x.cof)" "$(json '[.users, .user_ids, .item_ids]' one.cof)"
	run --separate-stderr cof-cat --from tsv --like one.cof --user-ids two-users.tsv --to tsv <<<$'zoe\t0\t1'
	assert_error cof-cat "user 'zoe' is not below the bound of users"
	run --separate-stderr cof-cat --from tsv --like one.cof --user-ids other-users.tsv --to tsv <<<$'ann\t0\t1'
	assert_error cof-cat "'other-users.tsv' is not the id map that numbers the users of 'one.cof' (--ids-unchecked to go on)"
	cof-cat --from tsv --like one.cof --user-ids other-users.tsv --ids-unchecked <<<$'ann\t0\t1' >x.cof
	assert_equal "$(json '.user_ids' x.cof)" "$(json '.user_ids' other.cof)"
}

@test "--like: bounds, id maps and provenance of another stream" {
	split day1.csv one
	cof-cat one.cof | cof-cat --from tsv --like one.cof >x.cof
	assert_equal "$(json 'del(.provenance)' x.cof)" "$(json 'del(.provenance)' one.cof)"
	assert_equal "$(json '.provenance[:-1]' x.cof)" "$(json .provenance one.cof)"
	assert_equal "$(json '.provenance[-1].program' x.cof)" '"cof-cat"'
	cof-cat x.cof | cmp - <(cof-cat one.cof)
	assert_dies usage "--like says the bounds" cof-cat --from tsv --like one.cof --users 3 </dev/null
	assert_dies usage "--from tsv needs --like, or" cof-cat --from tsv --users 3 </dev/null
	assert_dies usage "go with --from tsv, csv or trec" cof-cat --like one.cof one.cof
	assert_dies data "cannot open 'nosuch'" cof-cat --from tsv --like nosuch </dev/null
	head -c 50 one.cof >cut.cof
	assert_dies data "'cut.cof'" cof-cat --from tsv --like cut.cof </dev/null
}

@test "users.md: a sampler in awk keeps the epochs: --epochs, and --like of a stream that has them" {
	split day1.csv one
	negsample -q --epochs 3 one.cof >triples.cof
	cof-cat triples.cof | cof-cat --from tsv --kind triple --like one.cof --epochs 3 >mine.cof
	cof-cat triples.cof | cof-cat --from tsv --kind triple --like triples.cof >same.cof
	for stream in mine same; do
		assert_equal "$(json '[.epochs, .rows_per_epoch, .first_row]' $stream.cof)" \
			"$(json '[.epochs, .rows_per_epoch, .first_row]' triples.cof)"
		neumf-train -q --device reference --log $stream.log -o $stream.model $stream.cof
		cof-cat $stream.cof | cmp - <(cof-cat triples.cof)
	done
	neumf-train -q --device reference --log log -o model triples.cof
	for log in log mine.log same.log; do
		jq -c '[.epoch, .loss]' $log >$log.losses
		cmp log.losses $log.losses
	done
	[ "$(wc -l <log.losses)" = 3 ]
	# negsample --from-epoch: the run goes on
	negsample -q --epochs 3 --from-epoch 3 one.cof >rest.cof
	cof-cat rest.cof | cof-cat --from tsv --kind triple --like rest.cof >x.cof
	assert_equal "$(json .first_row x.cof)" "$(json .first_row rest.cof)"
	# rows that were lost on the way
	run --separate-stderr bash -o pipefail -c 'cof-cat triples.cof | tail -n +2 | cof-cat --from tsv --kind triple --like triples.cof >x.cof'
	assert_status 1
	assert_error cof-cat "the text has 17 rows, and 'triples.cof' 18 by its epochs (--epochs to say them)"
	run --separate-stderr cof-cat --check x.cof
	assert_error cof-cat truncated
	run --separate-stderr bash -o pipefail -c 'cof-cat triples.cof | tail -n +2 | cof-cat --from tsv --kind triple --like one.cof --epochs 3'
	assert_error cof-cat "the text has 17 rows: not 3 epochs of equal length"
	assert_equal "$output" ""
	run --separate-stderr cof-cat --from tsv --kind triple --like one.cof --epochs 3 </dev/null
	assert_error cof-cat "the text has 0 rows: not 3 epochs of equal length"
	assert_dies usage "--epochs goes with --kind" cof-cat --from tsv --like one.cof --epochs 3 </dev/null
	assert_dies usage "--epochs goes with --kind" cof-cat --from tsv --kind triple --like one.cof --epochs 3 --head 1 </dev/null
	assert_dies usage "go with --from" cof-cat --epochs 3 triples.cof
}

@test "one recommendation for a raw id: no look-up, no bounds, no header" {
	split day1.csv one
	negsample -q one.cof | neumf-train -q --device reference -o model
	sed 's/$/\tThe &/; s/The [0-9]*\t/The /' one-items.tsv >items.tsv
	run --separate-stderr bash -o pipefail -c "printf 'ann\t0\t0\n' | cof-cat --from tsv --like one.cof --user-ids one-users.tsv |
		neumf-score -q --device reference --model model --all-items --seen one.cof --top 2 |
		cof-cat --user-ids one-users.tsv --item-ids items.tsv --names | cut -f 1,2"
	assert_status 0
	assert_equal "$(cut -f 1 <<<"$output" | sort -u)" ann
	assert_equal "$(grep -c 'The ' <<<"$output")" 2
}

@test "--shard: ranges of users, and the parts are the whole" {
	split day1.csv one
	pop-score -q --train one.cof --all-items --ranks one-test.cof >ranks.cof
	for n in 1 2 3 6 7; do
		parts=()
		for i in $(seq $n); do
			cof-cat --to cof --shard "$i/$n" ranks.cof >"part$i.cof"
			parts+=("part$i.cof")
		done
		cof-cat "${parts[@]}" | cmp - <(cof-cat ranks.cof)
		assert_equal "$(cof-cat --to cof "${parts[@]}" | rank-eval)" "$(rank-eval ranks.cof)"
	done
	cof-cat --shard 1/3 one.cof | awk '$1 > 1' | cmp - /dev/null
	cof-cat --shard 3/3 one.cof | awk '$1 < 4' | cmp - /dev/null
	negsample -q --epochs 2 one.cof | cof-cat --to cof --shard 2/3 >x.cof
	assert_equal "$(json '[.epochs, .rows_per_epoch]' x.cof)" '[null,null]'
	assert_equal "$(json '.provenance[-1].options.shard' x.cof)" '"2/3"'
	assert_equal "$(cof-cat --shard 2/3 --head 1 one.cof | wc -l)" 1
	for bad in 0/3 4/3 3 /3 3/ a/b -1/3 1/0 1/3/5 "" 1/99999999999; do
		assert_dies usage "option --shard: '$bad' is not I/N" cof-cat "--shard=$bad" one.cof
	done
	assert_dies usage "go with no other option" cof-cat --shard 1/2 --count one.cof
}

@test "a line without end is an error, not memory: /dev/zero, and text of one line" {
	printf '1\t2\t3\n' | cof-cat --from tsv --users 10 --items 20 >x.cof
	for way in "--from tsv --users 1 --items 1 /dev/zero" "--item-ids /dev/zero x.cof" "--user-ids /dev/zero x.cof"; do
		# shellcheck disable=SC2086
		run --separate-stderr timeout 20 cof-cat $way
		assert_status 1
		assert_error cof-cat "'/dev/zero' has a line longer than 1048576 bytes at byte 0"
	done
	run --separate-stderr timeout 20 ml-split --known-users /dev/zero --test t.cof day1.csv
	assert_error ml-split "'/dev/zero' has a line longer than 1048576 bytes at byte 0"
}

@test "floats are rounded once" {
	# between two float32, a little above the middle: by way of a double it becomes the middle, and then even
	for number in 1.00000005960464478 1.000000059604644775390626; do
		run cof-cat --from tsv --kind rating --users 1 --items 1 --to tsv <<<$'0\t0\t'$number$'\t0'
		assert_equal "$output" $'0\t0\t1.0000001\t0'
	done
}
