#!/usr/bin/env bash
# ncf: the protocol of He et al. 2017 (Neural Collaborative Filtering) on the files its authors and others publish:
# X.train.rating, X.test.rating and X.test.negative with 99 given negatives per user. NeuMF without pretraining, 8 factors,
# MLP 64-32-16-8, bce, 4 negatives per positive. Writes $OUT/ncf-NAME.json.
#
# Environment: COFILTER_DATA, NAME=AToy|ml-1m|X (files X.train.rating and X.test.negative, plain, .gz or .xz), OUT
# (build), DEVICE (cpu), SEEDS ("1 2 3"), EPOCHS (20); NEGSAMPLE, ... swap a stage.
set -euo pipefail
# shellcheck source=pipelines/common.sh
. "$(dirname "$0")/common.sh"

NAME=${NAME:-AToy}
SEEDS=${SEEDS:-1 2 3}
EPOCHS=${EPOCHS:-20}
work=$OUT/ncf-$NAME
mkdir -p "$work"
rm -f "$work"/*.jsonl

# given FILE: where it is, plain or packed, in a folder of the name, in deepcf/ or by itself
given() {
	local folder suffix
	for folder in "$NAME/" deepcf/ ''; do
		for suffix in '' .gz .xz .rebuilt.xz; do
			find_data "$folder$1$suffix" && return
		done
	done
	die "NAME is '$NAME': no $1, .gz or .xz, under \$COFILTER_DATA or data/, nor in $NAME/ or deepcf/ there"
}

train_text=$(given "$NAME.train.rating")
negative_text=$(given "$NAME.test.negative")

# text FILE: its lines, without CR
text() {
	case $1 in
	*.xz) xz -dc "$1" ;;
	*.gz) gzip -dc "$1" ;;
	*) cat "$1" ;;
	esac | tr -d '\r'
}

# The given lists as user, item, label: "(user,item) TAB negative TAB ..." has the positive first.
lists() {
	text "$negative_text" | awk -F '\t' -v OFS='\t' '{
		split(substr($1, 2, length($1) - 2), pair, ",")
		print pair[1], pair[2], 1
		for (k = 2; k <= NF; k++) if ($k != "") print pair[1], $k, 0 }'
}

# The ids are dense already; the tables must also hold items that only the lists name.
heading "data: $NAME"
read -r users items < <({ text "$train_text" && lists; } | awk -F '\t' '
	{ if ($1 > u) u = $1; if ($2 > i) i = $2 } END { print u + 1, i + 1 }')
bounds=(--users "$users" --items "$items")
text "$train_text" | awk -F '\t' -v OFS='\t' '{ print $1, $2, $3, 0 }' |
	"$COF_CAT" --from tsv --kind rating "${bounds[@]}" | "$BINARIZE" | gzip -n >"$work/train.cof.gz"
lists | "$COF_CAT" --from tsv --kind sample "${bounds[@]}" | gzip -n >"$work/lists.cof.gz"
echo "$users users, $items items, $("$COF_CAT" --count "$work/train.cof.gz") interactions"

# evaluate SYSTEM SEED SCORER...
evaluate() {
	local system=$1 seed=$2
	shift 2
	"$@" --ranks "$work/lists.cof.gz" | "$RANK_EVAL" -q -k 10 --json | jq -c --arg system "$system" --argjson seed "$seed" '
		{system: $system, seed: $seed, hr10: .metrics["HR@10"], ndcg10: .metrics["NDCG@10"]}' | tee -a "$work/systems.jsonl"
}

heading "the given lists, ties averaged"
evaluate ItemPop 0 "$POP_SCORE" --train "$work/train.cof.gz"
evaluate ItemKNN 0 "$KNN_SCORE" -q --train "$work/train.cof.gz" --neighbours 100 --shrink 10
for seed in $SEEDS; do
	"$NEGSAMPLE" -q --pointwise --negatives 4 --epochs "$EPOCHS" --seed "$seed" "$work/train.cof.gz" |
		"$NEUMF_TRAIN" -q --factors 8 --mlp-factors 32 --hidden 32,16,8 --loss bce --dense-init glorot --lr 0.001 \
			--batch-size 256 --init-std 0.01 --seed "$seed" --device "$DEVICE" -o "$work/$seed.safetensors"
	evaluate NeuMF "$seed" "$NEUMF_SCORE" -q --model "$work/$seed.safetensors" --device "$DEVICE"
done

jq -s --arg name "$NAME" '{data: $name, systems: .}' "$work/systems.jsonl" >"$work/ncf.json"
mv "$work/ncf.json" "$OUT/ncf-$NAME.json"
echo "$OUT/ncf-$NAME.json"
