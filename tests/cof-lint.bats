#!/usr/bin/env bats
# shellcheck disable=SC2154
# cof-lint: a planted fault for each check, which finds it and counts it; and no error where there is none.
load helper

setup_file() {
	cd "$BATS_FILE_TMPDIR" || return 1
	planted -q --users 60 --items 50 --ratings 700 >ratings.tsv
	ml-split -q --test test-rating.cof --valid valid.cof --user-ids users.tsv --item-ids items.tsv ratings.tsv >rating.cof
	binarize -q rating.cof >train.cof
	binarize -q test-rating.cof >test.cof
	negsample -q --candidates 20 --exclude train.cof test.cof >lists.cof
	negsample -q train.cof | neumf-train -q --device reference -o model.safetensors
}

setup() {
	mkdir "$BATS_TEST_TMPDIR/work"
	cd "$BATS_TEST_TMPDIR/work" || return 1
	cp "$BATS_FILE_TMPDIR"/*.* .
}

# says ID VERDICT COUNT [OF] -- ARGUMENT...: that check says it, and the exit status is right
says() {
	local id=$1 verdict=$2 count=$3 of=
	shift 3
	if [ "$1" != -- ]; then
		of=$1
		shift
	fi
	shift
	run --separate-stderr cof-lint -q --json "$@"
	if grep -q '"error"' <<<"$output"; then
		assert_status 1
		[[ $stderr == "cof-lint: '"*"found an error" ]]
	else
		assert_status 0
		assert_equal "$stderr" ""
	fi
	assert_equal "$(jq -r --arg id "$id" '.checks[] | select(.id == $id) | "\(.verdict) \(.count)"' <<<"$output")" "$verdict $count"
	[ -z "$of" ] || assert_equal "$(jq -r --arg id "$id" '.checks[] | select(.id == $id).of' <<<"$output")" "$of"
}

errors() {
	jq -r '.checks[] | select(.verdict == "error" or .verdict == "warning") | "\(.id) \(.count)"' <<<"$output"
}

# rows KIND: lines with blanks as records, of 60 users and 50 items
rows() {
	tr ' ' '\t' | cof-cat --from tsv --kind "$1" --users 60 --items 50
}

@test "a sound experiment: no error, no warning, exit 0" {
	run --separate-stderr cof-lint -q --json train.cof --valid valid.cof --test test.cof --candidates lists.cof --model model.safetensors
	assert_status 0
	assert_equal "$(errors)" ""
	assert_equal "$(jq '.checks | length' <<<"$output")" 22
	run --separate-stderr cof-lint -q --json rating.cof
	assert_status 0
	assert_equal "$(jq -r '[.checks[].id] | join(" ")' <<<"$output")" "duplicates one-user one-rating wide-users wide-items"
}

@test "the table: 80 columns, a line per check, and two more unless it is ok" {
	cof-lint -q train.cof --valid valid.cof --test test.cof --candidates lists.cof --model model.safetensors >table
	! grep -nE '.{81}| $' table || return 1
	cof-lint -q --json train.cof --valid valid.cof --test test.cof --candidates lists.cof --model model.safetensors >json
	jq -r '.checks[] | [.verdict, .id, "\(.count)", "of", "\(.of)"] | join(" ")' json >want
	grep -E '^(ok|note|warning|error) ' table | tr -s ' ' | diff - want
	assert_equal "$(grep -c '^ ' table)" "$((2 * $(grep -vc '^ok' want)))"
}

@test "no text is wider than the table" {
	# every text of the sources, in a line of its own after 9 blanks
	grep -ohE '^\s+"[^"]{40,}"' "$ROOT"/lib/data/lint.c "$ROOT"/lib/data/lint_headers.c | sed 's/^\s*"//; s/"$//' >texts
	[ "$(wc -l <texts)" -gt 20 ]
	run ! grep -nE '.{72}' texts
}

@test "rows of a part in another" {
	cof-cat test.cof | head -n 7 >some
	{ cof-cat train.cof && cat some; } | cof-cat --from tsv --like train.cof >leaky.cof
	says test-in-train error 7 60 -- leaky.cof --test test.cof
	says valid-in-train error 60 60 -- <(binarize -q valid.cof) --valid valid.cof
	says test-in-valid error 60 60 -- train.cof --valid test.cof --test test.cof
	run cof-lint leaky.cof --test test.cof
	assert_status 1
	assert_contains "$output" "error    test-in-train        7 of 60"
}

@test "duplicates, in whatever part" {
	{ cof-cat train.cof && cof-cat train.cof | head -n 5; } | cof-cat --from tsv --like train.cof >twice.cof
	says duplicates warning 5 -- twice.cof
	{ cof-cat test.cof && cof-cat test.cof | head -n 3; } | cof-cat --from tsv --like test.cof >test-twice.cof
	says duplicates warning 8 -- twice.cof --test test-twice.cof
}

@test "lists: positives among negatives, train among negatives, twice, in train, never drawn" {
	cof-cat lists.cof >lists.tsv
	user=$(head -n 1 lists.tsv | cut -f 1)
	positive=$(head -n 1 lists.tsv | cut -f 2)
	{ cat lists.tsv && printf '%s\t%s\t0\n' "$user" "$positive"; } | cof-cat --from tsv --kind sample --like lists.cof >x.cof
	says positive-negatives warning 1 -- train.cof --candidates x.cof
	cof-cat train.cof | awk -F '\t' -v OFS='\t' 'NR <= 4 { print $1, $2, 0 }' >seen
	cat lists.tsv seen | cof-cat --from tsv --kind sample --like lists.cof >x.cof
	says train-negatives warning 4 -- train.cof --candidates x.cof
	{ cat lists.tsv && tail -n 2 lists.tsv; } | cof-cat --from tsv --kind sample --like lists.cof >x.cof
	says listed-twice warning 2 -- train.cof --candidates x.cof
	negsample -q --candidates 5 train.cof >x.cof
	says candidates-in-train error "$(cof-cat --count train.cof)" -- train.cof --candidates x.cof
	awk -F '\t' '$3 == 1 || $2 < 25' lists.tsv | cof-cat --from tsv --kind sample --like lists.cof >x.cof
	never=$(cof-cat train.cof | cut -f 2 | sort -nu | awk '$1 >= 25' | wc -l)
	says never-drawn warning "$never" -- train.cof --candidates x.cof
}

@test "users and items of test that train lacks" {
	cof-cat train.cof | awk -F '\t' '$1 >= 4' | cof-cat --from tsv --like train.cof >x.cof
	says cold-users warning 4 60 -- x.cof --test test.cof
	item=$(cof-cat test.cof | head -n 1 | cut -f 2)
	cof-cat train.cof | awk -F '\t' -v item="$item" '$2 != item' | cof-cat --from tsv --like train.cof >x.cof
	says cold-items note 1 -- x.cof --test test.cof
}

@test "times: ties of the latest, the future of others, and one's own" {
	printf '%s\n' '0 0 5' '0 1 6' '1 0 7' '1 1 9' '2 0 3' | rows interaction >x.cof
	printf '%s\n' '0 2 6' '1 2 10' '2 2 3' | rows interaction >y.cof
	says tied-latest note 2 3 -- x.cof --test y.cof
	says time-leak note 2 3 -- x.cof --test y.cof
	says own-future ok 0 3 -- x.cof --test y.cof
	printf '%s\n' '0 3 6' '1 3 10' | rows interaction >z.cof
	says tied-latest note 3 3 -- x.cof --valid z.cof --test y.cof
	printf '%s\n' '0 2 5' '1 2 8' '2 2 4' | rows interaction >y.cof
	says own-future note 2 3 -- x.cof --test y.cof
	assert_equal "$(jq -r '.checks[] | select(.id == "tied-latest").id' <<<"$output")" ""
	printf '%s\n' '0 0 0' | rows interaction >x.cof
	says cold-users warning 2 -- x.cof --test y.cof
	assert_equal "$(jq -r '.checks[] | select(.id == "time-leak").id' <<<"$output")" ""
}

@test "one user has most; all ratings are the same; bounds far too wide" {
	for ((k = 0; k < 30; k++)); do echo "7 $k 0"; done >one
	{ cat one && for ((k = 0; k < 30; k++)); do echo "$((k % 5)) $k 0"; done; } | rows interaction >half.cof
	says one-user ok 0 -- half.cof || says one-user ok 30 60 -- half.cof
	{ cat one && for ((k = 0; k < 29; k++)); do echo "$((k % 5)) $k 0"; done; } | rows interaction >more.cof
	says one-user warning 30 59 -- more.cof
	printf '%s\n' '0 0 3 1' '1 1 3 2' | rows rating >same.cof
	says one-rating note 2 2 -- same.cof
	printf '%s\n' '0 0 3 1' '1 1 4 2' | rows rating >other.cof
	says one-rating ok 0 2 -- other.cof
	printf '5\t100200\t0\n6\t4\t0\n' | cof-cat --from tsv --users 7 --items 123457 >wide.cof
	says wide-items warning 123455 123457 -- wide.cof
	says wide-users ok 5 7 -- wide.cof
}

@test "id maps, splits, bounds" {
	sed 's/\t/x\t/' ratings.tsv | ml-split -q --test other-rating.cof --valid /dev/null >other.cof
	says id-maps error 1 1 -- other.cof --test test.cof
	says splits error 1 1 -- other.cof --test test.cof
	printf '60\t2\t1\n2\t50\t1\n3\t3\t1\n' | cof-cat --from tsv --users 61 --items 51 >more.cof
	says beyond-bounds error 2 3 -- train.cof --test more.cof
	cof-cat train.cof | cof-cat --from tsv --users 61 --items 50 >train61.cof
	says model-bounds error 1 2 -- train61.cof --model model.safetensors
	# the test of a run without --valid: its train has more
	ml-split -q --test no-valid.cof ratings.tsv >/dev/null
	says splits error 1 1 -- train.cof --test no-valid.cof
}

# trained INPUT: a model of it
trained() {
	negsample -q "$1" | neumf-train -q --device reference -o x.safetensors
}

@test "a model that has seen the test" {
	says model-saw-test ok 0 -- train.cof --test test.cof --model model.safetensors
	trained test.cof
	says model-saw-test error 1 -- train.cof --test test.cof --model x.safetensors
	cof-cat --to cof train.cof test.cof >both.cof
	trained both.cof
	says model-saw-test error 1 -- train.cof --test test.cof --model x.safetensors
	binarize -q valid.cof >valid-items.cof
	cof-cat --to cof train.cof valid-items.cof >both.cof
	trained both.cof
	says model-saw-test ok 0 -- train.cof --test test.cof --model x.safetensors
	cof-import -q ratings.tsv | binarize -q >all.cof
	trained all.cof
	says model-saw-test error 1 -- train.cof --test test.cof --model x.safetensors
	head -n -1 ratings.tsv | cof-import -q --known-users users.tsv --known-items items.tsv | binarize -q >part.cof
	trained part.cof
	says model-saw-test warning 1 -- train.cof --test test.cof --model x.safetensors
	cof-cat train.cof | cof-cat --from tsv --users 60 --items 50 >text.cof
	trained text.cof
	says model-saw-test warning 1 -- train.cof --test test.cof --model x.safetensors
	says model-saw-test note 1 -- train.cof --test <(cof-cat test.cof | cof-cat --from tsv --users 60 --items 50) --model x.safetensors
	ml-split -q --mode random --test other.cof ratings.tsv | binarize -q >other-train.cof
	trained other-train.cof
	says model-saw-test error 1 -- train.cof --test test.cof --model x.safetensors
	ials-train -q --factors 2 --epochs 1 -o x.safetensors test.cof
	says model-saw-test error 1 -- train.cof --test test.cof --model x.safetensors
}

@test "a model that is none, or cut" {
	run --separate-stderr cof-lint -q --model ratings.tsv train.cof
	assert_status 1
	head -c 300 model.safetensors >short
	run --separate-stderr cof-lint -q --model short train.cof
	assert_status 1
	assert_error cof-lint "'short'"
}

@test "no false alarm: MovieLens 100K, every way to split it" {
	dataset ml-100k u.data
	for mode in leave-one-out random global-time; do
		for valid in "" "--valid valid.cof"; do
			# shellcheck disable=SC2086
			ml-split -q --mode $mode $valid --test test.cof "$data_file" >train.cof
			# shellcheck disable=SC2086
			run --separate-stderr cof-lint -q --json $valid --test test.cof train.cof
			assert_status 0
			if [ $mode != global-time ]; then assert_equal "$(errors)" ""; else errors | grep -q '^cold-users' || return 1; fi
			[ "$mode$valid" != leave-one-out ] ||
				assert_equal "$(jq -r '.checks[] | select(.id == "tied-latest").count' <<<"$output")" 415
		done
	done
}

@test "He's lists: what they really contain, and no error" {
	given() { # NAME TRAIN NEGATIVE
		"$2" -dc "$3" | awk -F '\t' -v OFS='\t' '{ print $1, $2, $3, 0 }' | tr -d '\r' >train.tsv
		gzip -dc "$4" | tr -d '\r' | awk -F '\t' -v OFS='\t' '{ split(substr($1, 2, length($1) - 2), pair, ",")
			print pair[1], pair[2], 1
			for (k = 2; k <= NF; k++) if ($k != "") print pair[1], $k, 0 }' >lists.tsv
		bounds=$(cat train.tsv lists.tsv | awk -F '\t' '{ if ($1 > u) u = $1; if ($2 > i) i = $2 } END { print "--users", u + 1, "--items", i + 1 }')
		# shellcheck disable=SC2086
		cof-cat --from tsv --kind rating $bounds train.tsv >train.cof
		# shellcheck disable=SC2086
		cof-cat --from tsv --kind sample $bounds lists.tsv >lists.cof
		run --separate-stderr cof-lint -q --json train.cof --candidates lists.cof
		assert_status 0
	}
	dataset ml-1m ml-1m.test.negative.gz
	given ml-1m xz "$(dirname "$data_file")/ml-1m.train.rating.rebuilt.xz" "$data_file"
	assert_equal "$(errors)" "positive-negatives 156"
	dataset deepcf AToy.test.negative.gz
	given AToy gzip "$(dirname "$data_file")/AToy.train.rating.gz" "$data_file"
	assert_equal "$(errors | paste -sd ' ')" "positive-negatives 12 train-negatives 227"
}
