#!/usr/bin/env bats
# The same model on every machine: streams, models and scores with each instruction set this processor has, the C
# library's functions for other processors, and 1 to 4 threads. tests/unit/test_same_bits.c has the numbers that all
# machines give; make test-machines runs both on other machines.
load helper

setup() {
	cd "$BATS_TEST_TMPDIR" || return 1
}

# sums THREADS [COMMAND]...: SHA-256 of all that tests/machines/same-models makes.
sums() {
	"$ROOT/tests/machines/same-models" "$BUILD/bin" "$PWD/made" "$@"
}

triples() {
	printf '0\t0\t1\n1\t1\t0\n' | cof-cat --from tsv --kind triple --users 2 --items 2
}

# Those of this processor, best first: the others are refused.
instruction_sets() {
	local name
	triples >probe.cof
	for name in avx512 avx2 sse2 neon 128-bit; do
		COFILTER_CPU=$name neumf-train -q --device cpu -o probe probe.cof 2>/dev/null && echo "$name"
	done
}

# same_on SET [SUMS]: but for what lib/linear computes in other last bits without fused multiply-add.
same_on() {
	local not=nothing
	[ "$1" != sse2 ] || not='/(ease\.cof|ials\.safetensors)$'
	grep -Ev "$not" "${2:--}"
}

@test "models and scores have the same bytes for every instruction set and number of threads" {
	local sets cpu threads=0
	mapfile -t sets < <(instruction_sets)
	echo "instruction sets: ${sets[*]}"
	[ ${#sets[@]} -ge 1 ]
	sums 1 env COFILTER_CPU="${sets[0]}" >first
	assert_equal "$(wc -l <first)" 31
	for cpu in "${sets[@]}"; do
		threads=$((threads + 1))
		sums $((threads % 4 + 1)) env COFILTER_CPU="$cpu" | diff <(same_on "$cpu" first) <(same_on "$cpu")
	done
	for threads in 2 3 4; do
		sums $threads | diff first -
	done
}

# GLIBC_TUNABLES hides features of the processor from the C library, which then takes other versions of exp, log, cos.
# What base, stream, data and rank compile for each, against plain loops.
@test "loops that are compiled for several instruction sets: unit tests with each of them" {
	local cpu name
	for cpu in $(instruction_sets); do
		for name in crc record record_check rng neumf_init permute sampler grouped ranking score_rows; do
			echo "test_$name, $cpu"
			COFILTER_CPU=$cpu "$BUILD/unit/test_$name" >log || { grep -v '^ok' log && false; }
		done
	done
}

# Some virtual machines hide some instructions of a level.
@test "an instruction set without one of its instructions is not used" {
	local without
	[ "$(uname -m)" = x86_64 ] || skip "not an x86-64"
	command -v qemu-x86_64 >/dev/null || skip "no qemu-x86_64 (make deps-dev)"
	[[ $BUILD != */san ]] || skip "sanitizers do not run under qemu"
	triples >t.cof
	qemu-x86_64 -cpu Haswell "$BUILD/bin/neumf-train" --device cpu -o model t.cof 2>note
	grep 'on cpu (avx2)' note
	for without in fma abm movbe f16c; do
		qemu-x86_64 -cpu "Haswell,-$without" "$BUILD/bin/neumf-train" --device cpu -o model t.cof 2>note
		echo "without $without: $(grep parameters note)"
		grep 'on cpu (sse2)' note
	done
}

@test "which functions the C library chooses does not show" {
	sums 1 >first
	sums 1 env GLIBC_TUNABLES=glibc.cpu.hwcaps=-AVX512F,-AVX2,-AVX2_Usable,-FMA,-FMA_Usable,-FMA4 | diff first -
}

@test "a model file does not name the processor" {
	triples >t.cof
	neumf-train --device cpu -o model t.cof 2>note
	tail -c +9 model | head -c "$(od -An -tu8 -N8 model | tr -d ' ')" | jq .__metadata__ >metadata
	assert_equal "$(jq -r .compute metadata)" "16 lanes"
	run ! grep -E 'avx|sse|neon' metadata
	grep -E 'on cpu \((avx512|avx2|sse2|neon|128-bit)\)' note
}

@test "an instruction set that is not there" {
	triples >t.cof
	COFILTER_CPU=mmx run --separate-stderr neumf-train -q --device cpu -o model t.cof
	assert_status 1
	assert_error neumf-train "COFILTER_CPU is 'mmx'"
}
