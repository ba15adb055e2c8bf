#!/usr/bin/env bats
# shellcheck disable=SC2154
# rank-eval on top records with --truth, and --train: against numbers worked out by hand, and against Python.
load helper

# lists / interactions: text "user item rank score" or "user item" to a stream of 4 users and 6 items
lists() {
	tr ' ' '\t' | cof-cat --from tsv --kind top --users 4 --items 6
}
interactions() {
	sed 's/$/ 0/' | tr ' ' '\t' | cof-cat --from tsv --users 4 --items 6
}

# User 0 has 4 items, user 1 has 3, user 2 has 2, user 3 has one: n = 4, 3, 2, 1, 0, 0; items 0 to 2 are the head.
# User 1 has its positive second; user 2 has no list; user 3 has one third and one nowhere; user 0 has no positive.
example() {
	printf '%s\n' '0 0' '0 1' '0 2' '0 3' '1 0' '1 1' '1 2' '2 0' '2 1' '3 0' | interactions >train.cof
	printf '%s\n' '1 3 1 9' '1 4 2 8' '1 5 3 7' '0 4 1 2' '0 5 2 2' '3 1 1 3' '3 2 2 2' '3 3 3 1' | lists >top.cof
	printf '%s\n' '1 4' '2 3' '3 3' '3 5' | interactions >truth.cof
}

# only METRIC EXPECTED [OPTION]...
only() {
	run --separate-stderr rank-eval --truth truth.cof --only "$1" "${@:3}" top.cof
	assert_status 0
	[[ $output =~ ^[0-9.e-]+$ ]]
	assert_near "$output" "$2" 5.01e-7 || { echo "$1"; return 1; }
}

# with_streams: runs the Python program on standard input, where stream(name, kind, rows) writes a file of U users and I items
with_streams() {
	{
		cat <<-'EOF'
			import subprocess
			def stream(name, kind, rows):
			    text = "".join("\t".join(map(str, r)) + "\n" for r in rows)
			    with open(name, "wb") as f:
			        subprocess.run(["cof-cat", "--from", "tsv", "--kind", kind, "--users", str(U), "--items", str(I)],
			            input=text.encode(), stdout=f, check=True)
		EOF
		cat
	} | python3 -
}

@test "top records with --truth: metrics by hand" {
	example
	only HR@1 0
	only HR@2 0.333333
	only HR@3 0.666667
	only NDCG@2 0.210310 # 1/log2(3) / 3
	only NDCG@3 0.312501 # (1/log2(3) + 1/2 / (1 + 1/log2(3))) / 3
	only MRR@3 0.277778  # (1/2 + 1/3) / 3
	only MAP@3 0.222222  # (1/2 + 1/3 / 2) / 3
	only precision@3 0.222222
	only recall@3 0.500000
}

@test "--train on top records: coverage, novelty, popularity, long tail by hand" {
	example
	only coverage@1 0.500000 --train train.cof   # 3, 4, 1 of 6
	only coverage@2 0.833333 --train train.cof   # and 5, 2
	only popularity@2 1.000000 --train train.cof # ((1 + 0) / 2 + 0 + (3 + 2) / 2) / 3
	only novelty@2 1.353759 --train train.cof    # (2 + (log2(4/3) + 1) / 2) / 2
	only novelty@3 1.569173 --train train.cof    # (2 + (log2(4/3) + 1 + 2) / 3) / 2
	only long_tail@2 0.666667 --train train.cof
	only long_tail@3 0.777778 --train train.cof
	assert_contains "$stderr" "rank-eval: places with an item that nobody has in --train: no novelty: 4"
}

@test "the table and the JSON of top records" {
	example
	run --separate-stderr rank-eval -k 2,3 --truth truth.cof --train train.cof top.cof
	assert_status 0
	assert_equal "$output" "users       3
positives   4, 2 of them outside the lists: missed
lists       3, 2.7 items each, the longest 3
ties        none: the order is that of the lists

            @2      @3
HR          0.3333  0.6667
NDCG        0.2103  0.3125
MRR         0.1667  0.2778
MAP         0.1667  0.2222
precision   0.1667  0.2222
recall      0.3333  0.5000
coverage    0.8333  0.8333
novelty     1.3538  1.5692
popularity  1.0000  0.7778
long_tail   0.6667  0.7778

by items in train, @2
items           users    HR      NDCG    MRR     MAP     precision  recall
1 to 1          1        0.0000  0.0000  0.0000  0.0000  0.0000     0.0000
2 to 2          1        0.0000  0.0000  0.0000  0.0000  0.0000     0.0000
3 to 3          1        1.0000  0.6309  0.5000  0.5000  0.5000     1.0000

by users of the item in train, @2
users           positives  recall
0 to 0          2          0.5000
1 to 2          2          0.0000"
	assert_equal "$stderr" "rank-eval: users without a positive, left out of all means: 1
rank-eval: users of --truth without a list, whose positives are missed: 1
rank-eval: lists that end before the last cutoff: what follows counts as missed: 1
rank-eval: places with an item that nobody has in --train: no novelty: 4"
	rank-eval -q -k 2 --json --truth truth.cof --train train.cof top.cof >x.json 2>/dev/null
	run jq -c '[.users, .lists.longest, .lists.without_list, .lists.without_positive, .metrics.AUC, .metrics["coverage@2"]]' x.json
	assert_equal "$output" '[3,3,1,1,null,0.833333333333333]'
	run jq '[.activity[] | [.from, .to, .users, .metrics["HR@2"]]] == [[1, 1, 1, 0], [2, 2, 1, 0], [3, 3, 1, 1]]' x.json
	assert_equal "$output" true
}

@test "a cutoff that no list reaches is an error" {
	example
	run --separate-stderr rank-eval -k 2,4 --truth truth.cof top.cof
	assert_status 1
	assert_error rank-eval "'top.cof': no list has more than 3 items: nothing is known at 4 (-k 3)"
	assert_equal "$output" ""
	run --separate-stderr rank-eval --truth truth.cof top.cof
	assert_error rank-eval "nothing is known at 10 (-k 3)"
	run --separate-stderr rank-eval --only HR@4 --truth truth.cof top.cof
	assert_error rank-eval "nothing is known at 4 (-k 3)"
	run --separate-stderr rank-eval -k 3 --strict --truth truth.cof top.cof
	assert_status 1
}

@test "lists that can be read in two ways are errors" {
	example
	bad() {
		printf '%s\n' "${@:2}" | lists >bad.cof
		run --separate-stderr rank-eval -k 1 --truth truth.cof bad.cof
		assert_status 1
		assert_error rank-eval "$1"
		assert_equal "$output" ""
	}
	bad "): user 1, whose rows end here, has rank 1 twice" '1 3 1 9' '1 4 1 9'
	bad "user 1, whose rows end here, has no rank 2" '1 3 1 9' '1 4 3 9'
	bad "user 1, whose rows end here, has no rank 1" '1 3 0 9' '1 4 1 9'
	bad "user 1, whose rows end here, has item 3 twice" '1 3 1 9' '1 3 2 8'
	bad "rank 2 has a greater score than rank 1: which of them is the order?" '1 3 1 8' '1 4 2 9'
	bad "user 1 returns after another user" '1 3 1 9' '2 4 1 9' '1 4 2 9'
	: | lists >bad.cof
	run --separate-stderr rank-eval -k 1 --truth truth.cof bad.cof
	assert_error rank-eval "'bad.cof' holds no list"
	# the order of the rows is not that of the list
	printf '%s\n' '1 5 3 7' '1 4 2 8' '1 3 1 9' | lists >x.cof
	assert_equal "$(rank-eval --only MRR@3 --truth <(echo '1 4' | interactions) x.cof)" 0.5
}

@test "options that do not go together" {
	example
	cof-cat --from tsv --kind score --users 4 --items 6 <<<$'1\t2\t1\t0.5' >score.cof
	run --separate-stderr rank-eval top.cof
	assert_status 1
	assert_error rank-eval "'top.cof' holds top records, score or rank expected without --truth"
	run --separate-stderr rank-eval --truth truth.cof score.cof
	assert_status 1
	assert_error rank-eval "'score.cof' holds score records, top expected"
	usage() {
		run --separate-stderr rank-eval "${@:2}"
		assert_status 2
		assert_contains "$stderr" "$1"
	}
	usage "--ties does not go with top records" --ties id --truth truth.cof top.cof
	usage "AUC does not go with top records" --only AUC --truth truth.cof top.cof
	usage "coverage@2 needs --train" --only coverage@2 --truth truth.cof top.cof
	cof-cat --from tsv --kind rank --users 4 --items 6 <<<$'1\t2\t0\t0\t0\t1' >rank.cof
	usage "coverage@2 goes with top or score records" --only coverage@2 --train train.cof rank.cof
	usage "nor, with --train, coverage@K, novelty@K" --only coverage@0 --train train.cof score.cof
	usage "with --as a cutoff is at most 4294967294" -k 4294967295 --as elliot score.cof
	usage "'coverage' is not" --only coverage --train train.cof score.cof
}

@test "a number that is none is not printed" {
	example
	echo '1 5' | interactions >one.cof
	printf '%s\n' '1 3 1 9' '1 4 2 8' | lists >unknown.cof
	run --separate-stderr rank-eval --only novelty@2 --truth truth.cof --train one.cof unknown.cof
	assert_status 1
	assert_contains "$stderr" "rank-eval: 'unknown.cof': novelty@2 is undefined: no item of the lists is in --train"
	assert_equal "$output" ""
	run --separate-stderr rank-eval -k 2 --truth truth.cof --train one.cof unknown.cof
	assert_status 0
	assert_contains "$output" "novelty     undefined"
	for name in "recbole gauc" "elliot LAUC@2" "cornac MAP"; do
		run --separate-stderr rank-eval --as "${name% *}" --only "${name#* }" --truth truth.cof top.cof
		assert_status 1
		assert_contains "$stderr" "rank-eval: 'top.cof': ${name#* } is undefined: no user counts for it"
	done
	echo '2 3' | interactions >listless.cof
	run --separate-stderr rank-eval --as trec --only map --truth listless.cof top.cof
	assert_status 1
	assert_contains "$stderr" "rank-eval: 'top.cof': map is undefined"
}

@test "no line is wider than 80" {
	planted --users 60 --items 50 --ratings 700 >ratings.tsv
	ml-split -q --mode random --seed 3 --test test.cof ratings.tsv | binarize >train.cof
	pop-score -q --train train.cof --all-items --seen train.cof test.cof >score.cof
	pop-score -q --train train.cof --all-items --seen train.cof --top 10 test.cof >top.cof
	for tool in he2017 mlperf d2l elliot recbole implicit recommenders cornac vae trec; do
		rank-eval -q -k 10,5 --train train.cof --as $tool score.cof
		rank-eval -q -k 10,5 --train train.cof --as $tool --truth test.cof top.cof
	done >tables
	for ties in mean worst best id; do
		rank-eval -q -k 10,5 --train train.cof --ties $ties score.cof
	done >>tables
	[ "$(grep -cE '^users +[0-9]' tables)" = 44 ]
	run awk 'length($0) > 80' tables
	assert_equal "$output" ""
}

@test "--truth takes ratings, counts a row that stands twice once, and must fit" {
	example
	printf '1\t4\t5\t0\n3\t3\t1\t0\n3\t5\t1\t0\n2\t3\t1\t0\n3\t3\t2\t9\n' |
		cof-cat --from tsv --kind rating --users 4 --items 6 >ratings.cof
	run --separate-stderr rank-eval --only recall@3 --truth ratings.cof top.cof
	assert_status 0
	assert_equal "$output" 0.5
	assert_contains "$stderr" "rows of --truth that list an item again, which counts once: 1"
	echo '1 4' | sed 's/$/ 0/' | tr ' ' '\t' | cof-cat --from tsv --users 5 --items 6 >wide.cof
	run --separate-stderr rank-eval -k 1 --truth wide.cof top.cof
	assert_status 1
	assert_error rank-eval "'wide.cof' has 5 users and 6 items, more than 4 and 6"
	: | interactions >none.cof
	run --separate-stderr rank-eval -k 1 --truth none.cof top.cof
	assert_status 1
	assert_error rank-eval "'none.cof' holds no user with a positive"
	run --separate-stderr rank-eval -k 1 --truth truth.cof --train none.cof top.cof
	assert_status 1
	assert_error rank-eval "'none.cof' has no rows"
}

@test "lists of another split, or of other ids, are refused" {
	planted --users 30 --items 40 --ratings 300 >ratings.tsv
	ml-split -q --test test.cof ratings.tsv | binarize >train.cof
	ml-split -q --mode random --seed 2 --test other.cof ratings.tsv >/dev/null
	pop-score -q --train train.cof --all-items --seen train.cof --top 5 test.cof >top.cof
	rank-eval -k 5 --truth test.cof --train train.cof top.cof >table
	run --separate-stderr rank-eval -k 5 --truth other.cof top.cof
	assert_status 1
	assert_error rank-eval "are parts of different splits"
	rank-eval -k 5 --splits-unchecked --truth other.cof top.cof >table
	sed 's/^/x/' ratings.tsv | sort | ml-split -q --test renamed.cof >/dev/null
	run --separate-stderr rank-eval -k 5 --splits-unchecked --truth renamed.cof top.cof
	assert_status 1
	assert_error rank-eval "number their users differently"
}

@test "top lists say what ranks by --ties id say, and groups are the same for lists, ranks and scores" {
	planted --users 60 --items 50 --ratings 700 >ratings.tsv
	ml-split -q --mode random --seed 3 --test test.cof ratings.tsv | binarize >train.cof
	binarize <test.cof >positives.cof
	local score="pop-score -q --train train.cof --all-items --seen train.cof"
	$score --top 20 positives.cof >top.cof
	$score --ranks positives.cof >rank.cof
	$score positives.cof >score.cof
	for file in top rank score; do
		local way=(--ties id)
		[ $file != top ] || way=(--truth positives.cof)
		rank-eval -q -k 5,20 "${way[@]}" --train train.cof --json $file.cof >$file.json
		jq -S '[.metrics, .activity, .popularity] | walk(if type == "object" then with_entries(select(.key |
			test("AUC|coverage|novelty|popularity|long") | not)) else . end)' $file.json >$file.txt
	done
	cmp top.txt rank.txt
	cmp rank.txt score.txt
	# the best of all candidates are the lists
	for file in top score; do
		jq '.metrics | with_entries(select(.key | test("coverage|novelty|popularity|long")))' $file.json >$file.txt
	done
	[ "$(jq length top.txt)" = 8 ]
	cmp top.txt score.txt
	[ "$(jq '.activity | length' rank.json)" -ge 2 ]
	[ "$(jq '.popularity | length' rank.json)" -ge 3 ]
	# --sampled has no places among all candidates
	[ "$(rank-eval -q --sampled 5 --train train.cof --json rank.cof | jq '[has("activity"), has("popularity")]' -c)" = '[true,false]' ]
}

@test "--train against Python, on random lists" {
	with_streams <<-'EOF'
		import json, math, random
		random.seed(7)
		U, I = 40, 30
		for trial in range(20):
		    train = {(u, min(I - 1, int(random.expovariate(.2)))) for u in range(U) for _ in range(random.randrange(0, 12))}
		    lists = {u: random.sample(range(I), random.randrange(1, 9)) for u in random.sample(range(U), 30)}
		    truth = {(u, random.randrange(I)) for u in range(U) for _ in range(2)}
		    stream("a.cof", "interaction", [(u, i, 0) for u, i in train])
		    stream("b.cof", "top", [(u, i, k + 1, -k) for u, l in lists.items() for k, i in enumerate(l)])
		    stream("c.cof", "interaction", [(u, i, 0) for u, i in truth])
		    K = max(map(len, lists.values()))
		    got = json.loads(subprocess.run(["rank-eval", "-q", "--json", "-k", f"1,{K}", "--truth", "c.cof", "--train", "a.cof", "b.cof"],
		        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True).stdout)
		    n = [sum(i == j for _, j in train) for i in range(I)]
		    users = len({u for u, _ in train})
		    head, total = set(), 0
		    for i in sorted(range(I), key=lambda i: (-n[i], i)):
		        if total >= .8 * len(train): break
		        head.add(i); total += n[i]
		    mean = lambda x: sum(x) / len(x)
		    for k in 1, K:
		        cut = [l[:k] for l in lists.values()]
		        known = [[i for i in l if n[i]] for l in cut]
		        want = {"coverage": len({i for l in cut for i in l}) / I,
		            "novelty": mean([mean([-math.log2(n[i] / users) for i in l]) for l in known if l]),
		            "popularity": mean([mean([n[i] for i in l]) for l in cut]),
		            "long_tail": mean([mean([i not in head for i in l]) for l in cut]),
		            "recall": mean([len({i for v, i in truth if v == u} & set(lists.get(u, [])[:k])) /
		                sum(v == u for v, i in truth) for u in range(U)])}
		        for name, value in want.items():
		            assert abs(got["metrics"][f"{name}@{k}"] - value) < 1e-9, (trial, name, k, value)
		    size = [sum(v == u for v, i in train) for u in range(U)]
		    order = sorted(s for s in size if s)
		    ends = [order[-(-len(order) * q // 4) - 1] for q in (1, 2, 3, 4)]
		    groups = {}
		    for s in size:
		        g = 0 if s == 0 else next(e for e in ends if s <= e)
		        groups[g] = groups.get(g, 0) + 1
		    assert {g["to"]: g["users"] for g in got["activity"]} == groups, trial
	EOF
}

@test "recall by the popularity of items against Python, over all orders of the tied" {
	with_streams <<-'EOF'
		import itertools, json, random
		random.seed(11)
		U, I = 12, 9
		def shares(scores, positive, k, ties):
		    "item: how much of it stands in the first k places"
		    items = sorted(scores, key=lambda i: (-scores[i], i))
		    if ties == "id":
		        return {i: float(i in items[:k]) for i in positive}
		    if ties == "mean":
		        orders = [o for o in itertools.permutations(items) if all(scores[a] >= scores[b] for a, b in zip(o, o[1:]))]
		        return {i: sum(i in o[:k] for o in orders) / len(orders) for i in positive}
		    first = sorted(items, key=lambda i: (-scores[i], (i in positive) == (ties == "worst")))[:k]
		    return {i: sum(scores[j] == scores[i] for j in positive & set(first)) /
		        sum(scores[j] == scores[i] for j in positive) for i in positive}
		for trial in range(8):
		    train = {(u, min(I - 1, int(random.expovariate(.5)))) for u in range(U) for _ in range(random.randrange(1, 6))}
		    users = {u: ({i: random.randrange(3) for i in random.sample(range(I), 5)}, set()) for u in range(U)}
		    for scores, positive in users.values():
		        positive |= set(random.sample(sorted(scores), random.randrange(1, 4)))
		    stream("a.cof", "interaction", [(u, i, 0) for u, i in train])
		    stream("s.cof", "score", [(u, i, int(i in p), s[i]) for u, (s, p) in users.items() for i in s])
		    n = [sum(i == j for _, j in train) for i in range(I)]
		    ends, total = [], 0
		    for i in sorted(range(I), key=lambda i: n[i]):
		        before, total = total, total + n[i]
		        if any(before < q * len(train) / 4 <= total for q in (1, 2, 3, 4)): ends.append(n[i])
		    for ties in "mean", "worst", "best", "id":
		        got = json.loads(subprocess.run(["rank-eval", "-q", "--json", "-k", "1,3", "--ties", ties, "--train", "a.cof", "s.cof"],
		            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True).stdout)["popularity"]
		        want = {}
		        for scores, positive in users.values():
		            for k in 1, 3:
		                for i, share in shares(scores, positive, k, ties).items():
		                    g = 0 if n[i] == 0 else next(e for e in ends if n[i] <= e)
		                    want.setdefault((g, k), []).append(share)
		        assert len(got) * 2 == len(want), (trial, got, want)
		        for g in got:
		            for k in 1, 3:
		                share = want[g["to"], k]
		                assert g["positives"] == len(share), trial
		                assert abs(g["metrics"][f"recall@{k}"] - sum(share) / len(share)) < 1e-12, (trial, ties, g, k)
	EOF
}
