#!/usr/bin/env bats
# shellcheck disable=SC2154,SC2086
# Shards: what a stage makes of ranges of users, joined, is what it makes of all; where it cannot be, the stage says
# so. cof-cat --shard itself is in ids.bats too.
load helper

NUMBERS="1 2 3 7"

# planted_split [USERS]: train.cof, test.cof; their users ascend in test, not in train
planted_split() {
	planted -q --users "${1:-60}" --items 50 --ratings "$((${1:-60} * 10))" | sort -R --random-source=<(yes) >ratings.tsv
	ml-split -q --test test-ratings.cof --item-ids items.tsv --user-ids users.tsv ratings.tsv | binarize >train.cof
	binarize test-ratings.cof >test.cof
}

json() {
	cof-cat --header "$2" | jq -c "$1"
}

# in_shards N INPUT COMMAND...: COMMAND on each shard of INPUT, joined in joined.cof
in_shards() {
	local n=$1 input=$2 parts=() i
	shift 2
	for ((i = 1; i <= n; i++)); do
		cof-cat --to cof --shard "$i/$n" "$input" | "$@" >"part-$i.cof" || return 1
		parts+=("part-$i.cof")
	done
	cof-cat --to cof "${parts[@]}" >joined.cof
}

# each_division CHECK NUMBERS INPUT COMMAND...: does CHECK hold of whole.cof and of joined.cof, of so many shards?
each_division() {
	local check=$1 numbers=$2 input=$3 n
	shift 3
	"$@" <"$input" >whole.cof || return 1
	for n in $numbers; do
		in_shards "$n" "$input" "$@" || return 1
		"$check" || {
			echo "$n shards of $input: $*"
			return 1
		}
	done
}

same_bytes() {
	cmp joined.cof whole.cof
}

joined_rows() {
	cmp <(cof-cat joined.cof) <(cof-cat whole.cof) && assert_equal "$(json .user_ranges joined.cof)" null
}

# same NUMBERS INPUT COMMAND...: what is joined is the whole, header, blocks and trailer
same() {
	each_division same_bytes "$@"
}

# same_rows NUMBERS INPUT COMMAND...: the same rows, under a header that says they were joined
same_rows() {
	each_division joined_rows "$@"
}

# models: what the scorers need
models() {
	negsample -q --epochs 2 train.cof | neumf-train -q --device cpu -o neumf.safetensors
	ials-train -q --factors 3 --epochs 2 -o ials.safetensors train.cof
	ease-score -q --train train.cof --save-model ease.safetensors
	knn-score -q --train train.cof --save-model knn.safetensors
}

# scorers COMMAND...: COMMAND with each of them behind it
scorers() {
	"$@" pop-score -q --train train.cof && "$@" knn-score -q --train train.cof --neighbours 7 &&
		"$@" ease-score -q --train train.cof && "$@" neumf-score -q --device cpu --model neumf.safetensors &&
		"$@" neumf-score -q --device cpu --model ials.safetensors &&
		"$@" ease-score -q --model ease.safetensors --train train.cof &&
		"$@" knn-score -q --model knn.safetensors --train train.cof
}

all_items() {
	same "$NUMBERS 99" test.cof "$@" --all-items --seen train.cof --ranks &&
		same 3 test.cof "$@" --all-items --seen train.cof --top 5 &&
		same 3 test.cof "$@" --all-items --seen train.cof --items 3:40 &&
		same 7 train.cof "$@" --all-items --ranks --strict &&
		same 2 test.cof "$@" --all-items --candidates test.cof --top 3
}

@test "every scorer, all items: ranks, lists and scores of shards, joined, are those of the whole, to the byte" {
	planted_split
	models
	scorers all_items
	# what numbers more users than the input
	cof-cat test.cof | cof-cat --from tsv --users 60 --items 50 >few.cof
	cof-cat train.cof | cof-cat --from tsv --users 70 --items 50 >more.cof
	same "$NUMBERS" few.cof pop-score -q --train more.cof --all-items --ranks
}

lists() {
	same "$NUMBERS" test.cof bash -c "negsample -q --candidates 9 --exclude train.cof | $* --ranks" &&
		same 3 lists.cof "$@" && same_rows 3 test-ratings.cof "$@"
}

@test "every scorer, candidate lists: drawn for a shard they are those of the whole" {
	planted_split
	models
	negsample -q --candidates 9 --exclude train.cof test.cof >lists.cof
	same "$NUMBERS 99" test.cof negsample -q --candidates 9 --seed 3 --exclude train.cof
	scorers lists
}

from_items() {
	same "$NUMBERS" test.cof "$@" --user-items train.cof --all-items --seen train.cof --top 4
}

@test "every scorer, users by their items" {
	planted_split
	models
	from_items pop-score -q --train train.cof
	from_items knn-score -q --model knn.safetensors
	from_items ease-score -q --train train.cof
	from_items neumf-score -q --device cpu --model ials.safetensors
}

@test "side inputs may be shards of the same users: the same bytes; of others: an error" {
	planted_split
	models
	for command in "pop-score -q --train train.cof" "ease-score -q --model ease.safetensors"; do
		parts=()
		$command --user-items train.cof --all-items --seen train.cof --ranks test.cof >whole.cof
		for i in 1 2 3; do
			cof-cat --to cof --shard $i/3 train.cof >train-$i.cof
			cof-cat --to cof --shard $i/3 test.cof >test-$i.cof
			$command --user-items train-$i.cof --all-items --seen train-$i.cof --ranks test-$i.cof >part-$i.cof
			parts+=("part-$i.cof")
		done
		cof-cat --to cof "${parts[@]}" | cmp - whole.cof
	done
	run --separate-stderr pop-score --train train.cof --all-items --seen train-1.cof test-2.cof
	assert_status 1
	assert_error pop-score "'train-1.cof' is a shard, users 0 to 19 of 60, and 'test-2.cof' has other users too"
	run --separate-stderr pop-score --train train.cof --all-items --user-items train-1.cof test.cof
	assert_error pop-score "'train-1.cof' is a shard, users 0 to 19 of 60, and 'test.cof' has other users too"
	run --separate-stderr ease-score --model ease.safetensors --train train-3.cof --all-items test-2.cof
	assert_error ease-score "'train-3.cof' is a shard, users 40 to 59 of 60, and 'test-2.cof' has other users too"
	run --separate-stderr negsample --candidates 3 --exclude train-3.cof test-2.cof
	assert_error negsample "'train-3.cof' is a shard, users 40 to 59 of 60, and 'test-2.cof' has other users too"
	cof-cat --to cof train-1.cof train-3.cof >ends.cof
	run --separate-stderr negsample --candidates 3 --exclude ends.cof test-2.cof
	assert_error negsample "'ends.cof' is a shard, users 0 to 19, 40 to 59 of 60, and 'test-2.cof' has other users too"
	pop-score -q --train train.cof --all-items --seen ends.cof test-3.cof |
		cmp <(cof-cat) <(pop-score -q --train train.cof --all-items --seen train.cof test-3.cof | cof-cat)
}

@test "rank-eval and rank-cmp of what is joined: every digit, also of groups of users and of lists" {
	planted_split 90
	models
	for scorer in "neumf-score -q --device cpu --model neumf.safetensors" "knn-score -q --train train.cof"; do
		for n in $NUMBERS; do
			in_shards "$n" test.cof $scorer --all-items --seen train.cof --ranks
			$scorer --all-items --seen train.cof --ranks test.cof >whole.cof
			for options in "" "--train train.cof" "--only NDCG@10" "--sampled 9 --json"; do
				cmp <(rank-eval $options joined.cof) <(rank-eval $options whole.cof)
			done
			rank-eval --per-user joined.tsv joined.cof >joined.txt
			rank-eval --per-user whole.tsv whole.cof | cmp - joined.txt
			cmp joined.tsv whole.tsv
			cp joined.cof "joined-${scorer%% *}.cof"
			cp whole.cof "whole-${scorer%% *}.cof"
			in_shards "$n" test.cof $scorer --all-items --seen train.cof --top 9
			$scorer --all-items --seen train.cof --top 9 test.cof |
				rank-eval -k 5 --truth test.cof --train train.cof --json >want.json
			rank-eval -k 5 --truth test.cof --train train.cof --json joined.cof | cmp - want.json
		done
	done
	cmp <(rank-cmp joined-*.cof | sed 's/joined/whole/') <(rank-cmp whole-*.cof)
}

@test "a shard alone: its metrics are those of its users, and a warning says so" {
	planted_split
	pop-score -q --train train.cof --all-items --ranks test.cof >whole.cof
	cof-cat --to cof --shard 2/3 whole.cof >part.cof
	run --separate-stderr rank-eval --only HR@10 part.cof
	assert_status 0
	assert_error rank-eval "'part.cof' is a shard, users 20 to 39 of 60: the results are theirs"
	assert_equal "$output" "$(rank-eval --per-user /dev/stderr whole.cof 2>&1 >/dev/null |
		awk -F '\t' 'NR == 1 { for (k = 1; k <= NF; k++) if ($k ~ /^HR@10/) column = k }
			NR > 1 && $1 >= 20 && $1 < 40 { sum += $column; n++ } END { printf "%.15g\n", sum / n }')"
	run --separate-stderr rank-cmp part.cof part.cof
	assert_contains "$stderr" "rank-cmp: 'part.cof' is a shard, users 20 to 39 of 60: the results are theirs"
	cof-cat --to cof --shard 2/3 train.cof >train-2.cof
	run --separate-stderr rank-eval --train train-2.cof whole.cof
	assert_error rank-eval "'train-2.cof' is a shard, users 20 to 39 of 60: activity and popularity are those of all users"
	# lists: neither may have users that the other lacks
	pop-score -q --train train.cof --all-items --top 50 test.cof >tops.cof
	cof-cat --to cof --shard 2/3 tops.cof >tops-2.cof
	cof-cat --to cof --shard 2/3 test.cof >test-2.cof
	rank-eval -q --truth test-2.cof tops-2.cof 2>said
	assert_equal "$(cat said)" "rank-eval: 'tops-2.cof' is a shard, users 20 to 39 of 60: the results are theirs"
	run --separate-stderr rank-eval --truth test-2.cof tops.cof
	assert_status 1
	assert_error rank-eval "'test-2.cof' is a shard, users 20 to 39 of 60, and 'tops.cof' has other users too"
	run --separate-stderr rank-eval --truth test.cof tops-2.cof
	assert_status 1
	assert_contains "$stderr" "'tops-2.cof' is a shard, users 20 to 39 of 60, and 'test.cof' has other users too"
}

@test "negsample: an epoch has one order, which no shard of users knows; epochs are its shards" {
	planted_split
	cof-cat --to cof --shard 1/3 train.cof >train-1.cof
	for options in "" --pointwise "--grouped --negatives 3" "--candidates 3 --sampler popularity"; do
		run --separate-stderr negsample $options train-1.cof
		assert_status 1
		assert_error negsample "'train-1.cof' is a shard, users 0 to 19 of 60: order and draws hang on the rows of all"
		assert_equal "$output" ""
	done
	# one shard of one is all of it, and so are all shards in whatever order
	negsample -q train.cof | cof-cat >want
	cof-cat --to cof --shard 1/1 train.cof | negsample -q | cof-cat | cmp - want
	in_shards 3 train.cof cat
	cof-cat --to cof part-3.cof part-1.cof part-2.cof | negsample -q | cof-cat | cmp - want
	# a shard of the rows of the whole
	negsample -q train.cof | cof-cat --shard 1/3 | cmp - <(awk '$1 < 20' want)
	for options in "" "--pointwise --negatives 4" "--grouped --negatives 3" "--sampler popularity"; do
		negsample -q --epochs 5 $options train.cof >whole.cof
		for e in 1 2 3 4 5; do
			negsample -q --epochs $e --from-epoch $e $options train.cof >"epoch-$e.cof"
		done
		cof-cat --to cof epoch-[12345].cof >joined.cof
		cmp <(cof-cat joined.cof) <(cof-cat whole.cof)
		assert_equal "$(json '[.epochs, .rows_per_epoch, .first_row]' joined.cof)" \
			"$(json '[.epochs, .rows_per_epoch, .first_row]' whole.cof)"
	done
}

@test "what is learned is learned from all users: of a shard it is refused" {
	planted_split
	cof-cat --to cof --shard 1/3 train.cof >train-1.cof
	negsample -q train.cof | cof-cat --to cof --shard 1/3 >triples-1.cof
	ml-split -q --test /dev/null ratings.tsv | cof-cat --to cof --shard 2/7 >ratings-2.cof
	for command in "pop-score --train train-1.cof test.cof" "knn-score --train train-1.cof test.cof" \
		"ease-score --train train-1.cof test.cof" "ease-score --train train-1.cof --save-model x" \
		"ials-train -o x train-1.cof" "neumf-train -o x triples-1.cof" \
		"pop-score --train train.cof --all-items --candidates train-1.cof test.cof" \
		"ml-split --test x ratings-2.cof"; do
		run --separate-stderr $command
		assert_status 1
		assert_error "${command%% *}" " is a shard, users "
		assert_contains "$stderr" "(cof-cat --as-whole to take it for all there is)"
		assert_equal "$output" ""
		[ ! -e x ]
	done
	cof-cat --to cof --as-whole train-1.cof >alone.cof
	assert_equal "$(json .user_ranges alone.cof)" null
	negsample -q alone.cof | neumf-train -q --device reference -o x
	pop-score -q --train alone.cof --all-items --ranks test.cof >x
	cof-cat --to cof --shard 1/3 --as-whole train.cof | cof-cat | cmp - <(cof-cat alone.cof)
	# parts of which each was taken for a whole are not the whole
	for i in 1 2 3; do
		cof-cat --to cof --as-whole --shard $i/3 test.cof | negsample -q --candidates 3 --exclude train.cof >part-$i.cof
	done
	cof-cat --to cof part-[123].cof >joined.cof
	assert_equal "$(json '.provenance[-1].program' joined.cof)" '"cof-cat"'
}

@test "the header: users of a shard, of shards of shards, and of what is joined" {
	planted_split
	cof-cat --to cof --shard 2/3 test.cof >b.cof
	assert_equal "$(json .user_ranges b.cof)" '[[20,40]]'
	cof-cat --to cof --shard 1/2 b.cof >c.cof
	assert_equal "$(json .user_ranges c.cof)" '[[20,30]]'
	cof-cat --to cof --shard 3/3 b.cof >none.cof
	assert_equal "$(json .user_ranges none.cof) $(cof-cat --count none.cof)" '[[40,40]] 0'
	cof-cat --to cof --shard 1/3 test.cof >a.cof
	cof-cat --to cof --shard 3/3 test.cof >d.cof
	assert_equal "$(cof-cat --to cof d.cof a.cof | json .user_ranges -)" '[[0,20],[40,60]]'
	assert_equal "$(cof-cat --to cof a.cof b.cof none.cof a.cof | json .user_ranges -)" '[[0,40]]'
	assert_equal "$(cof-cat --to cof d.cof a.cof b.cof | json .user_ranges -)" null
	assert_equal "$(cof-cat --to cof a.cof test.cof | json .user_ranges -)" null
	assert_equal "$(cof-cat --to cof none.cof none.cof | json .user_ranges -)" '[[40,40]]'
	assert_equal "$(cof-cat --to cof test.cof | json .user_ranges -)" null
	assert_equal "$(cof-cat b.cof | cof-cat --from tsv --like b.cof | json .user_ranges -)" null
	assert_equal "$(ml-split -q --test /dev/null ratings.tsv | cof-cat --to cof --shard 1/2 | binarize | json .user_ranges -)" '[[0,30]]'
	# in another order, with a hole, twice, or cut: joined, and said so
	for files in "b.cof a.cof d.cof" "a.cof d.cof" "a.cof b.cof b.cof d.cof"; do
		cof-cat --to cof $files >joined.cof
		assert_equal "$(json '.provenance[-1].program' joined.cof)" '"cof-cat"'
		assert_equal "$(json '.provenance[-1].side.FILE | length' joined.cof)" "$(wc -w <<<"$files")"
	done
	in_shards 3 test.cof pop-score -q --train train.cof --all-items --ranks
	cof-cat --to cof --head 5 part-2.cof >cut.cof
	cof-cat --to cof part-1.cof cut.cof part-3.cof >joined.cof
	assert_equal "$(json '.provenance[-1].program' joined.cof)" '"cof-cat"'
	assert_equal "$(cof-cat --to cof --head 4 part-[123].cof | json '.provenance[-1].options.head' -)" 4
	# one part by other settings is another system, not the whole
	cof-cat --to cof --shard 2/3 test.cof | pop-score -q --train train.cof --all-items --ranks --items 0:9 >other.cof
	cof-cat --to cof part-1.cof other.cof part-3.cof >joined.cof
	assert_equal "$(json '.provenance[-1].program' joined.cof)" '"cof-cat"'
	# rows in the order of the input are not those of shards joined
	in_shards 3 train.cof cat
	assert_equal "$(json '.provenance[-1].program' joined.cof)" '"cof-cat"'
	cof-cat test.cof | tac | cof-cat --from tsv --like test.cof >back.cof
	in_shards 3 back.cof pop-score -q --train train.cof
	assert_equal "$(json '.provenance[-1].program' joined.cof)" '"cof-cat"'
}

@test "a shard of which something else was taken before it went on: what is joined is not the whole" {
	local i
	planted_split
	# shards taken for wholes, and divided again: of each the half that it does not have
	for i in 1 2; do
		cof-cat --to cof --shard "$i/2" test.cof | cof-cat --to cof --as-whole >alone-$i.cof
	done
	cof-cat --to cof --shard 1/2 alone-2.cof | pop-score -q --train train.cof --all-items --ranks >part-1.cof
	cof-cat --to cof --shard 2/2 alone-1.cof | pop-score -q --train train.cof --all-items --ranks >part-2.cof
	cof-cat --to cof part-[12].cof >joined.cof
	assert_equal "$(json '.provenance[-1].program' joined.cof)" '"cof-cat"'
	# first rows of each shard are not those of the whole; nor with side inputs of which it is so
	in_shards 2 test.cof bash -c 'cof-cat --to cof --head 3 | pop-score -q --train train.cof --all-items --ranks'
	assert_equal "$(json '.provenance[-1].program' joined.cof)" '"cof-cat"'
	cof-cat --check joined.cof
	for i in 1 2; do
		cof-cat --to cof --shard "$i/2" train.cof | cof-cat --to cof --head 3 >seen.cof
		cof-cat --to cof --shard "$i/2" test.cof |
			pop-score -q --train train.cof --all-items --seen seen.cof --ranks >part-$i.cof
	done
	cof-cat --to cof part-[12].cof >joined.cof
	assert_equal "$(json '.provenance[-1].program' joined.cof)" '"cof-cat"'
	# what was taken for a whole is divided as any other
	same 3 alone-1.cof pop-score -q --train train.cof --all-items --ranks
	same 3 test.cof bash -c 'cof-cat --to cof | pop-score -q --train train.cof --all-items --ranks'
}

@test "cof-lint: a leak cannot hide where train is a shard that lacks the users of another part" {
	planted_split
	cof-cat --to cof train.cof test.cof >leak.cof
	cof-cat --to cof --shard 1/3 leak.cof >leak-1.cof
	cof-cat --to cof --shard 1/3 test.cof >test-1.cof
	cof-cat --to cof --shard 2/3 test.cof >test-2.cof
	negsample -q --candidates 3 test-2.cof >lists-2.cof
	for option in "--test test-2.cof" "--valid test-2.cof" "--candidates lists-2.cof"; do
		run --separate-stderr cof-lint -q $option leak-1.cof
		assert_status 1
		assert_equal "$output" ""
		assert_contains "$stderr" "cof-lint: 'leak-1.cof' is a shard, users 0 to 19 of 60, and '${option#* }' has other users too"
	done
	run --separate-stderr cof-lint -q --test test-1.cof leak-1.cof
	assert_status 1
	assert_contains "$output" "error    test-in-train        20 of 20"
	assert_contains "$stderr" "cof-lint: 'leak-1.cof' is a shard, users 0 to 19 of 60: the results are theirs"
}

@test "a header whose user_ranges are none, or not those of its rows, is refused" {
	planted_split
	for ranges in '[]' '[[0,61]]' '[[5,3]]' '[[0,5],[5,9]]' '[[0,5],[4,9]]' '[[7,9],[0,3]]' '[[0,5],[9,9]]' '[[0]]' \
		'[[0,5,9]]' '[0,5]' '"0:5"' '[[-1,5]]' '[["0","5"]]' '{}'; do
		cp test.cof x.cof
		edit_header x.cof "h['user_ranges'] = $ranges"
		run --separate-stderr cof-cat --check x.cof
		assert_status 1
		assert_error cof-cat "the header of 'x.cof' is invalid: user_ranges is not a list of [first, end), ascending and apart"
	done
	cp test.cof x.cof
	edit_header x.cof "h['user_ranges'] = [[0, 20], [25, 60]]"
	run --separate-stderr cof-cat x.cof
	assert_status 1
	assert_error cof-cat "row 21 of 'x.cof' (byte "
	assert_contains "$stderr" "user 20 is not one of the shard"
}

@test "replay: a shard, what is joined of shards, and a part taken for a whole" {
	planted_split
	in_shards 3 test.cof pop-score -q --train train.cof --all-items --ranks
	cof-cat --to cof --as-whole part-2.cof >alone.cof
	cof-cat --to cof part-1.cof part-3.cof >ends.cof
	for file in part-2.cof joined.cof alone.cof ends.cof; do
		run --separate-stderr cof-cat --replay --input ratings.tsv "$file"
		assert_status 0
	done
}

@test "options: --as-whole goes with records, and with nothing that writes none" {
	planted_split
	for options in --as-whole "--as-whole --to tsv" "--as-whole --to npy"; do
		run --separate-stderr cof-cat $options test.cof
		assert_status 2
		assert_contains "$stderr" "--as-whole goes with --to cof, of records"
	done
	run --separate-stderr cof-cat --as-whole --check test.cof
	assert_status 2
	run --separate-stderr cof-cat --from tsv --as-whole --like test.cof /dev/null
	assert_status 2
}

@test "MovieLens 100K in shards: ranks, candidate lists and the table" {
	movielens_100k
	negsample -q train.cof | neumf-train -q --device cpu --factors 4 -o neumf.safetensors
	for scorer in "pop-score -q --train train.cof" "neumf-score -q --device cpu --model neumf.safetensors"; do
		same "3 7" test.cof $scorer --all-items --seen train.cof --ranks
		cmp <(rank-eval --train train.cof joined.cof) <(rank-eval --train train.cof whole.cof)
		same 7 test.cof bash -c "negsample -q --candidates 99 --exclude train.cof | $scorer --ranks"
	done
	same 1000 test.cof pop-score -q --train train.cof --all-items --seen train.cof --top 3
}
