#!/bin/sh
# Install the Debian packages that cofilter needs; does nothing when all are there. deps: build, pipelines, tests.
# deps-lint: lint and fuzzing too. deps-dev: all; and Snakemake, from PyPI, into build/snakemake, where no other one is
# on PATH.
# Usage: deps.sh deps|deps-lint|deps-dev
# Without the right to install: one line for an administrator. Exit status 1, unless only tests need what is missing.
set -eu

build='gcc libc6-dev make zlib1g-dev libdeflate-dev libxxhash-dev libjansson-dev librandom123-dev'
pipelines='jq gnuplot-nox curl unzip ca-certificates'
tests='bats g++ pkgconf python3-numpy mandoc file xz-utils'
lint='git clang libclang-rt-dev clang-format cppcheck shellcheck' # Debian only recommends clang's runtime libraries
more='zsh fish time libopenblas-dev chromium libopenmpi-dev openmpi-bin procps iproute2 parallel
	python3-torch python3-pandas python3-scipy python3-pip python3-setuptools python3-venv
	qemu-user gcc-s390x-linux-gnu libc6-dev-s390x-cross gcc-arm-linux-gnueabihf libc6-dev-armhf-cross
	gcc-aarch64-linux-gnu libc6-dev-arm64-cross'

case ${1-} in
deps) needed="$build $pipelines" ;;
deps-lint) needed="$build $pipelines $tests $lint" ;;
deps-dev) needed="$build $pipelines $tests $lint $more" ;;
*) echo "usage: deps.sh deps|deps-lint|deps-dev" >&2 && exit 2 ;;
esac

# print those of the packages that are not installed
missing() {
	for package; do
		dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || printf ' %s' "$package"
	done
}

# Only tests need it: they are skipped without it. One that cannot be had soon is not waited for.
install_snakemake() {
	venv=${0%/*}/../build/snakemake
	if [ "$1" != deps-dev ] || command -v snakemake >/dev/null || [ -x "$venv/bin/snakemake" ]; then
		return
	fi
	echo "$1: installing snakemake into build/snakemake"
	if ! python3 -m venv "$venv" || ! "$venv/bin/pip" install -q --retries 1 --timeout 15 snakemake; then
		echo "$1: without snakemake from PyPI its tests are skipped" >&2
	fi
}

# shellcheck disable=SC2086
lacks=$(missing $needed) tests_lack=
# shellcheck disable=SC2086
[ "$1" != deps ] || tests_lack=$(missing $tests)
wanted=$lacks$tests_lack
if [ -z "$wanted" ]; then
	echo "$1: all packages are there"
	install_snakemake "$1"
	exit 0
fi

install_wanted() {
	root=
	if [ "$(id -u)" -ne 0 ]; then
		root=sudo
		command -v sudo >/dev/null || return 1
	fi
	echo "$1: installing$wanted"
	export DEBIAN_FRONTEND=noninteractive
	# shellcheck disable=SC2086
	$root apt-get update && $root apt-get install -y --no-install-recommends $wanted
}
install_wanted "$1" && install_snakemake "$1" && exit 0

echo "$1: an administrator has to run: sudo apt-get install -y --no-install-recommends$wanted" >&2
[ -z "$lacks" ] || exit 1
echo "$1: without these, tests are skipped or fail; the programs and pipelines need none of them" >&2
