#!/usr/bin/env bats
# shellcheck disable=SC2154,SC2016
# rank-cmp: means against rank-eval, tests against SciPy, and what may not be compared.
load helper

# text "user item above ties ties_before candidates" to a stream
ranks() {
	tr ' ' '\t' | cof-cat --from tsv --kind rank --users 200 --items 100
}

# 120 users, one positive each; the second system is better for two users of three
setup() {
	cd "$BATS_TEST_TMPDIR" || return 1
	awk 'BEGIN { for (u = 0; u < 120; u++) print u, u % 90, (u * 7) % 40, u % 5 ? 0 : 3, 0, 100 }' | ranks >a.cof
	awk 'BEGIN { for (u = 0; u < 120; u++) print u, u % 90, u % 3 ? int((u * 7) % 40 / 2) : (u * 7) % 40 + 5, 0, 0, 100 }' |
		ranks >b.cof
}

json() {
	rank-cmp -q --json "${@:2}" | jq -c "$1"
}

@test "means are those of rank-eval, differences are theirs" {
	local metrics=HR@10,NDCG@10,MRR@7,MAP@100,precision@3,recall@1,AUC
	for ties in mean worst best id; do
		json '.systems[] | .metrics | to_entries[] | "\(.key) \(.value.mean * 1e6 | round)"' \
			--metrics $metrics --ties $ties a.cof b.cof | tr -d '"' >got
		for file in a.cof b.cof; do
			for metric in ${metrics//,/ }; do
				echo "$metric $(rank-eval --only "$metric" --ties $ties $file)"
			done
		done | awk '{ printf "%s %.0f\n", $1, $2 * 1e6 }' | cmp - got
	done
	json '.comparisons[0] | [.metric, .a, .b]' a.cof b.cof >got
	assert_equal "$(cat got)" '["HR@10","a.cof","b.cof"]'
	json '(.systems | map(.metrics["NDCG@10"].mean)) as [$a, $b] | .comparisons[1].difference - ($b - $a) | fabs < 1e-12' \
		a.cof b.cof >got
	assert_equal "$(cat got)" true
}

@test "p values are SciPy's" {
	local python=
	for candidate in python3 /usr/bin/python3; do
		"$candidate" -c 'import scipy' 2>/dev/null && python=$candidate && break
	done
	[ "$python" ] || skip "no SciPy"
	for file in a b; do rank-eval -q -k 10 --per-user $file.tsv $file.cof >/dev/null; done
	rank-cmp -q --json --metrics NDCG@10 --resamples 50000 a.cof b.cof >got
	"$python" - <<-'END'
		import json, numpy as np
		from scipy import stats
		column = lambda f: np.genfromtxt(f, names=True, delimiter='\t', deletechars='')['NDCG@10']
		d = column('b.tsv') - column('a.tsv')
		got = json.load(open('got'))['comparisons'][0]
		near = lambda a, b, t: abs(a - b) <= t * abs(b) or exit(f'{a} is not {b}')
		near(got['difference'], d.mean(), 1e-7)
		near(got['p']['t'], stats.ttest_1samp(d, 0).pvalue, 1e-5)
		near(got['p']['wilcoxon'], stats.wilcoxon(d, method='approx').pvalue, 1e-5)
		test = stats.permutation_test((d,), np.mean, permutation_type='samples', n_resamples=50000)
		assert abs(got['p']['randomization'] - test.pvalue) < 0.005, test.pvalue
		low, high = stats.bootstrap((d,), np.mean, method='percentile', n_resamples=50000).confidence_interval
		assert abs(got['interval'][0] - low) < 0.002 and abs(got['interval'][1] - high) < 0.002
	END
}

@test "the baseline against all, or all pairs; Holm over all of them" {
	cp a.cof c.cof
	assert_equal "$(json '[.comparisons[] | .b + .a]' --metrics AUC a.cof b.cof c.cof)" '["b.cofa.cof","c.cofa.cof"]'
	rank-cmp --json --all-pairs --metrics AUC,HR@5 a.cof b.cof c.cof >all
	assert_equal "$(jq -c '[.comparisons[] | .b[:1] + .a[:1]]' all)" '["ba","ca","cb","ba","ca","cb"]'
	# nothing differs between a and c
	assert_equal "$(jq -c '.comparisons[1] | [.difference, .interval, .p.t, .p.wilcoxon, .p.randomization]' all)" '[0,[0,0],1,1,1]'
	for test in t wilcoxon randomization; do
		jq -e --arg test $test '[.comparisons[] | {p: .p[$test], holm: .holm[$test]}] | sort_by(.p) | length as $m |
			[foreach to_entries[] as $e (0; [., ([1, ($m - $e.key) * $e.value.p] | min)] | max; (. - $e.value.holm | fabs) < 1e-12)] | all' all
	done
}

@test "order of users, threads and kind of input change nothing; the seed changes intervals only" {
	cof-cat b.cof | tac | ranks >b2.cof
	rank-cmp --threads 1 a.cof b.cof >one
	rank-cmp --threads 3 a.cof b2.cof | sed s/b2.cof/b.cof/ | cmp - one
	rank-cmp a.cof <b.cof | sed 's/standard input/b.cof/' | cmp - one
	rank-cmp --seed 2 a.cof b.cof >two
	run cmp -s one two
	assert_status 1
	json '[.systems[].metrics[].mean], [.comparisons[] | .p.t, .p.wilcoxon]' a.cof b.cof >one
	json '[.systems[].metrics[].mean], [.comparisons[] | .p.t, .p.wilcoxon]' --seed 2 a.cof b.cof | cmp - one
}

@test "other users, other positives: an error that names the user" {
	refuses() {
		run --separate-stderr rank-cmp "$1" "$2"
		assert_status 1
		assert_error rank-cmp "$3"
		assert_equal "$output" ""
	}
	cof-cat b.cof | sed 5d | ranks >less.cof
	refuses a.cof less.cof "'a.cof' ranks user 4, 'less.cof' does not"
	refuses less.cof a.cof "'a.cof' ranks user 4, 'less.cof' does not"
	cof-cat b.cof | sed '$d' | ranks >less.cof
	refuses a.cof less.cof "'a.cof' ranks user 119, 'less.cof' does not"
	cof-cat b.cof | awk -F '\t' -v OFS='\t' '$1 == 7 { $2++ } 1' | ranks >other.cof
	refuses a.cof other.cof "user 7 has other positives in 'other.cof' than in 'a.cof'"
	{ cof-cat b.cof; printf '119\t50\t3\t0\t0\t100\n'; } | ranks >other.cof
	refuses a.cof other.cof "user 119 has other positives in 'other.cof' than in 'a.cof'"
	cof-cat b.cof | head -n 1 | ranks >one.cof
	refuses one.cof b.cof "'one.cof' holds one user with a positive: nothing to compare"
	for file in a b; do cp $file.cof known-$file.cof; done
	edit_header known-a.cof 'h["item_ids"] = [[2, "1" * 16]]'
	edit_header known-b.cof 'h["item_ids"] = [[2, "2" * 16]]'
	refuses known-a.cof known-b.cof "number their items differently"
	rank-cmp --ids-unchecked known-a.cof known-b.cof >/dev/null
}

@test "another number of candidates is reported; AUC needs a negative" {
	cof-cat b.cof | awk -F '\t' -v OFS='\t' '$1 < 3 { $6 = 99 } 1' | ranks >other.cof
	run --separate-stderr rank-cmp a.cof other.cof
	assert_status 0
	assert_contains "$stderr" "users with more or fewer candidates than in the first input: 3"
	run --separate-stderr rank-cmp --strict a.cof other.cof
	assert_status 1
	cof-cat b.cof | awk -F '\t' -v OFS='\t' '$1 == 3 { $3 = 0; $6 = 1 } 1' | ranks >other.cof
	rank-cmp -q a.cof other.cof >/dev/null 2>&1
	run --separate-stderr rank-cmp -q --metrics AUC a.cof other.cof
	assert_status 1
	assert_error rank-cmp "'other.cof': user 3 has no negative candidate, so that AUC is undefined"
}

@test "metrics that are none, or twice, are wrong usage" {
	for metrics in HR HR@0 AUC@3 '' 'HR@10,' hr@10 HR@10,HR@10 'HR@1,HR@2,HR@3,HR@4,HR@5,HR@6,HR@7,HR@8,HR@9,HR@10,HR@11,HR@12,HR@13,HR@14,HR@15,HR@16,HR@17'; do
		run --separate-stderr rank-cmp --metrics "$metrics" a.cof b.cof
		assert_status 2
		assert_contains "$stderr" "option --metrics"
	done
	run --separate-stderr rank-cmp
	assert_status 2
	assert_contains "$stderr" "no input to compare with"
}

@test "the table: means, intervals, a line for each pair, 80 columns" {
	rank-cmp a.cof b.cof >table
	assert_equal "$(grep -c '^B - A ' table)" 2
	grep -Eq '^A +0\.[0-9]{4} \[0\.[0-9]{4}, 0\.[0-9]{4}\] +a\.cof$' table
	[ "$(wc -L <table)" -le 80 ]
}
