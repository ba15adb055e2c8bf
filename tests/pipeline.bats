#!/usr/bin/env bats
# The whole way: the book's numbers on MovieLens 100K, the corrected ones, and swapping a stage.
# data_file is set by dataset; the quoted backquotes are Markdown's
# shellcheck disable=SC2154,SC2016

load helper

# make a short run of the pipeline in $PWD/out; the arguments are environment settings
short_run() {
	run env OUT="$PWD/out" SEEDS=1 EPOCHS=2 "$@" "$ROOT/pipelines/d2l-neumf.sh"
	[ "$status" -eq 0 ] || { echo "$output" && return 1; }
}

@test "d2l-neumf on MovieLens 100K prints the book's numbers and explains them" {
	dataset ml-100k u.data
	short_run COFILTER_DATA="${data_file%/ml-100k/u.data}"
	assert_equal "$(jq -r '.ours[0] | "\(.batches) \(.loss * 1000 | round) \(.hit50 * 1000 | round) \(.auc * 1000 | round)"' out/d2l-neumf.json)" \
		"97 16982 75 531"
	assert_equal "$(jq '.ours[0].tied > 0.9999' out/d2l-neumf.json)" true
	assert_near "$(jq .itempop_on_the_books_items.auc out/d2l-neumf.json)" 0.638 0.0005
	assert_equal "$(jq '.curve | length' out/d2l-neumf.json)" 2
	assert_equal "$(jq -r '.final[].system' out/d2l-neumf.json | wc -l)" 7
	assert_equal "$(jq -r '.comparison[].system' out/d2l-neumf.json | sort)" \
		"$(jq -r '.final[].system' out/d2l-neumf.json | grep -v EASE | sort)"
	# what is compared is what the table has
	jq -e '(.final | map({(.system): .ndcg10}) | add) as $of | .comparison |
		all((.difference - ($of[.system] - $of["EASE, L = 200"]) | fabs) < 1e-9 and .holm >= .p)' out/d2l-neumf.json
	[[ $output != *"NOT MovieLens"* ]]
	# docs/book.md shows the whole output: here the lines that neither seeds, epochs nor processors change
	for line in 'seed 1         16.982' 'ItemPop on the same items' 'ItemKNN' 'ItemPop   ' 'system' 'liked (5 stars)'; do
		printed=$(grep -F -m 1 "$line" <<<"$output" | sed 's/ *$//')
		grep -qxF -- "$printed" "$ROOT/docs/book.md" || { echo "docs/book.md lacks: $printed" && return 1; }
	done
}

@test "the corrected book network reaches the published hit@50 at epoch 10" {
	movielens_100k
	negsample -q --pairwise --epochs 10 --seed 1 train.cof |
		neumf-train -q --factors 10 --hidden 10,10,10 --loss bpr --lr 0.01 --weight-decay 1e-5 --batch-size 1024 \
			--drop-last --device cpu -o model.safetensors
	neumf-score -q --model model.safetensors --device cpu --all-items --seen train.cof --ranks test.cof |
		rank-eval -q -k 50 --json >metrics.json
	assert_near "$(jq '.metrics["HR@50"]' metrics.json)" 0.306 0.022
}

@test "offline and without MovieLens the planted data set runs, and says so twice" {
	mkdir bin # no way to download
	printf '#!/bin/sh\nexit 7\n' | tee bin/curl >bin/wget
	chmod +x bin/curl bin/wget
	short_run PATH="$PWD/bin:$PATH" COFILTER_DATA=/nonexistent
	assert_equal "$(grep -c 'NOT MovieLens' <<<"$output")" 2
	assert_equal "$(jq -r .data out/d2l-neumf.json)" planted
	run env PATH="$PWD/bin:$PATH" DATASET=ml-100k OUT="$PWD/out2" COFILTER_DATA=/nonexistent "$ROOT/pipelines/d2l-neumf.sh"
	[ "$status" -ne 0 ]
	[ ! -e out2/d2l-neumf.json ]
}

@test "DATASET=FILE: a log of your own, a CSV with a header, packed" {
	{ echo user,item,rating,time && planted -q | tr '\t' ,; } | gzip -n >ratings.csv.gz
	short_run DATASET="$PWD/ratings.csv.gz"
	assert_equal "$(jq -r .data out/d2l-neumf.json)" ratings.csv.gz
	[[ $output != *MovieLens* ]]
	run env OUT="$PWD/out" DATASET=no-such "$ROOT/pipelines/d2l-neumf.sh"
	[ "$status" -eq 1 ]
	assert_contains "$output" "DATASET is 'no-such': ml-100k, planted or a file of ratings"
}

@test "a stage is swapped by its name: the sampler of the cookbook" {
	sed -n '/^```python my-sampler/,/^```$/p' "$ROOT/docs/cookbook.md" | sed '1d;$d' >my-sampler
	[ "$(wc -l <my-sampler)" -le 16 ]
	chmod +x my-sampler
	short_run DATASET=planted NEGSAMPLE="$PWD/my-sampler"
	assert_equal "$(jq '.curve | length' out/d2l-neumf.json)" 2
}
