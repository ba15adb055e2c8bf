#!/usr/bin/env bats
# shellcheck disable=SC2016,SC2030,SC2031,SC2154
# neumf-train that reads interactions: the model of `negsample | neumf-train`, to the byte, with its provenance; the same
# errors; and options that could mean two things are asked about.
load helper

setup() {
	cd "$BATS_TEST_TMPDIR" || return 1
	planted -q --users 90 --items 70 --ratings 1500 | ml-split -q --test test-ratings.cof | binarize -q >train.cof
	binarize -q test-ratings.cof >test.cof
}

# as_pipe SAMPLING TRAINING: both ways, with one thread and with three
as_pipe() {
	local sampling training n
	read -ra sampling <<<"${1//sampling-/}"
	read -ra training <<<"--device cpu $2"
	negsample -q "${sampling[@]}" train.cof | neumf-train -q "${training[@]}" -o pipe
	read -ra sampling <<<"$1"
	for n in 1 3; do
		neumf-train -q --threads $n "${sampling[@]}" "${training[@]}" -o sampled train.cof
		cmp pipe sampled || {
			echo "not as in the pipe: $1; $2; $n threads"
			return 1
		}
	done
}

@test "the same model, whatever is sampled, and whatever is trained on it" {
	as_pipe "" ""
	as_pipe "--epochs 3 --sampling-seed 7" "--seed 5 --batch-size 100 --drop-last"
	as_pipe "--negatives 3 --epochs 2" "--model gmf --loss hinge --optimizer sgd --lr 0.1"
	as_pipe "--pairwise --exclude test.cof" "--model mlp --hidden 8,4 --sigmoid-output --batch-size 1"
	as_pipe "--pointwise --negatives 4 --epochs 2 --sampler popularity" "--model mf --bias --optimizer lazy-adam"
	as_pipe "--grouped --negatives 5 --epochs 3" "--batch-size 4096 --l2 0.01"
	as_pipe "--grouped --negatives 3000" "--loss bce --weight-decay 1e-5"
	as_pipe "--grouped --negatives 7 --epochs 2 --sampler popularity --sampling-alpha 0.3" "--model mf --loss ccl"
}

@test "the loss says what is made, where no option does" {
	neumf-train -q --device cpu --loss bce --epochs 2 -o sampled train.cof
	negsample -q --pointwise --epochs 2 train.cof | neumf-train -q --device cpu --loss bce -o pipe
	cmp sampled pipe
	neumf-train -q --device cpu --loss ccl --model mf --negatives 9 -o sampled train.cof
	negsample -q --grouped --negatives 9 train.cof | neumf-train -q --device cpu --loss ccl --model mf -o pipe
	cmp sampled pipe
	neumf-train -q --device cpu --loss hinge -o sampled train.cof
	negsample -q train.cof | neumf-train -q --device cpu --loss hinge -o pipe
	cmp sampled pipe
}

@test "its provenance is that of the pipe: replay makes it again" {
	planted -q --users 60 --items 50 --ratings 700 >ratings.tsv
	ml-split -q --test t2.cof ratings.tsv | binarize -q >train.cof
	neumf-train -q --device cpu --epochs 2 --sampling-seed 3 --pointwise -o m train.cof
	assert_equal "$(cof-cat --replay m --input ratings.tsv)" "identical: $(wc -c <m) bytes"
	assert_contains "$(cof-cat --replay m)" "negsample --pointwise --epochs 2 --seed 3 |"
}

@test "epochs, logs and choices are those of the pipe" {
	negsample -q --epochs 4 train.cof |
		neumf-train -q --device cpu --save-epochs p --log p.log --on-epoch 'wc -c <$COFILTER_MODEL' --patience 2 -o pipe
	neumf-train -q --device cpu --save-epochs s --log s.log --on-epoch 'wc -c <$COFILTER_MODEL' --patience 2 -o sampled --epochs 4 train.cof
	cmp pipe sampled
	for n in 1 2 3; do cmp p-000$n.safetensors s-000$n.safetensors; done
	diff <(sed 's/"seconds": [^,}]*//' p.log) <(sed 's/"seconds": [^,}]*//' s.log)
}

@test "a checkpoint of either goes on in the other, and old epochs are not made again" {
	negsample -q --epochs 6 train.cof >t.cof
	neumf-train -q --device cpu --checkpoint whole-ck --checkpoint-every 1 -o whole t.cof
	# one block: it ends in epoch 4
	head -c 80000 t.cof >cut.cof
	run neumf-train -q --device cpu --checkpoint ck --checkpoint-every 1 -o m cut.cof
	assert_status 1
	cp ck first
	neumf-train -q --device cpu --resume first --log log -o m --epochs 6 train.cof
	cmp m whole
	assert_equal "$(head -n 1 log | jq .epoch)" 4
	neumf-train -q --device cpu --resume first --threads 3 -o m t.cof
	cmp m whole
	# after the last batch, too
	neumf-train -q --device cpu --resume whole-ck -o m --epochs 6 train.cof
	cmp m whole
	run --separate-stderr neumf-train -q --device cpu --resume first -o n --epochs 7 train.cof
	assert_status 1
	assert_error neumf-train "'first' is of another stream than 'train.cof': its \"epochs\" is 6, not 7"
	run --separate-stderr neumf-train -q --device cpu --resume first -o n --epochs 6 --sampling-seed 2 train.cof
	assert_status 1
	assert_error neumf-train "its negsample had --seed 1, not --seed 2"
	# other rows under the same header
	cof-cat train.cof | awk -v OFS='\t' '{ $2 = ($2 + 1) % 70; print }' | cof-cat --from tsv --like train.cof >other.cof
	python3 - <<-'EOF'
		def parts(f):
		    data = open(f, "rb").read()
		    end = 20 + int.from_bytes(data[12:16], "little")
		    return data[:end], data[end:]
		open("mixed.cof", "wb").write(parts("train.cof")[0] + parts("other.cof")[1])
	EOF
	run --separate-stderr neumf-train -q --device cpu --resume first -o n --epochs 6 mixed.cof
	assert_status 1
	assert_error neumf-train "the rows of 'mixed.cof' are not those that 'first' was trained on"
	[ ! -e n ]
}

@test "a signal leaves a checkpoint, which goes on" {
	neumf-train -q --device cpu --epochs 300 -o whole train.cof
	neumf-train -q --device cpu --epochs 300 --checkpoint ck --checkpoint-every 1 --log log -o m train.cof 2>err &
	pid=$!
	until [ -s log ]; do sleep 0.01; done
	kill $pid
	status=0
	wait $pid || status=$?
	assert_status 143
	assert_equal "$(cat err)" "neumf-train: SIGTERM: go on with --resume ck"
	neumf-train -q --device cpu --epochs 300 --resume ck -o m train.cof
	cmp m whole
}

@test "damage, cuts, nothing to train on, users skipped: as negsample says it, and no model" {
	fails() { # TEXT OPTIONS...
		local text=$1
		shift
		run --separate-stderr neumf-train -q --device cpu -o m "$@"
		assert_status 1
		assert_error neumf-train "$text"
		[ ! -e m ]
	}
	head -c -1 train.cof >cut.cof
	fails "'cut.cof' ends after" cut.cof
	python3 -c 'd = bytearray(open("train.cof", "rb").read()); d[-300] ^= 1; open("bad.cof", "wb").write(d)'
	fails "'bad.cof' is damaged between byte" bad.cof
	fails "'cut.cof' ends after" --exclude cut.cof train.cof
	fails "cannot open 'nosuch'" --exclude nosuch train.cof
	fails "'test-ratings.cof' holds rating records" --exclude test-ratings.cof train.cof
	fails "'test-ratings.cof' holds rating records, interaction or triple or sample or group expected" test-ratings.cof
	fails "holds rating records, interaction or sample or group expected" --loss bce test-ratings.cof
	: | cof-cat --from tsv --like train.cof >empty.cof
	fails "'empty.cof' holds no rows: nothing to train on" empty.cof
	seq 0 69 | sed 's/^/3\t/; s/$/\t0/' | cof-cat --from tsv --like train.cof | cof-cat --to cof - train.cof >all.cof
	neumf-train -q --device cpu -o m all.cof 2>err
	assert_equal "$(cat err)" "neumf-train: users skipped, since no item can be drawn for them: 1"
	negsample -q all.cof 2>/dev/null | neumf-train -q --device cpu -o pipe
	cmp m pipe
}

@test "outputs are opened before the interactions are read; an output is no input" {
	head -c -1 train.cof >cut.cof
	for option in "-o nosuch/m" "-o m --log nosuch/l" "-o m --save-epochs nosuch/e" "-o m --checkpoint nosuch/c"; do
		# shellcheck disable=SC2086
		run --separate-stderr neumf-train -q --device cpu $option cut.cof
		assert_status 1
		assert_error neumf-train "nosuch/"
	done
	run --separate-stderr neumf-train -q --device cpu -o test.cof --exclude test.cof train.cof
	assert_status 2
	[ ! -e m ]
}

@test "what could be meant in two ways is asked about; what cannot be meant is refused: exit 2" {
	wrong() { # TEXT OPTIONS...
		local text=$1
		shift
		run --separate-stderr neumf-train -q --device cpu -o m "$@"
		assert_status 2
		assert_contains "$stderr" "$text"
		[ ! -e m ]
	}
	wrong "option --seed is of the first weights: with interaction records, --sampling-seed is to be said beside it" --seed 2 train.cof
	negsample -q train.cof >triple.cof
	neumf-train -q --device cpu --model gmf -o gmf triple.cof
	neumf-train -q --device cpu --model mlp -o mlp triple.cof
	wrong "option --alpha is of --init-from: with --sampler popularity, --sampling-alpha is to be said beside it" \
		--init-from gmf,mlp --sampler popularity --alpha 0.5 train.cof
	as_pipe "--sampler popularity --sampling-alpha 0.2" "--init-from gmf,mlp --alpha 0.4"
	wrong "option --alpha goes with --init-from MODEL,MODEL (of --sampler popularity it is --sampling-alpha)" \
		--sampler popularity --alpha 0.5 train.cof
	for option in "--epochs 2" "--negatives 1" "--sampling-seed 1" "--pairwise" "--sampler uniform" "--exclude test.cof" "--splits-unchecked"; do
		# shellcheck disable=SC2086
		wrong "option ${option%% *} goes with interaction records, 'triple.cof' holds triple records" $option triple.cof
	done
	wrong "option --sampling-alpha needs --sampler popularity" --sampling-alpha 0.5 train.cof
	wrong "options --pairwise, --pointwise and --grouped exclude each other" --pairwise --grouped train.cof
	wrong "option --loss: bce is not computed from triple records" --loss bce --pairwise train.cof
	wrong "option --loss: bpr is not computed from sample records" --loss bpr --pointwise train.cof
	wrong "option --loss: ccl is not computed from sample records" --loss ccl --model mf --pointwise train.cof
	wrong "option --negatives: a group has at most 16382" --grouped --negatives 20000 train.cof
	wrong "option --sigmoid-output goes with triple or group records, 'train.cof' holds samples" --pointwise --sigmoid-output train.cof
	wrong "ambiguous option" --sampling 2 train.cof
}
