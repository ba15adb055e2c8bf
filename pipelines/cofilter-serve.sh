# shellcheck shell=sh disable=SC2034,SC2154
# cofilter-serve: what a finished run is asked for: recommend, similar, compare.

recommend_options='user||ID|recommendations for this user of the ratings
likes||ITEM,ITEM,...|for somebody who likes these items: names or raw ids
like||[ITEM]|one such item, whose name may hold commas (may be repeated)
exclude|x|[FILE or ITEM]|never these: an item, or a file with one per line (may be repeated)
only||FILE|only items of this file, one per line
top|n|N|how many [10]
quiet|q||no notes'
similar_options='item||ITEM|the item: its name or raw id
top|n|N|how many [10]
quiet|q||no notes'
compare_options='metrics||LIST|what to compare [HR@10,NDCG@10]
json|||print JSON
quiet|q||no notes'

recommend_usage() {
	print_options "Usage: cofilter recommend [OPTION]... DIR
What the winner of a run recommends to one user, as lines of rank, item, score and name.

Options:
$recommend_options"
	printf '\nExample:\n  cofilter recommend out --user 414\n'
}

similar_usage() {
	print_options "Usage: cofilter similar [OPTION]... DIR
The items whose users are most those of an item (cosine), as lines of rank, item, score and name.

Options:
$similar_options"
	printf "\nExample:\n  cofilter similar out --item 'Toy Story (1995)'\n"
}

compare_usage() {
	print_options "Usage: cofilter compare [OPTION]... A B
Compare the winners of two runs on the same split, or two streams of ranks, user by user.

Options:
$compare_options"
	printf '\nExample:\n  cofilter compare out/test/ease.ranks.cof out/test/pop.ranks.cof\n'
}

# find_items OPTION MODE: the items that lines of standard input ask for, as dense TAB raw TAB name, by names.tsv.
# A line is an item; with MODE "list" it may be several, separated by commas, which names may hold too. Blanks around one
# are taken off where no id or name has them. What is not one item, or can be read in two ways, is said and ends it.
find_items() {
	awk -F '\t' -v option="$1" -v list="$2" '
		function fail(text) { printf "cofilter: %s\n", text >"/dev/stderr"; failed = 1; exit 1 }
		function show(lines, k, n, part, text) {
			n = split(lines, part, " ")
			for (k = 1; k <= n && k <= 5; k++) text = text sprintf("\n  %s  %s", raw[part[k]], name[part[k]])
			return text (n > 5 ? sprintf("\n  and %d more", n - 5) : "")
		}
		function near(text, k, lines) { # names that hold the text, whatever the case
			for (k = 1; k <= n; k++) if (index(tolower(name[order[k]]), tolower(text))) lines = lines " " order[k]
			return lines ? "; names that hold it:" show(lines) : ""
		}
		function trim(text) { gsub(/^ +| +$/, "", text); return text }
		function known(text) { return text in matches ? text : trim(text) in matches ? trim(text) : "" }
		function take(text, found, several) {
			found = matches[known(text)]
			text = trim(text)
			if (found == "") fail(sprintf("option --%s: no item \047%s\047%s", option, text, text == "" ? "" : near(text)))
			split(found, several, " ")
			if (2 in several) fail(sprintf("option --%s: \047%s\047 is more than one item; name it by an id or a name that it alone has:%s", option, text, show(found)))
			print several[1] "\t" raw[several[1]] "\t" name[several[1]]
		}
		# the ways to read pieces k and following as items, each one piece or some with the commas between them
		function readings(k, j, text, sum) {
			if (k > pieces) return 1
			if (k in ways) return ways[k]
			for (j = k; j <= pieces; j++) {
				text = j == k ? piece[j] : text "," piece[j]
				if (known(text) != "" && readings(j + 1)) { sum += readings(j + 1); if (j > longest[k]) longest[k] = j }
			}
			return ways[k] = sum + 0
		}
		function take_list(line, k, j, text) {
			pieces = split(line, piece, ",")
			split("", ways); split("", longest)
			if (readings(1) > 1)
				fail(sprintf("option --%s: \047%s\047 can be read in %d ways, since names hold commas; --like ITEM, repeated, takes one item each", option, line, readings(1)))
			for (k = 1; k <= pieces; k = j + 1) {
				j = k in longest ? longest[k] : k
				text = piece[k]
				for (m = k + 1; m <= j; m++) text = text "," piece[m]
				if (text != trim(text) && text in matches && trim(text) in matches)
					fail(sprintf("option --%s: \047%s\047 is an item with its blanks and one without; --like ITEM takes it as it is", option, text))
				take(text)
			}
		}
		FILENAME == "names.tsv" {
			raw[$1] = $2; name[$1] = $3 == "" ? $2 : $3
			order[++n] = $1
			matches[$2] = matches[$2] " " $1
			if ($3 != "" && $3 "" != $2 "") matches[$3] = matches[$3] " " $1
			next
		}
		{ sub(/\r$/, ""); if (FNR == 1) sub(/^\357\273\277/, "") } # as files from elsewhere have them
		$0 == "" { next }
		list == "list" { take_list($0); next }
		{ take($0) }' names.tsv -
}

# The items of $1, dense TAB raw TAB name, as rows of a stream of one user whose dense id is $2; $3: cof-cat's options
stream_of() {
	awk -F '\t' -v OFS='\t' -v user="$2" '{ print user, $1, 0 }' "$1" >"$1.rows"
	# shellcheck disable=SC2086
	cof-cat --from tsv --like all.cof $3 "$1.rows" >"$1.cof" || exit 1
}

# answer DENSE-TOP: lines "user TAB item TAB rank TAB score" become rank, raw id, score, name
answer() {
	awk -F '\t' -v OFS='\t' -v only="$1" '
		FILENAME == "names.tsv" { raw[$1] = $2; name[$1] = $3 == "" ? $2 : $3; next }
		!only || $4 > 0 { print $3, raw[$2], $4, name[$2] }' names.tsv "$scratch/top"
}

# excluded: the items of --exclude into a file, dense TAB raw TAB name
excluded() {
	: >"$scratch/excluded"
	[ -n "${opt_exclude:-}" ] || return 0
	printf '%s\n' "$opt_exclude" >"$scratch/asked"
	while IFS= read -r word; do
		if [ -f "$start/$word" ] || { [ "${word#/}" != "$word" ] && [ -f "$word" ]; }; then
			! printf '%s\n' "$word" | find_items exclude '' >/dev/null 2>&1 ||
				die "option --exclude: '$word' is a file and an item: name the file as ./$word"
			file=$word
			[ "${word#/}" != "$word" ] || file=$start/$word
			find_items exclude '' <"$file" >>"$scratch/excluded" || exit 1
		else
			printf '%s\n' "$word" | find_items exclude '' >>"$scratch/excluded" || exit 1
		fi
	done <"$scratch/asked"
}

# serving DIR: into the folder of a finished run; sets $winner, $setting, $device
serving() {
	run_dir "$1"
	run=$1 start=$PWD
	cd "$1" || exit 1
	scratch_folder
	device=cpu
	top=${opt_top:-10}
	whole_number top "$top"
	eval "$(jq -r '.winner as $w | "winner=\($w | @sh) setting=\(.systems[] | select(.id == $w).setting | @sh)"' results.json)"
}

recommend() {
	parse "$recommend_options" "$@"
	if [ -n "${opt_help:-}" ]; then recommend_usage && return; fi
	expect_operands 1 1 'the folder of a run'
	[ -n "${opt_user:-}" ] || [ -n "${opt_likes:-}${opt_like:-}" ] || usage_error "--user or --likes says for whom"
	[ -z "${opt_user:-}" ] || [ -z "${opt_likes:-}${opt_like:-}" ] || usage_error "--user and --likes are two ways to say for whom: one of them"
	[ -z "${opt_only:-}" ] || [ -f "$opt_only" ] || die "'$opt_only' is not a file"
	only=${opt_only:+$(absolute "$opt_only")}
	serving "$operand_1"
	user=0 who='' train=all.cof
	if [ -n "${opt_user:-}" ]; then
		user=$(raw=$opt_user awk -F '\t' '$2 "" == ENVIRON["raw"] "" { print $1; exit }' users.tsv)
		[ -n "$user" ] || die "no user '$opt_user' in the ratings of '$run'; --likes recommends to somebody new"
		[ ! -e seen.cof ] || cof-cat all.cof | awk -F '\t' -v user="$user" '$1 == user { found = 1; exit } END { exit !found }' ||
			die "user '$opt_user' has no rating of the run's --min-rating or more: nothing is known to recommend by; --likes says it"
		printf '%s\t0\t0\n' "$user" | cof-cat --from tsv --like all.cof >"$scratch/who.cof"
	else
		{
			[ -z "${opt_likes:-}" ] || printf '%s\n' "$opt_likes" | find_items likes list || exit 1
			[ -z "${opt_like:-}" ] || printf '%s\n' "$opt_like" | find_items like '' || exit 1
		} >"$scratch/likes"
		stream_of "$scratch/likes" 0 ''
		mv "$scratch/likes.cof" "$scratch/who.cof"
		who="--user-items $scratch/who.cof"
		[ "$winner" = pop ] || train=
	fi
	excluded
	set -- --all-items --top "$top"
	if [ -n "$who" ]; then set -- "$@" --seen "$scratch/who.cof"; else set -- "$@" --seen "$(all_seen)"; fi
	if [ -s "$scratch/excluded" ]; then
		stream_of "$scratch/excluded" "$user" ''
		set -- "$@" --seen "$scratch/excluded.cof"
	fi
	if [ -n "$only" ]; then
		find_items only '' <"$only" >"$scratch/only" || exit 1
		[ -s "$scratch/only" ] || die "option --only: '$opt_only' names no item"
		stream_of "$scratch/only" 0 ''
		set -- "$@" --candidates "$scratch/only.cof"
	fi
	if [ -z "$who$only" ] && [ "$top" -le 10 ] && [ ! -s "$scratch/excluded" ]; then
		cof-cat top.cof >"$scratch/lists" || exit 1 # the best 10 of every user
		awk -F '\t' -v user="$user" -v top="$top" '$1 == user && $3 <= top' "$scratch/lists" >"$scratch/top"
	else
		# shellcheck disable=SC2046,SC2086
		$(scorer "$winner" "$train" model.safetensors) $who "$@" "$scratch/who.cof" >"$scratch/top.cof" || exit 1
		cof-cat "$scratch/top.cof" >"$scratch/top" || exit 1
	fi
	case $winner in knn | rp3beta) answer 1 ;; *) answer '' ;; esac >"$scratch/answer"
	told "$scratch/answer"
}

# told FILE: print the answer, or say that there is none
told() {
	[ -s "$1" ] || die "nothing to recommend: ${2:-no item is left that shares a user with these}"
	cat "$1"
}

similar() {
	parse "$similar_options" "$@"
	if [ -n "${opt_help:-}" ]; then similar_usage && return; fi
	expect_operands 1 1 'the folder of a run'
	[ -n "${opt_item:-}" ] || usage_error "--item says to which item"
	serving "$operand_1"
	printf '%s\n' "$opt_item" | find_items item '' >"$scratch/likes" || exit 1
	stream_of "$scratch/likes" 0 ''
	knn-score -q --model similar.safetensors --user-items "$scratch/likes.cof" --all-items --seen "$scratch/likes.cof" \
		--top "$top" "$scratch/likes.cof" >"$scratch/top.cof" || exit 1
	cof-cat "$scratch/top.cof" >"$scratch/top" || exit 1
	answer 1 >"$scratch/answer"
	told "$scratch/answer" "no item shares a user with this one"
}

# ranks_of PLACE: the stream of ranks that a run or a file is compared by
ranks_of() {
	if [ -d "$1" ]; then
		run_dir "$1"
		printf '%s/test/%s.ranks.cof\n' "$1" "$(jq -r .winner "$1/results.json")"
	else
		[ -e "$1" ] || die "'$1' does not exist"
		printf '%s\n' "$1"
	fi
}

compare() {
	parse "$compare_options" "$@"
	if [ -n "${opt_help:-}" ]; then compare_usage && return; fi
	expect_operands 2 2 'one of two runs or streams of ranks'
	# shellcheck disable=SC2154
	a=$(ranks_of "$operand_1")
	b=$(ranks_of "$operand_2")
	same_split "$a" "$b"
	exec rank-cmp ${opt_quiet:+-q} ${opt_json:+--json} ${opt_metrics:+--metrics "$opt_metrics"} "$a" "$b"
}

# same_split A B: streams of the same run of ml-split, or that is said
same_split() {
	for file; do
		cof-cat --header "$file" >/dev/null || exit 1
	done
	split_a=$(split_of "$1") split_b=$(split_of "$2")
	[ "$split_a" = "$split_b" ] ||
		die "'$1' and '$2' are of different splits: on other test rows a difference says nothing about the systems"
}

split_of() {
	cof-cat --header "$1" | jq -r '[.provenance[] | .split // empty] | join(" ")'
}
