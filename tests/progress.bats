#!/usr/bin/env bats
# shellcheck disable=SC2154
# What a terminal shows while stages run, and at their end. script(1) is the terminal.
load helper

setup_file() {
	cd "$BATS_FILE_TMPDIR" || return 1
	planted -q --users 300 --items 400 --ratings 20000 >u.data
	ml-split -q --test test-ratings.cof u.data | binarize >train.cof
	negsample -q --epochs 3 train.cof >triples.cof
	neumf-train -q --device cpu -o m.safetensors triples.cof
	binarize test-ratings.cof | neumf-score -q --device cpu --model m.safetensors --all-items >scores.cof
}

setup() {
	cd "$BATS_FILE_TMPDIR" || return 1
	command -v script >/dev/null || skip "no script(1)"
}

# on_terminal COLUMNS COMMAND: the lines that it showed, one after the other, are in the file `drawn`
on_terminal() {
	run script -qefc "stty cols $1; $2" "$BATS_TEST_TMPDIR/typescript" </dev/null
	sed '/^Script /d; s/\x1b\[K//g; s/\r/\n/g' "$BATS_TEST_TMPDIR/typescript" | sed '/^$/d' >"$BATS_TEST_TMPDIR/drawn"
}

# slow FILE: it comes in parts that take their time.
slow() {
	echo "{ for k in 1 2 3 4 5 6 7; do head -c $(($(stat -c %s "$BATS_FILE_TMPDIR/$1") / 8)); sleep 0.15; done; cat; } <$1"
}

slow_train() {
	echo "$(slow triples.cof) | neumf-train --device cpu -o out.safetensors $1"
}

@test "a training shows epoch, loss, rate and time left in one line, and ends with one that stays" {
	on_terminal 80 "$(slow_train)"
	assert_equal "$status" 0
	grep -E '^neumf-train: epoch [123]/3, loss 0\.[0-9]{4}, [0-9.]+( k| M)?/s, [0-9]+ %, [0-9.]+ s left$' "$BATS_TEST_TMPDIR/drawn"
	tail -n 1 "$BATS_TEST_TMPDIR/drawn" | grep -E "^neumf-train: 3 epochs in [0-9.]+ s, last loss 0\.[0-9]+: 'out.safetensors'\$"
	# the line is drawn over and over, each time whole and at one go
	run grep -aE '[^'$'\r'']neumf-train: epoch' "$BATS_TEST_TMPDIR/typescript"
	assert_equal "$output" ""
}

@test "the closing line is there without a terminal too, and not with -q" {
	run --separate-stderr neumf-train --device cpu -o out.safetensors triples.cof
	[[ ${stderr_lines[-1]} =~ ^"neumf-train: 3 epochs in "[0-9.]+" s, last loss 0."[0-9]+": 'out.safetensors'"$ ]]
	loss=${stderr_lines[-1]#*loss }
	neumf-train -q --device cpu -o out.safetensors --log log triples.cof 2>err
	[ ! -s err ]
	assert_near "${loss%%:*}" "$(tail -n 1 log | jq .loss)" 1e-6
	run --separate-stderr neumf-train --device cpu --max-seconds 0 -o out.safetensors triples.cof
	[[ ${stderr_lines[-2]} = "neumf-train: option --max-seconds ended the training in epoch 1" ]]
	[[ ${stderr_lines[-1]} = "neumf-train: 1 epoch in "* ]]
}

@test "the metric of --on-epoch stands in the line" {
	on_terminal 80 "$(slow_train "--on-epoch 'echo 0.25'")"
	assert_equal "$status" 0
	grep -E '^neumf-train: epoch [23]/3, loss 0\.[0-9]{4}, metric 0\.2500, .* left$' "$BATS_TEST_TMPDIR/drawn"
	grep -x 'neumf-train: the model is that of epoch 1, metric 0.25' "$BATS_TEST_TMPDIR/drawn"
}

@test "no line is wider than the terminal; what does not fit is left out, not cut" {
	for columns in 80 60 40 25; do
		on_terminal $columns "$(slow_train "--on-epoch 'echo 1e-30'")"
		grep '^neumf-train: epoch ./' "$BATS_TEST_TMPDIR/drawn" >lines
		awk -v most=$((columns - 1)) 'length($0) > most { print; bad = 1 } END { exit bad }' lines
		run grep -vE '(loss [0-9.]+|metric 1\.000e-30|/s|left|epoch ./3)$' lines
		assert_equal "$output" ""
	done
}

@test "one stage of a pipe has the line: who trains, else who knows how much there is to do" {
	on_terminal 80 "negsample --epochs 200 train.cof | neumf-train --device cpu -o out.safetensors"
	assert_equal "$status" 0
	grep -q '^neumf-train: epoch' "$BATS_TEST_TMPDIR/drawn"
	run grep -E '^negsample: [0-9]' "$BATS_TEST_TMPDIR/drawn"
	assert_equal "$output" ""
	on_terminal 80 "negsample --epochs 300 train.cof | (sleep 0.5; cat) >/dev/null"
	grep -qE '^negsample: .* rows, .* %, .* left$' "$BATS_TEST_TMPDIR/drawn"
	on_terminal 80 "$(slow scores.cof) | rank-eval >/dev/null"
	grep -qE '^rank-eval: .* rows, .*/s$' "$BATS_TEST_TMPDIR/drawn"
}

@test "nothing is drawn with -q, and a message takes the line of another stage away" {
	on_terminal 80 "$(slow_train -q)"
	assert_equal "$output" ""
	on_terminal 80 "$(slow_train "--on-epoch 'cof-cat no-such.cof; echo 1'")"
	grep -x "cof-cat: cannot open 'no-such.cof': No such file or directory" "$BATS_TEST_TMPDIR/drawn"
}
