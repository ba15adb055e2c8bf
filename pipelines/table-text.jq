# What table.jq made as Markdown: the table, whose word the published figures are, and the settings.
def digits: fabs * 10000 | round | "000\(.)" | if length > 7 then "\(.[3:-4])." + .[-4:] else "." + .[-4:] end;
def figure: if . == null then "" else (if . < 0 then "-" else "" end) + digits end;
def theirs: figure | sub("(?<most>[.][0-9]{3})0$"; .most);
def signed: if . == null then "" else (if . < 0 then "-" else "+" end) + digits end;
def with_sd($sd): figure + (if $sd == null then "" else " ± " + ($sd | figure) end);
def chance: if . == null then "" elif . < 0.0001 then "< .0001" else figure end;
def line: "| " + join(" | ") + " |";

. as $all
| .metrics as [$first, $second]
| (.table + .only_published | map(.source // empty)
	| reduce .[] as $s ([]; if any(. == $s) then . else . + [$s] end)) as $sources
| def published: if .source == null then "" else . as $row
	| "\(.published[$first] | theirs) / \(.published[$second] | theirs) [\($sources | index($row.source) + 1)]" end;
(["system", $first, $second, "published", "\($second), difference to \(.baseline // "none")", "p"] | line),
("---" | [., ., ., ., ., .] | line),
(.table[] | . as $row | [.system, (.mean[$first] | with_sd($row.sd[$first])), (.mean[$second] | with_sd($row.sd[$second])),
	published, (.difference | signed), (.holm | chance)] | line),
(.only_published[] | [.system, "", "", published, "", ""] | line),
"",
(if .baseline then "\(.baseline) is the baseline that is best on valid. Differences: user by user, the first seed of each; p: randomization" +
	" test, Holm over all rows and both metrics.", "" else empty end),
($sources | to_entries[] | "[\(.key + 1)] \(.value)  "),
(if $sources == [] then empty else "" end),
(["system", "chosen on valid", "\($second) there", "s to choose", "s to learn and score"] | line),
("---" | [., ., ., ., .] | line),
(.table[] | select(.valid != null) | [.system, ([if (.setting // "") == "" then empty else "`\(.setting)`" end,
	if .epochs == null then empty elif .epochs == .epochs_tried then "epoch \(.epochs), the last one tried" else
	"epoch \(.epochs)" + if .epochs_tried then " of \(.epochs_tried)" else "" end end] | join(", ")), (.valid | figure), (.seconds_to_choose | tostring),
	(.seconds | round | tostring)] | line),
"",
"The whole run took \(.seconds) seconds."
