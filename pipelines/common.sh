# common: what every pipeline script sources. Stages are called by these names, so that
# NEGSAMPLE=./my-sampler (a program that reads and writes the same streams) swaps one of them.
# The script sets $work, its folder.
# shellcheck shell=bash disable=SC2034,SC2154

ML_SPLIT=${ML_SPLIT:-ml-split} BINARIZE=${BINARIZE:-binarize} NEGSAMPLE=${NEGSAMPLE:-negsample}
NEUMF_TRAIN=${NEUMF_TRAIN:-neumf-train} NEUMF_SCORE=${NEUMF_SCORE:-neumf-score}
POP_SCORE=${POP_SCORE:-pop-score} KNN_SCORE=${KNN_SCORE:-knn-score} EASE_SCORE=${EASE_SCORE:-ease-score}
IALS_TRAIN=${IALS_TRAIN:-ials-train}
COF_IMPORT=${COF_IMPORT:-cof-import}
RANK_EVAL=${RANK_EVAL:-rank-eval} RANK_CMP=${RANK_CMP:-rank-cmp} COF_CAT=${COF_CAT:-cof-cat} PLANTED=${PLANTED:-planted}

. "$(dirname "${BASH_SOURCE[0]}")/find-data.sh"

DEVICE=${DEVICE:-cpu}
OUT=${OUT:-build}

heading() {
	printf '\n== %s\n' "$*"
}

die() {
	echo "${0##*/}: $*" >&2
	exit 1
}

# ml_100k: print the path of u.data. It is looked for, then downloaded; without both the planted data set takes its
# place ($work/planted.tsv, for which planted_notice is due), unless DATASET=ml-100k forbids it. DATASET=planted asks for
# it. Any other DATASET is a file of ratings that ml-split can read by itself.
ml_100k() {
	local here
	here=$(dirname "${BASH_SOURCE[0]}")
	case ${DATASET:-} in
	'' | ml-100k)
		find_data ml-100k/u.data && return
		if "$here/../data/fetch-ml-100k.sh" >&2; then
			echo "$here/../data/ml-100k/u.data"
			return
		fi
		[ "${DATASET:-}" != ml-100k ] || die "no ml-100k/u.data under \$COFILTER_DATA or data/, and it cannot be downloaded"
		;;
	planted) ;;
	*)
		[ -f "$DATASET" ] || die "DATASET is '$DATASET': ml-100k, planted or a file of ratings"
		printf '%s\n' "$DATASET"
		return
		;;
	esac
	"$PLANTED" >"$work/planted.tsv"
	printf '%s\n' "$work/planted.tsv"
}

planted_notice() {
	local why="MovieLens 100K was neither found nor downloaded. Put ml-100k/u.data under \$COFILTER_DATA."
	[ "${DATASET:-}" != planted ] || why="DATASET=planted asks for it."
	printf '\n*** %s\n*** %s\n' "These numbers are NOT MovieLens: they come from the planted data set (see planted(1))." "$why"
}
