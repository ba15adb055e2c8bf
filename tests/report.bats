#!/usr/bin/env bats
# report.html of a run: what it shows, that nothing in the data can break it, and how a browser draws it.
# shellcheck disable=SC2154,SC2016
load helper

# report [JQ PROGRAM]: make run/report.html of the small run, changed by the program
report() {
	mkdir -p run
	jq "${1:-.}" "$BATS_TEST_DIRNAME/report/results.json" >run/results.json
	run --separate-stderr sh "$ROOT/pipelines/report.sh" run
}

page() {
	python3 "$BATS_TEST_DIRNAME/report/page.py" run/report.html
}

# browse [OPTION...]: what tests/report/browser.html finds, as found.json; skipped where there is no Chromium
browse() {
	local chromium
	for chromium in chromium chromium-browser google-chrome; do
		command -v "$chromium" >/dev/null && break
	done
	command -v "$chromium" >/dev/null || skip "no Chromium"
	cp "$BATS_TEST_DIRNAME/report/browser.html" run
	timeout 120 "$chromium" --headless --no-sandbox --disable-gpu --user-data-dir="$PWD/profile" --allow-file-access-from-files \
		--window-size=1400,1000 --virtual-time-budget=20000 "$@" --dump-dom "file://$PWD/run/browser.html" 2>chromium.log |
		python3 -c 'import html, re, sys
print(html.unescape(re.search("<pre id=\"result\">(.*?)</pre>", sys.stdin.read(), re.S).group(1)))' >found.json
	jq -e .error found.json >/dev/null && cat found.json && return 1
	jq -e 'has("open")' found.json
}

# What is wrong at WIDTH, which must be []
assert_sound() {
	assert_equal "$(jq -c --arg width "$1" '.[$width] | [.width, .overflow, .wide, .texts, .pictures, .requests, .scripts]' found.json)" \
		"[$1,false,[],[],0,[],0]"
}

@test "the page of a run: every part, closed tags, texts of pictures and tables, nothing that loads" {
	report
	assert_status 0
	assert_equal "$output$stderr" ''
	assert_equal "$(page)" '19 pictures, 4 tables'
	for text in '5,000</b> ratings' 'The most popular fifth of the items' 'ratings dropped for a later one' \
		'1 warning, no error' '1,040 of 5,000 rows repeat a user' 'cof-import --duplicates' '1 check passed' \
		'0.0045 above' '(p = 0.012)' 'For 10 of 100 users' '[0.0400, 0.0610]' 'p &lt; 0.0001' \
		'epoch 5' 'For whom: NDCG@10' 'Coverage of the first 10' 'All 7 settings' 'User <bdi>u1' 'Yo-yo' 'Glider' \
		'rank-eval --only &#39;NDCG@10&#39;</code>'; do
		grep -qF -- "$text" run/report.html || { echo "lacks: $text" && return 1; }
	done
}

@test "equal results make equal bytes, and a page is replaced" {
	report
	cp run/report.html first.html
	report
	cmp first.html run/report.html
	report '.winner = "ease"'
	assert_contains "$(cat run/report.html)" 'It is a baseline itself: no other system did better'
	assert_equal "$(ls run)" "$(printf 'report.html\nresults.json')"
	assert_equal "$(stat -c %a run/report.html)" "$(printf '%o' $((0666 & ~$(umask))))"
}

# the heads of the table of results
heads() {
	grep -o '<table class="sortable results">.*</thead>' run/report.html | grep -o '<th [^>]*>[^<]*' | sed 's/.*>//' | paste -sd ' '
}

@test "the table: metrics that say the same in other units stand there once" {
	report '.systems |= map(.test |= (.["recall@10"] = .["HR@10"] | .["precision@10"] = .["HR@10"] / 10 | .["MRR@10"] = .["HR@10"] / (1 + .["NDCG@10"])))'
	assert_status 0
	assert_equal "$(heads)" 'System Valid NDCG@10 HR@10 AUC MRR@10 Setting Epoch Time'
	# AUC is the same for all: that is no proportion of another
	report '.systems |= map(del(.seconds, .epoch) | .test.AUC = null)'
	assert_equal "$(heads)" 'System Valid NDCG@10 HR@10 AUC Setting'
	report '.systems |= map(select(.id == "ease")) | .winner = "ease"'
	assert_equal "$(heads)" 'System Valid NDCG@10 HR@10 AUC Setting Time'
}

@test "what is absent is left out" {
	report '{metric, winner, best_baseline, systems: [.systems[] | {id, test: {"NDCG@10": .test["NDCG@10"]}}]}'
	assert_status 0
	assert_equal "$(page)" '2 pictures, 1 tables'
	for key in input stat lint split curves users neighbours commands versions stat.time stat.rating stat.popularity_curve \
		stat.rows_per_user lint.checks input.name input.dropped users[0].liked neighbours[0].similar curves[0].points \
		curves[0].kept systems[].tried systems[].activity systems[].popularity systems[].interval systems[].p systems[].label systems[0].test \
		'systems[].test["coverage@10"]' systems[].seconds systems[].setting systems[].valid; do
		report "del(.$key)"
		assert_status 0
		page
	done
	report '.systems |= .[2:3] | .winner = "ease"'
	assert_status 0
	page
}

@test "odd numbers: nothing but dashes, no NaN, no division by zero" {
	report '.systems |= map(.test |= map_values(0) | .valid = 0 | .interval |= map_values([0, 0]) | .activity |= map(.metrics |= map_values(0)) | .popularity |= map(.metrics |= map_values(0)))
		| .curves[0].points |= (.[:1] | map(.loss = 0)) | .stat.popularity_curve |= map(1) | .stat.time.last = .stat.time.first
		| .stat.time.rows |= map(0) | .stat.rating.values |= map([.[0], 0]) | .stat.rows_per_user |= map_values(1)'
	assert_status 0
	page
	report '.systems |= map(.test |= map_values(-1e9) | .valid = -1e300) | .stat.rows = 1e15 | .stat.items = 1e9 | .stat.density = 1e-12
		| .curves[0].points |= map(.epoch *= 1000 | .loss = 1e12)'
	assert_status 0
	page
	report '.systems |= map(.test["HR@10"] = "x" | .valid = "y" | .seconds = [] | .epoch = {}) | .stat.rows = "many"'
	assert_status 0
	page
	run grep -niE '[^a-z](nan|infinity|null|undefined)[^a-z]|[0-9]e[+-]?[0-9]{2}' <(sed '/<style/,/<\/style>/d; /<script>/,$d' run/report.html)
	assert_equal "$output" ''
}

@test "hostile names are text: as they are, and nothing runs" {
	report "$(cat "$BATS_TEST_DIRNAME/report/hostile.jq")"
	assert_status 0
	assert_equal "$(page)" '19 pictures, 4 tables'
	assert_equal "$(grep -c '<script' run/report.html)" 1
	browse
	assert_sound 400
	assert_sound 1280
	jq -r .text found.json >text
	for text in '<script>top.hostile = hostile = 1</script>' "\"><img src=x onerror='top.hostile = hostile = 1'>" \
		'</script></style></title>--> ]]> &lt;b&gt; &amp;' '${x} $(x) `x` %s \u003c'; do
		grep -qF -- "$text" text || { echo "not shown: $text" && return 1; }
	done
}

@test "in a browser: fits 400 and 1280 pixels, every picture is drawn once, nothing is fetched, tables sort, dark and light" {
	report
	browse
	assert_sound 400
	assert_sound 1280
	assert_equal "$(jq -c '[.aria, .descending, .ascending]' found.json)" \
		'["descending",["0.0520","0.0475","0.0430","0.0200"],["0.0200","0.0430","0.0475","0.0520"]]'
	assert_equal "$(jq -c '[.light != .dark, .light == .again, .open]' found.json)" '[true,true,true]'
	light=$(jq -r .light found.json)
	browse --force-dark-mode --blink-settings=preferredColorScheme=0
	assert_equal "$(jq -c --arg light "$light" '[.light != $light, .dark == $light]' found.json)" '[true,true]'
}

@test "what is no run is refused in one line, and an old page stays" {
	report
	cp run/report.html old.html
	while IFS='|' read -r program why; do
		report "$program"
		assert_status 1
		assert_error 'cofilter report' "'run/results.json': $why"
	done <<-'END'
		empty|0 values in place of one
		., .|2 values in place of one
		[.]|no object
		del(.metric)|no metric
		.systems = []|no systems
		.systems = 3|systems is no array
		.systems[0] = 3|systems holds what is no object
		.systems[1].id = "pop"|two systems of one id
		del(.systems[1].id)|a system without an id
		.systems[1].test = []|systems.test is no object
		.systems[1].tried = [3]|systems.tried holds what is no object
		.winner = "p"|winner is none of the systems
		.best_baseline = null|best_baseline is none of the systems
		.systems[3].test = {}|winner has no NDCG@10 on test
		.users = [[]]|users holds what is no object
		.lint.checks = {}|lint.checks is no array
	END
	printf '{"metric":' >run/results.json
	run --separate-stderr sh "$ROOT/pipelines/report.sh" run
	assert_status 1
	assert_error 'cofilter report' "'run/results.json': parse error"
	cmp old.html run/report.html
	assert_equal "$(ls run)" "$(printf 'report.html\nresults.json')"
	run --separate-stderr sh "$ROOT/pipelines/report.sh" nowhere
	assert_status 1
	assert_error 'cofilter report' "'nowhere/results.json': there is no such file"
	for arguments in 'run more' --option ''; do
		# shellcheck disable=SC2086
		run --separate-stderr sh "$ROOT/pipelines/report.sh" $arguments
		assert_status 2
		assert_equal "$stderr" 'Usage: cofilter report DIR'
	done
	rm run/report.html
	mkdir run/report.html
	report
	assert_status 1
	assert_error 'cofilter report' "'run/report.html': is a folder"
}

@test "a page that cannot be written whole is not there" {
	mkdir -p run
	cp "$BATS_TEST_DIRNAME/report/results.json" run
	run --separate-stderr bash -c "ulimit -f 8; trap '' XFSZ; sh '$ROOT/pipelines/report.sh' run"
	assert_status 1
	assert_equal "$(ls run)" results.json
}
