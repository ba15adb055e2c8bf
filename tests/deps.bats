#!/usr/bin/env bats
# shellcheck disable=SC2016,SC2154
# make on a machine that lacks something: what it says, and what goes on without it. Programs of our own stand in for
# dpkg-query, apt-get, sudo and id; nothing is installed.
load helper

# A machine with the packages $HAS, where the user is $USER_ID; apt-get and sudo say what they were called with.
setup() {
	cd "$BATS_TEST_TMPDIR" || return 1
	mkdir bin
	printf '#!/bin/sh\nfor word; do name=$word; done\ncase " $HAS " in *" $name "*) echo install ok installed ;; esac\n' >bin/dpkg-query
	printf '#!/bin/sh\necho ${USER_ID:-1000}\n' >bin/id
	printf '#!/bin/sh\necho "apt-get $*" >>%s/called\n' "$PWD" >bin/apt-get
	chmod +x bin/*
	for tool in sh grep printf; do ln -s "$(command -v $tool)" bin; done
	HAS='' USER_ID=1000
	export HAS USER_ID
}

deps() {
	run --separate-stderr env PATH="$PWD/bin" sh "$ROOT/data/deps.sh" "${1-deps}"
}

build='gcc libc6-dev make zlib1g-dev libdeflate-dev libxxhash-dev libjansson-dev librandom123-dev'
pipelines='jq gnuplot-nox curl unzip ca-certificates'
tests='bats g++ pkgconf python3-numpy mandoc file xz-utils'

@test "make deps without rights: one line for an administrator with all packages, exit 1" {
	HAS="libc6-dev make"
	deps
	assert_status 1
	assert_error deps "an administrator has to run: sudo apt-get install -y --no-install-recommends gcc zlib1g-dev"
	for package in ${build#*make} $pipelines $tests; do
		assert_contains "$stderr " " $package "
	done
	[[ $stderr != *libc6-dev* ]]
	[ ! -e called ]
}

@test "make deps without rights, where sudo refuses: the same" {
	printf '#!/bin/sh\necho "sudo: no" >&2; exit 1\n' >bin/sudo
	chmod +x bin/sudo
	deps deps-dev
	assert_status 1
	assert_contains "$stderr" "deps-dev: an administrator has to run: sudo apt-get install"
	assert_contains "$stderr" " clang "
}

@test "make deps where only tests need what is missing: says so, and the goal behind it goes on" {
	HAS="$build $pipelines file"
	deps
	assert_status 0
	assert_contains "$stderr" "sudo apt-get install -y --no-install-recommends bats g++ pkgconf python3-numpy mandoc xz-utils"
	assert_contains "$stderr" "the programs and pipelines need none of them"
	mkdir tree
	cp -r "$ROOT/Makefile" "$ROOT"/{stages,lib,tests,data} tree 2>/dev/null
	run make -s -C tree PATH="$PWD/bin:$PATH" NVCC= deps clean
	assert_status 0
	HAS=''
	run make -s -C tree PATH="$PWD/bin:$PATH" NVCC= deps clean
	assert_status 2
}

@test "make deps with rights installs what is missing, and nothing when all is there" {
	HAS="$build $pipelines $tests"
	deps
	assert_status 0
	assert_equal "$output" "deps: all packages are there"
	HAS="$build jq curl unzip ca-certificates $tests"
	printf '#!/bin/sh\n"$@"\n' >bin/sudo
	chmod +x bin/sudo
	deps
	assert_status 0
	grep -qx 'apt-get install -y --no-install-recommends gnuplot-nox' called
	rm called bin/sudo
	USER_ID=0
	deps
	assert_status 0
	grep -qx 'apt-get install -y --no-install-recommends gnuplot-nox' called
}

@test "make deps-lint installs what lint needs beside deps, and not all of deps-dev" {
	HAS="$build $pipelines $tests git clang clang-format cppcheck"
	USER_ID=0
	deps deps-lint
	assert_status 0
	assert_equal "$(tail -n 1 called)" "apt-get install -y --no-install-recommends libclang-rt-dev shellcheck"
	rm called
	HAS+=" libclang-rt-dev shellcheck"
	deps deps-lint
	assert_status 0
	assert_equal "$output" "deps-lint: all packages are there"
	[ ! -e called ]
	deps deps-dev
	assert_contains "$(tail -n 1 called)" " zsh fish "
}

@test "make deps-dev puts snakemake into build, where there is none; without PyPI tests do without it" {
	mkdir -p tree/data
	cp "$ROOT/data/deps.sh" tree/data
	printf '#!/bin/sh\necho install ok installed\n' >bin/dpkg-query
	run --separate-stderr env PATH="$PWD/bin" sh tree/data/deps.sh deps-dev
	assert_status 0
	assert_contains "$stderr" "deps-dev: without snakemake from PyPI its tests are skipped"
	printf '#!/bin/sh\necho "$*" >>%s/called\n' "$PWD" | tee bin/python3 >pip
	chmod +x bin/python3 pip
	mkdir -p tree/build/snakemake/bin
	mv pip tree/build/snakemake/bin
	run --separate-stderr env PATH="$PWD/bin" sh tree/data/deps.sh deps-dev
	assert_status 0
	assert_equal "$stderr" ""
	assert_equal "$(cat called)" "-m venv tree/data/../build/snakemake
install -q --retries 1 --timeout 15 snakemake"
	rm called
	cp bin/python3 bin/snakemake
	env PATH="$PWD/bin" sh tree/data/deps.sh deps-dev
	env PATH="$PWD/bin" sh tree/data/deps.sh deps
	[ ! -e called ]
}

@test "make without a library or a compiler: one line that says to run make deps" {
	for way in CC=no-such-cc 'CFLAGS=-nostdinc'; do
		run --separate-stderr make -C "$ROOT" B="$PWD/build" NVCC= "$way" programs
		assert_status 2
		assert_contains "$stderr" "cannot build: no compiler '"
		assert_contains "$stderr" "run 'make deps'"
		[[ $output$stderr != *'fatal error'* ]]
		[ "$(grep -vc '^make' <<<"$stderr")" -eq 1 ]
	done
}
