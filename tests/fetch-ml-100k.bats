#!/usr/bin/env bats
# shellcheck disable=SC2154
# data/fetch-ml-100k.sh with programs of our own in place of curl: no test uses the network.
load helper

# A copy of the script in $PWD/data, and a curl that delivers $PWD/ml-100k.zip or fails.
prepare() {
	mkdir -p data bin
	cp "$ROOT/data/fetch-ml-100k.sh" data
	cat >bin/curl <<-'END'
		#!/bin/sh
		while [ "$1" != -o ]; do shift; done
		echo curl >>called
		[ -e ml-100k.zip ] || { echo "curl: offline" >&2; exit 6; }
		cp ml-100k.zip "$2"
	END
	chmod +x bin/curl
}

# zip_of FILE: ml-100k.zip with FILE as its ml-100k/u.data.
zip_of() {
	command -v python3 >/dev/null || skip "no python3 to make a zip file"
	mkdir -p make/ml-100k
	cp "$1" make/ml-100k/u.data
	echo titles >make/ml-100k/u.item
	(cd make && python3 -m zipfile -c ../ml-100k.zip ml-100k/)
}

fetch() {
	run --separate-stderr env PATH="$PWD/bin:$PATH" data/fetch-ml-100k.sh
}

left() {
	find data -mindepth 1 ! -name fetch-ml-100k.sh | sort | tr '\n' ' '
}

@test "offline: one line, exit 1, nothing left" {
	prepare
	fetch
	assert_status 1
	assert_error fetch-ml-100k "cannot download 'https://files.grouplens.org/"
	assert_equal "$(left)" ""
}

@test "another file than the right one is refused, and an old one stays" {
	prepare
	printf '1\t1\t1\t1\n' >u.data
	zip_of u.data
	mkdir data/ml-100k
	echo old >data/ml-100k/u.data
	fetch
	assert_status 1
	assert_error fetch-ml-100k "has another sha256"
	assert_equal "$(left)" "data/ml-100k data/ml-100k/u.data "
	assert_equal "$(cat data/ml-100k/u.data)" old
	echo 'no zip' >ml-100k.zip
	fetch
	assert_status 1
	assert_error fetch-ml-100k "cannot unpack"
	assert_equal "$(left)" "data/ml-100k data/ml-100k/u.data "
}

@test "the right file is fetched once" {
	dataset ml-100k u.data
	prepare
	zip_of "$data_file"
	fetch
	assert_status 0
	assert_equal "$output$stderr" ""
	assert_equal "$(left)" "data/ml-100k data/ml-100k/u.data data/ml-100k/u.item "
	cmp data/ml-100k/u.data "$data_file"
	fetch
	assert_status 0
	assert_equal "$(wc -l <called)" 1
	# a damaged one is replaced
	echo x >>data/ml-100k/u.data
	fetch
	assert_status 0
	cmp data/ml-100k/u.data "$data_file"
}
