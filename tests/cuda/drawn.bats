# Rows drawn on the device: neumf-train --device cuda that reads interactions, against `negsample |
# neumf-train --device cuda`. Bytes of models and checkpoints are equal.
# shellcheck disable=SC2030,SC2031,SC2154

setup() {
	load ../helper
	load cuda
	plugin_setup
	quick=quick
	[ "${COFILTER_CUDA_TESTS:-quick}" = all ] && quick=
	planted -q --users 90 --items 70 --ratings 1500 | ml-split -q --test test-ratings.cof | binarize -q >train.cof
	binarize -q test-ratings.cof >test.cof
}

# as_pipe SAMPLING TRAINING [WHERE]: both ways; rows are drawn on the device, or the host (WHERE)
as_pipe() {
	local sampling training
	read -ra sampling <<<"${1//sampling-/}"
	read -ra training <<<"--device cuda $2"
	negsample -q "${sampling[@]}" train.cof | neumf-train -q "${training[@]}" -o pipe
	read -ra sampling <<<"$1"
	neumf-train "${sampling[@]}" "${training[@]}" -o drawn train.cof 2>err
	grep -q "^neumf-train: rows are drawn on the ${3:-device}" err || { cat err && return 1; }
	cmp pipe drawn || {
		echo "not as in the pipe: $1; $2"
		return 1
	}
}

# draws VARIANT: the rows themselves
draws() {
	built "$1/test_draws"
	COFILTER_CUDA_PLUGIN=$HOST/$1/cofilter-cuda.so "$HOST/$1/test_draws" ${quick:+"$quick"} >log 2>&1 && return
	grep -v '^ok' log | head -40
	return 1
}

@test 'rows are those of the host: plain' {
	CUDA_HOST_LEAKS=1 draws plain
}

@test 'rows are those of the host: other orders, lazy streams, guard' {
	only_emulated
	CUDA_HOST_ORDER=random:1 CUDA_HOST_STREAMS=lazy draws plain
	CUDA_HOST_ORDER=reverse CUDA_HOST_GUARD=1 draws plain
}

@test 'rows are those of the host: ASan and UBSan, TSan' {
	only_emulated
	only_in_all
	draws asan
	CUDA_HOST_SMS=1 draws tsan
}

@test 'the same model, whatever is sampled, and whatever is trained on it' {
	as_pipe '' ''
	as_pipe '--epochs 3 --sampling-seed 7' '--seed 5 --batch-size 100 --drop-last'
	as_pipe '--negatives 3 --epochs 2' '--model gmf --loss hinge --optimizer sgd --lr 0.1'
	as_pipe '--pairwise --exclude test.cof --epochs 2' '--model mlp --hidden 8,4 --sigmoid-output --batch-size 33'
	as_pipe '--pointwise --negatives 4 --epochs 2 --sampler popularity' '--model mf --bias --optimizer lazy-adam'
	as_pipe '--pairwise --sampler popularity --sampling-alpha 2 --epochs 4' '--batch-size 4096 --l2 0.01'
	as_pipe '--pointwise --epochs 2' '--hidden 8 --checkpoint ck --checkpoint-every 1'
}

@test 'users with nearly all items' {
	seq 0 69 | sed 's/^/3\t/; s/$/\t0/' | head -n 69 | cof-cat --from tsv --like train.cof | cof-cat --to cof - train.cof >most.cof
	mv most.cof train.cof
	as_pipe '--epochs 2' '--hidden 8'
	as_pipe '--epochs 2 --sampler popularity --pointwise' '--hidden 8'
}

@test 'a checkpoint is that of the pipe, and each goes on in the other, in the middle of an epoch too' {
	train() { # OPTION...
		neumf-train -q --device cuda --hidden 8 --batch-size 100 "$@"
	}
	negsample -q --epochs 6 train.cof >t.cof
	train --checkpoint whole-ck --checkpoint-every 1 -o whole t.cof
	train --epochs 6 --checkpoint drawn-ck --checkpoint-every 1 -o drawn train.cof
	cmp whole drawn
	cmp whole-ck drawn-ck
	# one block: it ends in epoch 4
	head -c 80000 t.cof >cut.cof
	run train --checkpoint ck --checkpoint-every 1 -o m cut.cof
	assert_status 1
	cp ck first
	train --resume first --epochs 6 --log log -o m train.cof
	cmp m whole
	assert_contains "$(head -n 1 log)" '"epoch": 4'
	# wherever time runs out
	local seconds
	for seconds in 0 0.05 0.2; do
		train --epochs 6 --checkpoint ck --max-seconds $seconds -o cut train.cof
		train --resume ck --epochs 6 -o m train.cof
		cmp m whole
		train --resume ck -o m t.cof
		cmp m whole
	done
	# other rows
	run --separate-stderr train --resume first --sampling-seed 2 --epochs 6 -o n train.cof
	assert_status 1
	[ ! -e n ]
}

@test 'what the device does not draw, the host does: the same bytes' {
	only_emulated
	as_pipe '--epochs 2' '--hidden 8'
	# the least memory that training takes, to 2 kB
	local low=0 high=4000000 size
	while [ $((high - low)) -gt 2000 ]; do
		size=$(((low + high) / 2))
		if CUDA_HOST_MEMORY=$size neumf-train -q --device cuda --hidden 8 --epochs 2 -o m train.cof 2>err; then
			high=$size
		else
			low=$size
			grep -q 'of device memory' err
		fi
	done
	CUDA_HOST_MEMORY=$high neumf-train --device cuda --hidden 8 --epochs 2 -o m train.cof 2>err
	grep -q 'rows are drawn on the host: the device needs 0.0[0-9]* MB more for it, 0.00[0-9]* MB are free' err
	cmp m pipe
	CUDA_HOST_MEMORY=$((high + 20000)) neumf-train --device cuda --hidden 8 --epochs 2 -o m train.cof 2>err
	grep -q 'rows are drawn on the device' err
	cmp m pipe
}

@test 'groups are read' {
	negsample -q --grouped --negatives 5 --epochs 3 train.cof | neumf-train -q --device cuda -o pipe
	neumf-train --device cuda --grouped --negatives 5 --epochs 3 -o read train.cof 2>err
	cmp pipe read
	run ! grep 'rows are drawn' err
}

@test 'nothing is left when the program ends, and no row crosses to the device' {
	only_emulated
	CUDA_HOST_LEAKS=1 neumf-train -q --device cuda --epochs 2 -o m train.cof
	CUDA_HOST_STATS=1 neumf-train -q --device cuda --epochs 2 --batch-size 500 -o m train.cof 2>err
	grep -q '^draw_rows_kernel ' err
}
