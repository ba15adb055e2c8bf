#!/usr/bin/env bats
# shellcheck disable=SC2154
# lib/python, the package cofilter: its tests, of which each module of tests/python is one here, and its installation.
load helper

setup() {
	cd "$BATS_TEST_TMPDIR" || return 1
	python=/usr/bin/python3 # Debian's, with Debian's NumPy
	"$python" -c 'import numpy' 2>/dev/null || skip "no python3 with NumPy"
	export PYTHONPATH=$ROOT/lib/python:$ROOT/tests/python PYTHONDONTWRITEBYTECODE=1
}

# needs MODULE...
needs() {
	for module; do "$python" -c "import $module" 2>/dev/null || skip "no Python module $module"; done
}

@test "streams: every kind there and back, every cut and flipped bit refused" {
	"$python" -W error -m unittest test_stream
}

@test "models of every kind score as neumf-score does, and damaged ones are refused" {
	"$python" -W error -m unittest test_model
}

@test "models score as neumf-score does in PyTorch too" {
	needs torch
	"$python" -W error -m unittest test_model.Models.test_every_kind
}

@test "id files" {
	"$python" -W error -m unittest test_frames.IdFiles
}

@test "rows there and back as pandas has them" {
	needs pandas
	"$python" -W error -m unittest test_frames.Pandas
}

@test "rows there and back as SciPy has them" {
	needs scipy
	"$python" -W error -m unittest test_frames.SciPy
}

@test "NumPy is all that it needs" {
	"$python" -c '
import sys
for name in "pandas", "scipy", "torch", "xxhash":
    sys.modules[name] = None
import cofilter'
}

@test "its version is that of the programs" {
	assert_equal "cof-cat (cofilter) $("$python" -c 'import cofilter; print(cofilter.__version__)')" "$(cof-cat --version)"
}

@test "pip installs it from the tree" {
	needs pip setuptools
	cp -r "$ROOT/lib/python" tree
	"$python" -m pip install -q --no-index --no-build-isolation --no-deps --target installed ./tree
	PYTHONPATH=$PWD/installed "$python" -c 'import cofilter; assert cofilter.__file__.startswith("'"$PWD"'/installed"), cofilter.__file__'
	[ "$(find installed/cofilter -name '*.py' | wc -l)" -eq "$(find "$ROOT/lib/python/cofilter" -name '*.py' | wc -l)" ]
}
