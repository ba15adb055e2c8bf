#!/usr/bin/env bats
# shellcheck disable=SC2030,SC2031,SC2154,SC2016
# neumf-train: --on-epoch and what it decides, and --max-seconds.
load helper

setup() {
	cd "$BATS_TEST_TMPDIR" || return 1
	for ((u = 0; u < 12; u++)); do
		for ((i = 0; i < 9; i++)); do
			((u * i % 7 == 3 || i == u % 9)) && printf '%d\t%d\t0\n' $u $i
		done
	done | cof-cat --from tsv --kind interaction --users 12 --items 9 >train.cof
	negsample -q --epochs 8 train.cof >t.cof
}

# train ARGS...: a small quick model, the log on stdout.
train() {
	run --separate-stderr neumf-train -q --device reference --model mf --factors 2 --init-std 0.5 --lr 0.01 \
		--batch-size 16 -o model --log - "$@"
}

# Metrics of the epochs, one a line, for "--on-epoch $script".
metrics() {
	printf '%s\n' "$@" >metrics
}
script='sed -n ${COFILTER_EPOCH}p metrics'

# entry FILE JQ: of this program's entry in the provenance of a model
entry() {
	python3 -c 'import json, sys
data = open(sys.argv[1], "rb").read()
print(json.loads(data[8:8 + int.from_bytes(data[:8], "little")])["__metadata__"]["provenance"])' "$1" |
		jq -c ".[-1] | $2"
}

tensors() {
	python3 -c 'import sys
data = open(sys.argv[1], "rb").read()
sys.stdout.buffer.write(data[8 + int.from_bytes(data[:8], "little"):])' "$1"
}

# same_weights A B
same_weights() {
	tensors "$1" >left
	tensors "$2" >right
	cmp left right
	rm left right
}

# Files here, but for what bats puts beside them.
files() {
	find . -maxdepth 1 -type f ! -name 'separate-stderr-*' -printf '%f\n' | sort | tr '\n' ' '
}

@test "the command is told epoch and model, and its number is in the log" {
	cat >measure <<-'EOF'
		echo "$COFILTER_EPOCH $COFILTER_MODEL" >>told
		neumf-score -q --model "$COFILTER_MODEL" --all-items --ranks train.cof | rank-eval -q --only NDCG@3
		echo noise >&2
	EOF
	train --on-epoch '. ./measure' t.cof
	assert_status 0
	log=$output
	assert_equal "$(grep -c . <<<"$stderr")" 8
	assert_equal "$(cut -d ' ' -f 1 told | tr '\n' ' ')" "1 2 3 4 5 6 7 8 "
	# each line has what the epoch's model, saved and measured later, has
	train --save-epochs e t.cof
	for ((e = 1; e <= 8; e++)); do
		neumf-score -q --model e-000$e.safetensors --all-items --ranks train.cof | rank-eval -q --only NDCG@3
	done >later
	jq .metric <<<"$log" >during
	python3 -c 'a, b = ([float(x) for x in open(f)] for f in ("during", "later"))
assert len(a) == 8 and all(abs(x - y) < 1e-14 for x, y in zip(a, b)), (a, b)'
	assert_equal "$(jq -c 'keys_unsorted' <<<"$log" | sort -u)" '["epoch","batches","rows","loss","metric","seconds"]'
	# with --save-epochs the file is that of the epoch, and it stays
	rm told e-*
	train --save-epochs e --on-epoch '. ./measure' t.cof
	assert_equal "$(cut -d ' ' -f 2 told | sed -n '1p;8p' | tr '\n' ' ')" "e-0001.safetensors e-0008.safetensors "
	[ -s e-0008.safetensors ]
}

@test "the model is that of the best epoch, the first of equals, or with --keep last of the last" {
	metrics 0.1 -3 0.25 0.2 0.25 -1e3 0.24999 0
	train --save-epochs e --on-epoch "$script" t.cof
	assert_status 0
	same_weights model e-0003.safetensors
	assert_equal "$(entry model .on_epoch)" \
		"{\"command\":\"$script\",\"keep\":\"best\",\"epoch\":3,\"metric\":0.25}"
	assert_equal "$(entry model .stopped)" null
	train --keep last --on-epoch "$script" t.cof
	same_weights model e-0008.safetensors
	assert_equal "$(entry model .on_epoch)" "{\"command\":\"$script\",\"keep\":\"last\",\"epoch\":8,\"metric\":0}"
	# the command decides nothing else, nor do threads
	train t.cof
	same_weights model e-0008.safetensors
	assert_equal "$(entry model .on_epoch)" null
	metrics -5 -4 -6 -7 -8 -9 -9 -9
	train --on-epoch "$script" --threads 1 t.cof
	same_weights model e-0002.safetensors
	mv model one
	train --on-epoch "$script" --threads 3 t.cof
	cmp model one
}

@test "--patience stops after so many epochs without a better one" {
	metrics 1 2 2 1.5 3 2 2 2
	for case in "1 3" "2 4" "3 8" "4 8"; do
		read -r patience last <<<"$case"
		train --patience "$patience" --on-epoch "$script" t.cof
		assert_status 0
		assert_equal "$patience $(wc -l <<<"$output")" "$patience $last"
	done
	train --patience 2 --save-epochs e --on-epoch "$script" t.cof
	assert_equal "$(echo e-*)" "e-0001.safetensors e-0002.safetensors e-0003.safetensors e-0004.safetensors"
	same_weights model e-0002.safetensors
	assert_equal "$(entry model '.options.patience, .stopped' | tr '\n' ' ')" \
		"2 {\"by\":\"patience\",\"epoch\":4,\"rows\":$(jq -s 'map(.rows) | add' <<<"$output")} "
	run --separate-stderr neumf-train --device reference --model mf --patience 2 --on-epoch "$script" -o model t.cof
	assert_contains "$stderr" "neumf-train: option --patience ended the training in epoch 4"
	assert_contains "$stderr" "neumf-train: the model is that of epoch 2, metric 2"
}

@test "a training that stops leaves the rest unread: upstream gets SIGPIPE, and no end is missed" {
	metrics 3 2 1
	# more than any pipe holds
	(negsample -q --epochs 100000 train.cof || echo $? >upstream) |
		neumf-train -q --model mf --patience 1 --on-epoch "$script" -o model
	assert_equal "${PIPESTATUS[1]} $(cat upstream)" "0 141"
	same=$(tensors model | md5sum)
	bash -eo pipefail -c 'neumf-train -q --model mf --patience 1 --on-epoch "$0" -o model <(negsample -q --epochs 100000 train.cof)' "$script"
	assert_equal "$(tensors model | md5sum)" "$same"
	# cut off behind the epochs that were trained, and before
	negsample -q --epochs 100000 train.cof | head -c 300000 >cut.cof || :
	train --patience 1 --on-epoch "$script" cut.cof
	assert_status 0
	rm model
	yes 1 | head -n 100000 >metrics
	train --patience 99999 --on-epoch 'echo $COFILTER_EPOCH' cut.cof
	assert_status 1
	assert_error neumf-train "without a trailer: truncated"
	[ ! -e model ]
}

@test "--max-seconds ends the epoch in training" {
	train --max-seconds 0 --batch-size 4 t.cof
	assert_status 0
	assert_equal "$(jq -c '[.epoch, .batches, .rows]' <<<"$output")" "[1,1,4]"
	assert_equal "$(entry model .stopped)" '{"by":"max-seconds","epoch":1,"rows":4}'
	# the part of an epoch is measured as any other
	metrics 7
	train --max-seconds 0 --batch-size 4 --on-epoch "$script" t.cof
	assert_equal "$(jq -c '[.epoch, .batches, .metric]' <<<"$output")" "[1,1,7]"
	assert_equal "$(entry model '.on_epoch | [.epoch, .metric]')" "[1,7]"
	# in time, it does nothing
	train --max-seconds 1000 t.cof
	assert_equal "$(wc -l <<<"$output")" 8
	assert_equal "$(entry model .stopped)" null
}

@test "a command that fails or prints no number ends the training in an error" {
	while IFS=@ read -r command reason; do
		rm -f model
		train --on-epoch "$command" t.cof
		assert_status 1
		assert_error neumf-train "epoch 2: the command of --on-epoch: $reason; go on with --resume model.checkpoint"
		assert_equal "$(wc -l <<<"$output")" 1
		[ ! -e model ]
	done <<-'EOF'
		test $COFILTER_EPOCH = 1 && echo 1@exit status 1
		test $COFILTER_EPOCH = 1 && echo 1 || exit 77@exit status 77
		test $COFILTER_EPOCH = 1 && echo 1 || kill -9 $$@it was ended by signal 9
		test $COFILTER_EPOCH = 1 && echo 1 || :@it printed no number
		test $COFILTER_EPOCH = 1 && echo 1 || echo nan@it printed 'nan', which is no finite number
		test $COFILTER_EPOCH = 1 && echo 1 || echo 1 2@it printed more than a number
		test $COFILTER_EPOCH = 1 && echo 1 || cat t.cof@it printed more than a number
		test $COFILTER_EPOCH = 1 && echo 1 || no-such-program 2>/dev/null@exit status 127
	EOF
	assert_equal "$(files)" "model.checkpoint t.cof train.cof "
	# what was trained is kept: a command that works goes on with the epoch that could not be measured
	metrics 1 5 2 3 4 3 2 1
	train --save-epochs e --on-epoch "$script" t.cof
	mv model want
	log=$(jq -c 'del(.seconds)' <<<"$output")
	train --save-epochs r --on-epoch "$script" --resume model.checkpoint t.cof
	assert_status 0
	assert_contains "$stderr" "the best epoch so far, 1, was found by another command of --on-epoch"
	assert_equal "$(jq -c 'del(.seconds)' <<<"$output")" "$(tail -n 7 <<<"$log")"
	cmp model want
	for ((k = 2; k <= 8; k++)); do
		cmp e-000$k.safetensors r-000$k.safetensors
	done
	[ ! -e r-0001.safetensors ]
}

@test "without a file beside it, an output keeps nothing unless there is --checkpoint" {
	pipe 'neumf-train -q --model mf -o - --on-epoch "exit 1" t.cof | cat >out'
	assert_status 1
	assert_error neumf-train "epoch 1: the command of --on-epoch: exit status 1; without --checkpoint nothing is kept"
	assert_equal "$(files)" "out t.cof train.cof "
	[ ! -s out ]
	pipe 'neumf-train -q --model mf --checkpoint state -o - --on-epoch "exit 1" t.cof | cat >out'
	assert_error neumf-train "exit status 1; go on with --resume state"
	neumf-train -q --model mf --resume state -o model --on-epoch "echo 1" t.cof
}

# Stop at every epoch and go on: by a command that fails, by a signal, at a checkpoint of --checkpoint-every.
@test "resumed, the best epoch, patience and the log are as if nothing had happened" {
	metrics 1 2 4 3.5 4 3 5 1
	for keep in best last; do
		for patience in 3 9; do
			options=(--keep "$keep" --patience "$patience" --checkpoint state --checkpoint-every 1)
			train "${options[@]}" --on-epoch "$script" t.cof
			assert_status 0
			mv model want
			log=$(jq -c 'del(.seconds)' <<<"$output")
			epochs=$(wc -l <<<"$log")
			# the checkpoint of a training that ended, too
			train "${options[@]}" --on-epoch "$script" --resume state t.cof
			assert_status 0
			cmp model want
			for ((k = 1; k <= epochs; k++)); do
				rm -f model state log
				for how in 'exit 1' 'kill -TERM $PPID; sleep 10' 'kill -KILL $PPID; sleep 10'; do
					# fails once, in epoch k
					export COMMAND="if [ \$COFILTER_EPOCH = $k ] && [ ! -e once ]; then >once; $how; fi; $script"
					rm -f once
					again=()
					[ ! -e state ] || again=(--resume state)
					run --separate-stderr neumf-train -q --device reference --model mf --factors 2 --init-std 0.5 						--lr 0.01 --batch-size 16 -o model --log log "${options[@]}" 						--on-epoch 'eval "$COMMAND"' "${again[@]}" t.cof
					[ "$status" -ne 0 ] && [ ! -e model ]
				done
				unset COMMAND
				again=()
				[ ! -e state ] || again=(--resume state)
				train "${options[@]}" --log log --on-epoch "$script" "${again[@]}" t.cof
				assert_status 0
				cmp <(tensors model) <(tensors want)
				assert_equal "$(entry model .on_epoch)" "$(entry want .on_epoch)"
				assert_equal "$(entry model .stopped)" "$(entry want .stopped)"
				assert_equal "$(jq -c 'del(.seconds)' log)" "$log"
			done
		done
	done
}

@test "--max-seconds leaves a checkpoint to go on from" {
	train t.cof
	mv model want
	log=$(jq -c 'del(.seconds)' <<<"$output")
	for ((k = 0; ; k++)); do
		again=()
		[ ! -e state ] || again=(--resume state)
		train --max-seconds 0 --checkpoint state --log log "${again[@]}" t.cof
		assert_status 0
		[ "$(entry model .stopped)" != null ] || break
	done
	[ $k -ge 8 ]
	same_weights model want
	assert_equal "$(jq -c 'del(.seconds)' log)" "$log"
}

@test "an epoch that --max-seconds ended goes on, also where its command failed or got a signal" {
	metrics 1 2 3 4 5 6 7 8
	# the first batch ends within the first epoch
	train --batch-size 4 --on-epoch "$script" t.cof
	mv model want
	log=$(jq -c 'del(.seconds)' <<<"$output")
	for checkpoint in state model.checkpoint; do
		for how in false 'kill -TERM $PPID; sleep 10'; do
			options=(--batch-size 4 --checkpoint state)
			if [ $checkpoint = model.checkpoint ]; then
				[ "$how" = false ] || continue
				options=(--batch-size 4)
			fi
			rm -f "$checkpoint" model
			train --max-seconds 0 "${options[@]}" --on-epoch "$how" t.cof
			[ "$status" -ne 0 ] && [ ! -e model ]
			[[ $stderr == *"go on with --resume $checkpoint"* ]]
			train "${options[@]}" --resume $checkpoint --on-epoch "$script" t.cof
			assert_status 0
			cmp model want
			assert_equal "$(jq -c 'del(.seconds)' <<<"$output")" "$log"
		done
	done
}

@test "a command that fails again keeps what was trained again" {
	metrics 1 2 3 4 5 6 7 8
	train --on-epoch "$script" t.cof
	mv model want
	again=()
	for epoch in 2 5; do
		FAIL=$epoch train "${again[@]}" --on-epoch "[ \$COFILTER_EPOCH != \"\$FAIL\" ] && $script" t.cof
		assert_status 1
		assert_error neumf-train "epoch $epoch: the command of --on-epoch: exit status 1; go on with --resume model.checkpoint"
		again=(--resume model.checkpoint)
	done
	train "${again[@]}" --on-epoch "$script" t.cof
	assert_status 0
	same_weights model want
	# and nothing else is there
	cp t.cof model.checkpoint
	train --on-epoch "$script" model.checkpoint
	assert_status 2
	[[ $stderr == *"the output 'model.checkpoint' is also the input 'model.checkpoint'"* ]]
	cmp t.cof model.checkpoint
	# nor a model to start from
	cp want model.checkpoint
	train --init-from model.checkpoint --on-epoch false t.cof
	assert_status 2
	cmp want model.checkpoint
}

@test "another --keep, or none, is another training" {
	metrics 1 2 3 4 5 6 7 8
	train --checkpoint state --checkpoint-every 1 --on-epoch "$script" t.cof
	for case in "--keep last|'state' is of a training with --keep best, not last" \
		"--patience 3|patience"; do
		IFS='|' read -r options message <<<"$case"
		# shellcheck disable=SC2086
		train --resume state --on-epoch "$script" $options t.cof
		assert_status 1
		assert_error neumf-train "$message"
	done
	train --resume state t.cof
	assert_status 1
	assert_error neumf-train "'state' is of a training with --on-epoch"
	train --checkpoint state --checkpoint-every 1 t.cof
	train --resume state --on-epoch "$script" t.cof
	assert_status 1
	assert_error neumf-train "'state' is of a training without --on-epoch"
}

@test "a signal while the command runs ends both, and leaves nothing" {
	for signal in INT TERM HUP; do
		rm -f running
		cat >drive.py <<-EOF
			import os, signal, subprocess, time
			signal.signal(signal.SIGINT, signal.SIG_DFL)  # this may be in a shell's background
			p = subprocess.Popen(["neumf-train", "-q", "--model", "mf", "-o", "model", "--on-epoch",
			                      "echo \$\$ >running; sleep 100 | sleep 101; echo 1", "t.cof"])
			while not (os.path.exists("running") and open("running").read().strip()): time.sleep(0.02)
			time.sleep(0.05)
			p.send_signal(signal.SIG$signal)
			assert p.wait(20) == -signal.SIG$signal, p.returncode
			group = int(open("running").read())
			for k in range(500):
			    try: os.killpg(group, 0)
			    except ProcessLookupError: break
			    time.sleep(0.02)
			else: raise SystemExit("the command still runs")
		EOF
		python3 drive.py
		rm drive.py running
		assert_equal "$(files)" "t.cof train.cof "
	done
}

@test "wrong usage" {
	for options in '--patience 3' '--keep last' '--keep worst --on-epoch true' '--patience 0 --on-epoch true' \
		'--max-seconds -1' '--max-seconds soon' --on-epoch; do
		# shellcheck disable=SC2086
		train t.cof $options
		assert_status 2
		[ ! -e model ]
	done
}

@test "no part of a training holds a table twice" {
	[ "${BUILD##*/}" != san ] || skip "a sanitizer takes memory of its own"
	random_rows 40000 1000 1 500 | interactions 40000 1000 | negsample -q --epochs 2 >wide.cof
	mf=(neumf-train -q -t 1 --device cpu --model mf --factors 512 --optimizer sgd) # tables of 84 MB
	"${mf[@]}" -o want wide.cof
	small() (ulimit -v 125000 && "${mf[@]}" -o model "$@" wide.cof)
	small --on-epoch 'echo 1' --checkpoint ck --checkpoint-every 1
	rm model
	small --on-epoch 'echo 1' --resume ck
	rm model ck
	small --keep last --on-epoch 'echo 1'
	same_weights want model
	small --init-from want
	run --separate-stderr small --init-from model
	assert_status 2
	assert_contains "$stderr" "the input 'model' is also 'model' of --output"
}

@test "no room for the best epoch is said before the training" {
	metrics 1 2 3 4 5 6 7 8
	TMPDIR=/nowhere train --on-epoch "$script" t.cof
	assert_status 1
	assert_error neumf-train "cannot create a temporary file in '/nowhere'"
	[ ! -e model ]
	assert_equal "$output" ""
}

@test "no room for the model that is measured: the folder is named" {
	mkdir small
	unshare -m mount -t tmpfs -o size=16k none small 2>/dev/null || skip "no right to mount"
	metrics 1 2 3 4 5 6 7 8
	for keep in best last; do
		# shellcheck disable=SC2016 # for the shell in a name space of its own
		run --separate-stderr unshare -m sh -c 'mount -t tmpfs -o size=16k none small && TMPDIR=$PWD/small "$@"' sh \
			neumf-train -q --factors 512 --keep $keep --on-epoch "$script" -o model t.cof
		assert_status 1
		# shellcheck disable=SC2154 # of run
		assert_contains "$stderr" "bytes for a temporary file in '$PWD/small': No space left on device"
		[ ! -e model ]
	done
}
