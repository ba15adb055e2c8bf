# cuda: what the bats files of this folder load after helper.
# shellcheck shell=bash disable=SC2034,SC2154

HOST=$BUILD/cuda-host

# Is the emulated program or plug-in FILE there, under build/cuda-host? Else skip with the reason.
built() {
	[ -e "$HOST/$1" ] && return
	case $1 in
	asan/* | tsan/*) [ -e "$HOST/plain" ] && skip "${1%%/*} is not built here" ;;
	esac
	skip "no $1: g++ is missing, or make was not run for it"
}

# Modes of CI and, with COFILTER_CUDA_TESTS=all (make test-cuda), of everything.
only_in_all() {
	[ "${COFILTER_CUDA_TESTS:-quick}" = all ] || skip "make test-cuda runs it"
}
