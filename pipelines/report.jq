# report: the page of a run, from its results.json. Needs $css, $dark, $js (texts) and $hash of $js.
include "report-text";
include "report-svg";
include "report-data";
include "report-systems";
include "report-choice";

# What is there must be of its kind, and little of it must be there; else an error says what is wrong.
def checked:
	def fail($why): $why | error;
	def of($where; $kinds): . as $it | $kinds | to_entries[] | .key as $key | .value as $kind
		| $it[$key] | if . != null and type != $kind then fail("\($where)\($key) is no \($kind)") else empty end;
	def each($where; $key; $kinds): (.[$key] // [])[]
		| if type != "object" then fail("\($where)\($key) holds what is no object") else of("\($where)\($key)."; $kinds) end;
	def check(faults): (first(faults) | empty), .;
	if length != 1 then fail("\(length) values in place of one") else .[0] end
	| if type != "object" then fail("no object") else . end
	| check(
		of(""; {metric: "string", input: "object", stat: "object", lint: "object", split: "object", systems: "array", curves: "array",
			users: "array", neighbours: "array", commands: "array", versions: "object"}),
		each(""; "systems"; {id: "string", test: "object", interval: "object", p: "object", tried: "array", activity: "array", popularity: "array"}),
		(.systems // [] | .[] | each("systems."; "tried"; {}), each("systems."; "activity"; {metrics: "object"}), each("systems."; "popularity"; {metrics: "object"})),
		each(""; "curves"; {id: "string", points: "array"}),
		(.curves // [] | .[] | each("curves."; "points"; {})),
		each(""; "users"; {liked: "array", recommended: "array"}),
		(.users // [] | .[] | each("users."; "liked"; {}), each("users."; "recommended"; {})),
		each(""; "neighbours"; {similar: "array"}),
		(.neighbours // [] | .[] | each("neighbours."; "similar"; {})),
		(.lint // {} | of("lint."; {checks: "array"}), each("lint."; "checks"; {})),
		(.stat // {} | of("stat."; {kind: "string", rows_per_user: "object", rows_per_item: "object", popularity_curve: "array",
			time: "object", rating: "object"})))
	| [.systems // [] | .[].id] as $ids
	| .metric as $metric
	| if $metric == null then fail("no metric")
		elif $ids == [] then fail("no systems")
		elif any($ids[]; . == null) then fail("a system without an id")
		elif ($ids | length) != ($ids | unique | length) then fail("two systems of one id")
		else . end
	| check(("winner", "best_baseline") as $which | .[$which] as $id
		| [.systems[] | select(.id == $id)]
		| if length == 0 then fail("\($which) is none of the systems")
			elif .[0].test[$metric] | type != "number" then fail("\($which) has no \($metric) on test") else empty end);

def title_of: "\(.name // .item | tostring | name)";
def item_line($places):
	"<li><span>\(title_of)" + (if .name and (.item | tostring) != .name then " <small>\(.item | name)</small>" else "" end) + "</span>"
	+ (.score | if number then " <span class=\"score\">\(fixed($places))</span>" else "" end) + "</li>";
def item_list:
	if length > 0 then ([.[].score | select(number) | fabs] | max | places) as $places | "<ol>\(map(item_line($places)) | add)</ol>"
	else "<p class=\"none\">none</p>" end;

def users_section:
	winner as $winner
	| .users
	| select(type == "array" and length > 0)
	| "<section id=\"users\"><h2>Some users</h2><p>What they liked, and what \($winner | called | name) would show them.</p>"
		+ "<div class=\"cards\">"
		+ ([.[] | "<article class=\"card\"><h3>User \(.user | name)</h3><div class=\"pair\"><div><h4>Liked</h4>\(.liked | item_list)</div>"
			+ "<div><h4>Gets</h4>\(.recommended | item_list)</div></div></article>"] | add)
		+ "</div></section>";

def neighbours_section:
	.neighbours
	| select(type == "array" and length > 0)
	| "<section id=\"neighbours\"><h2>Nearest items</h2><p>A test by eye: do they belong together?</p><div class=\"cards three\">"
		+ ([.[] | "<article class=\"card\"><h3>\(title_of)</h3>\(.similar | item_list)</article>"] | add) + "</div></section>";

def words_section:
	(shown_metrics | map(split("@")[0])) as $used
	| {"HR": "Hit rate: the share of users with a held-out item among the first K.",
		"NDCG": "Like the hit rate, but a place further down counts less: 1 at the top, 0.63 in second place, 0.29 in tenth.",
		"MRR": "One over the place of the first held-out item; 0 behind the K-th.",
		"MAP": "Mean average precision over the places of held-out items.",
		"precision": "Share of the first K that were held out.",
		"recall": "Share of the held-out items that are among the first K.",
		"AUC": "How often a held-out item stands above another one drawn at random: 0.5 is chance."}
	| [to_entries[] | select(.key as $key | $used | index([$key]))]
	| . + [{key: "Interval", value: "95 % of the means that as many users, drawn again from these, would give."},
		{key: "p", value: ("How often a difference as large would come up if both systems were equally good for every user. "
			+ "Paired: user by user; corrected by Holm for the number of systems.")},
		{key: "Baseline", value: "A simple system that any other must beat to be worth its time."},
		{key: "Valid, test", value: "Held-out rows. Settings are chosen on valid; test is looked at once, at the end, so its numbers flatter nobody."}]
	| "<section id=\"words\"><h2>Words</h2><dl>" + ([.[] | "<div><dt>\(.key | esc)</dt><dd>\(.value | esc)</dd></div>"] | add) + "</dl></section>";

def made_section:
	"<section id=\"made\"><h2>How it was made</h2>"
	+ (.commands | if length > 0 then "<p>Run these again, on the same file, and the same numbers come out.</p>"
		+ "<pre tabindex=\"0\">\(map("<code>\(esc)</code>") | join(""))</pre>" else "" end)
	+ (.versions | if length > 0 then [to_entries[]
			| "<tr><th scope=\"row\">\(.key | esc)</th><td>\(.value | if type == "string" then . else tojson end | esc)</td></tr>"]
		| table("plain"; "<h3>Versions</h3>"; [{text: "Of"}, {text: "Version"}]) else "" end)
	+ "</section>";

checked
| (.input.name? // "a run" | tostring) as $name
| [data_section, results_section, choice_section, users_section, neighbours_section, words_section, made_section] as $sections
| [$sections[] | capture("<section id=\"(?<id>[a-z]+)\"><h2>(?<head>[^<]*)</h2>")] as $heads
| "<!DOCTYPE html>
<html lang=\"en\">
<head>
<meta charset=\"utf-8\">
<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">
<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; img-src data:; script-src 'sha256-\($hash)'\">
<title>\($name | esc): cofilter report</title>
<link rel=\"icon\" href=\"data:,\">
<style>\n\($css)</style>
<style id=\"dark\" media=\"screen and (prefers-color-scheme: dark)\">\n\($dark)</style>
</head>
<body>
<header>
<p class=\"brand\">cofilter report</p>
<h1>\($name | name)</h1>
\(verdict)
<nav aria-label=\"Sections\">\([$heads[] | "<a href=\"#\(.id)\">\(.head)</a>"] | join("\n"))</nav>
</header>
<main>
\($sections | join("\n"))
</main>
<footer>Made by cofilter \(.cofilter // "" | esc). This page is one file and loads nothing.</footer>
<script>\($js)</script>
</body>
</html>"
