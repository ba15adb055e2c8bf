#!/usr/bin/env bats
# What gnuplot draws for the pipelines: the right rows and levels, also where there is one seed, one epoch, one figure.
# shellcheck disable=SC2154
load helper

setup() {
	cd "$BATS_TEST_TMPDIR" || return 1
	command -v gnuplot >/dev/null || skip "no gnuplot"
}

# draw NAME SETTINGS: out.png and out.svg, without a word
draw() {
	run --separate-stderr gnuplot -e "out='out'; $2" "$ROOT/pipelines/$1.gnuplot"
	assert_status 0
	assert_equal "$output$stderr" ''
	[ "$(head -c 8 out.png | od -An -tx1)" = ' 89 50 4e 47 0d 0a 1a 0a' ]
	python3 -c 'import sys, xml.dom.minidom
for text in xml.dom.minidom.parse("out.svg").getElementsByTagName("text"): print("".join(part.firstChild.data if part.firstChild and part.nodeType == 1 else part.data if part.nodeType == 3 else "" for part in text.childNodes))' >texts
}

# where the text stands in out.svg, from the top
height_of() {
	grep -B1 -F -- ">$1<" out.svg | sed -n 's/.*translate([0-9.]*,\([0-9.]*\)).*/\1/p'
}

@test "systems.gnuplot: a row per system, the first on top; values, panels, what was published" {
	printf '%s\t%s\t%s\t%s\t%s\n' 'NeuMF, 8 factors' HR@10 .41 .004 .402 'NeuMF, 8 factors' NDCG@10 .24 .003 .239 \
		EASE HR@10 .43 '' '' EASE NDCG@10 .25 '' '' Paper HR@10 '' '' .5 Paper NDCG@10 '' '' .3 >systems.tsv
	draw systems "table='systems.tsv'; title='Toys'"
	for text in Toys HR@10 NDCG@10 'NeuMF, 8 factors' EASE Paper 0.4100 0.2400 0.4300 0.2500 \
		'mean and one standard deviation over seeds; hollow: as published'; do
		grep -qxF -- "$text" texts || { echo "lacks: $text" && cat texts && return 1; }
	done
	assert_equal "$(grep -cxE '0\.[0-9]{4}' texts)" 4
	awk -v a="$(height_of 'NeuMF, 8 factors')" -v b="$(height_of EASE)" -v c="$(height_of Paper)" 'BEGIN { exit !(a + 20 < b && b + 20 < c) }'
	printf 'A\tHR@10\t.3\t\t\n' >systems.tsv
	draw systems "table='systems.tsv'; title='One'"
	grep -qxF 'one run' texts
	run --separate-stderr gnuplot "$ROOT/pipelines/systems.gnuplot"
	assert_status 2
}

@test "d2l-neumf.gnuplot: levels with names, labels apart, one seed and one epoch" {
	for epoch in 1 2 3 4; do for seed in 1 2; do printf '%d\t%d\t.%d\t.3%d\n' $seed $epoch $((9 - epoch)) $((epoch + seed)); done; done >curve.tsv
	printf 'EASE\t.39\nItemKNN\t.352\nItemPop\t.216\n' >levels.tsv
	draw d2l-neumf "curve='curve.tsv'; levels='levels.tsv'; seeds='1 2'; data='toys'"
	# the mean of .35 and .36
	for text in ' NeuMF 0.355' ' EASE 0.390' ' ItemKNN 0.352' ' ItemPop 0.216' 'training loss'; do
		grep -qxF -- "$text" texts || { echo "lacks: $text" && cat texts && return 1; }
	done
	awk -v a="$(height_of ' NeuMF 0.355')" -v b="$(height_of ' ItemKNN 0.352')" 'BEGIN { exit !(a + 12 < b) }'
	awk '$2 == 1 && $1 == 1' curve.tsv >one.tsv
	draw d2l-neumf "curve='one.tsv'; levels='levels.tsv'; seeds='1'; data='toys'"
	grep -qF 'seed 1; dashed' texts
}
