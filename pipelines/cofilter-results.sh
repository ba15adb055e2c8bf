# shellcheck shell=sh disable=SC2034,SC2154
# cofilter-results: what a run hands over: recommendations.tsv, results.json, times.json and the table.

# joined CONDITION: lines "user TAB item TAB rank TAB score", dense items, as those of recommendations.tsv
joined() {
	printf '%s\n' "awk -F '\\t' -v OFS='\\t' 'NR == FNR { raw[\$1] = \$2; name[\$1] = \$3 == \"\" ? \$2 : \$3; next } $1{ print \$1, \$3, raw[\$2], \$4, name[\$2] }' names.tsv -"
}

# positive_only ID: a similarity of 0 is no recommendation; other systems' scores have no such zero
positive_only() {
	# shellcheck disable=SC2016
	case $1 in knn | rp3beta) echo '$4 > 0 ' ;; esac
}

recommendations() {
	add .tasks/recommended "cof-cat --user-ids users.tsv top.cof" "$(joined "$(positive_only "$winner")")"
	task recommendations 'top.cof users.tsv names.tsv' .tasks/recommended
	{
		printf 'user\trank\titem\tscore\tname\n'
		cat .tasks/recommended
	} >recommendations.tsv.part
	mv recommendations.tsv.part recommendations.tsv
}

# shellcheck disable=SC2016
# neighbours: similar.safetensors, and the items nearest to the five most popular as .tasks/near
neighbours() {
	cof-cat all.cof | awk -F '\t' '{ n[$2]++ } END { for (item in n) print n[item] "\t" item }' | sort -k1,1nr -k2,2n | head -n 5 |
		awk -F '\t' -v OFS='\t' 'NR == FNR { raw[$1] = $2; next } { print FNR - 1, raw[$2], 0 }' items.tsv - >.tasks/popular
	add .tasks/popular.cof "cof-cat --from tsv --users 5 --item-ids items.tsv .tasks/popular"
	add - 'knn-score -q --train all.cof --neighbours 200 --save-model similar.safetensors'
	add .tasks/near "knn-score -q --model similar.safetensors --user-items .tasks/popular.cof --all-items --seen .tasks/popular.cof --top 10 .tasks/popular.cof" \
		'cof-cat' "$(joined '$4 > 0 ')"
	task neighbours 'all.cof names.tsv .tasks/popular' '.tasks/near similar.safetensors'
}

# shown_users: five users from busy to quiet; what they liked best and latest, as .tasks/liked: user, item, name
shown_users() {
	cof-cat all.cof | awk -F '\t' '{ n[$1]++ } END { for (user in n) print n[user] "\t" user }' | sort -k1,1nr -k2,2n >.tasks/active
	awk -F '\t' '{ user[NR] = $2 } END { for (k = 1; k <= 9; k += 2) { u = user[int(NR * k / 10) + 1]; if (!(u in seen)) print u; seen[u] } }' .tasks/active >.tasks/shown
	cof-cat ratings.cof | awk -F '\t' -v OFS='\t' 'NR == FNR { place[$1] = NR; next } $1 in place && (min == "" || $3 >= min + 0) { print place[$1], $3, $4, FNR, $1, $2 }' .tasks/shown min="${opt_min_rating:-}" - |
		sort -k1,1n -k2,2gr -k3,3nr -k4,4n | awk -F '\t' -v OFS='\t' '
			FILENAME == "users.tsv" { user[$1] = $2; next }
			FILENAME == "names.tsv" { raw[$1] = $2; name[$1] = $3 == "" ? $2 : $3; next }
			++n[$1] <= 10 { print user[$5], raw[$6], name[$6] }' users.tsv names.tsv - >.tasks/liked
}

# command_lines: the commands of the run, a line each
command_lines() {
	awk -v us="$US" '{
		n = split($0, part, us)
		line = part[2]
		for (k = 3; k <= n; k++) line = line " | " part[k]
		print line (part[1] == "-" ? "" : " >" part[1])
	}' .tasks/commands
}

# dropped BELOW: ratings that cof-import and --min-rating, BELOW of them, have left out, {"what": count}
dropped() {
	{
		sed -n 's/^cof-import: \(ratings [a-z].*\): \([0-9]*\)$/\1\t\2/p' import.log
		[ "$1" -eq 0 ] || printf 'ratings below %s\t%s\n' "$opt_min_rating" "$1"
	} |
		jq -R -s -c 'split("\n") | map(select(. != "") | split("\t") | {(.[0]): (.[1] | tonumber)}) | add // {}'
}

# system_lines: an object a system, in the order of the table
system_lines() {
	for id in $chosen_systems; do
		jq -n -c --arg id "$id" --arg title "$(label_of "$id")" --slurpfile tried .tasks/tried --slurpfile chosen .tasks/chosen \
			--slurpfile test "test/$id.json" --slurpfile top "test/$id.top.json" '
			def plain: sub("^\\| "; "");
			($chosen[] | select(.id == $id)) as $c |
			{id: $id, label: $title, tried: [$tried[] | select(.id == $id) | {setting: (.setting | plain), epoch, valid}],
			 setting: ($c.setting | plain), epoch: $c.epoch, valid: $c.valid,
			 test: ($test[0].metrics + ($top[0].metrics | with_entries(select(.key | test("^(coverage|novelty|popularity|long_tail)"))))),
			 activity: ($test[0].activity // []), popularity: ($test[0].popularity // [])}'
	done
}

# curve_lines: an object a system that is trained by epochs
curve_lines() {
	for id in $chosen_systems; do
		by_epochs "$id" || continue
		jq -s -c --arg id "$id" --arg title "$(label_of "$id")" --argjson kept "$(chosen "$id" epoch)" \
			'{id: $id, label: $title, points: map({epoch, loss, valid: .metric}), kept: $kept}' "tune/$id-$(chosen "$id" k).jsonl"
	done
}

results_json() {
	system_lines >.tasks/systems
	curve_lines >.tasks/curves
	command_lines >.tasks/lines
	awk -F '\t' 'NR == FNR { shown[$1]; next } $1 in shown' .tasks/liked recommendations.tsv >.tasks/shown-top
	rows=$(cof-cat --count ratings.cof)
	below=$((rows - rows_train - rows_valid - rows_test))
	alone=$(sed -n 's/^ml-split: users with fewer than .* left in train: \([0-9]*\)$/\1/p' split.log)
	jq -n -f "$parts/cofilter-results.jq" --arg version "${version#* }" --arg file "${ratings##*/}" --argjson rows "$rows" --argjson below "$below" \
		--argjson alone "${alone:-0}" --argjson dropped "$(dropped $below)" --arg mode "${opt_mode:-leave-one-out}" --arg min_rating "${opt_min_rating:-}" \
		--argjson seed "$seed" --argjson train "$rows_train" --argjson valid "$rows_valid" --argjson test "$rows_test" \
		--arg winner "$winner" --arg baseline "$best_baseline" --slurpfile stat stat.json --slurpfile lint lint.json \
		--slurpfile systems .tasks/systems --slurpfile curves .tasks/curves --slurpfile comparison comparison.json \
		--rawfile liked .tasks/liked --rawfile top .tasks/shown-top --rawfile popular .tasks/popular \
		--rawfile neighbours .tasks/near --rawfile names names.tsv --rawfile lines .tasks/lines >results.json.part
	for file in .tasks/*; do
		[ ! -f "$file" ] || [ ! -s "$file" ] || case ${file#.tasks/} in
		tune-* | test-* | import | stat | names | split | lint | comparison | winner | recommendations | neighbours)
			printf '%s\t%s\n' "${file#.tasks/}" "$(sed -n 2p "$file")"
			;;
		esac
	done | jq -R -s 'split("\n") | map(select(. != "") | split("\t") | {(.[0]): (.[1] | tonumber)}) | add' >times.json
	mv results.json.part results.json
}

# result_table: on standard output, 80 columns at most
result_table() {
	jq -r '.metric as $m | .best_baseline as $b | .systems | sort_by(-.valid)[] |
		[.label, .valid, .test[$m], .interval[$m][], .test["HR@10"], (if .id == $b then "baseline" else .p[$m] end)] | @tsv' results.json |
		awk -F '\t' '
			BEGIN { printf "\n%-9s %8s %8s  %-18s %7s  %s\n", "NDCG@10", "valid", "test", "95 % interval", "HR@10", "p, Holm" }
			{ printf "%-9s %8.4f %8.4f  [%.4f, %.4f]   %7.4f  %s\n", $1, $2, $3, $4, $5, $6, $7 == "baseline" ? $7 : $7 < .0001 ? "<.0001" : sprintf("%.4f", $7) }'
	jq -r '(.systems | map({(.id): .}) | add) as $s | $s[.winner] as $w | $s[.best_baseline] as $b | .split as $split |
		"\np: of the difference to \($b.label), the best baseline on valid, user by user on test.",
		(if $split.test < 100 then "Only \($split.test) rows are held out: the intervals say how little that tells." else empty end),
		"winner: \($w.label), the best on valid\(if $w.setting == "" then "" else ": " + $w.setting end)\(if $w.epoch then ", epoch \($w.epoch)" else "" end)"' results.json | wrap 4
}

results() {
	say "${NL}== results"
	recommendations
	neighbours
	shown_users
	results_json
	result_table
	[ ! -e "$parts/report.sh" ] || sh "$parts/report.sh" .
	written=$(awk 'NR > 1 && !($1 in seen) { seen[$1]; n++ } END { print n + 0 }' FS='\t' recommendations.tsv)
	say "
$run/recommendations.tsv: the best 10 for each of $written users
$run/results.json: all of the above (seconds: $run/times.json)
$([ ! -e report.html ] || echo "$run/report.html: the same as a page")
Go on: cofilter recommend $(quote "$run") --user $(quote "$(head -n 1 users.tsv | cut -f 2)")"
}
