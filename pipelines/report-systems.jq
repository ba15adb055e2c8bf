# report-systems: how the systems did on test: the verdict, the table, the intervals, who is served, what is shown.
# A system keeps its colour and mark on the whole page: .mark is its place in the file.
include "report-text";
include "report-svg";

def mark: "m\(.mark % 8)";
def called: .label // .id | tostring;

# [{all of a system, mark, on_test}], the best on test first; those without a number last
def systems:
	.metric as $metric
	| [.systems | to_entries[] | .key as $k | .value | . + {mark: $k, on_test: (.test[$metric]? | select(number) // null)}]
	| sort_by(if .on_test then -.on_test else infinite end);

def winner: .winner as $id | first(systems[] | select(.id == $id));
def baseline: .best_baseline as $id | first(systems[] | select(.id == $id));

# One shape per system besides its colour: circle, square, diamond, triangle, and these hollow.
def symbol($x; $y; $class):
	(.mark % 4) as $shape
	| "\(mark) symbol\(if .mark % 8 >= 4 then " hollow" else "" end) \($class)" as $class
	| if $shape == 0 then dot($x; $y; 4.5; $class)
		elif $shape == 1 then rect($x - 4; $y - 4; 8; 8; $class)
		elif $shape == 2 then [[$x, $y - 5.6], [$x + 5.6, $y], [$x, $y + 5.6], [$x - 5.6, $y], [$x, $y - 5.6]] | path($class)
		else [[$x, $y - 5], [$x + 5.2, $y + 4.2], [$x - 5.2, $y + 4.2], [$x, $y - 5]] | path($class) end;

def exposure_names: ["coverage", "novelty", "popularity", "long_tail"];
def is_exposure: test("^(\(exposure_names | join("|")))@[0-9]+$");

# Options break between, not within.
def setting:
	.setting // "" | tostring | split(" --")
	| [range(length) as $k | (if $k > 0 then "--" else "" end) + .[$k] | "<span>\(esc)</span>"] | join(" ");

# What the winner is worth, in words.
def verdict:
	.metric as $metric
	| winner as $winner | baseline as $baseline
	| ($winner.test["HR@10"]? | select(number) // null) as $hits
	| "<p class=\"verdict\"><strong>\($winner | called | name)</strong> was chosen, since it did best on valid. "
		+ "On test its \($metric | esc) is <strong>\($winner.on_test | fixed(4))</strong>"
		+ ($winner.interval[$metric]? | if . then " <span class=\"range\">\(interval(4))</span>" else "" end)
		+ (if $winner.id == $baseline.id then ". It is a baseline itself: no other system did better on valid."
			else ($winner.on_test - $baseline.on_test) as $difference
				| ", \($difference | fabs | fixed(4)) \(if $difference < 0 then "<strong>below</strong>" else "above" end) that of "
					+ "<strong>\($baseline | called | name)</strong>, the best baseline"
					+ ($winner.p[$metric]? | if number then
						" (p \(p_value | esc)): " + if . < 0.05 then "more than chance would explain." else "chance alone would often do as much." end
						else "." end) end)
		+ "</p>"
		+ (if $hits and .split.mode? == "leave-one-out" then
			"<p>For \($hits * 100 | fixed(if . < 9.5 then 1 else 0 end)) of 100 users, the one item that was held out "
				+ "stands among the first ten.</p>" else "" end);

# The cell of a metric up to its value; the best one is marked.
def cell($best):
	"<td class=\"n\(if number and . == $best then " best" else "" end)\" data-sort=\"\(if number then . else "" end)\">\(fixed(4))";

# A metric of the systems as shares of the greatest. Two that are the same in other units, as HR and recall where one
# item is held out, are equal here, and one of them is enough.
def in_proportion($name):
	[.[].test[$name]? | if number then . else null end]
	| (map(values | fabs) | max) as $greatest
	| if length < 2 or $greatest == null or $greatest == 0 then [$name] else map(if . then . / $greatest * 1e6 | round else null end) end;

# The metrics that the table has, the main one first.
def shown_metrics:
	.metric as $metric
	| systems as $systems
	| [$systems[].test | objects | keys_unsorted[]]
	| reduce .[] as $name ([]; if index([$name]) then . else . + [$name] end)
	| [$metric] + map(select((is_exposure | not) and . != $metric))
	| map({name: ., all: (. as $name | $systems | in_proportion($name))})
	| reduce .[] as $one ([]; if any(.[]; .all == $one.all) then . else . + [$one] end)
	| map(.name);

def results_table:
	.metric as $metric
	| .best_baseline as $baseline | .winner as $winner
	| systems as $systems
	| shown_metrics as $metrics
	| ([$metrics[] as $name | {key: $name, value: ([$systems[].test[$name]? | select(number)] | max)}] | from_entries) as $best
	| any($systems[]; .epoch | number) as $epochs
	| any($systems[]; .seconds | number) as $times
	| ($systems[] | select(.id == $baseline) | called | name) as $base
	| [$systems[] | . as $system
		| "<tr\(if .id == $winner then " class=\"winner\"" else "" end)><th scope=\"row\">"
			+ "<svg class=\"key\" viewBox=\"0 0 14 14\" aria-hidden=\"true\">\(symbol(7; 7; ""))</svg>\(called | name)"
			+ (if .id == $winner then " <small>chosen</small>" else "" end)
			+ (if .id == $baseline then " <small>best baseline</small>" else "" end) + "</th>"
			+ (.valid | figures(fixed(4)))
			+ ([$metrics[] as $name | (.test[$name]? | cell($best[$name]))
				+ ($system.interval[$name]? | if . then "<small>\(interval(4))</small>" else "" end)
				+ ($system.p[$name]? | if number then "<small>p \(p_value | esc)</small>" else "" end) + "</td>"] | add)
			+ "<td class=\"setting\">\(setting)</td>"
			+ (if $epochs then (.epoch | figures(count)) else "" end)
			+ (if $times then (.seconds | figures(seconds)) else "" end) + "</tr>"]
	| table("sortable results";
		"<div>The systems on test, the best first. Below a value: its 95 % interval over users"
			+ (if any($systems[]; .p[$metric]? | number) then ", and p of the difference to \($base), the best baseline" else "" end)
			+ ". The chosen setting is the best on valid.</div>";
		[{text: "System"}, {number: "Valid"}, {number: $metrics[]}, {text: "Setting"}]
			+ if $epochs then [{number: "Epoch"}] else [] end + if $times then [{number: "Time"}] else [] end);

def in_words($metric): "\(called): \(.on_test | fixed(4)) \(.interval[$metric]? | interval(4))";

# Where the labels of these systems end.
def label_column: [.[] | called | clip(110) | breadth + 6, 56] | max;

# Rows of systems, best first: interval and mean of the main metric.
def forest($width):
	.metric as $metric
	| .best_baseline as $baseline
	| [systems[] | select(.on_test)] as $rows
	| ($rows | label_column) as $left
	| ($rows | length * 30 + 14) as $bottom
	| (if $width > 500 then 150 else 58 end) as $margin
	| ([$rows[] | .on_test, (.interval[$metric]? | arrays | .[] | select(number))] | scale_around(.; $left + 8; $width - $margin)) as $x
	| first($rows[] | select(.id == $baseline)) as $base
	| {width: $width, height: ($bottom + 26), body: (
		x_axis(ticks($x.lo; $x.hi; if $width > 500 then 8 else 4 end); $x; 8; $bottom)
		+ ($base | line(.on_test | at($x); 8; .on_test | at($x); $bottom; "reference"))
		+ ([range($rows | length) | . as $k | $rows[$k] | (.on_test | at($x)) as $at | (24 + 30 * $k) as $y
			| text($left; $y + 4; "label end"; called | clip(110))
			+ (.interval[$metric]? | if type == "array" then line(.[0] | at($x); $y; .[1] | at($x); $y; "range") else "" end)
			+ (in_words($metric) as $words | symbol($at; $y; "") | hint($words))
			+ text($width - $margin + 12; $y + 4; "value"; .on_test | fixed(4))
			+ (if $width > 500 then .p[$metric]? | text($width - $margin + 66; $y + 4; "tick"; if number then "p \(p_value)" else "" end)
				else "" end)] | add))};
def intervals_figure:
	.metric as $metric
	| baseline as $base
	| (([systems[] | select(.on_test) | in_words($metric)] | join(", ")) + ".") as $text
	| {wide: forest(720), narrow: forest(360)}
	| figure("intervals"; "\($metric) on test"; $text;
		"Mean over users and its 95 % interval; the dashed line is \($base | called | name), the best baseline. Two intervals may "
			+ "overlap and the systems differ all the same, since they are compared user by user: p in the table says it.");

# The names of lines where they end, at .y, moved apart to .at.
def end_labels($width):
	map(line($width - 97; .y; $width - 89; .at; "\(mark) leader") + text($width - 86; .at + 4; "\(mark) label"; called | clip(84)))
	| add;

# Lines over named places from left to right, each with its label at the right end.
def lines_over($width; $height; $places; $lines; $y):
	{lo: 0, hi: ([($places | length) - 1, 1] | max), from: 64, to: ($width - 104)} as $x
	| ([$lines[] | . + {y: (.values | map(select(number)) | last | at($y))}] | spread(14; 10; $height - 40)) as $ends
	| {width: $width, height: $height, body: (
		y_axis(ticks($y.lo; $y.hi; 5); $y; 48; $width - 96)
		+ ([range($places | length)
			| text(at($x); $height - 24; "tick middle"; $places[.].label), text(at($x); $height - 9; "tick middle"; $places[.].below)] | add)
		+ ([$lines[] | . as $line | [range(.values | length) | select($line.values[.] | number)] as $there
			| ([$there[] | [at($x), ($line.values[.] | at($y))]] | path("\($line | mark) line"))
			+ ([$there[] as $k | $line | symbol($k | at($x); .values[$k] | at($y); "")
				| hint("\($line | called), \($places[$k].label): \($line.values[$k] | fixed(4))")] | add)] | add)
		+ ($ends | end_labels($width)))};

# A metric over groups, those of .[$of], each of which has .[$counted] of something: one and many are its names.
def groups_figure($of; $metric; $counted; one; many; $title; $order; $caption):
	[systems[] | select(.[$of] | type == "array" and length > 1)
		| . + {values: [.[$of][].metrics[$metric]?]} | select(any(.values[]; number))] as $lines
	| select($lines | length > 0)
	| [$lines[0][$of][]
		| {label: (if .from == .to then "\(.from)" else "\(.from)–\(.to)" end), below: (.[$counted] | plural(one; many))}] as $places
	| select(all($lines[]; .[$of] | length == ($places | length)))
	| ([$lines[].values[] | select(number)]) as $all
	| {wide: (scale_around($all; 236; 12) as $y | lines_over(720; 282; $places; $lines; $y)),
		narrow: (scale_around($all; 236; 12) as $y | lines_over(360; 282; $places; $lines; $y))}
	| figure($of; $title;
		"\($order) first. " + ([$lines[] | "\(called): \(.values | map(fixed(4)) | join(", "))"] | join(". ")) + ".";
		$caption | sub("N groups"; "\($places | length) groups"));
def activity_figure:
	groups_figure("activity"; .metric; "users"; "user"; "users"; "For whom: \(.metric) by the user’s number of rows in train";
		"Groups of users, the least active"; "Users in N groups, those with the fewest rows on the left.");
def popularity_figure:
	"recall@\(.metric | split("@")[1])" as $recall
	| groups_figure("popularity"; $recall; "positives"; "row"; "rows";
		"Of what: \($recall) by the item’s number of users in train"; "Groups of items, the least popular";
		"Rows of test in N groups, those whose items have the fewest users on the left. Each group of items has a quarter of train’s "
			+ "rows; recall here is the share of a group’s rows that were found.");

def exposure_words: {
	coverage: ["Coverage", "share of all items that anybody is shown"],
	novelty: ["Novelty", "how rare the shown items are, in bits: 1 more is half as popular"],
	popularity: ["Popularity", "rows in train of a shown item, on average"],
	long_tail: ["Long tail", "share of shown items outside the most popular that make 80 % of train"]};

# One metric of exposure over the systems, in the order of the table.
def exposure_panel($name):
	[systems[] | select(.test[$name]? | number)] as $rows
	| ($name | split("@")[0]) as $what
	| exposure_words[$what] as $words
	| ([$rows[].test[$name]] | max) as $most
	| {lo: 0, hi: (if $most > 0 then $most else 1 end), from: 84, to: 200} as $x
	| ($rows | length * 22 + 6) as $bottom
	| {width: 256, height: ($bottom + 4), body: (
		line(84; 0; 84; $bottom; "grid")
		+ ([range($rows | length) | . as $k | $rows[$k] | (.test[$name] | at($x)) as $at | (14 + 22 * $k) as $y
			| text(76; $y + 4; "label end"; called | clip(74)) + line(84; $y; $at; $y; "\(mark) line") + symbol($at; $y; "")
			+ text($at + 10; $y + 4; "value"; .test[$name] | if $what == "coverage" or $what == "long_tail" then percent else short end)]
			| add))}
	| figure($name | slug; $words[0] + " of the first \($name | split("@")[1])";
		"\($words[1]). " + ([$rows[] | "\(called): \(.test[$name] | short)"] | join(", ")) + "."; $words[1] | esc);
def exposure:
	. as $page
	| ([.systems[].test | objects | keys_unsorted[] | select(is_exposure)] | unique) as $names
	| select($names | length > 0)
	| "<h3>Beyond accuracy</h3><p>What the lists show, whatever the users want. The systems stand in the order of the table: "
		+ "the most accurate first.</p><div class=\"figures small\">"
		+ ([exposure_names[] as $start | $names[] | select(startswith($start + "@")) as $name | $page | exposure_panel($name)]
			| join("\n")) + "</div>";

def results_section:
	"<section id=\"results\"><h2>Results</h2>" + ([results_table, intervals_figure, activity_figure, popularity_figure, exposure] | join_lines) + "</section>";
