# report-choice: how settings and epochs were chosen on valid: learning curves, and all settings that were tried.
include "report-text";
include "report-svg";
include "report-systems";

def curves: [.curves | arrays | .[] | select(.points | type == "array" and any(.[]; .epoch | number))
	| .points |= map(select(.epoch | number))];

# Curves with the mark of their system, and the systems without a curve as levels.
def valid_curves:
	systems as $systems
	| [curves[] | select(any(.points[]; .valid | number)) | .points |= map(select(.valid | number))
		| .id as $id | . + {mark: ([first($systems[] | select(.id == $id) | .mark), 7][0])}];

def learning($width):
	valid_curves as $curves
	| ($curves | map(.id)) as $ids
	| [systems[] | select(.valid | number) | select(.id as $id | $ids | index([$id]) | not)] as $levels
	| ([$curves[].points[].epoch] | max) as $last
	| {lo: ([$curves[].points[].epoch, 1] | min), hi: (if $last > 1 then $last else 2 end), from: 56, to: ($width - 104)} as $x
	| ([$curves[].points[].valid, $levels[].valid] | scale_around(.; 236; 12)) as $y
	| ([($curves[] | . + {y: (.points[-1].valid | at($y)), from: (.points[-1].epoch | at($x))}),
		($levels[] | . + {y: (.valid | at($y)), from: ($width - 97)})] | spread(14; 10; 244)) as $ends
	| {width: $width, height: 276, body: (
		y_axis(ticks($y.lo; $y.hi; 5); $y; 48; $width - 96)
		+ epoch_axis($x; if $width > 500 then 10 else 5 end; 252)
		+ text(($width - 48) / 2; 270; "tick middle"; "epoch")
		+ ([$levels[] | (.valid | at($y)) as $at | line(48; $at; $width - 96; $at; "\(mark) level")] | add // "")
		+ ([$curves[] | . as $curve | ([.points[] | [(.epoch | at($x)), (.valid | at($y))]] | path("\($curve | mark) line"))
			+ ([.points[] | . as $point | dot(.epoch | at($x); .valid | at($y); 2; "\($curve | mark) symbol")
				| hint("\($curve | called), epoch \($point.epoch): \($point.valid | fixed(4))")] | add)
			+ ([.points[] | select(.epoch == $curve.kept) | (.epoch | at($x)) as $at | (.valid | at($y)) as $height
				| dot($at; $height; 6.5; "\($curve | mark) kept")
					+ text([[$at, 76] | max, $width - 118] | min; $height - 12; "note middle"; "epoch \(.epoch)")] | add // "")] | add)
		+ ([$ends[] | line(.from; .y; $width - 97; .y; "\(mark) trace")] | add) + ($ends | end_labels($width)))};
def learning_figure:
	.metric as $metric
	| valid_curves as $curves
	| select($curves | length > 0)
	| {wide: learning(720), narrow: learning(360)}
	| figure("curves"; "Learning curves: \($metric) on valid";
		([$curves[] | "\(called): \(.points | length | plural("epoch"; "epochs")), from \(.points[0].valid | fixed(4)) "
			+ "to \(.points[-1].valid | fixed(4)), the best \([.points[].valid] | max | fixed(4))"
			+ if .kept then ", epoch \(.kept) was kept" else "" end] | join(". ")) + ".";
		"A ring and a number: the epoch that was kept. Dashed: systems that have no epochs, or whose curve was not kept.");

def loss_panel:
	mark as $mark
	| [.points[] | select(.loss | number)] as $points
	| select($points | length > 1)
	| {lo: ([$points[].epoch] | min), hi: ([$points[].epoch] | max), from: 52, to: 262} as $x
	| ([$points[].loss] | scale_around(.; 126; 10)) as $y
	| {width: 280, height: 150, body: (
		y_axis(ticks($y.lo; $y.hi; 3); $y; 48; 268)
		+ epoch_axis($x; 5; 144)
		+ ([$points[] | [(.epoch | at($x)), (.loss | at($y))]] | path("\($mark) line"))
		+ ([.kept as $kept | $points[] | select(.epoch == $kept) | dot(.epoch | at($x); .loss | at($y); 5; "\($mark) kept")] | add // ""))}
	+ {from: $points[0].loss, to: $points[-1].loss};
def loss_figures:
	systems as $systems
	| [curves[] | .id as $id | . + {mark: ([first($systems[] | select(.id == $id) | .mark), 7][0])}]
	| [range(length) as $k | .[$k] | called as $called | loss_panel
		| figure("loss-\($k)"; "Training loss: \($called)"; "From \(.from | short) to \(.to | short)."; "")]
	| select(length > 0)
	| "<div class=\"figures small\">\(join("\n"))</div>";

# Every setting that was tried, as a mark at what it reached on valid.
def tried_rows: [systems[] | select(.tried | type == "array" and length > 0)];
def tried_figure:
	.metric as $metric
	| [tried_rows[] | .tried |= map(select(.valid | number)) | select(.tried | length > 0)] as $rows
	| select([$rows[].tried[]] | length > ($rows | length))
	| def drawn($width):
		($rows | label_column) as $left
		| ([$rows[].tried[].valid] | scale_around(.; $left + 8; $width - 20)) as $x
		| ($rows | length * 26 + 10) as $bottom
		| {width: $width, height: ($bottom + 24), body: (
			x_axis(ticks($x.lo; $x.hi; if $width > 500 then 9 else 4 end); $x; 6; $bottom)
			+ ([range($rows | length) | . as $k | $rows[$k] | . as $row | (20 + 26 * $k) as $y
				| text($left; $y + 4; "label end"; called | clip(110))
				+ ([.tried[] | . as $one | ($one.setting == $row.setting and $one.valid == $row.valid) as $chosen
					| dot($one.valid | at($x); $y; if $chosen then 5 else 4 end; "\($row | mark) symbol\(if $chosen then "" else " hollow" end)")
					| hint("\($one.setting // "" | tostring): \($one.valid | fixed(4))")] | add)] | add))};
	{wide: drawn(720), narrow: drawn(360)}
	| figure("tried"; "Settings tried: \($metric) on valid";
		([$rows[] | [.tried[].valid] as $all
			| "\(called): \($all | length) tried, from \($all | min | fixed(4)) to \($all | max | fixed(4))"] | join(". ")) + ".";
		"A mark for every setting that was tried, filled for the one that was chosen.");

def tried_table:
	tried_rows
	| select(length > 0)
	| any(.[].tried[]; .epoch | number) as $epochs
	| any(.[].tried[]; .seconds | number) as $times
	| ([.[].tried[]] | length | plural("setting"; "settings")) as $all
	| [.[] | . as $row | .tried[]
		| "<tr\(if .setting == $row.setting and .valid == $row.valid then " class=\"winner\"" else "" end)>"
			+ "<th scope=\"row\">\($row | called | name)</th><td class=\"setting\">\(setting)</td>"
			+ (if $epochs then (.epoch | figures(count)) else "" end) + (.valid | figures(fixed(4)))
			+ (if $times then (.seconds | figures(seconds)) else "" end) + "</tr>"]
	| table("sortable"; "<div>Settings tried, on valid</div>"; [{text: "System"}, {text: "Setting"}]
		+ if $epochs then [{number: "Epoch"}] else [] end + [{number: "Valid"}] + if $times then [{number: "Time"}] else [] end)
	| "<details><summary>All \($all) that were tried</summary>\(.)</details>";

def choice_section:
	[learning_figure, loss_figures, tried_figure, tried_table]
	| select(length > 0)
	| "<section id=\"choice\"><h2>Choosing settings</h2>\(join_lines)</section>";
