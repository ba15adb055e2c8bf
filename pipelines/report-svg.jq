# report-svg: what figures are made of. A scale is an object {lo, hi, from, to}: numbers from lo to hi go to pixels.
include "report-text";

def px: . * 10 | round / 10 + 0;
def at($scale): $scale.from + (. - $scale.lo) / ($scale.hi - $scale.lo) * ($scale.to - $scale.from) | px;

# The step between about n round ticks, and how many decimals they need.
def tick_step(span; n):
	(span / n) as $raw
	| pow(10; $raw | log10 | floor) as $ten
	| [1, 2, 5, 10] | map(. * $ten) | map(select(. >= $raw * 0.999)) | .[0];
def ticks($lo; $hi; $n):
	tick_step($hi - $lo; $n) as $step
	| ([0, -($step | log10 + 1e-9 | floor)] | max) as $places
	| [range(($lo / $step - 1e-9 | ceil); ($hi / $step + 1e-9 | floor) + 1)]
	| map(. * $step + 0 | {value: ., label: fixed($places)});

# A scale around numbers: with some room, from 0 if that is near.
def scale_around($numbers; $from; $to):
	($numbers | min) as $lo | ($numbers | max) as $hi
	| (if $hi > $lo then $hi - $lo elif $hi != 0 then ($hi | fabs) else 1 end) as $span
	| {lo: (if $lo >= 0 and $lo < $span * 0.5 then 0 else $lo - $span * 0.06 end), hi: ($hi + $span * 0.06), from: $from, to: $to};

def text($x; $y; $class; $text): "<text x=\"\($x | px)\" y=\"\($y | px)\" class=\"\($class)\">\($text | esc)</text>";
def line($x1; $y1; $x2; $y2; $class):
	"<line x1=\"\($x1 | px)\" y1=\"\($y1 | px)\" x2=\"\($x2 | px)\" y2=\"\($y2 | px)\" class=\"\($class)\"/>";
def dot($x; $y; $r; $class): "<circle cx=\"\($x | px)\" cy=\"\($y | px)\" r=\"\($r)\" class=\"\($class)\"/>";
def rect($x; $y; $width; $height; $class):
	"<rect x=\"\($x | px)\" y=\"\($y | px)\" width=\"\($width | px)\" height=\"\($height | px)\" class=\"\($class)\"/>";
def hint(text): "<g><title>\(text | esc)</title>\(.)</g>";
# of [[x, y] ...]
def path($class): "<path d=\"M\(map("\(.[0] | px) \(.[1] | px)") | join("L"))\" class=\"\($class)\"/>";

# About how many pixels a label takes, and a label that takes no more than these: longer ones end in an ellipsis.
def breadth:
	explode
	| map(. as $c | if . >= 4352 then 13 elif "@MWmw" | explode | index($c) then 12
		elif " ',.:Ifijlt" | explode | index($c) then 5 elif . >= 65 and . <= 90 then 9.5 else 8 end)
	| add // 0;
def clip($most):
	tostring
	| if breadth <= $most then . else
		. as $text | [range(length; 0; -1) | select($text[:.] | breadth <= $most - 12)] | $text[:.[0] // 0] + "…" end;

# Axes: x below a plot that ends at y; y on the left of one from x1 to x2.
def x_axis($ticks; $scale; $top; $bottom):
	[$ticks[] | (.value | at($scale)) as $x
		| line($x; $top; $x; $bottom; "grid"), text($x; $bottom + 15; "tick middle"; .label)] | join("");
def y_axis($ticks; $scale; $left; $right):
	[$ticks[] | (.value | at($scale)) as $y
		| line($left; $y; $right; $y; "grid"), text($left - 6; $y + 4; "tick end"; .label)] | join("");
# Epochs, which are whole numbers, without lines.
def epoch_axis($scale; $n; $y):
	[ticks($scale.lo; $scale.hi; $n)[] | select(.label | test("\\.") | not) | text(.value | at($scale); $y; "tick middle"; .label)]
	| join("");

# Labels at heights .y move apart to .at, at least gap between them, within top and bottom.
def spread($gap; $top; $bottom):
	sort_by(.y)
	| reduce .[] as $one ([]; . + [$one + {at: ([$one.y, if length > 0 then .[-1].at + $gap else $top end] | max)}])
	| reverse
	| reduce .[] as $one ([]; . + [$one + {at: ([$one.at, if length > 0 then .[-1].at - $gap else $bottom end] | min)}]);

# The one shape of a figure. .svg is its drawing, or .wide and .narrow, of which the page shows one.
def drawing($id; $class):
	"<svg class=\"\($class)\" role=\"img\" viewBox=\"0 0 \(.width) \(.height)\" aria-labelledby=\"\($id)-title \($id)-text\">"
	+ "<title id=\"\($id)-title\">\(.title | esc)</title><desc id=\"\($id)-text\">\(.text | esc)</desc>\(.body)</svg>";
def figure($id; $title; $text; $caption):
	{title: $title, text: $text} as $words
	| "<figure id=\"\($id)\"><h3>\($title | esc)</h3>"
	+ (if .wide then (.wide + $words | drawing($id + "-wide"; "wide")) + (.narrow + $words | drawing($id; "narrow"))
		else . + $words | drawing($id; "only") end)
	+ (if $caption == "" then "" else "<figcaption>\($caption)</figcaption>" end) + "</figure>";
