# helper: what every .bats file loads.
# shellcheck shell=bash disable=SC2034,SC2154

bats_require_minimum_version 1.5.0
ROOT=$(cd "$BATS_TEST_DIRNAME" && while [ ! -f Makefile ]; do cd ..; done && pwd)
BUILD=${BUILD:-$ROOT/build}
PATH=$BUILD/bin:$ROOT/pipelines:$PATH
export LC_ALL=C
unset COFILTER_CUDA_PLUGIN COFILTER_MPI_PLUGIN
. "$ROOT/pipelines/find-data.sh"
export ASAN_OPTIONS=${ASAN_OPTIONS:-detect_leaks=0} # a program that dies frees nothing

setup() {
	cd "$BATS_TEST_TMPDIR" || return 1
}

# Run a shell pipeline with pipefail: status, output and, with bats' --separate-stderr, stderr are set.
pipe() {
	run --separate-stderr bash -o pipefail -c "$1"
}

# dataset NAME FILE: print the path of FILE of a data set, or skip with the reason.
dataset() {
	data_file=$(COFILTER_DATA=${COFILTER_DATA:-}:$ROOT/data find_data "$1/$2") ||
		skip "no $1/$2 under \$COFILTER_DATA"
}

# MovieLens 100K, leave-one-out, as train.cof and test.cof (interactions), or skip with the reason.
movielens_100k() {
	dataset ml-100k u.data
	ml-split -q --test test-ratings.cof "$data_file" | binarize >train.cof
	binarize test-ratings.cof >test.cof
}

# A python3 with NumPy as $python, or skip.
numpy() {
	for python in python3 /usr/bin/python3; do
		"$python" -c 'import numpy' 2>/dev/null && return 0
	done
	skip "no python3 with NumPy"
}

# edit_header FILE PYTHON: change h, the header of a stream as a dict, and make its length and checksum right.
edit_header() {
	python3 - "$@" <<-'EOF'
		import json, struct, sys, zlib
		data = open(sys.argv[1], "rb").read()
		end = 16 + struct.unpack_from("<I", data, 12)[0]
		h = json.loads(data[16:end])
		exec(sys.argv[2])
		text = json.dumps(h).encode()
		head = data[:12] + struct.pack("<I", len(text)) + text
		open(sys.argv[1], "wb").write(head + struct.pack("<I", zlib.crc32(head)) + data[end + 4:])
	EOF
}

assert_status() {
	if [ "$status" -ne "$1" ]; then
		echo "status $status, expected $1; stderr: $stderr"
		return 1
	fi
}

# One line on stderr that starts with "STAGE: " and holds TEXT.
assert_error() {
	local lines
	lines=$(printf '%s\n' "$stderr" | wc -l)
	if [ "$lines" -ne 1 ] || [[ $stderr != "$1: "* ]] || [[ $stderr != *"$2"* ]]; then
		printf 'stderr is not one line "%s: ...%s...":\n%s\n' "$1" "$2" "$stderr"
		return 1
	fi
}

assert_equal() {
	if [ "$1" != "$2" ]; then
		printf 'got:      %s\nexpected: %s\n' "$1" "$2"
		return 1
	fi
}

assert_contains() {
	if [[ $1 != *"$2"* ]]; then
		printf 'got: %s\nit lacks: %s\n' "$1" "$2"
		return 1
	fi
}

# assert_near VALUE EXPECTED TOLERANCE
assert_near() {
	awk -v v="$1" -v e="$2" -v t="$3" 'BEGIN { d = v - e; exit !(d <= t && -d <= t) }' || {
		echo "$1 is not within $3 of $2"
		return 1
	}
}

# interactions USERS ITEMS: lines "user item [time]" to interaction records; time 1 where there is none
interactions() {
	awk -v OFS='\t' '{ print $1, $2, (NF > 2 ? $3 : 1) }' | cof-cat --from tsv --kind interaction --users "$1" --items "$2"
}

# random_rows USERS ITEMS SEED N: "user item number", popular items first
random_rows() {
	awk -v users="$1" -v items="$2" -v seed="$3" -v n="$4" 'BEGIN { srand(seed)
		for (k = 0; k < n; k++) print int(users * rand()), int(items * rand() * rand()), k }'
}
