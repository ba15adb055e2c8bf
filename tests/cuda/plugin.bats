# The plug-in under the real programs: neumf-train and neumf-score --device cuda.
# shellcheck disable=SC2154

setup() {
	load ../helper
	load cuda
	plugin_setup
}

# metric MODEL DEVICE NAME: one number of rank-eval over all unseen items.
metric() {
	neumf-score -q --model "$1" --device "$2" --all-items --seen train.cof --ranks held-out.cof |
		rank-eval -q --only "$3"
}

@test 'a model is trained and says on what' {
	small_data
	train model.safetensors --device cuda --log log
	run -0 head -c 4000 model.safetensors
	if [ -z "${COFILTER_TEST_PLUGIN:-}" ]; then
		assert_contains "$output" 'CUDA emulated on the host, fp32'
	fi
	[ "$(wc -l <log)" -eq 1 ]
}

@test 'no plug-in: --device cuda is an error, auto takes the cpu and says so' {
	small_data
	COFILTER_CUDA_PLUGIN=$PWD/none.so
	run -1 --separate-stderr train model.safetensors --device cuda
	assert_error neumf-train 'cannot load the plug-in'
	[ ! -e model.safetensors ]
	run -0 --separate-stderr neumf-train --device auto -o model.safetensors triples.cof
	assert_contains "$stderr" 'cannot load the plug-in'
	[ -s model.safetensors ]
}

@test 'no driver: the reason is said' {
	only_emulated
	[ ! -e /usr/lib/x86_64-linux-gnu/libcuda.so.1 ] || skip 'this machine has a driver'
	small_data
	COFILTER_CUDA_PLUGIN=
	run -1 --separate-stderr train model.safetensors --device cuda
	assert_error neumf-train 'no CUDA device: no NVIDIA driver'
}

@test 'a library that is no plug-in, and a plug-in of another interface' {
	command -v cc >/dev/null || skip 'no C compiler'
	small_data
	echo 'int nothing;' | cc -shared -fPIC -x c - -o nothing.so
	COFILTER_CUDA_PLUGIN=$PWD/nothing.so
	run -1 --separate-stderr train model.safetensors --device cuda
	assert_error neumf-train 'nothing.so'
	assert_contains "$stderr" 'is no plug-in of this program'
	cc -shared -fPIC -I"$ROOT/lib" -x c - -o other.so <<-'END'
		#include "model/backend.h"
		static const struct backend_ops ops = { .abi = BACKEND_ABI + 1, .name = "cuda" };
		const struct backend_ops *cofilter_cuda_backend(char *why, size_t size)
		{
			return (void)why, (void)size, &ops;
		}
	END
	export COFILTER_CUDA_PLUGIN=$PWD/other.so
	run -1 --separate-stderr train model.safetensors --device cuda
	assert_error neumf-train 'interface version'
}

@test 'no device: --device cuda is an error, auto takes the cpu' {
	only_emulated
	small_data
	export CUDA_HOST_NO_DEVICE=1
	run -1 --separate-stderr train model.safetensors --device cuda
	assert_error neumf-train 'no CUDA-capable device is detected'
	[ ! -e model.safetensors ]
	run -0 --separate-stderr neumf-train --device auto -o model.safetensors triples.cof
	assert_contains "$stderr" 'no CUDA-capable device is detected'
}

@test 'a driver that is too old: the versions are said' {
	only_emulated
	small_data
	export CUDA_HOST_DRIVER=12040
	run -1 --separate-stderr train model.safetensors --device cuda
	assert_error neumf-train 'the NVIDIA driver knows CUDA 12.4, the plug-in needs 13.0 (driver 580 or later)'
	[ ! -e model.safetensors ]
}

@test 'no cuBLAS: narrow networks do without, a wide one is an error' {
	only_emulated
	small_data
	export CUDA_HOST_NO_BLAS=1
	train model.safetensors --device cuda
	neumf-score -q --device cuda --model model.safetensors --all-items held-out.cof >scores.cof
	run -1 --separate-stderr train wide.safetensors --device cuda --hidden 70,10
	assert_error neumf-train 'layers of more than 64 units need cuBLAS'
	[ ! -e wide.safetensors ]
}

@test 'no wait keeps a core busy' {
	only_emulated
	small_data
	CUDA_HOST_STATS=1 train model.safetensors --device cuda 2>log
	grep -qx '0 waits of the host keep a core busy' log
}

@test 'each allocation fails once: one clear line and no model' {
	only_emulated
	small_data
	local n failed=0
	for n in $(seq 200); do
		if CUDA_HOST_FAIL_MALLOC=$n train model.safetensors --device cuda 2>err; then
			break
		fi
		failed=$n
		[ ! -e model.safetensors ]
		[ "$(wc -l <err)" -eq 1 ]
		grep -q '^neumf-train: .*out of memory' err || { cat err && return 1; }
	done
	[ "$failed" -ge 20 ]
	[ -s model.safetensors ]
}

@test 'a model that does not fit is refused with the numbers' {
	only_emulated
	small_data
	CUDA_HOST_MEMORY=200000 run -1 --separate-stderr train model.safetensors --device cuda
	assert_error neumf-train 'of device memory'
	[ ! -e model.safetensors ]
	# the kernels of cuBLAS take memory, too
	export CUDA_HOST_MEMORY=400000000
	train model.safetensors --device cuda
	run -1 --separate-stderr train wide.safetensors --device cuda --hidden 70,10
	assert_error neumf-train 'of device memory'
}

@test 'a block of scores takes few launches, and its users are copied once' {
	only_emulated
	local step=6 # and those to warm up
	CUDA_HOST_STATS=1 "$HOST/plain/throughput" score book fp32 131072 1 300 5000 >log 2>&1
	grep -q "^score_narrow_kernel<USERS> *$step launches" log
	grep -q "^rows_forward_kernel<[0-9]> *$step launches" log
}

@test 'nothing is left when the program ends' {
	only_emulated
	small_data
	CUDA_HOST_LEAKS=1 train model.safetensors --device cuda
	CUDA_HOST_LEAKS=1 neumf-score -q --device cuda --model model.safetensors --all-items held-out.cof >scores.cof
}

@test 'two runs give the same bytes' {
	small_data 2
	local wide='--hidden 130,70,33 --mlp-factors 70'
	train a.safetensors --device cuda
	train b.safetensors --device cuda
	cmp a.safetensors b.safetensors
	# shellcheck disable=SC2086
	for m in a b; do train $m.safetensors --device cuda $wide --optimizer lazy-adam; done
	cmp a.safetensors b.safetensors
}

@test 'the same bytes in whatever order blocks, threads, streams and graph nodes run' {
	only_emulated
	small_data
	train a.safetensors --device cuda
	local mode
	for mode in CUDA_HOST_ORDER=reverse CUDA_HOST_ORDER=random:1 CUDA_HOST_ORDER=random:2 CUDA_HOST_STREAMS=lazy \
		'CUDA_HOST_STREAMS=lazy CUDA_HOST_ORDER=random:3' CUDA_HOST_GUARD=1; do
		# shellcheck disable=SC2086,SC2163
		(export $mode && train b.safetensors --device cuda)
		cmp a.safetensors b.safetensors
	done
}

@test 'scores are those of the cpu' {
	small_data
	train model.safetensors --device cpu
	local device
	for device in cpu cuda; do
		neumf-score -q --model model.safetensors --device $device --all-items --seen train.cof held-out.cof |
			cof-cat --to tsv >$device.tsv
	done
	paste cpu.tsv cuda.tsv | awk -F '\t' '
		NR == 1 { next }
		{ n++; d = $4 - $8; if ($1 != $5 || $2 != $6 || $3 != $7 || d > 1e-5 || d < -1e-5) { print; bad = 1 } }
		END { exit bad || n < 2000 }'
}

@test 'tf32 is near fp32, and is said to be tf32' {
	small_data
	# rows of whole vectors: others may be left to the fp32 units
	train a.safetensors --device cuda --hidden 128,72,32 --mlp-factors 72
	train b.safetensors --device cuda --hidden 128,72,32 --mlp-factors 72 --precision tf32
	assert_contains "$(head -c 4000 b.safetensors)" 'tf32'
	run ! cmp -s a.safetensors b.safetensors
	assert_near "$(metric b.safetensors cpu AUC)" "$(metric a.safetensors cpu AUC)" 0.01
}

@test 'bf16 is near fp32, the same twice, and is said to be bf16' {
	small_data 2
	local network='--hidden 128,72,32 --mlp-factors 72' m
	# shellcheck disable=SC2086
	train a.safetensors --device cuda $network
	for m in b c; do
		# shellcheck disable=SC2086
		train $m.safetensors --device cuda $network --precision bf16
	done
	assert_contains "$(head -c 4000 b.safetensors)" 'bf16'
	cmp b.safetensors c.safetensors
	run ! cmp -s a.safetensors b.safetensors
	assert_near "$(metric b.safetensors cpu AUC)" "$(metric a.safetensors cpu AUC)" 0.01
	assert_near "$(metric b.safetensors cuda AUC)" "$(metric b.safetensors cpu AUC)" 0.001
}

@test 'bf16 takes layers of whole vectors, and says so' {
	small_data
	local network
	for network in '--hidden 128,70 --mlp-factors 72' '--hidden 128,72 --mlp-factors 70'; do
		# shellcheck disable=SC2086
		run -1 --separate-stderr train model.safetensors --device cuda --precision bf16 $network
		assert_error neumf-train 'multiples of 8'
		[ ! -e model.safetensors ]
	done
	# no layers, nothing to round
	neumf-train -q --device cuda --precision bf16 --model mf --factors 9 -o mf.safetensors triples.cof
}

@test 'ML-100K: metrics are the cpu backend'\''s within their spread' {
	local epochs=2 seed
	[ "${COFILTER_CUDA_TESTS:-quick}" = all ] && epochs=10
	movielens_100k
	mv test.cof held-out.cof
	for seed in 1 2 3; do
		negsample -q --epochs $epochs --seed $seed train.cof >triples.cof
		neumf-train -q --device cpu --factors 10 --hidden 10,10,10 --lr 0.01 --weight-decay 1e-5 --batch-size 1024 \
			--seed $seed -o cpu-$seed.safetensors triples.cof
	done
	# triples.cof is that of seed 3
	neumf-train -q --device cuda --factors 10 --hidden 10,10,10 --lr 0.01 --weight-decay 1e-5 --batch-size 1024 \
		--seed 3 -o cuda.safetensors triples.cof
	local name
	for name in HR@10 HR@50 AUC; do
		for seed in 1 2 3; do
			metric cpu-$seed.safetensors cpu $name
		done >of-cpu
		metric cuda.safetensors cpu $name >of-cuda
		awk -v name=$name '
			NR == FNR { if (n++ == 0 || $1 < low) low = $1; if (n == 1 || $1 > high) high = $1; last = $1; next }
			{ d = $1 - last; if (d < 0) d = -d
			  printf "%s: cuda %s, cpu %s; three seeds of the cpu: %s to %s\n", name, $1, last, low, high
			  exit d > high - low }' of-cpu of-cuda
	done
}
