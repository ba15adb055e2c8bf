#!/bin/sh
# Install the Debian packages that cofilter needs; does nothing when all are there.
# Usage: deps.sh deps|deps-dev
set -eu

deps='gcc g++ libc6-dev make zlib1g-dev libdeflate-dev libxxhash-dev libjansson-dev librandom123-dev
	jq gnuplot-nox bats curl unzip ca-certificates python3-numpy mandoc file xz-utils'
deps_dev='clang clang-format cppcheck shellcheck python3-torch time libopenblas-dev
	qemu-user gcc-s390x-linux-gnu libc6-dev-s390x-cross gcc-arm-linux-gnueabihf libc6-dev-armhf-cross
	gcc-aarch64-linux-gnu libc6-dev-arm64-cross'

case ${1-} in
deps) wanted=$deps ;;
deps-dev) wanted="$deps $deps_dev" ;;
*) echo "usage: deps.sh deps|deps-dev" >&2 && exit 2 ;;
esac

missing=
for package in $wanted; do
	dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' ||
		missing="$missing $package"
done
if [ -z "$missing" ]; then
	echo "$1: all packages are there"
	exit 0
fi

root=
[ "$(id -u)" -eq 0 ] || root=sudo
echo "$1: installing$missing"
export DEBIAN_FRONTEND=noninteractive
# shellcheck disable=SC2086
$root apt-get update && $root apt-get install -y --no-install-recommends $missing
