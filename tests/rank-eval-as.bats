#!/usr/bin/env bats
# shellcheck disable=SC2154
# rank-eval --as: other tools' metrics against what these tools, or transcriptions of them, say of the same lists
# (tests/referee). And what the output says.
load helper

# A stream of tests/referee: of the kind, with its bounds.
stream() {
	cof-cat --from tsv --kind "$2" --users 30 --items 60 "$ROOT/tests/referee/$1.tsv"
}

streams() {
	stream plain score >plain.cof
	stream tied score >tied.cof
	stream lists top >lists.cof
	stream truth interaction >truth.cof
}

# compare CASE TOOL [OPTION]...: all that expected.json has of it, to 1e-9
compare() {
	local case=$1 tool=$2
	shift 2
	rank-eval -q -k 1,3,10 --as "$tool" --json "$@" "$case.cof" >got.json 2>err || { cat err && return 1; }
	jq -e -n --slurpfile got got.json --slurpfile want "$ROOT/tests/referee/expected.json" --arg tool "$tool" --arg case "$case" '
		($got[0].as.metrics | map({ key: .name, value }) | from_entries) as $g | $want[0][$case][$tool] | to_entries |
		map(.key |= sub("^(?<n>success|ndcg_cut|map_cut|P|recall)\\.(?<k>[0-9]+)$"; "\(.n)_\(.k)")) |
		map(select(($g[.key] == null) or (($g[.key] - .value) | fabs) > 1e-9) | { key, want: .value, got: $g[.key] }) |
		if length == 0 then empty else (., error("differs")) end' ||
		[ $? -eq 4 ] || { echo "$case $tool"; return 1; }
}

@test "--as every tool, on lists without ties: the numbers of that tool" {
	streams
	for tool in he2017 mlperf d2l elliot recbole implicit recommenders cornac vae trec; do
		compare plain $tool
	done
}

@test "--as a tool with an order of ties: its numbers where half of the candidates tie" {
	streams
	for tool in he2017 mlperf d2l cornac recbole recommenders trec; do
		compare tied $tool
	done
}

@test "--as on top records: users without a list, and lists that are all there is" {
	streams
	compare lists recommenders --truth truth.cof
	compare lists trec --truth truth.cof
	rank-eval -q -k 3 --json --as trec --truth truth.cof lists.cof 2>/dev/null | jq -c '[.users, .as.users]' >users
	assert_equal "$(cat users)" "[30,26]"
}

@test "elliot's negatives are those among the candidates, also where a positive is outside" {
	printf '0\t%s\n' '1\t0\t5' '2\t1\t4' '3\t0\t3' '4\t1\t-inf' | sed 's/\\t/\t/g' |
		cof-cat --from tsv --kind score --users 1 --items 9 >x.cof
	run rank-eval -q --as elliot --only GAUC x.cof
	assert_equal "$output" 0.3333333333333333 # (2 + 1 - 1) / (2 + 1) / 2
}

@test "each definition that differs moves a number" {
	streams
	# all lines that name one, and whose two figures are the same at every cutoff
	for tool in he2017 d2l elliot recbole implicit recommenders cornac vae trec; do
		rank-eval -q -k 1,3,10 --as $tool --json tied.cof 2>/dev/null >a.json
		jq -r '.as.metrics | map(select(.definition and .own)) | map(.definition |= sub("; ties$"; "")) | group_by(.definition)[] |
			select(all(.[]; .own == .value)) | .[0].definition' a.json >same
		[ $tool = recommenders ] && sed -i '/users without a list/d' same
		assert_equal "$(cat same)" ""
	done
}

@test "with ties left open, each policy of ours is taken, and lists of ranks say what scores say" {
	streams
	for tool in elliot implicit recbole vae cornac; do
		for ties in mean worst best id; do
			rank-eval -q --as $tool --ties $ties --json tied.cof 2>/dev/null | jq .as >$tool.$ties
		done
		! cmp -s $tool.worst $tool.best
	done
}

@test "mean over ties of implicit's AUC and of Elliot's MAP is the mean over all orders" {
	# one user, three positives; two of them and two negatives tie, the cutoff falls among them
	python3 - <<-'EOF'
		import itertools, json, subprocess
		items = [(0, 1, 9), (1, 0, 8), (2, 1, 5), (3, 0, 5), (4, 1, 5), (5, 0, 5), (6, 0, 1)]
		K, total = 4, 9
		def run(rows, tool):
		    text = "".join(f"0\t{i}\t{l}\t{s}\n" for i, l, s in rows)
		    cof = subprocess.run(["cof-cat", "--from", "tsv", "--kind", "score", "--users", "1", "--items", str(total)],
		        input=text.encode(), stdout=subprocess.PIPE, check=True).stdout
		    got = subprocess.run(["rank-eval", "-q", "-k", str(K), "--json", "--as", tool], input=cof, stdout=subprocess.PIPE, check=True)
		    return {m["name"]: m["value"] for m in json.loads(got.stdout)["as"]["metrics"]}
		tied = [r for r in items if r[2] == 5]
		for tool, names in (("implicit", ("auc@4", "map@4", "precision@4")), ("elliot", ("MAP@4", "MAR@4", "LAUC@4", "GAUC")), ("cornac", ("NCRR@4",))):
		    orders = list(itertools.permutations(tied))
		    sums = dict.fromkeys(names, 0)
		    for order in orders:
		        place = {r[0]: 5 - k / 8 for k, r in enumerate(order)}
		        got = run([(i, l, place.get(i, s)) for i, l, s in items], tool)
		        for n in names:
		            sums[n] += got[n] / len(orders)
		    mean = run(items, tool)
		    for n in names:
		        assert abs(mean[n] - sums[n]) < 1e-9, (tool, n, mean[n], sums[n])
	EOF
}

@test "the table names what moved a number" {
	printf '%s\n' '0 7 1 2.5' '0 2 0 2.5' '0 9 0 -1' '0 4 1 2.5' '3 0 0 4' '3 1 1 3' '3 2 0 2' | tr ' ' '\t' |
		cof-cat --from tsv --kind score --users 10 --items 100 >x.cof
	run --separate-stderr rank-eval -k 2 --as d2l x.cof
	assert_status 0
	assert_equal "$(sed -n '/^as/,$p' <<<"$output")" "as          d2l: Dive into Deep Learning 21.6, hit_and_auc, evaluate_ranking
users       2
ties        a stable sort of ascending ids

                  d2l           cofilter
hit@2             1.0000        1.0000    number of hits, not at most 1
auc               0.5833        0.6250    first positive, of C - 1 others; ties"
	assert_equal "$(rank-eval -k 2 x.cof)" "$(rank-eval -k 2 --as d2l x.cof | sed '/^as/,$d' | sed '$d')"
	assert_near "$(rank-eval --as d2l --only auc x.cof)" 0.583333333333 1e-9
	assert_near "$(rank-eval --as elliot --only MAP@2 x.cof)" 0.458333333333 1e-9 # ((2/3 + 2/3) / 2 + (0 + 1/2) / 2) / 2
}

@test "trec orders the tied by name, descending: of digits, or of an id file" {
	printf '%s\n' '0 9 0 1' '0 10 1 1' '0 2 0 1' | tr ' ' '\t' | cof-cat --from tsv --kind score --users 1 --items 11 >x.cof
	assert_near "$(rank-eval -q --as trec --only recip_rank x.cof 2>/dev/null)" 0.333333333333 1e-9 # 9, 2, 10
	for k in {0..10}; do printf '%d\t%s\n' "$k" "$(printf '%02d' "$k")"; done >names.tsv
	assert_near "$(rank-eval -q --as trec --item-ids names.tsv --only recip_rank x.cof 2>/dev/null)" 1 1e-9
	printf '%s\n' '0 9 1 1' '0 10 2 1' '0 2 3 1' | tr ' ' '\t' | cof-cat --from tsv --kind top --users 1 --items 11 >top.cof
	cof-cat --from tsv --users 1 --items 11 <<<$'0\t10\t0' >truth.cof
	assert_near "$(rank-eval --as trec --truth truth.cof --only recip_rank top.cof)" 0.333333333333 1e-9
	assert_near "$(rank-eval --as trec --item-ids names.tsv --truth truth.cof --only recip_rank top.cof)" 1 1e-9
	assert_near "$(rank-eval --truth truth.cof --only MRR@3 top.cof)" 0.5 1e-9 # our own keeps the ranks
	run --separate-stderr rank-eval -k 3 --as trec < <(cof-cat --from tsv --kind rank --users 1 --items 11 <<<$'0\t10\t0\t2\t2\t3')
	assert_status 1
	assert_error rank-eval "item 10 ties with others, and ranks do not have their order by name: scores do"
	rank-eval -q -k 3 --as trec < <(cof-cat --from tsv --kind rank --users 1 --items 11 <<<$'0\t10\t1\t0\t0\t3') >table
}

@test "--as and what it does not go with" {
	stream plain score >plain.cof
	usage() {
		run --separate-stderr rank-eval "${@:2}" plain.cof
		assert_status 2
		assert_contains "$stderr" "$1"
	}
	usage "options --as and --sampled do not go together" --as vae --sampled 9
	usage "--ties does not go with --as d2l, which has an order" --as d2l --ties best
	usage "--item-ids goes with --as trec" --as vae --item-ids x
	usage "vae has no metric 'MRR@3'" --as vae --only MRR@3
	usage "vae has no metric 'Recall@'" --as vae --only Recall@
	usage "with --as there may be 15 cutoffs" --as vae -k 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16
	usage "option --as" --as nobody
	rank-eval -k 1,2,3,4,5,6,7,8,9,10,11,12,13,14,4000000000 --as elliot plain.cof >table
}
