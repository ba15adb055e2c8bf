# cuda: loaded by the bats files of this folder, after helper.
# shellcheck shell=bash disable=SC2034,SC2154

HOST=$BUILD/cuda-host

# built FILE: skip, with the reason, unless build/cuda-host holds this emulated program or plug-in.
built() {
	[ -e "$HOST/$1" ] && return
	case $1 in
	asan/* | tsan/*) [ -e "$HOST/plain" ] && skip "${1%%/*} is not built here" ;;
	esac
	skip "no $1: g++ is missing, or make was not run for it"
}

# CI runs the quick modes, COFILTER_CUDA_TESTS=all (make test-cuda) all of them.
only_in_all() {
	[ "${COFILTER_CUDA_TESTS:-quick}" = all ] || skip "make test-cuda runs it"
}

# The plug-in under test: the emulated one, or a real one that gpu-check.sh names.
use_plugin() {
	if [ -n "${COFILTER_TEST_PLUGIN:-}" ]; then
		COFILTER_CUDA_PLUGIN=$COFILTER_TEST_PLUGIN
	else
		built plain/cofilter-cuda.so
		COFILTER_CUDA_PLUGIN=$HOST/plain/cofilter-cuda.so
	fi
	export COFILTER_CUDA_PLUGIN
}

# setup of the tests whose programs load the plug-in.
plugin_setup() {
	cd "$BATS_TEST_TMPDIR" || return 1
	ulimit -c 0
	use_plugin
}

only_emulated() {
	[ -z "${COFILTER_TEST_PLUGIN:-}" ] || skip 'the host runtime can do it, hardware cannot'
}

# small_data [EPOCHS]: a small planted data set: train.cof, held-out.cof, and triples of it.
small_data() {
	planted -q --users 60 --items 90 --ratings 1300 --seed 5 |
		ml-split -q --test test.cof >ratings.cof
	binarize -q ratings.cof >train.cof
	binarize -q test.cof >held-out.cof
	negsample -q --epochs "${1:-1}" --seed 1 train.cof >triples.cof
}

# train MODEL [OPTION]...: the book's network on triples.cof.
train() {
	local model=$1
	shift
	neumf-train -q --factors 10 --hidden 10,10,10 --lr 0.01 --batch-size 256 --seed 1 -o "$model" "$@" triples.cof
}
