#!/usr/bin/env bats
# The pages say what is true: every example of README.md, CONTRIBUTING.md, docs/ and the man pages is run, what a page
# shows as output is compared, and files, folders and make goals that it names exist. examples.awk takes the examples
# out of a page and says how a page marks them.
# Backquotes in single quotes are Markdown's.
# shellcheck disable=SC2154,SC2016

load helper

# The folder in which the examples of a page run, by what they call the files.
setup_file() {
	cd "$BATS_FILE_TMPDIR" || return 1
	mkdir given && cd given || return 1
	planted -q --ratings 20000 >u.data # 943 users, 1682 items, as the examples have them
	ml-split -q --test test-ratings.cof --user-ids users.tsv --item-ids items.tsv u.data | tee ratings.cof | binarize -q >train.cof
	binarize -q test-ratings.cof >test.cof
	ln test.cof valid.cof
	gzip -kn train.cof
	awk -F '\t' -v OFS='\t' '{ print $1, $2, "item " $2 }' items.tsv >titles.tsv
	negsample -q train.cof | neumf-train -q --device cpu -o model.safetensors
	ln model.safetensors m.safetensors
	pop-score -q --train train.cof --all-items --items 0:20 test.cof >scores.cof
	for stage in pop knn; do $stage-score -q --train train.cof --all-items --ranks test.cof >$stage.cof; done
	other_logs
}

# Logs in other people's formats, and two days of interactions.
other_logs() {
	awk -F '\t' -v OFS=, 'BEGIN { print "when,customer,product,stars" } { print $4, "c" $1, "p" $2, $3 }' u.data >orders.csv
	awk -F '\t' -v OFS='\t' '{ print "p" $2, "Product " $2 }' items.tsv >products.tsv
	awk -F '\t' -v OFS=, '{ print "u" $1, "i" $2, 0, $4 }' u.data | gzip -n >sales.csv.gz
	awk -F '\t' -v OFS=, 'BEGIN { print "user,item,rating,time" } { print $1, $2, $3, $4 }' u.data | tee ratings.csv >today.csv
	head -n 5000 u.data >ml-1m.train.rating
	printf '(0,25)\t1064\t174\n(1,133)\t1072\t3154\n' >ml-1m.test.negative
	cp train.cof.gz monday.cof.gz
	gzip -cn test.cof >tuesday.cof.gz
}

# run_page PAGE: run its examples in a folder of their own, one after the other; `output` has the first that fails.
run_page() {
	rm -rf page blocks
	cp -r "$BATS_FILE_TMPDIR/given" page
	mkdir blocks
	awk -v out="$PWD/blocks" -f "$ROOT/tests/examples.awk" "$1"
	for block in blocks/*; do
		[ -e "$block" ] || return 0
		if ! (cd page && run_block "../$block" "${block##*.}" >../log 2>&1); then
			printf '%s, example %s:\n' "${1#"$ROOT"/}" "${block#blocks/}"
			sed 1d "$block"
			echo "failed:"
			cat log
			return 1
		fi
	done
}

# run_block FILE KIND: in the folder of the page
run_block() {
	local argument
	argument=$(sed -n '1s/^# //p' "$1")
	case $2 in
	sh) run_shell "$1" ;;
	console) run_console "$1" ;;
	python) run_python "$1" "$argument" ;;
	text) ;;
	*) echo "a block is marked '$2': sh, console, python or text" && return 1 ;;
	esac
}

# A pipe that ends in head may end the stages before it by SIGPIPE.
run_shell() {
	local status=0
	bash -eo pipefail "$1" </dev/null || status=$?
	[ $status -eq 0 ] || { [ $status -eq 141 ] && grep -qE '(\| |^ +)head' "$1"; } || {
		echo "exit status $status"
		return 1
	}
}

# Lines "$ COMMAND", going on in lines "> ...", then what it prints; a line "..." stands for any lines.
run_console() {
	sed 1d "$1" >wanted
	awk '/^\$ / { if (command) print command > ("command." n); command = substr($0, 3); n++; next }
		/^> / { command = command "\n" substr($0, 3); next }
		{ print > ("wanted." n) }
		END { print command > ("command." n) }' wanted
	for ((n = 1; ; n++)); do
		[ -e command.$n ] || break
		touch wanted.$n
		bash -o pipefail command.$n >printed 2>&1 </dev/null || : # what it prints is what counts
		same_text wanted.$n printed || {
			printf 'printed by: %s\n' "$(cat command.$n)"
			diff wanted.$n printed
			return 1
		}
	done
	[ $n -gt 1 ]
	rm -f command.* wanted*
}

# same_text WANTED PRINTED
same_text() {
	awk -v printed="$2" '
		function same(i, j) { # the wanted lines from i on and those printed from j on
			if (i > n)
				return j > m
			if (want[i] != "...")
				return j <= m && want[i] == got[j] && same(i + 1, j + 1)
			return same(i + 1, j) || (j <= m && same(i, j + 1))
		}
		FILENAME == printed { got[++m] = $0; next }
		{ want[++n] = $0 }
		END { exit !same(1, 1) }' "$1" "$2"
}

# run_python BLOCK ARGUMENT: "FILE" saves a program, "needs=MODULE" passes over it where there is no such module
run_python() {
	local -x PYTHONPATH=$ROOT/lib/python PYTHONDONTWRITEBYTECODE=1
	case $2 in
	needs=*)
		/usr/bin/python3 -c "import ${2#needs=}" 2>/dev/null || return 0
		sed 1d "$1" | /usr/bin/python3 -
		;;
	'') sed 1d "$1" | /usr/bin/python3 - ;;
	*)
		sed 1d "$1" >"$2" && chmod +x "$2"
		/usr/bin/python3 -m py_compile "$2"
		;;
	esac
}

man_pages=("$ROOT"/stages/*.1 "$ROOT"/data/*.1 "$ROOT"/pipelines/*.1 "$ROOT"/lib/stream/record.5)
user_pages=("$ROOT"/*.md "$ROOT"/docs/*.md "$ROOT/lib/python/README.md")

@test "every example of README.md, CONTRIBUTING.md and docs/ runs, and prints what the page shows" {
	for page in "${user_pages[@]}"; do
		run_page "$page"
	done
}

@test "every example of every man page runs" {
	for page in "${man_pages[@]}"; do
		run_page "$page"
		ls blocks/*.sh >/dev/null 2>&1 || ls blocks/*.python >/dev/null # and there is one
	done
}

@test "every --help has three examples, and each of them runs" {
	for program in "$BUILD"/bin/*; do
		number=$("$program" --help-json | jq '.examples | length')
		assert_equal "${program##*/}: $number" "${program##*/}: 3"
		"$program" --help | sed '1,/^Examples:/d; s/^  //' | diff - <("$program" --help-json | jq -r '.examples[]')
		for ((k = 0; k < number; k++)); do
			{ echo "#" && "$program" --help-json | jq -r ".examples[$k]"; } >example
			rm -rf page
			cp -r "$BATS_FILE_TMPDIR/given" page
			if ! (cd page && run_block ../example sh) >log 2>&1; then
				cat example log
				return 1
			fi
			grep -q "${program##*/}" example
		done
	done
}

@test "examples that are not run are few, and each says why" {
	run grep -hE '^\.\\" example: text' "${man_pages[@]}"
	[ "${#lines[@]}" -le 3 ]
	for line in "${lines[@]}"; do
		[ "$(wc -w <<<"${line#*text}")" -ge 3 ]
	done
}

@test "an example that fails, prints something else or is not marked is found" {
	fault() {
		printf '%s\n' "$1" >page.md
		run run_page "$PWD/page.md"
		assert_equal "$status" 1
		assert_contains "$output" "$2"
	}
	printf '```%s\n%s\n```\n' sh 'cof-cat --count train.cof | head' console $'$ echo 1; echo 2; echo 3\n1\n...\n3' >page.md
	run_page "$PWD/page.md"
	fault $'```sh\ncof-cat --count no-such.cof | cat\n```' 'exit status 1'
	fault $'```sh\ncof-cat --count train.cof\nfalse\n```' 'exit status 1'
	fault $'```console\n$ cof-cat --count train.cof\n19058\n```' '> 19057'
	fault $'```console\n$ cof-cat --count no-such.cof\n```' 'cannot open'
	fault $'```console\n$ echo 1; echo 2\n1\n...\n3\n```' 'printed by: echo 1; echo 2'
	fault $'```\nno word after the fence\n```' 'is marked'
	fault $'```python\nimport no_such_module\n```' 'no_such_module'
	printf '%s\n' '.Sh EXAMPLES' '.Bd -literal' 'echo 1 |' '    cof-cat --from tsv --users 1 --items 1 >x.cof' .Ed >page.1
	run run_page "$PWD/page.1"
	assert_contains "$output" '1 fields, 3 expected'
	printf '%s\n' '.Sh EXAMPLES' 'It counts:' '.Dl cof-cat --count train.cof' '.Pp' '.Dl false' >page.1
	run run_page "$PWD/page.1"
	assert_contains "$output" '002.sh'
}

@test "files, folders and links that a page names exist" {
	for page in "${user_pages[@]}" "$ROOT"/lib/*/README.md "$ROOT"/tests/*/README.md; do
		# `lib/x.c`, `tests/cuda/*.cu`; but `stages/X.c`, where X stands for any name
		grep -oE '`(lib|stages|tests|docs|data|pipelines|\.ci)/[A-Za-z0-9_./*-]+`' "$page" | tr -d '`' | grep -v '/X' >names || :
		while read -r name; do
			compgen -G "$ROOT/$name" >/dev/null || echo "${page#"$ROOT"/}: $name"
		done <names >>missing
		grep -oE '\]\([^):]+\)' "$page" | sed 's/^](//; s/)$//; s/#.*//' >links || :
		while read -r name; do
			[ -e "$(dirname "$page")/$name" ] || echo "${page#"$ROOT"/}: link to $name"
		done <links >>missing
	done
	cat missing
	[ ! -s missing ]
}

@test "make goals that a page names exist" {
	make -C "$ROOT" -npq NVCC= 2>/dev/null | sed -n 's/^\([a-z][a-z-]*%\{0,1\}\):.*/\1/p' | sort -u >goals
	# "make goal" in backquotes or at the start of a line
	grep -ohE '(`|^ *|&& )make [a-z][a-z0-9-]*' "${user_pages[@]}" "$ROOT/tests/cuda/README.md" | sed 's/.*make //' | sort -u >named
	[ "$(wc -l <named)" -gt 10 ]
	sed -i 's/^pipeline-.*/pipeline-%/' named
	run comm -13 goals <(sort -u named)
	assert_equal "$output" ''
}

@test "architecture.md names every folder and module of lib/, and the rule of includes is the list that is checked" {
	page=$ROOT/docs/architecture.md
	for folder in "$ROOT"/lib/*/; do
		grep -q "\`$(basename "$folder")\`" "$page"
	done
	for header in "$ROOT"/lib/{base,stream,text,data,rank,model,linear,cli}/*.h; do
		module=$(basename "$header" .h)
		case $module in record_format) continue ;; esac # a part of record
		grep -qw "$module" "$page" || { echo "architecture.md does not name $module" && return 1; }
	done
	# "| `model` | `stream`, `rank/scorer.h` | because |" is "model stream rank/scorer.h" of the list
	awk -F '|' '/^### Who/ { on = 1 } /^The list is/ { on = 0 }
		on && $2 ~ /`/ {
			may = $3 ~ /nothing/ ? "" : $3
			gsub(/[`,]/, " ", may)
			gsub(/[` ]/, "", $2)
			n = split($2, who, ",")
			for (k = 1; k <= n; k++)
				print who[k], may
		}' "$page" |
		awk '{ $1 = $1; print }' | sort >page.rules
	sed 's/#.*//' "$ROOT/tests/include-rules" | awk 'NF { $1 = $1; print }' | sort | diff - page.rules
}

@test "no line of a page is longer than 118 columns, but for what a program printed" {
	for page in "${user_pages[@]}"; do
		awk -v page="${page##*/}" '/^```/ { text = /^```(text|console)/ } length($0) > 118 && !text { print page ":" FNR; bad = 1 } END { exit bad }' "$page"
	done
}
