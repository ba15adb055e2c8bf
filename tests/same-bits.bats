#!/usr/bin/env bats
# The same model on every machine: neumf-train and neumf-score with each instruction set this processor has, the C
# library's functions for other processors, and 1 to 4 threads. tests/unit/test_same_bits.c has the numbers that all
# machines give; make test-machines runs both on other machines.
load helper

setup() {
	cd "$BATS_TEST_TMPDIR" || return 1
}

# The instruction sets of this processor, best first: what neumf-train says of one that no processor has, and of each
# whether it can be had.
instruction_sets() {
	local name
	for name in avx512 avx2 sse2 neon 128-bit; do
		COFILTER_CPU=$name neumf-train -q -o probe probe.cof 2>/dev/null && echo "$name"
	done
}

# rows TRIPLES SEED: triples of 40 users and 300 items as text, by a generator of integers.
rows() {
	awk -v n="$1" -v x="$2" 'function next_below(m) { x = (x * 1103515245 + 12345) % 2147483648; return int(x / 65536) % m }
		BEGIN { OFS = "\t"; for (; n > 0; n--) { u = next_below(40); i = next_below(300); print u, i, (i + 1 + next_below(299)) % 300 } }'
}

triples() {
	rows "$1" 7 | cof-cat --from tsv --kind triple --users 40 --items 300
}

@test "models and scores have the same bytes for every instruction set and number of threads" {
	local cpu threads way sets
	triples 1 >probe.cof
	triples 3000 >t.cof
	rows 500 8 | cut -f 1,2 | sort -n -k 1,1 -k 2,2 -u | sed 's/$/\t0/' | cof-cat --from tsv --kind interaction --users 40 --items 300 >i.cof
	mapfile -t sets < <(instruction_sets)
	echo "instruction sets: ${sets[*]}"
	[ ${#sets[@]} -ge 1 ]
	for cpu in "${sets[@]}"; do
		for threads in 1 2 3 4; do
			for way in "neumf bpr adam" "mlp hinge lazy-adam" "gmf bpr sgd --sigmoid-output"; do
				read -r model loss optimizer more <<<"$way"
				# shellcheck disable=SC2086
				COFILTER_CPU=$cpu neumf-train -q --device cpu --threads $threads --model $model --loss $loss \
					--optimizer $optimizer $more --factors 11 --hidden 19,7 --lr 0.05 --weight-decay 1e-5 --l2 0.01 \
					--batch-size 300 -o $model t.cof
				COFILTER_CPU=$cpu neumf-score -q --device cpu --threads $threads --model $model --all-items i.cof >$model.all
				COFILTER_CPU=$cpu neumf-score -q --device cpu --threads $threads --model $model --ranks i.cof >$model.ranks
			done
			sha256sum neumf mlp gmf ./*.all ./*.ranks >"$cpu-$threads.sum"
			cmp "${sets[0]}-1.sum" "$cpu-$threads.sum"
		done
	done
}

# GLIBC_TUNABLES takes features of the processor from the C library: then it uses its exp, log and cos for another.
@test "the C library's choice of functions does not show" {
	local hwcaps=glibc.cpu.hwcaps=-AVX512F,-AVX2,-AVX2_Usable,-FMA,-FMA_Usable,-FMA4
	command -v planted >/dev/null
	for tunables in "" "$hwcaps"; do
		planted -q --users 60 --items 80 --ratings 1200 >ratings
		GLIBC_TUNABLES=$tunables ml-split -q --test test.cof ratings | binarize >train.cof
		GLIBC_TUNABLES=$tunables negsample -q --sampler popularity --alpha 0.6 --epochs 2 train.cof >t.cof
		GLIBC_TUNABLES=$tunables neumf-train -q --device cpu --sigmoid-output --dense-init glorot --lr 0.01 --init-std 0.1 -o model t.cof
		GLIBC_TUNABLES=$tunables neumf-score -q --device cpu --model model --all-items test.cof >neumf.score
		GLIBC_TUNABLES=$tunables knn-score -q --train train.cof --all-items test.cof >knn.score
		GLIBC_TUNABLES=$tunables pop-score -q --train train.cof --all-items test.cof >pop.score
		sha256sum ./*.cof model ./*.score >"sums${tunables:+-other}"
	done
	diff sums sums-other
}

@test "the model file is that of every machine: it does not name the processor" {
	triples 3000 >t.cof
	neumf-train --device cpu -o model t.cof 2>note
	tail -c +9 model | head -c "$(od -An -tu8 -N8 model | tr -d ' ')" | jq .__metadata__ >metadata
	assert_equal "$(jq -r .compute metadata)" "16 lanes"
	run ! grep -E 'avx|sse|neon' metadata
	grep -E 'on cpu \((avx512|avx2|sse2|neon|128-bit)\)' note
}

@test "an instruction set that is not there" {
	triples 1 >t.cof
	COFILTER_CPU=mmx run --separate-stderr neumf-train -q --device cpu -o model t.cof
	assert_status 1
	assert_error neumf-train "COFILTER_CPU is 'mmx'"
}
