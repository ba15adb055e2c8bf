#!/usr/bin/env bats
# shellcheck disable=SC2154
# make install and uninstall, the man pages, the completion and the file(1) entry they put in place.
load helper

setup() {
	[ "$BUILD" = "$ROOT/build" ] || skip "an install is of the plain build"
	cd "$BATS_TEST_TMPDIR" || return 1
}

setup_file() {
	[ "$BUILD" = "$ROOT/build" ] || return 0
	export DESTDIR=$BATS_FILE_TMPDIR/stage
	mkdir -p "$DESTDIR/usr/bin"
	touch "$DESTDIR/usr/bin/other"
	make -s -C "$ROOT" install PREFIX=/usr
}

@test "install: every program runs, has its page, its completion, and its pipelines" {
	for source in "$ROOT"/stages/*.c "$ROOT"/data/*.c cofilter; do
		name=$(basename "$source" .c)
		run "$DESTDIR/usr/bin/$name" --version
		assert_status 0
		[ -s "$DESTDIR/usr/share/man/man1/$name.1" ]
		bash -n "$DESTDIR/usr/share/bash-completion/completions/$name"
		grep -q "complete .* $name\$" "$DESTDIR/usr/share/bash-completion/completions/$name"
		grep -qx "#compdef $name" "$DESTDIR/usr/share/zsh/site-functions/_$name"
		grep -q "^complete -c $name " "$DESTDIR/usr/share/fish/vendor_completions.d/$name.fish"
	done
	[ -s "$DESTDIR/usr/share/man/man5/record.5" ]
	[ -x "$DESTDIR/usr/share/cofilter/pipelines/d2l-neumf.sh" ]
	for plugin in cofilter-cuda.so cofilter-mpi.so; do
		[ ! -e "$ROOT/build/lib/cofilter/$plugin" ] || [ -s "$DESTDIR/usr/lib/cofilter/$plugin" ]
	done
}

@test "install: the front door finds its parts and its stages" {
	planted -q --users 20 --items 30 --ratings 140 >u.data
	pipe "PATH='$DESTDIR/usr/bin:/usr/bin:/bin' cofilter run -q u.data -o out --quick --systems pop"
	assert_status 0
	[ -s out/report.html ]
	ln -s "$DESTDIR/usr/bin/cofilter" door
	PATH="$DESTDIR/usr/bin:/usr/bin:/bin" ./door recommend out --user 1 -n 3
	[ ! -e "$DESTDIR/usr/share/cofilter/pipelines/cofilter" ]
}

@test "install: the pages are formatted without a complaint" {
	command -v mandoc >/dev/null || skip "no mandoc"
	for page in "$DESTDIR"/usr/share/man/man[15]/*; do
		mandoc -Tutf8 -W warning "$page" >formatted
		[ "$(wc -l <formatted)" -gt 20 ]
	done
}

@test "install: file(1) knows a stream by the entry" {
	command -v file >/dev/null || skip "no file(1)"
	printf '1\t2\t3\n' | cof-cat --from tsv --kind triple --users 943 --items 1682 >x.cof
	run file -m "$DESTDIR/usr/share/cofilter/cofilter.magic" x.cof
	assert_contains "$output" "cofilter record stream, version 2, triple records, 943 users, 1682 items"
	run file -i -m "$DESTDIR/usr/share/cofilter/cofilter.magic" x.cof
	assert_contains "$output" application/x-cofilter
	printf 'COF\n' >y.cof
	run file -m "$DESTDIR/usr/share/cofilter/cofilter.magic" y.cof
	[[ $output != *cofilter\ record* ]]
}

@test "install: pkg-config, headers and library build the example stage, and it keeps the manners" {
	command -v pkg-config >/dev/null || skip "no pkg-config"
	command -v cc >/dev/null || skip "no cc"
	export PKG_CONFIG_SYSROOT_DIR=$DESTDIR PKG_CONFIG_LIBDIR=$DESTDIR/usr/lib/pkgconfig
	assert_equal "cof-cat (cofilter) $(pkg-config --modversion cofilter)" "$(cof-cat --version)"
	read -ra cflags <<<"$(pkg-config --cflags cofilter)"
	read -ra libs <<<"$(pkg-config --libs cofilter)"
	cc -std=c11 -Wall -Wextra -Werror "${cflags[@]}" "$ROOT/docs/example-stage.c" "${libs[@]}" -o since
	printf '0\t1\t5\n1\t2\t6\n2\t0\t7\n' | cof-cat --from tsv --users 3 --items 3 >x.cof
	assert_equal "$(./since --time 6 x.cof | cof-cat)" $'1\t2\t6\n2\t0\t7'
	assert_equal "$(./since --time 6 x.cof | cof-cat --header | jq -c '.provenance[-1].options')" '{"time":6}'
	run --separate-stderr ./since --time 6 < <(head -c 300 x.cof)
	assert_status 1
	assert_error since "truncated"
	run --separate-stderr ./since x.cof
	assert_status 2
	./since --completion bash | bash -n
	# every header can be included alone, from an installation
	for header in $(cd "$DESTDIR/usr/include/cofilter" && echo */*.h); do
		echo "#include \"$header\"" | cc -std=c11 -D_POSIX_C_SOURCE=200809L -Werror "${cflags[@]}" -fsyntax-only -xc - || return 1
	done
}

@test "the library defines no name of the libraries that it is linked with" {
	nm -g --defined-only "$BUILD/libcofilter.a" 2>/dev/null | awk 'NF == 3 { print $3 }' | sort -u >ours
	[ "$(wc -l <ours)" -gt 100 ]
	ldd "$BUILD/bin/ease-score" "$BUILD/bin/neumf-train" | awk '$3 ~ /^\// { print $3 }' | sort -u >libraries
	[ "$(wc -l <libraries)" -gt 5 ]
	xargs nm -D --defined-only <libraries | awk 'NF == 3 { sub(/@.*/, "", $3); print $3 }' | sort -u >theirs
	[ "$(wc -l <theirs)" -gt 2000 ]
	run comm -12 ours theirs
	assert_equal "$output" ""
}

@test "uninstall: nothing of it is left, and all else" {
	make -s -C "$ROOT" uninstall PREFIX=/usr
	run find "$DESTDIR" -type f -o -name '*cofilter*'
	assert_equal "$output" "$DESTDIR/usr/bin/other"
}
