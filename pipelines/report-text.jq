# report-text: numbers and names as text and as HTML. Whatever comes from the data goes through esc or name.

# Characters that HTML forbids become U+FFFD.
def esc:
	tostring
	| explode
	| map(if (. < 32 and . != 9 and . != 10) or (. >= 127 and . < 160) or (. >= 64976 and . <= 65007)
			or . % 65536 >= 65534 or (. >= 55296 and . < 57344) then 65533 else . end)
	| implode
	| @html
	| split("&apos;") | join("&#39;"); # versions of jq differ here

# A name of any script, with its direction kept to itself.
def name: "<bdi>\(esc)</bdi>";

def number: type == "number" and . == . and fabs < 1e300;

# fixed(3) of 0.0421 is "0.042"; what is no number is a dash.
def fixed($places):
	if number | not then "–"
	elif fabs >= 1e15 then tostring
	else
		(fabs * pow(10; $places) | round | tostring) as $digits
		| (if . < 0 and ($digits | test("[1-9]")) then "−" else "" end)
			+ if $places == 0 then $digits
				else ("0" * ([$places + 1 - ($digits | length), 0] | max) // "") + $digits | .[:-$places] + "." + .[-$places:] end
	end;

# 1234567 is "1,234,567".
def commas: if length <= 3 then . else (.[:-3] | commas) + "," + .[-3:] end;
def count: if number and . >= 0 and . < 1e15 then round + 0 | tostring | commas else fixed(0) end;

# How many decimals show about three digits that count: 1234, 56.7, 0.0123.
def places: if number | not or . == 0 then 0 else [2 - (fabs | log10 | floor), 6] | min | [., 0] | max end;
def short:
	if number and fabs >= 1000 then (if . < 0 then "−" else "" end) + (fabs | count)
	else places as $places | fixed($places) | if test("\\.") then sub("\\.?0+$"; "") else . end end;

def percent: if number then . * 100 | short + " %" else "–" end;

# A p value, "= 0.031" or "< 0.0001".
def p_value: if number | not then "" elif . < 0.0001 then "< 0.0001" elif . < 0.01 then "= " + fixed(4) else "= " + fixed(3) end;

def interval($places): if type == "array" and length == 2 then "[\(.[0] | fixed($places)), \(.[1] | fixed($places))]" else "" end;

def seconds:
	if number | not then "–"
	elif . < 10 then fixed(1) + " s"
	elif . < 120 then fixed(0) + " s"
	else "\(. / 60 | floor) min \(. % 60 | floor) s" end;

def plural(one; many): if . == 1 then "1 \(one)" else "\(count) \(many)" end;

# An id, or a part of one, that HTML and the rest of the page can use as such.
def slug: tostring | gsub("[^A-Za-z0-9]"; "-");

# Of rows, "<tr>...</tr>" each: a table that scrolls by itself. Heads are {text} or {number}, which stand on the right.
def table($class; $caption; $heads):
	"<div class=\"scroll\"><table class=\"\($class)\"><caption>\($caption)</caption><thead><tr>"
	+ ([$heads[] | if .number then "<th scope=\"col\" class=\"n\">\(.number | esc)</th>" else "<th scope=\"col\">\(.text | esc)</th>" end] | add)
	+ "</tr></thead><tbody>\(join("\n"))</tbody></table></div>";

# A cell that sorts by its number.
def figures(shown): "<td class=\"n\" data-sort=\"\(if number then . else "" end)\">\(if number then shown else "" end)</td>";

def join_lines: map(select(. != null and . != "")) | join("\n");
