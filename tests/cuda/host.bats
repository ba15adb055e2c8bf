# The host runtime itself: every bug of host/bugs is reported with the right words, in every mode
# that can see it, and no mode objects to a right program. shellcheck disable=SC2154

setup_file() {
	export LC_ALL=C
}

setup() {
	load ../helper
	load cuda
	cd "$BATS_TEST_TMPDIR" || return 1
	ulimit -c 0
	built plain/bugs/bugs
	variant=plain
}

# bug CASE WORDS [NAME=VALUE]...: the case must fail and say WORDS.
bug() {
	local case=$1 words=$2
	shift 2
	run env "$@" "$HOST/$variant/bugs/bugs" "$case"
	if [ "$status" -eq 0 ] || [[ $output != *"$words"* ]]; then
		printf '%s (%s, %s): status %s, "%s" expected, got:\n%s\n' "$case" "$variant" "$*" "$status" "$words" "$output"
		return 1
	fi
}

# right CASE [NAME=VALUE]...: the case must succeed, without a word on stderr.
right() {
	local case=$1
	shift
	run env "$@" "$HOST/$variant/bugs/bugs" "$case"
	if [ "$status" -ne 0 ] || [ "$output" != right ]; then
		printf '%s (%s, %s): status %s\n%s\n' "$case" "$variant" "$*" "$status" "$output"
		return 1
	fi
}

right_in_all_modes() {
	local case order
	for case in clean clean_graph tf32; do
		for order in forward reverse random:1 random:2; do
			right "$case" CUDA_HOST_ORDER=$order CUDA_HOST_STREAMS=eager CUDA_HOST_LEAKS=1
			right "$case" CUDA_HOST_ORDER=$order CUDA_HOST_STREAMS=lazy CUDA_HOST_GUARD=1
		done
	done
}

@test 'right programs are right in every mode' {
	right_in_all_modes
}

@test 'right programs are right under ASan and UBSan' {
	built asan/bugs/bugs
	variant=asan
	right_in_all_modes
}

@test 'right programs are right under TSan' {
	built tsan/bugs/bugs
	variant=tsan
	right clean
	right clean CUDA_HOST_ORDER=reverse
	right clean_graph CUDA_HOST_STREAMS=lazy
}

@test 'barriers that not all threads of a block reach' {
	bug divergent 'threads wait for threads that will never come'
	assert_contains "$output" 'kernel divergent_kernel, block (0,0,0)'
	assert_contains "$output" 'thread 0..: in __syncthreads at tests/cuda/host/bugs/kernels.h:'
	assert_contains "$output" 'thread 16..: returned'
	bug early_return 'thread 60..: returned'
	bug two_barriers 'threads of one block wait at different barriers'
}

@test 'warp collectives that not all lanes of their mask reach' {
	bug shuffle_in_branch 'threads wait for threads that will never come'
	assert_contains "$output" 'in a shuffle, mask ffffffff'
	bug two_collectives 'lanes named in one mask are in different warp collectives'
	bug not_in_mask 'lane 16 is not in its own mask 0000ffff'
	bug shuffle_outside 'lane 0 reads lane 16, which is not in the shuffle'
	bug width 'shuffle of width 24'
}

@test 'values that were never written are NaN' {
	bug uninitialised_shared 'nan, not 1'
	bug uninitialised_device 'nan, not 0'
}

@test 'a missing barrier gives other numbers in some order' {
	bug missing_barrier wrong CUDA_HOST_ORDER=forward
	bug missing_barrier wrong CUDA_HOST_ORDER=reverse
	bug missing_syncwarp wrong CUDA_HOST_ORDER=forward
}

@test 'memory errors of kernels, by ASan and UBSan' {
	built asan/bugs/bugs
	variant=asan
	bug one_too_many 'AddressSanitizer: heap-buffer-overflow'
	bug dynamic_shared 'AddressSanitizer: use-after-poison'
	bug shared_index "index 32 out of bounds for type 'float [32]'"
	bug shared_pointer 'insufficient space for an object'
	bug misaligned 'misaligned address'
	bug int_overflow 'signed integer overflow'
}

@test 'races, by TSan' {
	built tsan/bugs/bugs
	variant=tsan
	for case in plain_add blocks_race cross_block missing_barrier missing_syncwarp; do
		bug $case 'ThreadSanitizer: data race'
	done
}

@test 'arguments of kernels that are not device memory' {
	bug freed_argument 'kernel iota_kernel, argument 0:'
	assert_contains "$output" 'is not a live device pointer'
	bug host_argument 'is not a live device pointer'
	bug host_in_struct 'at byte 8 of a struct, is not a live device pointer'
}

@test 'host code that touches device memory' {
	bug host_reads_device 'host code touches device memory, byte 12 of an allocation of 1024' CUDA_HOST_GUARD=1
}

@test 'launches that no device takes' {
	bug too_many_threads cudaErrorInvalidConfiguration
	bug too_much_shared cudaErrorInvalidValue
}

@test 'copies, fills and frees' {
	bug copy_direction 'destination of cudaMemcpy: '
	assert_contains "$output" 'is not device memory'
	bug copy_too_long '1024 bytes at byte 0 of an allocation of 252'
	bug copy_past_pinned '1024 bytes at byte 4 of an allocation of 1024'
	bug copy_overlap 'source and destination overlap'
	bug memset_too_long '256 bytes at byte 0 of an allocation of 252'
	bug double_free 'not the start of a live allocation'
	bug leak '40 bytes of device memory were never freed' CUDA_HOST_LEAKS=1
}

@test 'cuBLAS: extents, leading dimensions' {
	bug gemm_extent 'C of cublasSgemm: 256 bytes at byte 0 of an allocation of 252'
	bug gemm_leading CUBLAS_STATUS_INVALID_VALUE
}

@test 'no memory, no device, on demand' {
	bug out_of_memory cudaErrorMemoryAllocation
	bug clean cudaErrorMemoryAllocation CUDA_HOST_MEMORY=1100
	for n in 1 2 3; do
		bug clean cudaErrorMemoryAllocation CUDA_HOST_FAIL_MALLOC=$n
	done
	right clean CUDA_HOST_FAIL_MALLOC=4
	bug clean cudaErrorNoDevice CUDA_HOST_NO_DEVICE=1
}

@test 'streams: what does not wait, sees old numbers when streams are lazy' {
	for case in missing_sync copy_elsewhere missing_wait pinned_reused; do
		right $case CUDA_HOST_STREAMS=eager
		bug $case wrong CUDA_HOST_STREAMS=lazy
	done
}

@test 'streams and events after their end' {
	bug destroyed_stream 'is not a live stream'
	bug destroyed_event 'is not a live event'
}

@test 'graphs' {
	bug sync_in_capture cudaErrorStreamCaptureUnsupported
	bug malloc_in_capture cudaErrorStreamCaptureUnsupported
	bug uncaptured_wait cudaErrorStreamCaptureIsolation
	bug unjoined_capture cudaErrorStreamCaptureUnjoined
	bug legacy_in_capture 'the legacy stream is used while another stream is capturing'
	bug loose_in_capture 'a graph would copy memory that is not pinned'
	right missing_dependency CUDA_HOST_ORDER=forward
	bug missing_dependency wrong CUDA_HOST_ORDER=reverse
}

@test 'a mode that does not exist is an error' {
	bug clean "CUDA_HOST_ORDER is 'backward'" CUDA_HOST_ORDER=backward
	bug clean "CUDA_HOST_STREAMS is 'late'" CUDA_HOST_STREAMS=late
	bug clean "CUDA_HOST_GUARD is 'yes'" CUDA_HOST_GUARD=yes
}
