#!/usr/bin/env bash
# gowalla: full ranking on the split of Gowalla that NGCF, LightGCN and the BARS leaderboard use (29,858 users, 40,981
# items): recall@20 and NDCG@20 among all items that a user does not have in train, beside the published figures.
# Writes $OUT/gowalla.md, .json, .png and .svg.
#
# Settings and numbers of epochs are chosen by NDCG@20 on valid, a tenth of train that is drawn from it; then each system
# learns from all of train. What was chosen for knn-score is kept below; TUNE=1 chooses it again.
#
# Environment: COFILTER_DATA (gowalla/gowalla.train.tsv and gowalla.test.tsv there, lines of user TAB item, or train.txt
# and test.txt of LightGCN; plain, .gz or .xz), SEEDS ("1"), TUNE (nothing), EPOCHS (100, of MF-BPR), CCL_EPOCHS ("61 20":
# of MF-CCL at its first rate, and at most at the second) and PATIENCE (5), SYSTEMS (all), KEEP (1: rows of the run before
# stay in the table), OUT (build), DEVICE (cpu); NEGSAMPLE, ... swap a stage.
set -euo pipefail
# shellcheck source=pipelines/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=pipelines/table.sh
. "$(dirname "$0")/table.sh"

SEEDS=${SEEDS:-1}
TUNE=${TUNE:-}
EPOCHS=${EPOCHS:-100}
PATIENCE=${PATIENCE:-5}
read -r first_epochs second_epochs <<<"${CCL_EPOCHS:-61 20}"
METRICS='recall@20 NDCG@20'
BASELINES='ItemPop ItemKNN RP3beta EASE iALS'
cutoff=20
need_tools
known_systems ItemPop ItemKNN RP3beta EASE iALS MF-BPR MF-CCL
data=gowalla
work=$OUT/gowalla
mkdir -p "$work"

## the data: train, test, and fit and valid of train

heading "data: Gowalla"
# found NAME...: the first that there is in gowalla/
found() {
	local name suffix
	for name in "$@"; do
		for suffix in '' .gz .xz; do
			find_data "gowalla/$name$suffix" && return
		done
	done
	die "no gowalla/$1, .gz or .xz, nor gowalla/${*: -1}, under \$COFILTER_DATA or data/"
}

# import FILE OPTION...: rating records
import() {
	local format=(--format tsv --delimiter tab --header no --columns 'user,item')
	case ${1##*/} in
	*.txt*) format=(--format lightgcn) ;;
	esac
	text "$1" | "$COF_IMPORT" -q "${format[@]}" "${@:2}"
}

train_text=$(found gowalla.train.tsv train.txt)
test_text=$(found gowalla.test.tsv test.txt)
printf '%s\n' "$train_text" "$test_text"
import "$train_text" --user-ids "$work/users.tsv" --item-ids "$work/items.tsv" >"$work/ratings.cof"
import "$test_text" --known-users "$work/users.tsv" --known-items "$work/items.tsv" --unknown error |
	"$BINARIZE" | gzip -n >"$work/test.cof.gz"
"$BINARIZE" <"$work/ratings.cof" | gzip -n >"$work/train.cof.gz"
read -r users items < <("$COF_CAT" --header "$work/train.cof.gz" | jq -r '"\(.users) \(.items)"')
"$ML_SPLIT" -q --mode random --test-ratio 0.1 --test "$work/valid-ratings.cof" "$work/ratings.cof" |
	"$BINARIZE" | gzip -n >"$work/fit.cof.gz"
"$BINARIZE" <"$work/valid-ratings.cof" | gzip -n >"$work/valid.cof.gz"
rm "$work/valid-ratings.cof" "$work/ratings.cof"
echo "$users users, $items items; pairs: train $("$COF_CAT" --count "$work/train.cof.gz")," \
	"test $("$COF_CAT" --count "$work/test.cof.gz")"
# shellcheck disable=SC2034 # named by ranks
rank_valid=(--all-items --seen "$work/fit.cof.gz" --ranks "$work/valid.cof.gz") \
	rank_test=(--all-items --seen "$work/train.cof.gz" --ranks "$work/test.cof.gz")

start_table

## the systems

# examples PART SEED EPOCHS: groups with $negatives a positive
examples() {
	"$NEGSAMPLE" -q --grouped --negatives "$negatives" --epochs "$3" --seed "$2" "$(learn_from "$1")"
}

# pick LABEL SYSTEM VALID SETTING CANDIDATE...: sets $setting to SETTING, which was chosen earlier; with TUNE to the best
# of the candidates
pick() {
	if [ -n "$TUNE" ]; then
		choose "$1" "$2" "${@:5}"
	else
		valid=$3
		read -ra setting <<<"$4"
		note_setting "$1" "$4" null 0
	fi
}

heading "settings by NDCG@20 on valid, then learned from all of train"
if wanted ItemPop; then
	tuned ItemPop pop ''
fi
if wanted ItemKNN; then
	pick ItemKNN knn 0.12511 '--similarity jaccard --neighbours 100 --shrink 0 --center' \
		--similarity\ {cosine,jaccard}\ --neighbours\ {50,100,300}\ --shrink\ {0,50,100,0\ --center}
	row ItemKNN 0 knn "${setting[@]}"
fi
if wanted RP3beta; then
	pick RP3beta knn 0.12669 '--similarity rp3beta --neighbours 500 --alpha 0.6 --beta 0.3' \
		--similarity\ rp3beta\ --neighbours\ 500\ --alpha\ {0.6,0.8,1}\ --beta\ {0.2,0.3,0.4}
	row RP3beta 0 knn "${setting[@]}"
fi
if wanted EASE && fits_memory EASE "$items"; then
	# the setting of the leaderboard; each takes minutes
	tuned EASE ease --l2\ 80
fi
if wanted iALS; then
	tuned_seeds 'iALS 64' ials --factors\ 64\ --epochs\ 8\ --l2\ {0.003,0.001,0.01}\ --unobserved-weight\ {0.03,0.01}
	# each takes ten times as long: with what was best for 64
	tuned_seeds 'iALS 256' ials "--factors 256 ${setting[*]:2}"
fi
if wanted MF-BPR; then
	negatives=16
	learned 'MF-BPR 64' "$EPOCHS" --model mf --factors 64 --loss bpr --optimizer lazy-adam --lr 0.002 --l2 0.01 \
		--init-std 0.1 --batch-size 8192
fi
# Plain SGD on directions slows down by itself, since rows grow; what a lower rate still gives comes from a second training
# at a tenth of it. The first one's epochs were chosen on valid earlier, those of the second are chosen here.
# first_rate PART SEED
first_rate() {
	"$NEUMF_TRAIN" -q "${ccl[@]}" --lr 25.6 --seed "$2" --device "$DEVICE" --log - \
		-o "$work/MF-CCL-first-$1-$2.safetensors" <(examples "$1" "$2" "$first_epochs") |
		show_log 'MF-CCL, first rate' "$first_epochs" "$work/MF-CCL-first-$1-$2.jsonl"
}

if wanted MF-CCL; then
	negatives=256
	ccl=(--model mf --factors 64 --loss ccl --margin 0.9 --negative-weight 150 --optimizer sgd --init-std 0.1 --batch-size 256)
	second=("${ccl[@]}" --lr 2.56 --init-from "$work/MF-CCL-first-{part}.safetensors")
	first_rate valid "${SEEDS%% *}"
	choose_epochs 'MF-CCL 64' "$second_epochs" "${second[@]}"
	for seed in $SEEDS; do
		first_rate test "$seed"
	done
	learn 'MF-CCL 64' "$epochs" "${second[@]}"
fi

end_table gowalla "Gowalla: recall@20 and NDCG@20 of all items not in train; seeds $SEEDS"
