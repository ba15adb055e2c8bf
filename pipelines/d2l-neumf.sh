#!/usr/bin/env bash
# d2l-neumf: the experiment of "Dive into Deep Learning", chapter 21.6 (NeuMF with BPR on MovieLens 100K), first as
# the book prints it, with what explains its numbers, then corrected. Writes $OUT/d2l-neumf.json, .png and .svg.
#
# Environment: COFILTER_DATA (where data sets are), DATASET=ml-100k|planted|FILE (a log of your own), OUT (build),
# DEVICE (cpu), SEEDS ("1 2 3"),
# EPOCHS (30); NEGSAMPLE, NEUMF_TRAIN, ... swap a stage.
set -euo pipefail
# shellcheck source=pipelines/common.sh
. "$(dirname "$0")/common.sh"

SEEDS=${SEEDS:-1 2 3}
EPOCHS=${EPOCHS:-30}
BOOK_EPOCHS=10
BOOK_ITEMS=0:943 # the book's evaluator ranks range(num_users)
work=$OUT/d2l-neumf
mkdir -p "$work"
rm -f "$work"/*.jsonl
started=$(date +%s)

book_network=(--factors 10 --hidden '10,10,10' --loss bpr --optimizer adam --lr 0.01 --weight-decay 1e-5
	--init-std 0.01 --batch-size 1024 --drop-last)

## split the log: leave one out by time

heading "data"
ratings=$(ml_100k)
data='MovieLens 100K'
case ${DATASET:-} in
'' | ml-100k | planted) ;;
*) data=${DATASET##*/} ;;
esac
[ "$ratings" != "$work/planted.tsv" ] || { data=planted && planted_notice; }
echo "ratings: $ratings"
"$ML_SPLIT" --test "$work/test-ratings.cof" --item-ids "$work/items.tsv" "$ratings" |
	"$BINARIZE" | gzip -n >"$work/train.cof.gz"
"$BINARIZE" <"$work/test-ratings.cof" | gzip -n >"$work/test.cof.gz"
rm "$work/test-ratings.cof"
train=$work/train.cof.gz test=$work/test.cof.gz
echo "train: $("$COF_CAT" --count "$train") interactions, test: $("$COF_CAT" --count "$test") users"

## the steps that every run is made of

# triples SEED EPOCHS
triples() {
	"$NEGSAMPLE" -q --pairwise --epochs "$2" --seed "$1" "$train"
}

# ranks SCORER...: rank rows of the test items among the items a user has not seen
ranks() {
	"$@" -q --all-items --seen "$train" --ranks "$test"
}

# metrics RANK-EVAL-OPTION...: one line of JSON
metrics() {
	"$RANK_EVAL" -q -k 10,50 --json "$@" | jq -c .
}

# Where the floats of a model begin: behind 8 bytes of header length and the header.
tensors_at() {
	echo $(($(od -An -tu8 -N8 "$1") + 8))
}

# The largest |parameter| of a model.
largest_parameter() {
	od -An -v -w4 -tf4 -j "$(tensors_at "$1")" "$1" | awk '{ v = $1 < 0 ? -$1 : $1; if (v > m) m = v } END { printf "%.1e", m }'
}

# mean_sd: of the numbers on standard input, "mean +/- sd"
mean_sd() {
	awk '{ s += $1; q += $1 * $1; n++ } END { m = s / n; v = n > 1 ? (q - n * m * m) / (n - 1) : 0
		printf (n > 1 ? "%.3f +/- %.3f" : "%.3f"), m, sqrt(v > 0 ? v : 0) }'
}

# train NAME SEED EPOCHS TRAIN-OPTION...: calls each_epoch NAME SEED LINE MODEL for every line of the log as it comes
train() {
	local name=$1 seed=$2 epochs=$3 prefix=$work/$1-$2 line model
	shift 3
	triples "$seed" "$epochs" |
		"$NEUMF_TRAIN" -q "$@" --seed "$seed" --device "$DEVICE" --log - --save-epochs "$prefix" -o "$prefix.safetensors" |
		while IFS= read -r line; do
			model=$prefix-$(printf '%04d' "$(jq .epoch <<<"$line")").safetensors
			each_epoch "$name" "$seed" "$line" "$model"
			rm "$model"
		done
}

## as printed

book_epoch() {
	local name=$1 seed=$2 line=$3 model=$4 largest
	largest=$(largest_parameter "$model")
	jq -c --arg largest "$largest" '{epoch, batches, loss, largest: ($largest | tonumber)}' <<<"$line" \
		>>"$work/$name-$seed.jsonl"
}

# The rank rows of the book's evaluator for a model, and one JSON object of what they say.
book_metrics() {
	local name=$1 seed=$2 ranks=$work/$1-$2.ranks.cof.gz policy
	ranks "$NEUMF_SCORE" --model "$work/$name-$seed.safetensors" --device "$DEVICE" --items "$BOOK_ITEMS" |
		gzip -n >"$ranks"
	# that nearly all candidates tie is what this is about: not warned of again
	for policy in id mean; do
		metrics --ties "$policy" "$ranks" 2> >(grep -v 'tie with a positive' >&2)
	done | jq -sc --argjson log "$(tail -n 1 "$work/$name-$seed.jsonl")" --argjson seed "$seed" '
		{seed: $seed, loss: ($log.loss * ($log.batches + 1) / 2 / 2), mean_loss: $log.loss, batches: $log.batches,
		 hit50: .[0].metrics["HR@50"], auc: .[0].metrics.AUC, tied: .[0].tied,
		 worst: .[0].worst["HR@50"], mean: .[1].metrics["HR@50"], best: .[0].best["HR@50"]}'
}

heading "as printed: BPR on sigmoid outputs, weight decay 1e-5, items $BOOK_ITEMS, ties by item id"
each_epoch() { book_epoch "$@"; }
for seed in $SEEDS; do
	train printed "$seed" "$BOOK_EPOCHS" "${book_network[@]}" --sigmoid-output
	book_metrics printed "$seed" >>"$work/ours.jsonl"
done
ranks "$POP_SCORE" --train "$train" --items "$BOOK_ITEMS" | gzip -n >"$work/pop-book.ranks.cof.gz"
pop_book=$(metrics --ties mean "$work/pop-book.ranks.cof.gz")

printf '%-12s %8s %8s %8s\n' '' 'loss*' 'hit@50' 'AUC' 'the book' 16.982 0.075 0.531
jq -r '["seed \(.seed)", .loss, .hit50, .auc] | @tsv' "$work/ours.jsonl" |
	awk -F '\t' '{ printf "%-12s %8.3f %8.3f %8.3f\n", $1, $2, $3, $4 }'
echo "* the book's running sum: mean loss x (batches + 1) / 2 / devices"
echo
echo "Why: the network has learned nothing. Its scores are all equal, and the order of item ids is what is measured."
jq -r '[.seed, .tied * 100, .worst, .mean, .best] | @tsv' "$work/ours.jsonl" | awk -F '\t' '
	{ printf "seed %s: %.1f %% of the other candidates tie with the test item; hit@50 by worst, mean, best order of the tied: %.3f, %.3f, %.3f\n",
	  $1, $2, $3, $4, $5 }'
for seed in $SEEDS; do
	echo "seed $seed: largest |parameter| after each epoch: $(jq -r .largest "$work/printed-$seed.jsonl" | paste -sd ' ')"
done
jq -r '[.metrics["HR@50"], .metrics.AUC] | @tsv' <<<"$pop_book" |
	awk '{ printf "ItemPop on the same items: hit@50 %.3f, AUC %.3f\n", $1, $2 }'

## corrected

curve_epoch() {
	local name=$1 seed=$2 line=$3 model=$4 row
	row=$(ranks "$NEUMF_SCORE" --model "$model" --device "$DEVICE" | metrics --ties mean |
		jq -c --argjson log "$line" --argjson seed "$seed" '{seed: $seed, epoch: $log.epoch, loss: $log.loss,
			hit50: .metrics["HR@50"], hit10: .metrics["HR@10"], ndcg10: .metrics["NDCG@10"], auc: .metrics.AUC}')
	echo "$row" >>"$work/curve.jsonl"
	jq -r '[.epoch, .loss, .hit50, .hit10, .ndcg10, .auc] | @tsv' <<<"$row" | awk -F '\t' '
		{ bar = sprintf("%*s", $3 * 100, ""); gsub(/ /, "#", bar)
		  printf "%5d %7.4f %7.3f %7.3f %8.3f %7.3f  %s\n", $1, $2, $3, $4, $5, $6, bar; fflush() }'
}

# rank_file NAME SEED: where the ranks of a row of the final table are kept
rank_file() {
	echo "$work/${1//[^A-Za-z0-9]/-}-$2.ranks.cof.gz"
}

# final NAME SEED SCORER...: append a row of the final table
final() {
	local name=$1 seed=$2 file
	shift 2
	file=$(rank_file "$name" "$seed")
	ranks "$@" | gzip -n >"$file"
	metrics --ties mean "$file" | jq -c --arg system "$name" --argjson seed "$seed" '
		{system: $system, seed: $seed, hit50: .metrics["HR@50"], hit10: .metrics["HR@10"],
		 ndcg10: .metrics["NDCG@10"], auc: .metrics.AUC}' >>"$work/final.jsonl"
}

heading "corrected: the book's settings on logits, all items, expected metrics over ties; seeds $SEEDS"
each_epoch() { curve_epoch "$@"; }
for seed in $SEEDS; do
	printf 'seed %s\n%5s %7s %7s %7s %8s %7s\n' "$seed" epoch loss hit@50 hit@10 NDCG@10 AUC
	train book "$seed" "$EPOCHS" "${book_network[@]}"
	final 'NeuMF, the book on logits' "$seed" "$NEUMF_SCORE" --model "$work/book-$seed.safetensors" --device "$DEVICE"
done

# compare SYSTEM NAME TRAIN-OPTION...: train on every seed and put the result into the final table
compare() {
	local system=$1 name=$2 seed
	shift 2
	for seed in $SEEDS; do
		triples "$seed" "$EPOCHS" | "$NEUMF_TRAIN" -q "$@" --seed "$seed" --device "$DEVICE" \
			-o "$work/$name-$seed.safetensors"
		final "$system" "$seed" "$NEUMF_SCORE" --model "$work/$name-$seed.safetensors" --device "$DEVICE"
	done
}

baseline='EASE, L = 200'
heading "the final table (after $EPOCHS epochs; mean +/- sd over seeds $SEEDS)"
compare 'NeuMF, weight decay 0' wd0 "${book_network[@]}" --weight-decay 0
compare 'NeuMF, 32 factors' wide "${book_network[@]}" --factors 32 --lr 0.003 --init-std 0.05
compare 'BPR-MF, 64 factors' mf --model mf --factors 64 --loss bpr --lr 0.003 --l2 0.006 --init-std 0.05 \
	--batch-size 1024 --drop-last
final "$baseline" 0 "$EASE_SCORE" --train "$train" --l2 200
final 'ItemKNN, 20 neighbours' 0 "$KNN_SCORE" --train "$train" --neighbours 20 --shrink 10
final 'ItemPop' 0 "$POP_SCORE" --train "$train"

# column SYSTEM KEY
column() {
	jq -r --arg system "$1" --arg key "$2" 'select(.system == $system)[$key]' "$work/final.jsonl" | mean_sd
}
printf '%-30s %-15s %-15s %-15s %-15s\n' system hit@50 hit@10 NDCG@10 AUC
# the best first
systems() {
	jq -rs 'group_by(.system) | sort_by(-(map(.hit50) | add / length))[][0].system' "$work/final.jsonl"
}
systems | while IFS= read -r system; do
	printf '%-30s %-15s %-15s %-15s %-15s\n' "$system" "$(column "$system" hit50)" "$(column "$system" hit10)" \
		"$(column "$system" ndcg10)" "$(column "$system" auc)"
done

## is the difference real?

heading "against $baseline, user by user (NDCG@10; randomization test, Holm over all; seed ${SEEDS%% *})"
others=()
while IFS= read -r system; do
	[ "$system" = "$baseline" ] && continue
	file=$(rank_file "$system" "${SEEDS%% *}")
	[ -e "$file" ] || file=$(rank_file "$system" 0)
	others+=("$system" "$file")
done < <(systems)
files=()
for ((k = 1; k < ${#others[@]}; k += 2)); do files+=("${others[k]}"); done
"$RANK_CMP" -q --json --metrics NDCG@10 "$(rank_file "$baseline" 0)" "${files[@]}" |
	jq -c --arg baseline "$baseline" --args '.comparisons | to_entries[] | {system: $ARGS.positional[2 * .key], baseline: $baseline} +
		(.value | {metric, difference, interval, p: .p.randomization, holm: .holm.randomization})' \
		"${others[@]}" >"$work/comparison.jsonl"
printf '%-30s %10s  %-18s %8s %8s\n' system difference '95 % interval' p Holm
jq -r '[.system, .difference, .interval[], .p, .holm] | @tsv' "$work/comparison.jsonl" | awk -F '\t' '
	{ printf "%-30s %+10.4f  [%+.4f, %+.4f] %8.4f %8.4f\n", $1, $2, $3, $4, $5, $6 }'

## the same models everywhere

# Models of the cpu backend have the same bits on every machine: d2l-neumf.sha256 has the SHA-256 of their tensors.
stated=$(dirname "$0")/d2l-neumf.sha256
model_sums() {
	local model
	for model in "$work"/{printed,book,wd0,wide,mf}-?.safetensors; do
		echo "$(tail -c "+$(($(tensors_at "$model") + 1))" "$model" | sha256sum | cut -d ' ' -f 1)  $(basename "$model" .safetensors)"
	done
}
same_models() {
	model_sums >"$work/models.sha256"
	if cmp -s "$stated" "$work/models.sha256"; then
		echo "models: the $(wc -l <"$stated") of the README, to the bit"
	else
		diff "$stated" "$work/models.sha256" || die "models differ from $stated"
	fi
}
settings="$data, $DEVICE, seeds $SEEDS, $EPOCHS epochs, $ML_SPLIT $BINARIZE $NEGSAMPLE $NEUMF_TRAIN"
[ "$settings" != "MovieLens 100K, cpu, seeds 1 2 3, 30 epochs, ml-split binarize negsample neumf-train" ] || same_models

## what it recommends

USER_ID=${USER_ID:-0} # dense: the first user of the log
heading "top 10 for user $USER_ID by NeuMF, 32 factors"
titles=$work/titles.tsv
if item_file=$(dirname "$ratings")/u.item && [ -e "$item_file" ]; then
	# dense TAB raw, and raw|title|... in ISO 8859-1, become dense TAB raw TAB title
	iconv -f ISO-8859-1 -t UTF-8 "$item_file" | awk -F '|' -v OFS='\t' '
		NR == FNR { title[$1] = $2; next } { split($0, id, "\t"); print $0, title[id[2]] }' - "$work/items.tsv" >"$titles"
else
	sed 's/\t\(.*\)/&\titem \1/' "$work/items.tsv" >"$titles"
fi
read -r users items < <("$COF_CAT" --header "$train" | jq -r '"\(.users) \(.items)"')
printf '%d\t0\t0\n' "$USER_ID" |
	"$COF_CAT" --from tsv --kind interaction --users "$users" --items "$items" |
	"$NEUMF_SCORE" -q --model "$work/wide-${SEEDS%% *}.safetensors" --device "$DEVICE" --all-items --seen "$train" --top 10 |
	"$COF_CAT" --item-ids "$titles" --names --to tsv | cut -f 2 >"$work/top.txt"
"$ML_SPLIT" -q --test /dev/null "$ratings" | "$BINARIZE" -q --min-rating 5 | "$COF_CAT" --item-ids "$titles" --names --to tsv |
	awk -F '\t' -v user="$USER_ID" '$1 == user { print $3 "\t" $2 }' | sort -rn | head -n 10 | cut -f 2 >"$work/liked.txt"
printf '%-45s | %s\n' 'liked (5 stars), latest first' 'recommended'
paste "$work/liked.txt" "$work/top.txt" | awk -F '\t' '{ printf "%-45.45s | %s\n", $1, $2 }'

## files

jq -n --slurpfile ours "$work/ours.jsonl" --slurpfile curve "$work/curve.jsonl" --slurpfile final "$work/final.jsonl" \
	--slurpfile comparison "$work/comparison.jsonl" \
	--argjson pop "$pop_book" --arg seeds "$SEEDS" --arg data "$data" \
	--argjson seconds "$(($(date +%s) - started))" '
	{data: (if $data == "MovieLens 100K" then "ml-100k" else $data end),
	 book: {loss: 16.982, hit50: 0.075, auc: 0.531}, ours: $ours,
	 itempop_on_the_books_items: {hit50: $pop.metrics["HR@50"], auc: $pop.metrics.AUC},
	 curve: $curve, final: $final, comparison: $comparison, seeds: ($seeds | split(" ") | map(tonumber)), seconds: $seconds}' >"$work/d2l-neumf.json"
mv "$work/d2l-neumf.json" "$OUT/d2l-neumf.json"
heading "files"
echo "$OUT/d2l-neumf.json: all of the above"
if command -v gnuplot >/dev/null; then
	jq -r '[.seed, .epoch, .loss, .hit50] | @tsv' "$work/curve.jsonl" >"$work/curve.tsv"
	jq -r 'select(.system | test("^(EASE|ItemKNN|ItemPop)")) | [.system, .hit50] | @tsv' "$work/final.jsonl" >"$work/levels.tsv"
	gnuplot -e "curve='$work/curve.tsv'; levels='$work/levels.tsv'; out='$OUT/d2l-neumf'; seeds='$SEEDS'; data='$data data'" \
		"$(dirname "$0")/d2l-neumf.gnuplot"
	echo "$OUT/d2l-neumf.png, $OUT/d2l-neumf.svg: the learning curve"
else
	echo "no gnuplot: no picture of the learning curve"
fi
echo "$(($(date +%s) - started)) seconds"
[ "$data" != planted ] || planted_notice
