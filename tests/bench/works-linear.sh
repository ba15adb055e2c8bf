# works-linear: EASE beside LAPACK, and what is learned from items of items. tests/bench/run sources it.
# shellcheck shell=bash disable=SC2034,SC2154

# LAPACK's kernels: OpenBLAS's own choice is an old one where it does not know the processor
blas_kernels() {
	local flags
	flags=$(grep -m 1 '^flags' /proc/cpuinfo || true)
	case $flags in
	*avx512bw*) echo SKYLAKEX ;;
	*avx2*) echo HASWELL ;;
	esac
}

# ML-1M as users of He et al. have it; 1 where it is not
prepare_ml_1m() {
	local text
	[ ! -e "$data/ml-1m-ready" ] || return 0
	text=$(find_data ml-1m/ml-1m.train.rating.rebuilt.xz) || return 1
	xzcat "$text" | ml-split -q --test "$data/ml-1m-test.cof" --format tsv | binarize >"$data/ml-1m.cof"
	binarize "$data/ml-1m-test.cof" >"$data/ml-1m-ones.cof"
	cof-cat --to tsv "$data/ml-1m.cof" | cut -f 1,2 >"$data/ml-1m.tsv"
	cof-cat --to tsv "$data/ml-1m-ones.cof" | cut -f 1,2 >"$data/ml-1m-ones.tsv"
	touch "$data/ml-1m-ready"
}

# ease NAME TRAIN LAPACK_ROW: the whole of ease-score, but that only ten users are scored. Bars: 1.3 times the time of
# LAPACK's spotrf and spotri alone, and the bytes of one matrix and a tenth.
ease() {
	local few=$data/$1-few.cof n
	is_wanted "$1" || is_wanted "$1-memory" || return 0
	n=$(cof-stat -q --json "$2" | jq .items_seen)
	cof-cat --head 10 --to cof "$2" >"$few"
	work "$1" 'G op/s' 0 "0.77 $3" \
		"tests/bench/seconds $1 'ease-score -q --train $2 --l2 300 --all-items --ranks $few' | awk '\$2 == \"$1\" { \$3 = $n ^ 3 / \$3 / 1e9 } 1'"
	row "$1-memory" MiB "<$(awk -v n="$n" 'BEGIN { print 1.1 * n * n * 4 / 2 ^ 20 }')"
}

register_linear() {
	local lapack
	lapack="OPENBLAS_CORETYPE=${OPENBLAS_CORETYPE:-$(blas_kernels)} inverse lapack"
	asked lapack inverse ease knn rp3beta || return 0
	work lapack-ml-1m 'G op/s' 0 '' "$lapack 3712"
	work inverse-ml-1m 'G op/s' 0 '0.77 lapack-ml-1m' 'inverse ours 3712'
	if prepare_ml_1m; then
		register_ml_1m
	else
		say "no ML-1M: neither ease-score nor knn-score on it"
	fi
	[ "$quick" ] || register_large
}

register_ml_1m() {
	local d=$data
	ease ease-ml-1m "$d/ml-1m.cof" lapack-ml-1m
	work knn-ml-1m 'runs/minute' 60000000 2 \
		"knn-score -q --train $d/ml-1m.cof --neighbours 100 --all-items --seen $d/ml-1m.cof --ranks $d/ml-1m-ones.cof >$out/r"
	work rp3beta-ml-1m s 0 '<2' \
		"knn-score -q --similarity rp3beta --train $d/ml-1m.cof --neighbours 100 --all-items --seen $d/ml-1m.cof --ranks $d/ml-1m-ones.cof >$out/r"
}

# 20,000 items: some 40 s each where a processor does 200 G op/s
register_large() {
	local at_most=3
	asked lapack-20k inverse-20k ease-20k || return 0
	if asked ease-20k && [ ! -e "$data/ease-20k.cof" ]; then
		planted -q --users 10000 --items 20000 --ratings 1000000 | ml-split -q --test "$out/t" | binarize >"$data/ease-20k.cof"
	fi
	work lapack-20k 'G op/s' 0 '' "$lapack 20000"
	work inverse-20k 'G op/s' 0 '0.77 lapack-20k' 'inverse ours 20000'
	ease ease-20k "$data/ease-20k.cof" lapack-20k
}
