#!/usr/bin/env bats
# shellcheck disable=SC2030,SC2031,SC2154
# The manners of docs/architecture.md over every stage: options, errors, exit status, pipes, terminals, damage.
load helper

# Every stage, and what the tests below need to know of it. A stage that is missing here fails the first test.
STAGES=$(cd "$ROOT/stages" && echo *.c)
STAGES=${STAGES//.c/}

# What makes a stage read standard input and write standard output, beside -q.
options_of() {
	case $1 in
	ml-split) echo --test split.out ;;
	neumf-train) echo -o model.out --device cpu ;;
	ials-train) echo -o model.out ;;
	neumf-score) echo --model model.safetensors --all-items --device cpu ;;
	pop-score | knn-score | ease-score) echo --train train.cof --all-items ;;
	rank-cmp) echo score.cof --resamples 100 ;;
	cof-stat) echo --json ;; # its table draws bars as the locale has them
	cof-import | binarize | negsample | rank-eval | cof-cat | cof-lint) ;;
	*) return 1 ;;
	esac
}

# An input it reads.
input_of() {
	case $1 in
	cof-import | ml-split) echo ratings.tsv ;;
	binarize) echo rating.cof ;;
	negsample | ials-train | cof-lint) echo train.cof ;;
	neumf-train) echo triple.cof ;;
	*-score) echo test.cof ;;
	rank-eval | rank-cmp | cof-cat | cof-stat) echo score.cof ;;
	esac
}

# The kinds of records it reads.
kinds_of() {
	case $1 in
	binarize) echo rating ;;
	negsample | ials-train) echo interaction ;;
	cof-lint) echo rating interaction ;;
	neumf-train) echo interaction triple sample group ;;
	*-score) echo rating interaction sample ;;
	rank-eval | rank-cmp) echo score rank ;;
	cof-cat | cof-stat) echo rating interaction triple sample score rank top group ;;
	esac
}

# Those that read nothing but record streams; those that write binary to standard output.
READERS=${STAGES/ml-split/}
READERS=${READERS/cof-import/}
WRITERS=${STAGES/rank-eval/}
WRITERS=${WRITERS/rank-cmp/}
WRITERS=${WRITERS/cof-stat/}
WRITERS=${WRITERS/cof-lint/}
WRITERS=${WRITERS/neumf-train/}
WRITERS=${WRITERS/ials-train/}
WRITERS=${WRITERS/cof-cat/}

setup_file() {
	cd "$BATS_FILE_TMPDIR" || return 1
	planted --users 30 --items 40 --ratings 300 >ratings.tsv
	ml-split -q --test rating.cof ratings.tsv | binarize -q >train.cof
	binarize -q rating.cof >test.cof
	ln train.cof interaction.cof
	negsample -q train.cof >triple.cof
	negsample -q --pointwise train.cof >sample.cof
	negsample -q --grouped --negatives 3 train.cof >group.cof
	neumf-train -q --device cpu -o model.safetensors triple.cof
	for kind in rank top score; do
		case $kind in rank) way=--ranks ;; top) way=--top\ 3 ;; score) way= ;; esac
		# shellcheck disable=SC2086
		pop-score -q --train train.cof --all-items $way test.cof >$kind.cof
	done
	mkdir inputs
	mv ./*.cof ratings.tsv model.safetensors inputs
}

setup() {
	mkdir "$BATS_TEST_TMPDIR/work"
	cd "$BATS_TEST_TMPDIR/work" || return 1
	cp "$BATS_FILE_TMPDIR"/inputs/* .
	find . | sort >../before
}

to_file() {
	"$@" >../stdout
}

# run_stage STAGE [ARGUMENT]...: with the options it needs, and -q; its output is in ../stdout
run_stage() {
	local needed
	read -ra needed <<<"$(options_of "$1")"
	run --separate-stderr to_file "$1" -q "${needed[@]}" "${@:2}"
}

# No file came to those that setup put there.
assert_nothing_left() {
	find . | sort | diff ../before - || {
		echo "$1 left a file behind"
		return 1
	}
}

assert_fails() {
	assert_status 1 && assert_error "$1" "$2"
}

assert_usage_error() {
	assert_status 2
	[ ! -s ../stdout ]
	assert_equal "$(wc -l <<<"$stderr")" 2
	[[ $stderr == "$1: "* ]]
	assert_contains "$stderr" "$2"
	assert_contains "$stderr" "Try '$1 --help' for more information."
}

# options PROGRAM FILTER: what jq makes of each of its options
options() {
	"$1" --help-json | jq -r "def value: .metavar // (.choices // [\"-\"] | join(\"|\")); .options[] | $2"
}

@test "every stage is known here and has a man page with all its options" {
	for stage in $STAGES; do
		options_of "$stage" >/dev/null
		page=$ROOT/stages/$stage.1
		grep -q '^.Sh EXIT STATUS' "$page"
		grep -q '^.Sh EXAMPLES' "$page"
		for option in $(options "$stage" .name); do
			case $option in quiet | help | help-json | version | completion) continue ;; esac
			grep -qE -- "(Fl|[|,]) -$option( |$)" "$page" || {
				echo "$stage.1 lacks --$option"
				return 1
			}
		done
	done
}

# What each one-letter option means, in every program: a letter, the long name, its value (* for any, - for none).
# --model is a kind of model in neumf-train, and --items a range in the scorers: there they have no letter.
letters() {
	cat <<-'EOF'
		a all-items -
		b batch-size N
		c count -
		C check -
		d device *
		e epochs E
		f factors *
		h help -
		H header -
		k cutoffs *
		l loss *
		m model FILE
		n head N
		o output MODEL
		q quiet -
		r min-rating R
		s seed S
		t threads N
		x exclude FILE
	EOF
}

@test "one letter, one meaning over all programs; an option that has a letter has it everywhere" {
	local program pages letter name value want found used=
	for program in $STAGES planted; do
		options "$program" '[.letter // "-", .name, value] | join(" ")' >table
		case $program in
		planted) pages=("$ROOT/data/planted.1") ;;
		*-score) pages=("$ROOT/stages/$program.1" "$ROOT/stages/neumf-score.1") ;; # the options they share
		*) pages=("$ROOT/stages/$program.1") ;;
		esac
		while read -r letter name value; do
			want=$(letters | grep "^$letter ") || {
				echo "$program: -$letter, --$name: a letter that the table does not know"
				return 1
			}
			# shellcheck disable=SC2053
			[[ "$letter $name ${value:--}" == $want ]] || {
				echo "$program: -$letter is --$name $value; elsewhere it is: $want"
				return 1
			}
			used+=" $letter"
			grep -q "^\.It .*Fl $letter , -$name\b" "${pages[@]}" || {
				echo "${pages[*]}: no -$letter, --$name"
				return 1
			}
		done < <(grep -v '^- ' table)
		while read -r letter name value; do
			found=$(awk -v name="$name" '$1 == "-" && $2 == name { print $3 }' table)
			# shellcheck disable=SC2053
			if [[ -n $found && $found == $value ]]; then
				echo "$program: --$name lacks its letter, -$letter"
				return 1
			fi
		done < <(letters)
	done
	while read -r letter name value; do
		[[ " $used " == *" $letter "* ]] || {
			echo "-$letter, --$name: no program has it"
			return 1
		}
	done < <(letters)
}

@test "each of them runs: exit 0, silent with -q, the same bytes twice, from a file, - and gzip" {
	for stage in $STAGES; do
		input=$(input_of "$stage")
		read -ra needed <<<"$(options_of "$stage")"
		"$stage" -q "${needed[@]}" <"$input" >one 2>err
		[ ! -s err ]
		case $stage in *-train) mv model.out one ;; ml-split) mv split.out one.test ;; esac
		gzip -c "$input" >packed
		for way in "$input" - packed; do
			"$stage" -q "${needed[@]}" "$way" <"$input" >two
			case $stage in *-train) mv model.out two ;; ml-split) cmp split.out one.test && rm split.out ;; esac
			[ "$stage" != rank-cmp ] || sed -i '/score.cof$/d; /packed$/d; /standard input$/d' one two # names
			cmp one two
		done
	done
}

@test "--help: on stdout, exit 0, with the defaults that hold now" {
	for stage in $STAGES; do
		run --separate-stderr "$stage" --help
		assert_status 0
		assert_equal "$stderr" ""
		assert_contains "$output" "Usage: $stage [OPTION]..."
		for part in Reads: Writes: Examples: --version; do
			assert_contains "$output" "$part"
		done
		awk 'length($0) > 80 { print "wider than a terminal: " $0; bad = 1 } END { exit bad }' <<<"$output"
		cp <(echo "$output") help
		run "$stage" -h
		assert_equal "$output" "$(cat help)"
		for option in seed threads; do
			grep -q -- "--$option" help || continue
			run "$stage" --$option 7 --help
			grep -q -- "--$option .*\[7\]" <<<"$output"
		done
	done
}

@test "--help-json: the options of --help, each with a type, a default within its bounds, and what it is for" {
	for stage in $STAGES planted; do
		"$stage" --help-json >json
		jq -e --arg name "$stage" '
			def kind: if . == null then "null" else type end;
			.name == $name and .version == "0.1.0" and (.summary, .operands, .reads, .writes | type == "string")
			and (.examples | length == 3)
			and ([.options[].name] | length == (unique | length))
			and ([.options[] | .letter | select(.)] | length == (unique | length))
			and (.options | all(
				(keys | length == 12)
				and (.help | length > 3) and (.repeats | type == "boolean") and (.provenance | type == "boolean")
				and (.file | IN(null, "read", "write")) and ((.type == "path") == (.file != null))
				and ((.type == "choice") == (.choices != null))
				and (.type | IN("flag", "choice", "integer", "real", "string", "path", "integers", "range"))
				and (.type as $t | .default | kind | IN({flag: ["boolean"], choice: ["string", "null"],
					integer: ["number", "null"], real: ["number", "null"], string: ["string", "null"],
					path: ["string", "null"], integers: ["array"], range: ["null"]}[$t][]))
				and ((.type | IN("integer", "real", "integers")) == (.least != null and .most != null))
				and (.least as $l | .most as $m | [.default] | flatten | all(. == null or $l == null or . >= $l and . <= $m))
				and (.choices as $c | .type != "choice" or .default == null or (.default | IN($c[])))))' json >/dev/null || {
			echo "$stage:"
			cat json
			return 1
		}
		"$stage" --help >help
		jq -r '.options[] | "--" + .name' json | while read -r option; do grep -qE -- "^ +(-., )?$option( |$)" help; done
	done
	[ "$(options neumf-train 'select(.name == "device") | .provenance')" = false ]
	[ "$(options negsample 'select(.name == "exclude") | .provenance, .repeats, .file' | xargs)" = "false true read" ]
	[ "$(options neumf-train 'select(.name == "log") | .provenance, .repeats, .file' | xargs)" = "false false write" ]
	[ "$(options rank-eval 'select(.name == "cutoffs") | .default | tostring')" = '[10,50]' ]
}

@test "--version: one line" {
	for stage in $STAGES; do
		run --separate-stderr "$stage" --version
		assert_status 0
		[[ $output =~ ^$stage\ \(cofilter\)\ [0-9]+\.[0-9]+\.[0-9]+$ ]]
	done
}

@test "--completion: bash takes it and completes options and choices" {
	for stage in $STAGES; do
		"$stage" --completion bash >completion
		# shellcheck disable=SC2030
		(
			# shellcheck disable=SC1091
			. ./completion
			function=$(complete -p "$stage" | sed 's/.*-F \([^ ]*\) .*/\1/')
			COMP_WORDS=("$stage" --vers) COMP_CWORD=1
			"$function"
			assert_equal "${COMPREPLY[*]}" --version
		)
	done
	# shellcheck disable=SC1091
	. ./completion
	cof-cat --completion bash >completion
	# shellcheck disable=SC1091
	. ./completion
	COMP_WORDS=(cof-cat --to j) COMP_CWORD=2
	_cof_cat
	# shellcheck disable=SC2031
	assert_equal "${COMPREPLY[*]}" jsonl
	# shellcheck disable=SC1091
	. <(neumf-train --completion bash)
	COMP_WORDS=(neumf-train -d cu) COMP_CWORD=2
	_neumf_train
	assert_equal "${COMPREPLY[*]}" cuda
	COMP_WORDS=(neumf-train --save) COMP_CWORD=1
	_neumf_train
	assert_equal "${COMPREPLY[*]}" --save-epochs
}

@test "--completion zsh: zsh takes it, and gets every option" {
	command -v zsh >/dev/null || skip "no zsh"
	for stage in $STAGES planted; do
		"$stage" --completion zsh >"_$stage"
		zsh -fn "_$stage"
		# what _arguments is given: a specification an option, and what operands are
		zsh -fc "_arguments() { print -rl -- \"\$@\" }; . ./_$stage" >given
		options "$stage" '"--" + .name' | while read -r option; do grep -q -- "^[^[]*$option\[" given; done
	done
}

@test "--completion fish: a line an option" {
	for stage in $STAGES planted; do
		"$stage" --completion fish >completion
		assert_equal "$(wc -l <completion)" "$(options "$stage" .name | wc -l)"
		! command -v fish >/dev/null || fish -n completion
	done
	assert_contains "$(neumf-train --completion fish)" "complete -c neumf-train -l device -s d -x -a 'auto cpu reference cuda' -d 'what computes'"
	assert_contains "$(negsample --completion fish)" "-l exclude -s x -r -F -d '"
}

@test "unknown options, missing values and too many operands are usage errors" {
	for stage in $STAGES; do
		run_stage "$stage" --no-such-option
		assert_usage_error "$stage" "'--no-such-option'"
		run_stage "$stage" -Z
		assert_usage_error "$stage" "'-Z'"
		run_stage "$stage" --help=yes
		assert_usage_error "$stage" "'--help=yes'"
		[[ $stage = cof-cat || $stage = rank-cmp ]] && continue
		run_stage "$stage" a b
		assert_usage_error "$stage" "'b'"
	done
	run_stage cof-cat --head
	assert_usage_error cof-cat "'--head' needs a value"
	run_stage cof-cat -n
	assert_usage_error cof-cat "'-n' needs a value"
	assert_nothing_left
}

@test "a value that is no number, or not one of the choices, is a usage error that names the option" {
	for stage in $STAGES; do
		options "$stage" 'select(.type | IN("integer", "real", "integers")) | .name' >numbers
		while read -r option; do
			for value in "" x 4x nan inf 0x10 " 1" 1,x 1e999 3,5.5; do
				run_stage "$stage" "--$option=$value"
				assert_usage_error "$stage" "option --$option: '"
			done
		done <numbers
		options "$stage" 'select(.type == "integer" and .most < 1e15) | "\(.name) \(.least - 1)\n\(.name) \(.most + 1)"' >beyond
		while read -r option value; do
			run_stage "$stage" "--$option=$value"
			assert_usage_error "$stage" "option --$option: '$value' is not a whole number from "
		done <beyond
		options "$stage" 'select(.type == "choice") | .name' >choices
		while read -r option; do
			run_stage "$stage" "--$option" no-such-choice
			assert_usage_error "$stage" "option --$option: 'no-such-choice' is not one of "
		done <choices
	done
	[ -s numbers ] || [ -s choices ]
	rm numbers choices beyond
	assert_nothing_left
}

@test "input: missing, a folder, empty" {
	mkdir folder
	: >empty
	find . | sort >../before
	for stage in $STAGES; do
		run_stage "$stage" nosuch
		assert_fails "$stage" "cannot open 'nosuch': No such file or directory"
		run_stage "$stage" folder
		assert_fails "$stage" "'folder'"
		run_stage "$stage" empty
		assert_fails "$stage" "'empty'"
		run_stage "$stage" <empty
		assert_fails "$stage" "'standard input'"
		assert_nothing_left "$stage"
	done
}

@test "input: records of another kind, and no records at all" {
	for stage in $READERS; do
		read -ra needed <<<"$(kinds_of "$stage")"
		for kind in rating interaction triple sample score rank top group; do
			[[ " ${needed[*]} " == *" $kind "* ]] && continue
			run_stage "$stage" $kind.cof
			assert_fails "$stage" "'$kind.cof' holds $kind records, ${needed[0]}"
			assert_contains "$stderr" expected
		done
		run_stage "$stage" ratings.tsv
		assert_fails "$stage" "'ratings.tsv' is not a record stream"
	done
	run_stage cof-import rating.cof
	assert_status 1
	assert_equal "$(wc -l <<<"$stderr")" 1
	assert_nothing_left
}

@test "truncated and damaged input, plain and gzip: exit 1, one line, no file left" {
	for stage in $READERS; do
		input=$(input_of "$stage")
		head -c -1 "$input" >cut.cof
		gzip -c "$input" | head -c -9 >cut.cof.gz
		python3 -c 'import sys
b = bytearray(open(sys.argv[1], "rb").read())
b[-40] ^= 4
sys.stdout.buffer.write(b)' "$input" >flipped.cof
		for damage in cut.cof cut.cof.gz flipped.cof; do
			run_stage "$stage" $damage
			assert_fails "$stage" "'$damage'"
			run_stage "$stage" <$damage
			assert_fails "$stage" "'standard input'"
		done
		rm cut.cof cut.cof.gz flipped.cof
		assert_nothing_left "$stage"
	done
	gzip -c ratings.tsv | head -c -9 >cut.gz
	run_stage ml-split cut.gz
	assert_fails ml-split "'cut.gz'"
	rm cut.gz
	assert_nothing_left ml-split
}

@test "side inputs: missing, of another kind, cut" {
	while read -r stage option good other; do
		run_stage "$stage" "$option" nosuch "$(input_of "$stage")"
		assert_fails "$stage" "cannot open 'nosuch': No such file or directory"
		run_stage "$stage" "$option" "$other" "$(input_of "$stage")"
		assert_fails "$stage" "'$other'"
		head -c -1 "$good" >cut.file
		run_stage "$stage" "$option" cut.file "$(input_of "$stage")"
		assert_fails "$stage" "'cut.file'"
		rm cut.file
		assert_nothing_left "$stage"
	done <<-'EOF'
		negsample --exclude interaction.cof triple.cof
		cof-lint --valid train.cof triple.cof
		cof-lint --test train.cof triple.cof
		cof-lint --candidates sample.cof train.cof
		neumf-score --model model.safetensors ratings.tsv
		neumf-score --seen train.cof model.safetensors
		pop-score --train train.cof rating.cof
		pop-score --seen train.cof rating.cof
		pop-score --user-items train.cof rating.cof
		pop-score --candidates train.cof rating.cof
		knn-score --train train.cof rating.cof
		knn-score --seen train.cof rating.cof
		knn-score --user-items train.cof rating.cof
		rank-eval --train train.cof rating.cof
	EOF
}

@test "a side file is opened after the header of the input has come: one made upstream is new and complete" {
	cof-cat --head 1 --to cof train.cof >old.cof
	while read -r stage option; do
		input=$(input_of "$stage")
		read -ra needed <<<"$(options_of "$stage")"
		"$stage" -q "${needed[@]}" "$option" train.cof "$input" >want
		cp old.cof side.cof
		{ sleep 0.3 && cp train.cof side.cof && cat "$input"; } |
			"$stage" -q "${needed[@]}" "$option" side.cof >got
		cmp got want
	done <<-'EOF'
		negsample --exclude
		neumf-score --seen
		pop-score --train
		pop-score --seen
		pop-score --user-items
		pop-score --candidates
		knn-score --train
		knn-score --seen
		knn-score --user-items
		rank-eval --train
	EOF
	ml-split -q --test new.cof --item-ids new.tsv ratings.tsv | cof-cat --item-ids new.tsv >want
	printf '0\told\n' >items.tsv
	{ sleep 0.3 && cat ratings.tsv; } |
		ml-split -q --test new.cof --item-ids items.tsv | cof-cat --item-ids items.tsv >got
	cmp got want
}

@test "streams joined by cat are refused by every reader, with the way out" {
	for stage in $READERS; do
		input=$(input_of "$stage")
		run_stage "$stage" < <(cat "$input" "$input")
		assert_fails "$stage" "cof-cat A B"
	done
	assert_nothing_left
}

@test "a full device is an error, also for --help, --version and --completion" {
	for stage in $STAGES; do
		for way in --help --help-json --version "--completion bash"; do
			run --separate-stderr bash -c "$stage $way >/dev/full"
			assert_fails "$stage" "cannot write 'standard output': No space left on device"
		done
		input=$(input_of "$stage")
		[[ $stage == *-train ]] && continue
		run --separate-stderr bash -c "$stage -q $(options_of "$stage") $input >/dev/full"
		assert_fails "$stage" "cannot write 'standard output': No space left on device"
		rm -f split.out # complete before the first byte on stdout
	done
	run --separate-stderr neumf-train -q --device cpu -o /dev/full triple.cof
	assert_fails neumf-train "cannot write '/dev/full'"
	run --separate-stderr ml-split -q --test /dev/full ratings.tsv
	assert_fails ml-split "cannot write '/dev/full'"
	assert_nothing_left
}

@test "a closed standard output is an error, and no file takes its place or that of stderr" {
	for stage in $STAGES; do
		[[ $stage == *-train ]] && continue
		run --separate-stderr bash -c "$stage -q $(options_of "$stage") <$(input_of "$stage") >&-"
		assert_fails "$stage" "'standard output'"
		run --separate-stderr bash -c "$stage --help >&-"
		assert_fails "$stage" "'standard output'"
	done
	ml-split -q --test good.out ratings.tsv >/dev/null
	cmp split.out good.out
	neumf-train --device cpu -o model.out triple.cof <&- >&- 2>&-
	cmp model.out model.safetensors
	ml-split --test noted.out ratings.tsv 2>&- >/dev/null
	cmp noted.out good.out
}

@test "a reader that goes away ends a stage quietly" {
	for stage in $STAGES; do
		[[ $stage == *-train ]] && continue
		# shellcheck disable=SC2046
		run --separate-stderr python3 -c 'import os, subprocess, sys
r, w = os.pipe()
os.close(r)
p = subprocess.run(sys.argv[1:], stdout=w, stderr=subprocess.PIPE)
print(p.returncode, p.stderr.decode())' "$stage" -q $(options_of "$stage") "$(input_of "$stage")"
		assert_equal "$output" "-13 "
	done
}

@test "binary is not written to a terminal, nor read from one" {
	on_terminal() {
		python3 - "$@" <<-'EOF'
			import os, pty, subprocess, sys
			master, slave = pty.openpty()
			end, args = sys.argv[1], sys.argv[2:]
			stdin = slave if end == "in" else subprocess.DEVNULL
			stdout = slave if end == "out" else subprocess.DEVNULL
			p = subprocess.run(args, stdin=stdin, stdout=stdout, stderr=subprocess.PIPE, timeout=20)
			os.set_blocking(master, False)
			try: shown = os.read(master, 1000)
			except BlockingIOError: shown = b""
			print(p.stderr.decode(), end="", file=sys.stderr)
			sys.exit(p.returncode if not shown else 99)
		EOF
	}
	for stage in $WRITERS; do
		# shellcheck disable=SC2046
		run --separate-stderr on_terminal out "$stage" -q $(options_of "$stage") "$(input_of "$stage")"
		assert_status 2
		assert_contains "$stderr" "$stage: 'standard output' is a terminal"
		rm -f split.out
	done
	for way in "--to cof" "--to npy"; do
		# shellcheck disable=SC2086
		run --separate-stderr on_terminal out cof-cat $way score.cof
		assert_status 2
		assert_contains "$stderr" "cof-cat: 'standard output' is a terminal"
	done
	for stage in $STAGES; do
		# shellcheck disable=SC2046
		run --separate-stderr on_terminal in "$stage" -q $(options_of "$stage")
		assert_status 2
		assert_contains "$stderr" "$stage: 'standard input' is a terminal"
	done
	assert_nothing_left
}

# Wait for the background processes $1 and $2; $2's status in $status, what it said in $stderr.
wait_for_both() {
	wait "$1" || true
	status=0
	wait "$2" || status=$?
	stderr=$(cat err)
}

@test "a stage killed upstream fails every reader, with and without pipefail; no model is left" {
	for stage in $READERS; do
		input=$(input_of "$stage")
		mkfifo pipe
		{
			head -c -20 "$input"
			kill -KILL $BASHPID
		} >pipe &
		first=$!
		# shellcheck disable=SC2046
		"$stage" -q $(options_of "$stage") <pipe >out 2>err &
		wait_for_both $first $!
		assert_fails "$stage" "truncated"
		rm pipe out err
		assert_nothing_left "$stage"
	done
}

@test "a stage killed in the middle of a running pipe: the end of the pipe fails, its file is not there" {
	mkfifo one two
	negsample -q --epochs 4000000 train.cof >one &
	first=$!
	cof-cat --to cof <one >two &
	middle=$!
	neumf-train -q --device cpu --log log -o model.out <two 2>err &
	last=$!
	until [ -s log ]; do sleep 0.05; done
	kill -KILL $middle
	wait $first || first_status=$?
	assert_equal "$first_status" 141
	wait_for_both $middle $last
	assert_fails neumf-train "'standard input' ends after"
	rm one two log err
	assert_nothing_left
}

@test "a signal removes unfinished files and leaves the old one" {
	cp model.safetensors model.out
	mkfifo pipe
	negsample -q --epochs 4000000 train.cof >pipe &
	first=$!
	neumf-train -q --device cpu --log log -o model.out <pipe &
	last=$!
	until [ -s log ]; do sleep 0.05; done
	kill -TERM $last
	wait $last || status=$?
	assert_equal "$status" 143
	wait $first || true
	cmp model.safetensors model.out
	rm pipe log model.out
	assert_nothing_left
}

@test "a file over the limit of sizes leaves no part of itself" {
	seq 30000 | awk '{ print $1 % 9000 "\t" $1 "\t1\t" $1 }' >in.tsv
	(ulimit -c 0 -f 8 && exec ml-split -q --test big.cof in.tsv >/dev/null) || status=$?
	assert_equal "$status" $((128 + $(kill -l XFSZ)))
	rm in.tsv
	assert_nothing_left
}

# The options that name a file: what a stage reads beside its input, what it writes beside standard output.
reads_of() {
	case $1 in
	cof-import | ml-split) echo --known-users --known-items ;;
	negsample) echo --exclude ;;
	neumf-score) echo --model --seen --user-items --candidates ;;
	pop-score) echo --train --seen --user-items --candidates ;;
	knn-score | ease-score) echo --train --model --seen --user-items --candidates ;;
	neumf-train) echo --resume --exclude ;;
	rank-eval) echo --truth --train --item-ids ;;
	cof-lint) echo --valid --test --candidates --model ;;
	cof-cat) echo --like --item-ids --user-ids --input ;;
	esac
}

writes_of() {
	case $1 in
	cof-import) echo --user-ids --item-ids ;;
	ml-split) echo --test --valid --user-ids --item-ids ;;
	neumf-train) echo --output --log --save-epochs --checkpoint ;;
	ials-train) echo --output ;;
	knn-score | ease-score) echo --save-model ;;
	rank-eval) echo --per-user ;;
	planted) echo --truth ;;
	esac
}

# words_to_write STAGE OPTION FILE INPUT: those of a run that reads INPUT and writes FILE.
words_to_write() {
	case $2 in
	--save-model) echo "--train $4 $2 $3" ;; # in place of scoring
	*) echo "$(options_of "$1" || true) $2 $3 $4" ;;
	esac
}

@test "every option that names a file is known here as one that is read or one that is written" {
	for program in $STAGES planted; do
		options "$program" 'select(.file) | "--" + .name' | sort >named
		{ reads_of "$program" && writes_of "$program"; } | tr ' ' '\n' | sort | diff named - || {
			echo "$program: other options than reads_of and writes_of say"
			return 1
		}
	done
}

# refused TEXT COMMAND...: wrong usage, and "x" is what it was
refused() {
	run --separate-stderr bash -c "$2"
	if [ "$status" -ne 2 ] || [[ $stderr != *" is also "* ]] || [[ $stderr != *"$1"* ]] || [ "$(wc -l <<<"$stderr")" -ne 2 ] || ! cmp x kept; then
		echo "$2: status $status: $stderr"
		return 1
	fi
}

# Names of the file x of folder/; the fourth is a hard link, /dev/fd/9 is opened by the commands.
other_names() {
	echo "x ./x $PWD/x hard soft back/x /dev/fd/9"
}

make_other_names() {
	cp "$1" x
	cp x kept
	ln -f x hard
	ln -sf x soft
	ln -sfn . back
	exec 9<>x
}

@test "no output is an input, by whatever name: wrong usage, and the input stays" {
	for stage in $STAGES; do
		input=$(input_of "$stage")
		words=$(options_of "$stage")
		make_other_names "$input"
		find . | sort >../before
		for name in $(other_names); do
			for option in $(writes_of "$stage"); do
				[ "$option" = --save-epochs ] && continue
				refused "the input 'x'" "$stage $words $option $name x"
				refused "standard input" "$stage $words $option $name <x"
				gzip -c kept >x
				gzip -c kept >packed
				run bash -c "$stage $words $option $name x"
				assert_status 2
				cmp x packed
				cat kept >x
				rm packed
				for side in $(reads_of "$stage"); do
					# read whole before it is replaced
					[ "$option $side" = "--checkpoint --resume" ] && continue
					refused "of $side" "$stage $words $side x $option $name $input"
				done
			done
			[ "$stage" = neumf-train ] && continue
			refused "the input '$name'" "$stage $words $name 1<>x"
			for side in $(reads_of "$stage"); do
				refused "of $side" "$stage $words $side $name $input 1<>x"
			done
		done
		if [ "$stage" != neumf-train ]; then
			refused "standard input" "$stage $words <x 1<>x"
			refused "standard input" "$stage $words <x >>x"
			refused "the input './x'" "$stage $words ./x >>x"
		fi
		assert_nothing_left "$stage"
		exec 9>&-
		rm x hard soft back kept
	done
}

@test "no output is another: names that exist, and two spellings of one that does not" {
	for stage in $STAGES planted; do
		input=$(input_of "$stage")
		words=$(options_of "$stage" || true)
		make_other_names train.cof
		ln -s new dangling
		find . | sort >../before
		for one in $(writes_of "$stage"); do
			[ "$one" = --save-epochs ] && continue
			for two in $(writes_of "$stage"); do
				[ "$one" = "$two" ] || [ "$two" = --save-epochs ] && continue
				for name in $(other_names); do
					refused "of --" "$stage $words $one x $two $name $input"
				done
				for name in new ./new "$PWD/new" back/new dangling; do
					refused "of --" "$stage $words $one new $two $name $input"
				done
			done
			if [ "$stage" != neumf-train ]; then
				for name in $(other_names); do
					refused "standard output" "$stage $words $one $name $input 1<>x"
				done
				for name in - /dev/stdout /dev/fd/1 /proc/self/fd/1; do
					refused "standard output" "$stage $words $one $name $input | cat; exit \${PIPESTATUS[0]}"
				done
			fi
			# the line itself is appended to x
			run bash -c "$stage $words $one x $input 2>>x"
			assert_status 2
			tail -n 2 x | head -n 1 | grep -q "'x' of $one is also standard error: messages go there"
			cat kept >x
		done
		assert_nothing_left "$stage"
		exec 9>&-
		rm x hard soft back kept dangling
	done
}

@test "outputs are opened before the first row is read" {
	mkfifo slow
	exec 8<>slow
	find . | sort >../before
	for stage in $STAGES; do
		for option in $(writes_of "$stage"); do
			head -c -30 "$(input_of "$stage")" >&8 # the rest never comes
			# shellcheck disable=SC2046
			run --separate-stderr timeout 20 "$stage" -q $(words_to_write "$stage" "$option" no/folder slow)
			assert_status 1
			assert_error "$stage" "'no/folder"
			timeout 0.1 cat slow >../rest || true
		done
		assert_nothing_left "$stage"
	done
	exec 8>&-
}

@test "an empty name is wrong usage, whatever it is the name of" {
	for stage in $STAGES planted; do
		for option in $(reads_of "$stage") $(writes_of "$stage"); do
			words=$(options_of "$stage" || true)
			# shellcheck disable=SC2086
			run --separate-stderr to_file "$stage" $words "$option" ""
			assert_usage_error "$stage" "option $option: the name is empty"
		done
		[ "$stage" = planted ] && continue
		run_stage "$stage" ""
		assert_usage_error "$stage" "the name of an input is empty"
	done
	assert_nothing_left
}

@test "a name may have 255 bytes" {
	long=$(printf 'n%.0s' {1..255})
	for stage in $STAGES planted; do
		for option in $(writes_of "$stage"); do
			[[ $option = --save-epochs || $option = --checkpoint ]] && continue # written on the way
			for _ in new old; do
				# shellcheck disable=SC2046
				"$stage" -q $(words_to_write "$stage" "$option" "$long" "$(input_of "$stage")") >/dev/null
				[ -s "$long" ]
			done
			rm -f "$long" split.out model.out
		done
	done
	assert_nothing_left
}

@test "a file that is a mount point, as containers make them, is refused before the work" {
	: >target
	: >source
	mount --bind source target 2>/dev/null || skip "cannot mount"
	run --separate-stderr neumf-train -q --device cpu -o target triple.cof
	umount target
	assert_status 1
	assert_error neumf-train "cannot replace 'target': it is a mount point"
}

# Where the file system has nameless files; elsewhere the next run removes what is left (test_whole_file).
@test "SIGKILL at any time leaves nothing, the old output stays" {
	python3 -c 'import os; os.close(os.open(".", os.O_TMPFILE | os.O_WRONLY))' || skip "no O_TMPFILE here"
	cp model.safetensors model.out
	ln model.out old.out
	find . | sort >../before
	for moment in 1 2 3 4 5 6 7 8; do
		{ negsample -q --epochs 4000000 train.cof || true; } | timeout -s KILL "0.0$moment" neumf-train -q --device cpu \
			-o model.out || true
		assert_nothing_left
	done
	cmp model.out old.out
	timeout -s KILL 0.02 ml-split -q --test t --valid v --user-ids u --item-ids i <(cat ratings.tsv && sleep 9) || true
	assert_nothing_left
}

@test "records do not go where the messages go" {
	for stage in $WRITERS; do
		run bash -c "$stage -q $(options_of "$stage") $(input_of "$stage") >both 2>&1"
		assert_status 2
		assert_contains "$(cat both)" "$stage: 'standard output' and standard error are one file"
		rm both
		rm -f split.out
	done
	assert_nothing_left
}

@test "no progress and no carriage return where stderr is no terminal" {
	for stage in $STAGES; do
		# shellcheck disable=SC2046
		"$stage" $(options_of "$stage") "$(input_of "$stage")" >/dev/null 2>err
		! grep -q $'\r' err || return 1
	done
}

@test "numbers do not follow the locale" {
	if ! locale -a | grep -qi '^de_DE\.utf-\?8'; then
		mkdir locale
		localedef -i de_DE -f UTF-8 locale/de_DE.UTF-8 2>/dev/null || skip "no locale de_DE.UTF-8, and no sources of it"
		export LOCPATH=$PWD/locale
	fi
	for stage in $STAGES; do
		# shellcheck disable=SC2046
		"$stage" -q $(options_of "$stage") "$(input_of "$stage")" >one
		# shellcheck disable=SC2046
		LC_ALL=de_DE.UTF-8 "$stage" -q $(options_of "$stage") "$(input_of "$stage")" >two
		cmp one two
	done
	LC_ALL=de_DE.UTF-8 neumf-train -q --device cpu --lr 0.005 -o model.out triple.cof
	run --separate-stderr env LC_ALL=de_DE.UTF-8 neumf-train --lr 0,005 -o model.out triple.cof
	assert_status 2
}
