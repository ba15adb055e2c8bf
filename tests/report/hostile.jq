# A run whose every name is one that breaks pages which do not escape.
def nasty: [
	"<script>top.hostile = hostile = 1</script>", "\"><img src=x onerror='top.hostile = hostile = 1'>",
	"</script></style></title>--> ]]> &lt;b&gt; &amp;", "\u202eright to left\u202c \u0634\u0631\u06cc\u0641 \u05e9\u05dc\u05d5\u05dd",
	("W" * 300), "\ud83d\udc69\u200d\ud83d\udc69\u200d\ud83d\udc67 \ud83d\udc7e", "Z\u0334\u034e\u030ea\u0337\u0366\u030al\u0338\u0357\u0308go",
	"nul\u0000bel\u0007del\u007f\u0085\ufffe", "two\nlines\ttab", "${x} $(x) `x` %s \\u003c", ""];
def nasty($k): nasty | .[$k % length];
def nasty_object: [range(11) | {key: nasty(.), value: .}] | from_entries;
.input |= (.name = nasty(0) | .dropped = nasty_object)
| .lint.checks = [range(11) | {id: nasty(.), verdict: ["ok", "warning", "error", nasty(.)][. % 4], text: nasty(. + 1), mend: nasty(. + 2)}]
| .systems |= [to_entries[] | .key as $k | .value | .label = nasty($k) | .setting = nasty($k + 1) | .tried |= map(.setting = nasty($k + 2))]
| .curves |= map(.label = nasty(1))
| .split.mode = nasty(2) | .stat.time.first = nasty(0) | .cofilter = nasty(1)
| .users = [range(11) | {user: nasty(.), liked: [range(11) | {item: nasty(. + 1), name: nasty(.)}],
	recommended: [{item: nasty(.), name: null, score: 1e-30}, {item: nasty(.), score: -1e12}]}]
| .neighbours = [range(11) | {item: nasty(.), name: nasty(.), similar: []}]
| .commands = nasty | .versions = nasty_object
