#!/usr/bin/env bats
# shellcheck disable=SC2154
# cof-stat: its numbers against NumPy's, for every kind; times, ties, bars, the width of the table.
load helper

# agrees FILE: every number of --json is that of brute force over cof-cat's JSON lines
agrees() {
	cof-stat -q --json "$1" >got.json
	cof-cat --to jsonl "$1" >rows.jsonl
	cof-cat --header "$1" >header.json
	"$python" - <<-'END'
		import datetime, json, math, numpy as np
		got, header = json.load(open('got.json')), json.load(open('header.json'))
		rows = [json.loads(line) for line in open('rows.jsonl')]
		def near(what, a, b):
		    if b is None or (isinstance(b, float) and math.isnan(b)):
		        assert a is None, (what, a, b)
		    else:
		        assert abs(a - b) <= 1e-9 * max(1, abs(b)), (what, a, b)
		def counts(ids):
		    x = np.sort(np.unique(np.array(ids, dtype=np.int64), return_counts=True)[1]).astype(float)
		    n = len(x)
		    # the mean difference of all pairs, over twice the mean
		    gini = np.abs(x[:, None] - x[None, :]).mean() / (2 * x.mean())
		    curve = np.interp(np.arange(21) * n / 20, np.arange(n + 1), np.r_[0, np.cumsum(x[::-1])]) / x.sum()
		    q = dict(min=x[0], p25=np.percentile(x, 25), median=np.median(x), p75=np.percentile(x, 75), max=x[-1], mean=x.mean())
		    return n, gini, curve, q
		def compare(what, a, b):
		    assert a.keys() == b.keys(), (what, a.keys())
		    for k in b:
		        near(what + ' ' + k, a[k], b[k])
		assert got.pop('kind') == header['kind'] and got.pop('rows') == len(rows)
		for key in 'users', 'items':
		    assert got.pop(key) == header[key]
		for key in 'epochs', 'rows_per_epoch':
		    if key in header:
		        assert got.pop(key) == header[key]
		item = 'item' if 'item' in rows[0] else 'positive'
		users, gini, _, q = counts([r['user'] for r in rows])
		near('users', got.pop('users_seen'), users)
		near('gini of users', got.pop('gini_users'), gini)
		compare('per user', got.pop('rows_per_user'), q)
		items, gini, curve, q = counts([r[item] for r in rows])
		near('items', got.pop('items_seen'), items)
		near('gini of items', got.pop('gini_items'), gini)
		compare('per item', got.pop('rows_per_item'), q)
		near('density', got.pop('density'), len(rows) / users / items)
		for a, b in zip(got.pop('popularity_curve'), curve, strict=True):
		    near('curve', a, b)
		if 'negative' in rows[0]:
		    negatives = got.pop('negatives')
		    all = np.concatenate([np.atleast_1d(r['negative']) for r in rows])
		    items, gini, _, q = counts(all)
		    near('negatives', negatives['items_seen'], items)
		    near('gini of negatives', negatives['gini_items'], gini)
		    compare('per negative', negatives['rows_per_item'], q)
		if any(r.get('time') for r in rows):
		    time = got.pop('time')
		    t = [r['time'] for r in rows]
		    iso = lambda s: (datetime.datetime(1970, 1, 1) + datetime.timedelta(seconds=s)).isoformat() + 'Z'
		    assert time['first'] == iso(min(t)) and time['last'] == iso(max(t))
		    first, last, shift = min(t), max(t), 0
		    while (last >> shift) - (first >> shift) >= 65536:
		        shift += 1
		    want = np.histogram([max((s >> shift) << shift, first) for s in t], 40, (first, last + 1))[0]
		    assert time['rows'] == list(want), (time['rows'], want)
		for name in 'rating', 'label', 'score', 'rank', 'above', 'ties', 'candidates':
		    if name in rows[0]:
		        field = got.pop(name)
		        v = np.array([np.float32(r[name]) for r in rows if r[name] is not None], dtype=float)
		        near(name, field['min'], v.min()), near(name, field['max'], v.max()), near(name, field['mean'], v.mean())
		        masked = sum(r[name] is None for r in rows)
		        assert field.get('infinite', 0) == masked
		        value, number = np.unique(v, return_counts=True)
		        want = list(zip(value, number)) if len(value) <= 20 else []
		        assert len(field['values']) == len(want), (name, field['values'])
		        for (a, n), (b, m) in zip(field['values'], want):
		            near(name, a, b)
		            assert n == m
		if 'label' in rows[0]:
		    assert got.pop('positives') == sum(r['label'] > 0 for r in rows)
		if 'ties' in rows[0]:
		    assert got.pop('tied') == sum(r['ties'] > 0 for r in rows)
		elif 'score' in rows[0]:
		    keys = [(r['user'], r['score']) for r in rows if r['score'] is not None]
		    assert got.pop('tied') == sum(keys.count(k) > 1 for k in keys)
		assert not got, got
	END
}

setup_file() {
	cd "$BATS_FILE_TMPDIR" || return 1
	planted -q --users 40 --items 60 --ratings 600 >ratings.tsv
	ml-split -q --test test-rating.cof ratings.tsv >rating.cof
	binarize -q rating.cof >interaction.cof
	binarize -q test-rating.cof >test.cof
	negsample -q --epochs 2 interaction.cof >triple.cof
	negsample -q --pointwise --negatives 3 interaction.cof >sample.cof
	negsample -q --grouped --negatives 4 interaction.cof >group.cof
	pop-score -q --train interaction.cof --all-items --seen interaction.cof test.cof >score.cof
	knn-score -q --train interaction.cof --all-items --ranks test.cof >rank.cof
	pop-score -q --train interaction.cof --all-items --top 5 test.cof >top.cof
}

@test "every number, for every kind, is NumPy's" {
	numpy
	for kind in rating interaction triple sample group score rank top; do
		agrees "$BATS_FILE_TMPDIR/$kind.cof" || {
			echo "of $kind"
			return 1
		}
	done
}

@test "MovieLens 100K: every number is NumPy's" {
	numpy
	movielens_100k
	agrees train.cof
	agrees test-ratings.cof
	run cof-stat train.cof
	assert_contains "$output" "time          1997-09-20T03:05:10Z to 1998-04-22T23:10:38Z"
	assert_contains "$output" "users         943 of 943 have a row"
}

interactions() {
	tr ' ' '\t' | cof-cat --from tsv --kind interaction --users 5 --items 7
}

@test "times: one, long spans in any order, the ends of int64, and none" {
	numpy
	printf '%s\n' '0 0 77' '1 1 77' | interactions >one.cof
	agrees one.cof
	for times in "0 65535" "0 65536" "65536 0" "-5 100000 3 70000" "1 2 3 40 41" "-1 0"; do
		for time in $times; do echo "0 1 $time"; done | interactions >x.cof
		agrees x.cof
	done
	printf '%s\n' '0 0 9223372036854775807' '1 1 -9223372036854775808' '1 1 0' | interactions >ends.cof
	run cof-stat --json ends.cof
	assert_equal "$(jq -c '.time.rows | [.[0], .[20], .[39], add]' <<<"$output")" '[1,1,1,3]'
	assert_equal "$(jq -r '.time.first, .time.last' <<<"$output" | tr '\n' ' ')" \
		'-292277022657-01-27T08:29:52Z +292277026596-12-04T15:30:07Z '
	run cof-stat ends.cof
	assert_status 0
	printf '%s\n' '0 0 0' '1 1 0' | interactions >none.cof
	agrees none.cof
	run cof-stat none.cof
	[[ $output != *time* ]]
}

@test "more than 20 values are not listed, 20 are" {
	numpy
	for n in 20 21; do
		for ((k = 0; k < n; k++)); do printf '%d\t%d\t%d.5\t0\n' $((k % 5)) $((k % 7)) $((n - k)); done |
			cof-cat --from tsv --kind rating --users 5 --items 7 >x.cof
		agrees x.cof
	done
}

@test "no rows: counts of 0, and what does not exist is null" {
	interactions </dev/null >empty.cof
	run cof-stat --json empty.cof
	assert_status 0
	assert_equal "$(jq -c '[.rows, .users, .users_seen, .density, .gini_items, .rows_per_user.mean, .popularity_curve[20], .time]' <<<"$output")" \
		'[0,5,0,null,null,null,0,null]'
	run cof-stat empty.cof
	assert_status 0
	assert_contains "$output" "records       interaction, 0"
}

@test "the table has 80 columns at most, no blank ends a line, and its bars are ASCII but in a UTF-8 locale" {
	for kind in rating interaction triple sample group score rank top; do
		cof-stat "$BATS_FILE_TMPDIR/$kind.cof" >table
		! LC_ALL=C grep -nE '.{81}|[^ -~]| $' table || return 1
	done
	cof-stat "$BATS_FILE_TMPDIR/rating.cof" >plain
	locale -a | grep -qi '^c\.utf-\?8$' || skip "no locale C.UTF-8"
	LC_ALL=C.UTF-8 cof-stat "$BATS_FILE_TMPDIR/rating.cof" >blocks
	grep -q █ blocks
	sed 's/▁/./g; s/▂/:/g; s/▃/-/g; s/▄/=/g; s/▅/+/g; s/▆/*/g; s/▇/#/g; s/█/@/g' blocks | cmp - plain
}

@test "memory does not grow with rows" {
	negsample -q --epochs 4000 "$BATS_FILE_TMPDIR/interaction.cof" | (ulimit -v 100000 && cof-stat --json) >got.json
	assert_equal "$(jq .rows got.json)" "$((4000 * $(cof-cat --count "$BATS_FILE_TMPDIR/interaction.cof")))"
}
