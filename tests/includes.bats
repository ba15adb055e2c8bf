#!/usr/bin/env bats
# The rule of includes (tests/include-rules) holds, and what breaks it is found.

load helper

copy_tree() {
	mkdir tree
	cp -r "$ROOT/lib" "$ROOT/stages" "$ROOT/data" tree/
	mkdir -p tree/tests/unit
	cp "$ROOT"/tests/unit/*.[ch] tree/tests/unit/
}

# faults: run the check on the tree; `output` has a line for each fault
faults() {
	run "$ROOT/tests/includes" tree
}

@test "no file of lib/ includes what its folder may not, or itself through others" {
	run -0 "$ROOT/tests/includes"
	assert_equal "$output" ''
}

@test "a forbidden include is found: a lower folder, a backend from a model, another file of rank/" {
	copy_tree
	sed -i '1i #include "data/ratings.h"' tree/lib/base/mem.c
	sed -i '1i #include "cpu/cpu.h"' tree/lib/model/trainer.c
	sed -i '1i #include "rank/metrics.h"' tree/lib/model/trainer.h
	faults
	assert_equal "$status" 1
	assert_equal "${#lines[@]}" 3
	assert_contains "$output" 'lib/base/mem.c: base may not include "data/ratings.h"'
	assert_contains "$output" 'lib/model/trainer.c: model may not include "cpu/cpu.h"'
	assert_contains "$output" 'lib/model/trainer.h: model may not include "rank/metrics.h"'
}

@test "a circle is found: of two files, of three, of one" {
	copy_tree
	sed -i '1i #include "base/pool.h"' tree/lib/base/rng.h
	sed -i '1i #include "base/rng.h"' tree/lib/base/pool.h
	faults
	assert_equal "$status" 1
	assert_contains "$output" 'include each other in a circle: '
	assert_contains "$output" 'base/pool.h'
	assert_contains "$output" 'base/rng.h'
	cp "$ROOT/lib/base/pool.h" tree/lib/base/pool.h
	sed -i '1i #include "base/alias.h"' tree/lib/base/bytes.h
	sed -i '1i #include "base/bytes.h"' tree/lib/base/pool.h
	faults
	assert_equal "$status" 1
	assert_contains "$output" 'base/bytes.h'
	cp "$ROOT"/lib/base/{rng,bytes,pool}.h tree/lib/base/
	sed -i '1i #include "base/rng.h"' tree/lib/base/rng.h
	faults
	assert_equal "$status" 1
	assert_equal "$output" 'lib/base/rng.h: includes itself'
}

@test "an include not written from lib/, a file outside all folders and an unknown folder are found" {
	copy_tree
	sed -i '1i #include "mem.h"' tree/lib/base/mem.c
	touch tree/lib/stray.c
	mkdir tree/lib/extra
	echo '#include "base/mem.h"' >tree/lib/extra/more.c
	faults
	assert_equal "$status" 1
	assert_contains "$output" 'lib/base/mem.c: "mem.h" is not written from lib/'
	assert_contains "$output" 'lib/stray.c: lies in no folder of lib/'
	assert_contains "$output" 'lib/extra: a folder that tests/include-rules does not know'
}

@test "a stage that includes a stage is found" {
	copy_tree
	sed -i '1i #include "stages/binarize.c"' tree/stages/cof-cat.c
	faults
	assert_equal "$status" 1
	assert_equal "$output" 'stages/cof-cat.c: "stages/binarize.c" is not written from lib/'
	cp "$ROOT/stages/cof-cat.c" tree/stages/
	sed -i '1i #include "../../stages/binarize.c"' tree/tests/unit/test_mem.c
	faults
	assert_equal "$status" 1
	assert_equal "$output" 'tests/unit/test_mem.c: includes the stage "../../stages/binarize.c"'
}
