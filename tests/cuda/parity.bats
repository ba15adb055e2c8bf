# The ops and the training step against the reference, state out and in, in the modes of the host
# runtime. The programs print one line per check; their exit status is the verdict.
# shellcheck disable=SC2154

setup() {
	load ../helper
	load cuda
	cd "$BATS_TEST_TMPDIR" || return 1
	ulimit -c 0
	quick=quick
	[ "${COFILTER_CUDA_TESTS:-quick}" = all ] && quick=
	true
}

# parity VARIANT PROGRAM [ARGUMENT]...: run it and show what is not ok.
parity() {
	local variant=$1 program=$2
	shift 2
	built "$variant/$program"
	COFILTER_CUDA_PLUGIN=$HOST/$variant/cofilter-cuda.so "$HOST/$variant/$program" "$@" >log 2>&1 && return
	grep -v '^ok' log | head -40
	return 1
}

# ops VARIANT: the programs that test the ops.
ops() {
	local program
	for program in test_ops test_ops_wide test_ops_loss test_ops_narrow test_ops_network \
		test_ops_rows test_ops_scores test_ops_update; do
		parity "$1" "$program"
	done
	parity "$1" test_ops tf32
	parity "$1" test_ops_wide tf32
}

@test 'ops: plain' {
	ops plain
}

@test 'ops: other orders, lazy streams' {
	CUDA_HOST_ORDER=reverse CUDA_HOST_STREAMS=lazy ops plain
	CUDA_HOST_ORDER=random:1 ops plain
}

@test 'ops: device memory guarded' {
	CUDA_HOST_GUARD=1 ops plain
}

@test 'ops: ASan and UBSan' {
	ops asan
}

@test 'ops: TSan' {
	CUDA_HOST_SMS=1 ops tsan
}

@test 'ranks and top lists: plain' {
	CUDA_HOST_LEAKS=1 parity plain test_ranked
}

@test 'ranks and top lists: other orders, guard, ASan and UBSan, TSan' {
	only_in_all
	CUDA_HOST_ORDER=reverse CUDA_HOST_STREAMS=lazy parity plain test_ranked
	CUDA_HOST_ORDER=random:1 CUDA_HOST_GUARD=1 parity plain test_ranked
	parity asan test_ranked
	CUDA_HOST_SMS=1 parity tsan test_ranked
}

@test 'training: plain' {
	CUDA_HOST_LEAKS=1 parity plain test_training ${quick:+"$quick"}
}

@test 'training in bf16' {
	CUDA_HOST_LEAKS=1 parity plain test_bf16
	CUDA_HOST_ORDER=random:1 CUDA_HOST_STREAMS=lazy parity plain test_bf16
	CUDA_HOST_ORDER=reverse CUDA_HOST_GUARD=1 parity plain test_bf16
}

@test 'training in bf16: ASan and UBSan, TSan' {
	only_in_all
	parity asan test_bf16
	CUDA_HOST_SMS=1 parity tsan test_bf16
}

@test 'training: other orders, lazy streams' {
	CUDA_HOST_ORDER=random:1 CUDA_HOST_STREAMS=lazy parity plain test_training ${quick:+"$quick"}
	[ -n "$quick" ] || CUDA_HOST_ORDER=reverse CUDA_HOST_STREAMS=lazy parity plain test_training ${quick:+"$quick"}
}

@test 'training: device memory guarded' {
	only_in_all
	CUDA_HOST_GUARD=1 parity plain test_training ${quick:+"$quick"}
}

@test 'training: ASan and UBSan' {
	only_in_all
	parity asan test_training ${quick:+"$quick"}
}

@test 'training: TSan' {
	only_in_all
	CUDA_HOST_SMS=1 parity tsan test_training quick
}

@test 'state out and in: plain' {
	CUDA_HOST_LEAKS=1 parity plain test_state ${quick:+"$quick"}
}

@test 'state out and in: other orders, lazy streams, guard' {
	CUDA_HOST_ORDER=random:1 CUDA_HOST_STREAMS=lazy parity plain test_state quick
	[ -n "$quick" ] || CUDA_HOST_ORDER=reverse CUDA_HOST_GUARD=1 parity plain test_state quick
}

@test 'state out and in: ASan and UBSan' {
	only_in_all
	parity asan test_state
}

@test 'state out and in: TSan' {
	only_in_all
	CUDA_HOST_SMS=1 parity tsan test_state quick
}

@test 'calls that the interface forbids' {
	parity plain test_misuse
}

@test 'the kit for a machine with a GPU is whole: its check passes on the host runtime' {
	only_in_all
	built plain/limits
	NVCC='' "$ROOT/tests/cuda/gpu-kit.sh" "$BUILD" kit
	env -i PATH="$PATH" HOME="$HOME" OUT="$PWD/out" kit/tests/cuda/gpu-check.sh check --emulated
	jq -e '.failed == 0 and .limits.copy > 0 and (.ops | length) > 30 and (.throughput | length) == 22' out/check.json
	[ "$(find out -type f | wc -l)" -eq 3 ]
}

@test 'a check that fails says what failed, and goes on' {
	local kit=$PWD/kit
	built plain/limits
	mkdir -p kit/tests/cuda kit/build/cuda-host/plain kit/build/bin
	cp "$ROOT"/tests/cuda/gpu-*.sh kit/tests/cuda/
	touch kit/tests/cuda/test_ops.cu
	cp "$HOST/plain/limits" kit/build/cuda-host/plain/
	printf '#!/bin/sh\necho "not ok - gather: 3 x 5"\nexit 1\n' >kit/build/cuda-host/plain/test_ops
	chmod +x kit/build/cuda-host/plain/test_ops
	run -1 env -i PATH="$PATH" OUT="$PWD/out" "$kit/tests/cuda/gpu-check.sh" check --emulated
	assert_contains "$output" 'FAIL ops-fp32: exit status 1'
	assert_contains "$output" 'not ok - gather: 3 x 5'
	assert_contains "$output" 'ok   limits'
	assert_contains "$output" 'SOMETHING FAILED'
	jq -e '.failed == 1 and .limits.copy > 0 and .steps[0] == { step: "ops-fp32", verdict: "FAIL" }' out/check.json
}

@test 'limits, every op by itself and throughput run' {
	local work
	built plain/limits
	export CUDA_HOST_GUARD=1 CUDA_HOST_STREAMS=lazy CUDA_HOST_LEAKS=1
	"$HOST/plain/bench_ops" 64 300 200 >log
	grep -q '^op draw_rows .* share$' log
	run ! grep MISSING log
	"$HOST/plain/limits" 20000 >log
	grep -q '^copy [0-9.]* GB/s$' log
	grep -q '^gemm_tf32_.* TFLOP/s$' log
	grep -q '^gemm_dw_bf16_.* TFLOP/s$' log
	for work in 'train wide tf32 64' 'train wide bf16 64' 'rank wide fp32 640' 'train-drawn book fp32 64'; do
		# shellcheck disable=SC2086
		COFILTER_CUDA_PLUGIN=$HOST/plain/cofilter-cuda.so "$HOST/plain/throughput" $work 2 300 200
	done >log
	[ "$(grep -c ' M/s ' log)" -eq 4 ]
}
