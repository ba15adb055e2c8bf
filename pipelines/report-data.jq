# report-data: what the data are: counts, how popular items are, who has how many rows, when; what was dropped; lint.
include "report-text";
include "report-svg";

def row_word: .stat.kind // "" | if . == "rating" then "ratings" elif . == "interaction" then "interactions" else "rows" end;
def day: tostring | .[:10] | esc;

def tiles:
	row_word as $rows
	| .stat
	| [(.rows | values | [count, $rows]), (.users_seen // .users | values | [count, "users"]),
		(.items_seen // .items | values | [count, "items"]),
		(.density | values | [percent, "of all pairs of user and item"]),
		(.rows_per_user.median? | values | [short, "\($rows) of the median user"]),
		(.rows_per_item.median? | values | [short, "\($rows) of the median item"]),
		(.gini_items | values | [fixed(2), "Gini of the items’ \($rows): 0 all alike, 1 one has all"])]
	| map("<div class=\"tile\"><b>\(.[0])</b> \(.[1])</div>")
	| "<div class=\"tiles\">\(join(""))</div>";

# What share of the rows the most popular part of the items has.
def long_tail:
	row_word as $rows
	| .stat.popularity_curve
	| select(length == 21 and all(number)) as $share
	| {lo: 0, hi: 1, from: 42, to: 330} as $x
	| {lo: 0, hi: 1, from: 190, to: 12} as $y
	| [range(21) | [(. / 20 | at($x)), ($share[.] | at($y))]] as $points
	| [0, 0.25, 0.5, 0.75, 1 | {value: ., label: percent}] as $ticks
	| "The most popular fifth of the items has \($share[4] | percent) of the \($rows)" as $text
	| {width: 344, height: 226, body: (
		x_axis($ticks[1:]; $x; 12; 190) + y_axis($ticks; $y; 42; 330)
		+ ($points | path("area")) + line(42; 190; 330; 12; "even") + ($points | path("curve"))
		+ line($points[4][0]; $points[4][1]; $points[4][0]; 190; "drop") + dot($points[4][0]; $points[4][1]; 4; "mark")
		+ text($points[4][0] + 9; $points[4][1] + 16; "note"; "20 % of the items: \($share[4] | percent)")
		+ text(186; 222; "tick middle"; "items, the most popular first")
		+ ([range(1; 20) | . as $k | dot($points[$k][0]; $points[$k][1]; 7; "hit")
			| hint("\($k * 5) % of the items: \($share[$k] | percent) of the \($rows)")] | add))}
	| figure("long-tail"; "The long tail"; $text + "."; "Share of the \($rows). The straight line: every item alike.");

# Bars over [{value, label, hint}]: value is the height.
def bars($top; $bottom; $left; $right):
	(map(.value) | max) as $most
	| {lo: 0, hi: ([$most, 1e-9] | max), from: $bottom, to: $top} as $y
	| (($right - $left) / length) as $step
	| . as $bars
	| y_axis(ticks(0; $y.hi; 4) | map(.label = (.value | count)); $y; $left; $right)
	+ ([range(length) | . as $k | $bars[$k] | (.value | at($y)) as $height
		| rect($left + $k * $step + $step * 0.06; $height; $step * 0.88; $bottom - $height; "bar") | hint($bars[$k].hint)] | add);

# Ticks of time: first days of years, or of months; else none. Seconds since 1970.
def time_ticks($first; $last):
	(($last - $first) / 86400) as $days
	| if $days > 900 then
		tick_step($days / 365.25; 5) as $step | (if $step < 1 then 1 else $step end) as $step
		| range($first | gmtime[0] / $step | ceil * $step; ($last | gmtime[0]) + 1; $step)
		| {value: ([., 0, 1, 0, 0, 0, 0, 0] | mktime), label: tostring}
	elif $days > 62 then
		(if $days > 270 then 6 elif $days > 150 then 3 else 1 end) as $step
		| ($first | gmtime | .[0] * 12 + .[1]) as $from
		| range($from / $step | floor * $step; $from + $days / 28; $step)
		| {value: ([(. / 12 | floor), . % 12, 1, 0, 0, 0, 0, 0] | mktime),
			label: "\(. / 12 | floor)-\(. % 12 + 1 | if . < 10 then "0\(.)" else . end)"}
	else empty end
	| select(.value >= $first and .value <= $last);

def when:
	row_word as $rows
	| .stat.time
	| select(type == "object" and (.rows | type == "array" and length > 0 and all(number)))
	| . as $time
	| ([.first, .last | fromdateiso8601? // null] | if all(number) and .[0] < .[1] then . else null end) as $span
	| (.rows | length) as $n
	| (if $span then [range($n + 1) | $span[0] + ($span[1] - $span[0]) * . / $n | todate[:10]] else null end) as $days
	| {lo: ($span[0]? // 0), hi: ($span[1]? // 1), from: 50, to: 330} as $x
	| {width: 344, height: 212, body: (
		(if $span then x_axis([time_ticks($span[0]; $span[1])]; $x; 12; 180) else "" end)
		+ ([range($n) | {value: $time.rows[.],
				hint: ((if $days then "\($days[.]) to \($days[. + 1]): " else "" end) + ($time.rows[.] | count))}]
			| bars(12; 180; 50; 330))
		+ text(50; 209; "tick"; $time.first | tostring[:10]) + text(330; 209; "tick end"; $time.last | tostring[:10]))}
	| figure("when"; "When";
		"\($rows) from \($time.first) to \($time.last), in \($n) equal stretches; the fullest has \($time.rows | max | count).";
		"\($rows | .[:1] | ascii_upcase)\($rows[1:]) in \($n) equal stretches of time.");

def values_given:
	.stat.rating
	| select(type == "object" and (.values | type == "array" and length > 1 and all(type == "array" and length == 2 and all(number))))
	| . as $rating
	| (.values | length) as $n
	| (280 / $n) as $step
	| {width: 344, height: 212, body: (
		([.values[] | {value: .[1], hint: "\(.[0]): \(.[1] | count)"}] | bars(12; 180; 50; 330))
		+ ([range(0; $n; $n / 11 | ceil) | text(50 + (. + 0.5) * $step; 196; "tick middle"; $rating.values[.][0] | short)] | add))}
	| figure("ratings"; "Ratings";
		"How often each rating was given: " + ([$rating.values[] | "\(.[0] | short): \(.[1] | count)"] | join(", ")) + ".";
		"Mean \($rating.mean | fixed(2)), from \($rating.min | short) to \($rating.max | short).");

# Least, quartiles and most, on a logarithmic axis.
def quartiles:
	row_word as $rows
	| .stat
	| [{label: "users", of: .rows_per_user}, {label: "items", of: .rows_per_item}]
	| map(select(.of | type == "object" and ([.min, .p25, .median, .p75, .max] | all(number and . > 0))))
	| select(length > 0) as $lines
	| ($lines | map(.of.max) | max | log10 | [., 1] | max) as $top
	| {lo: 0, hi: $top, from: 48, to: 326} as $x
	| {width: 344, height: (70 + 62 * ($lines | length)), body: (
		x_axis([range($top + 1) | select(. <= $top) | {value: ., label: (pow(10; .) | count)}]; $x; 12; 34 + 62 * ($lines | length))
		+ ([range($lines | length) | . as $k | $lines[$k].of as $of | (42 + 62 * $k) as $y
			| ($of | [.min, .p25, .median, .p75, .max] | map(log10 | at($x))) as $at
			| text(40; $y + 4; "label end"; $lines[$k].label)
			+ line($at[0]; $y; $at[4]; $y; "whisker") + rect($at[1]; $y - 8; [$at[3] - $at[1], 2] | max; 16; "box")
			+ line($at[2]; $y - 11; $at[2]; $y + 11; "median")
			+ text($at[2]; $y - 17; "note middle"; "median \($of.median | short)")
			+ (text($at[4]; $y + 20; "tick end"; "most: \($of.max | count)") | if $at[4] - $at[0] < 150 then "" else . end)] | add)
		+ text(187; 66 + 62 * ($lines | length); "tick middle"; "\($rows), logarithmic"))}
	| figure("quartiles"; "Few have many";
		([$lines[] | "\($rows) per \(.label[:-1]), least, quartiles and most: "
			+ (.of | [.min, .p25, .median, .p75, .max] | map(short) | join(", "))] | join("; ")) + ".";
		"\($rows[:1] | ascii_upcase)\($rows[1:]) per user and per item: half of them lie in the box.");

def rows_read:
	row_word as $rows
	| [(.input.rows | values | ["Read", count, ""]),
		(.input.dropped | select(type == "object") | to_entries[] | ["Dropped", (.value | count), (.key | esc)]),
		(.split | select(type == "object") | .mode as $mode
			| (.users_in_train_alone | if number and . > 0 then "; \(plural("user"; "users")) with too few rows are here alone" else "" end) as $alone
			| ("train", "valid", "test") as $part | .[$part] | values
			| [$part, count, {train: ("to learn from" + $alone), valid: "to choose settings and epochs by",
				test: ("looked at once" + if $mode then ", held out by \($mode | esc)" else "" end)}[$part]])]
	| select(length > 0)
	| map("<tr><th scope=\"row\">\(.[0])</th><td class=\"n\">\(.[1])</td><td>\(.[2])</td></tr>")
	| table("plain"; "<h3>What became of the \($rows)</h3>"; [{text: "Part"}, {number: "Rows"}, {text: "Why"}]);

# One check of cof-lint: how many of how many, and what may be done.
def check:
	{ok: "✓", note: "i", warning: "!", error: "✗"} as $signs
	| "<li class=\"\(.verdict | slug)\"><span class=\"sign\" aria-hidden=\"true\">\($signs[.verdict | tostring] // "?")</span>"
		+ "<b>\(.verdict | esc)</b> <code>\(.id | esc)</code> <span>"
		+ (if (.count | number) and (.of | number) then "\(.count | count) of \(.of | count) " else "" end)
		+ "\(.text // "" | esc)\(if .mend then "<small>\(.mend | esc)</small>" else "" end)</span></li>";

def lint:
	.lint.checks
	| select(type == "array" and length > 0)
	| sort_by({error: 0, warning: 1, note: 2, ok: 3}[.verdict | tostring] // 1)
	| map(select(.verdict == "ok")) as $passed
	| (map(select(.verdict == "error")) | length) as $errors
	| (map(select(.verdict == "warning")) | length) as $warnings
	| "<h3 id=\"checks\">Checks</h3><p>"
		+ (if $errors > 0 then "<strong>\($errors | plural("error"; "errors"))</strong>: read before you trust a number of this page."
			elif $warnings > 0 then "\($warnings | plural("warning"; "warnings")), no error."
			else "No error and no warning." end)
		+ "</p><ul class=\"checks\">\(map(select(.verdict != "ok") | check) | add // "")</ul>"
		+ if $passed == [] then "" else
			"<details><summary>\($passed | length | plural("check"; "checks")) passed</summary>"
				+ "<ul class=\"checks\">\($passed | map(check) | add)</ul></details>" end;

def data_section:
	select(.stat or .input or .lint)
	| "<section id=\"data\"><h2>The data</h2>"
		+ ([(select(.stat) | tiles)] | join(""))
		+ "<div class=\"figures\">" + ([long_tail, quartiles, when, values_given] | join("\n")) + "</div>"
		+ "<div class=\"halves\">" + ([[rows_read], [lint]] | map(select(length > 0) | "<div>\(add)</div>") | join("")) + "</div></section>";
