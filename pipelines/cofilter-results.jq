# cofilter-results.jq: results.json of a run, from what its tasks have left. Rows are lines of text, fields by tabs.
def rows: split("\n") | map(select(. != "") | split("\t"));
def scored: {item: .[2], name: .[4], score: (.[3] | tonumber)};

$comparison[0] as $c
| ($liked | rows) as $liked
| ($top | rows) as $top
| ($names | rows | map({(.[1]): (.[2] // .[1])}) | add) as $name
| ($neighbours | rows) as $neighbours
| ([$c.systems[].name | sub("^test/"; "") | sub("\\.ranks\\.cof$"; "")]) as $compared

# comparisons come metric by metric, in the order of the systems behind the first
| (reduce ($c.comparisons | group_by(.metric))[] as $group ({};
	reduce range($group | length) as $k (.; .[$compared[$k + 1]][$group[$k].metric] = $group[$k].holm.randomization))) as $p
| {
	cofilter: $version,
	# as many as were read: those that stand for others, or were left out, are gone from ratings.cof
	input: {name: $file, rows: ($rows - $below + ([$dropped[]] | add // 0)), dropped: $dropped},
	stat: $stat[0],
	lint: $lint[0],
	split: {mode: $mode, train: $train, valid: $valid, test: $test, users_in_train_alone: $alone, seed: $seed,
		min_rating: (if $min_rating == "" then null else $min_rating | tonumber end)},
	metric: "NDCG@10",
	best_baseline: $baseline,
	winner: $winner,
	systems: [$systems[] | .id as $id | ($compared | index($id)) as $k | . + {
		interval: ($c.systems[$k].metrics | map_values(.interval)),
		p: (if $k == 0 then null else $p[$id] end)
	}],
	curves: $curves,
	users: [$liked | reduce .[][0] as $u ([]; if index($u) then . else . + [$u] end) | .[] as $u | {
		user: $u,
		liked: [$liked[] | select(.[0] == $u) | {item: .[1], name: .[2]}],
		recommended: [$top[] | select(.[0] == $u) | scored]
	}],
	neighbours: [$popular | rows[] | .[0] as $k | {
		item: .[1],
		name: $name[.[1]],
		similar: [$neighbours[] | select(.[0] == $k) | scored]
	}],
	commands: ($lines | split("\n") | map(select(. != ""))),
	versions: {cofilter: $version}
}
