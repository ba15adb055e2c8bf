#!/usr/bin/env bash
# ncf: the protocol of He et al. 2017 (Neural Collaborative Filtering) on any data set in the format that its authors
# and others publish: X.train.rating (user, item, rating and perhaps time, with tabs between) and X.test.negative
# ("(user,item)", then 99 items that are no positives), plain, .gz or .xz. Baselines, matrix factorizations and networks
# in one table, HR@10 and NDCG@10, beside the published figures. Settings and numbers of epochs are chosen on valid, one
# interaction of each user that is held out of train; then each system learns again, from all of train, and ranks test
# once. Writes $OUT/ncf-NAME.md, .json, .png and .svg.
#
# Environment: DATA=DIR (a folder with the files of one data set, or of NAME), or NAME=ml-1m|AToy|X under COFILTER_DATA,
# in X/, deepcf/ or by itself; FACTORS ("8"; He et al.: "8 16 32 64"), SEEDS ("1"; "1 2 3"), EPOCHS (20) and PATIENCE (3)
# of the networks, MF_EPOCHS (128), MF_LR (0.004, an example) and MF_PATIENCE (15), EASE_L2 ("50 100 ..."), SYSTEMS (all;
# "EASE iALS NeuMF"), KEEP (1: rows of the run before stay in the table), OUT (build), DEVICE (cpu); NEGSAMPLE, ... swap a
# stage.
set -euo pipefail
# shellcheck source=pipelines/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=pipelines/table.sh
. "$(dirname "$0")/table.sh"

FACTORS=${FACTORS:-8}
SEEDS=${SEEDS:-1}
EPOCHS=${EPOCHS:-20}
PATIENCE=${PATIENCE:-3}
MF_EPOCHS=${MF_EPOCHS:-128}
MF_LR=${MF_LR:-0.004}
MF_PATIENCE=${MF_PATIENCE:-15}
METRICS='HR@10 NDCG@10'
BASELINES='ItemPop ItemKNN RP3beta EASE iALS'
cutoff=10
need_tools
known_systems ItemPop ItemKNN RP3beta EASE iALS MF GMF MLP NeuMF pretrained
! wanted pretrained || { wanted GMF && wanted MLP; } ||
	die "SYSTEMS: pretrained starts from GMF and MLP, which are to be named too"

## the files

# the only data set of $DATA
only_name() {
	local file names=()
	[ -d "$DATA" ] || die "DATA is '$DATA': no such folder"
	for file in "$DATA"/*.train.rating{,.gz,.xz,.rebuilt.xz}; do
		[ ! -f "$file" ] || names+=("$(basename "${file%.train.rating*}")")
	done
	case ${#names[@]} in
	0) die "DATA is '$DATA': no X.train.rating, .gz or .xz, in it" ;;
	1) printf '%s\n' "${names[0]}" ;;
	*) die "DATA is '$DATA': it holds ${names[*]}: NAME=${names[0]}, or which?" ;;
	esac
}

# given FILE: where it is
given() {
	local folder found='' where="under \$COFILTER_DATA or data/, nor in $NAME/ or deepcf/ there"
	if [ -n "${DATA:-}" ]; then
		found=$(packed "$DATA/$1")
		where="in '$DATA'"
	else
		for folder in "$NAME/" deepcf/ ''; do
			for suffix in '' .gz .xz .rebuilt.xz; do
				[ -n "$found" ] || found=$(find_data "$folder$1$suffix") || :
			done
		done
	fi
	[ -n "$found" ] || die "NAME is '$NAME': no $1, .gz or .xz, $where"
	printf '%s\n' "$found"
}

[ -z "${DATA:-}" ] || NAME=${NAME:-$(only_name)}
NAME=${NAME:-ml-1m}
train_text=$(given "$NAME.train.rating")
negative_text=$(given "$NAME.test.negative")
data=$NAME
work=$OUT/ncf-$NAME
mkdir -p "$work"

## the data: fit and valid of train, and the given lists

heading "data: $NAME"
printf '%s\n' "$train_text" "$negative_text"
# An item twice in a list, as the positive among its negatives, counts once: once, here.
text "$negative_text" | awk -F '\t' '
	{ split($1, pair, /[(,)]/); split("", seen); seen[pair[3]]; line = $1
	  for (k = 2; k <= NF; k++)
		if ($k in seen) { twice++; own += $k == pair[3] } else if ($k != "") { seen[$k]; line = line FS $k }
	  print line }
	END { if (twice) printf "lists: %d items stand twice, which count once: %d times the positive among its negatives\n",
		twice, own >"/dev/stderr" }' >"$work/lists.txt"
# Train and lists in one numbering. Lists may name items that train lacks, and the other way round.
"$COF_IMPORT" -q --format negative --user-ids "$work/list-users.tsv" --item-ids "$work/list-items.tsv" "$work/lists.txt" \
	>"$work/test.cof"
columns=$(text "$train_text" | awk -F '\t' '
	NR == 1 { n = NF }
	$4 + 0 != 0 { timed = 1 }
	END { print n < 2 ? "none" : n == 2 ? "user,item" : "user,item,rating" (timed ? ",time" : "") }')
[ "$columns" != none ] || die "'$train_text': lines of user, item and rating with tabs between are expected"
text "$train_text" | "$COF_IMPORT" -q --format tsv --delimiter tab --header no --columns "$columns" \
	--known-users "$work/list-users.tsv" --known-items "$work/list-items.tsv" \
	--user-ids "$work/users.tsv" --item-ids "$work/items.tsv" >"$work/ratings.cof"
"$COF_IMPORT" -q --format negative --known-users "$work/users.tsv" --known-items "$work/items.tsv" "$work/lists.txt" |
	gzip -n >"$work/test.cof.gz"
"$BINARIZE" <"$work/ratings.cof" | gzip -n >"$work/train.cof.gz"
read -r users items < <("$COF_CAT" --header "$work/train.cof.gz" | jq -r '"\(.users) \(.items)"')
rows=$("$COF_CAT" --count "$work/train.cof.gz")
hold_out=(--mode leave-one-out)
how='the latest of each user'
if [ "${columns##*,}" != time ]; then
	ratio=$(awk -v n="$users" -v rows="$rows" 'BEGIN { r = n / rows; print r < 0.5 ? r : 0.5 }')
	hold_out=(--mode random --test-ratio "$ratio")
	how='as many as users, drawn: the file has no times'
fi
"$ML_SPLIT" -q "${hold_out[@]}" --test "$work/valid-ratings.cof" "$work/ratings.cof" | "$BINARIZE" |
	gzip -n >"$work/fit.cof.gz"
"$BINARIZE" <"$work/valid-ratings.cof" >"$work/held.cof"
"$NEGSAMPLE" -q --candidates 99 --exclude "$work/fit.cof.gz" "$work/held.cof" | gzip -n >"$work/valid.cof.gz"
echo "$users users, $items items, $rows interactions; valid: $("$COF_CAT" --count "$work/held.cof") of them ($how)"
rm "$work"/{ratings,valid-ratings,held,test}.cof "$work"/list{s.txt,-users.tsv,-items.tsv}
# shellcheck disable=SC2034 # named by ranks
rank_valid=(--ranks "$work/valid.cof.gz") \
	rank_test=(--ranks "$work/test.cof.gz")

start_table

## the systems

# examples PART SEED EPOCHS: with $negatives a positive
examples() {
	"$NEGSAMPLE" -q --pointwise --negatives "$negatives" --epochs "$3" --seed "$2" "$(learn_from "$1")"
}

heading "baselines: settings by NDCG@10 on valid, then learned again from all of train"
if wanted ItemPop; then
	tuned ItemPop pop ''
fi
if wanted ItemKNN; then
	tuned ItemKNN knn --similarity\ {cosine,jaccard}\ --neighbours\ {20,50,100}\ --shrink\ {0,20,0\ --center}
fi
if wanted RP3beta; then
	tuned RP3beta knn --similarity\ rp3beta\ --neighbours\ {100,300}\ --alpha\ {0.7,1,1.3}\ --beta\ {0.4,0.7}
fi
if wanted EASE && fits_memory EASE "$items"; then
	# beyond 15,000 items each takes minutes
	[ "$items" -gt 15000 ] || EASE_L2=${EASE_L2:-"50 100 200 500 1000 2000 4000"}
	read -ra strengths <<<"${EASE_L2:-100 500}"
	tuned EASE ease "${strengths[@]/#/--l2 }"
fi
for factors in $FACTORS; do
	if wanted iALS; then
		tuned_seeds "iALS $factors" ials \
			--factors\ "$factors"\ --epochs\ 12\ --l2\ {0.0007,0.002,0.007}\ --unobserved-weight\ {0.03,0.1,0.3,1}
	fi
done

# Rendle et al. 2020: logistic loss, 8 negatives, biases, plain SGD, l2 0.005, N(0, 0.1) at first. They take steps of 0.002
# an example, 256 epochs long; twice that is at the same place after half as many. A batch of 64 with 64 times the rate
# is the same, but for rows that come twice in it.
mf=(--model mf --bias --loss bce --optimizer sgd --batch-size 64 --lr "$(awk -v lr="$MF_LR" 'BEGIN { print 64 * lr }')"
	--l2 0.005 --init-std 0.1)
# He et al.: 4 negatives, batches of 256, Adam with 0.001; the layers of the MLP are 4, 2 and 1 times as wide as factors.
he=(--loss bce --dense-init glorot --batch-size 256 --init-std 0.01)

for factors in $FACTORS; do
	heading "trained by examples, $factors factors: the epoch by NDCG@10 on valid, then from all of train"
	mlp=(--mlp-factors $((4 * factors)) --hidden "$((4 * factors)),$((2 * factors)),$factors")
	if wanted MF; then
		negatives=8
		PATIENCE=$MF_PATIENCE learned "MF $factors" "$MF_EPOCHS" "${mf[@]}" --factors "$factors"
	fi
	negatives=4
	if wanted GMF; then
		learned "GMF $factors" "$EPOCHS" "${he[@]}" --model gmf --factors "$factors"
	fi
	if wanted MLP; then
		learned "MLP $factors" "$EPOCHS" "${he[@]}" --model mlp "${mlp[@]}"
	fi
	if wanted NeuMF; then
		learned "NeuMF $factors" "$EPOCHS" "${he[@]}" --factors "$factors" "${mlp[@]}"
	fi
	if wanted pretrained; then
		learned "NeuMF pretrained $factors" "$EPOCHS" "${he[@]}" --factors "$factors" "${mlp[@]}" --optimizer sgd --lr 0.01 \
			--init-from "$work/GMF-$factors-{part}.safetensors,$work/MLP-$factors-{part}.safetensors"
	fi
done

end_table "ncf-$NAME" "$NAME: HR@10 and NDCG@10 on the given lists, ties averaged; seeds $SEEDS"
