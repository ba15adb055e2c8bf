#!/bin/sh
# Download MovieLens 100K (GroupLens; research use, see its README) to ml-100k/ beside this script.
# Does nothing when the right u.data is there; leaves nothing behind when it fails.
set -u
url=https://files.grouplens.org/datasets/movielens/ml-100k.zip
sum=06416e597f82b7342361e41163890c81036900f418ad91315590814211dca490
data=$(cd "$(dirname "$0")" && pwd) || exit 1
new=

die() {
	echo "fetch-ml-100k: $1" >&2
	exit 1
}

cleanup() {
	[ -z "$new" ] || rm -rf "$new"
}

has_sum() {
	[ -f "$1" ] && [ "$(sha256sum <"$1" | cut -d ' ' -f 1)" = "$sum" ]
}

# has PROGRAM...: the first of them that is there; dies when none is.
has() {
	for program; do
		command -v "$program" >/dev/null && return
	done
	die "none of $* is there"
}

download() {
	case $1 in
	curl) curl -fsSL --connect-timeout 20 --retry 2 -o "$3" "$2" ;;
	wget) wget -q --timeout=20 --tries=3 -O "$3" "$2" ;;
	esac
}

unpack() {
	case $1 in
	unzip) unzip -q "$2" -d "$3" ;;
	python3) python3 -m zipfile -e "$2" "$3" ;;
	bsdtar) bsdtar -xf "$2" -C "$3" ;;
	esac
}

has_sum "$data/ml-100k/u.data" && exit 0
trap cleanup EXIT
trap 'exit 1' HUP INT TERM
has curl wget
downloader=$program
has unzip python3 bsdtar
unpacker=$program
new=$(mktemp -d "$data/.ml-100k.XXXXXX") || die "cannot write to '$data'"
download "$downloader" "$url" "$new/zip" >/dev/null 2>&1 || die "cannot download '$url'"
unpack "$unpacker" "$new/zip" "$new" >/dev/null 2>&1 || die "cannot unpack '$url'"
has_sum "$new/ml-100k/u.data" || die "'ml-100k/u.data' of '$url' has another sha256 than $sum"
# u.data last: where it lies, all of it lies
{
	mv "$new/ml-100k/u.data" "$new/u.data" &&
		mkdir -p "$data/ml-100k" &&
		mv -f "$new"/ml-100k/* "$data/ml-100k/" &&
		mv -f "$new/u.data" "$data/ml-100k/u.data"
} || die "cannot write to '$data/ml-100k'"
