# The rows of a table of systems, the best first: means and standard deviations over seeds, what is published, the
# difference from the baseline, and how the settings were chosen. table.sh has the names of the inputs.
def mean: add / length;
def sd: if length < 2 then null else mean as $m | (map(. - $m | . * .) | add) / (length - 1) | sqrt end;

($metrics | split(" ")) as $names
| ($published | split("\n") | map(select(length > 0 and (startswith("#") | not)) | split("\t"))
	| map(select(.[0] == $data) | {system: .[1], source: .[4],
		published: {($names[0]): (.[2] | tonumber), ($names[1]): (.[3] | tonumber)}})) as $others
| ($rows | group_by(.system) | map(.[0].system as $system
	| ($settings | map(select(.system == $system)) | last) as $chosen
	| ($others | map(select(.system == $system)) | first) as $other
	| ($comparison[0] | map(select(.system == $system and .metric == $names[1])) | first) as $difference
	| {$system,
		seeds: map(.seed),
		mean: (. as $rows | $names | map(. as $n | {($n): ($rows | map(.metrics[$n]) | mean)}) | add),
		sd: (. as $rows | $names | map(. as $n | {($n): ($rows | map(.metrics[$n]) | sd)}) | add),
		published: $other.published, source: $other.source,
		difference: $difference.difference, interval: $difference.interval, p: $difference.p, holm: $difference.holm,
		setting: $chosen.setting, epochs: $chosen.epochs, epochs_tried: $chosen.tried, valid: $chosen.valid, seconds_to_choose: $chosen.seconds,
		seconds: (map(.seconds) | mean)})
	| sort_by(-.mean[$names[1]])) as $table
| ($others | map(select(.system as $s | $table | all(.system != $s)))) as $only_published
| {data: $data, metrics: $names, baseline: $baseline, table: $table, only_published: $only_published, systems: $rows,
	comparison: $comparison[0], seconds: $seconds}
