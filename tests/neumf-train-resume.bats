#!/usr/bin/env bats
# shellcheck disable=SC2012,SC2030,SC2031,SC2034,SC2154
# neumf-train --checkpoint and --resume: a training that was interrupted ends in the model, and the log, of one that was
# not, to the byte; and a checkpoint of anything else is refused in words.
load helper

# 300 users, 6 epochs of 3700 rows: batches of 256 run across their ends.
make_streams() {
	planted -q --users 300 --items 200 --ratings 4000 | ml-split -q --test test.cof | binarize -q >train.cof
	negsample -q --epochs 6 train.cof >t.cof
}

# train OPTIONS...: with the options of this test
train() {
	run --separate-stderr neumf-train -q --device cpu "${common[@]}" "$@"
}

# lines FILE: a log without its times
lines() {
	sed 's/, "seconds": [0-9.e-]*}/}/' "$1"
}

# interrupted SIGNAL ROWS OPTIONS...: train on so many rows of t.cof, or some more, as its blocks end, and get the signal
# while waiting for the next.
interrupted() {
	local signal=$1 rows=$2 pid
	shift 2
	rm -f fifo
	mkfifo fifo
	# a shell lets its background ignore SIGINT
	env --default-signal=INT neumf-train -q --device cpu "${common[@]}" "$@" <fifo 2>err &
	pid=$!
	exec 4>fifo
	python3 - "$rows" "$pid" >&4 <<-'EOF'
		import fcntl, json, struct, sys, termios, time
		data, rows, pid = open("t.cof", "rb").read(), int(sys.argv[1]), sys.argv[2]
		at = 20 + struct.unpack_from("<I", data, 12)[0]
		size = sum(4 * (f + [1])[2] for f in json.loads(data[16:at - 4])["fields"])
		sys.stdout.buffer.write(data[:at])
		while rows > 0:
		    n = struct.unpack_from("<I", data, at)[0]
		    sys.stdout.buffer.write(data[at:at + 8 + n * size])
		    at, rows = at + 8 + n * size, rows - n
		sys.stdout.buffer.flush()
		asleep = 0
		while asleep < 6:  # it has read all, and sleeps for more than a moment
		    time.sleep(0.02)
		    unread = struct.unpack("i", fcntl.ioctl(1, termios.FIONREAD, b"1234"))[0]
		    state = open(f"/proc/{pid}/stat").read().rsplit(") ", 1)[1][0]
		    asleep = asleep + 1 if unread == 0 and state == "S" else 0
	EOF
	kill "-$signal" $pid
	status=0
	wait $pid || status=$?
	exec 4>&-
	stderr=$(cat err)
}

# position KEY: a value of the checkpoint ck
position() {
	python3 - "$1" <<-'EOF'
		import json, sys
		data = open("ck", "rb").read()
		header = json.loads(data[8:8 + int.from_bytes(data[:8], "little")])
		print(json.loads(header["__metadata__"]["checkpoint"])[sys.argv[1]])
	EOF
}

@test "a run with checkpoints gives the bytes of one without, and leaves the last one" {
	make_streams
	common=(--log log)
	train -o want t.cof
	lines log >want.log
	for every in 1 2 1s 1h; do
		train -o m --checkpoint ck --checkpoint-every $every t.cof
		assert_status 0
		cmp m want
		lines log | diff want.log -
	done
	train -o m --checkpoint ck --checkpoint-every 4 t.cof
	assert_equal "$(position epoch) $(position epoch_batches)" "4 0"
	assert_equal "$(position rows)" $((3700 * 4 / 256 * 256))
	train -o m --checkpoint ck --checkpoint-every 1 t.cof
	assert_equal "$(position epoch) $(position rows)" "6 22200"
}

@test "a signal ends the batch, writes a checkpoint, says how to go on, and ends the process; the rest follows to the byte" {
	make_streams
	for setting in 'adam cpu 1 TERM' 'lazy-adam cpu 2 INT' 'sgd cpu 2 USR1' 'adam reference 1 INT' \
		'lazy-adam reference 2 TERM' 'sgd reference 1 TERM'; do
		read -r optimizer device threads signal <<<"$setting"
		common=(--device "$device" --optimizer "$optimizer" --log log)
		rm -f m ck log
		train -o want t.cof
		lines log >want.log
		interrupted "$signal" 9000 -o m --threads "$threads" --checkpoint ck
		assert_equal $status $((128 + $(kill -l "$signal")))
		assert_error neumf-train "SIG$signal: go on with --resume ck, on the same stream or one of negsample --from-epoch 3"
		assert_equal "$(ls -A -I 'separate-*' | tr '\n' ' ')" "ck err fifo log t.cof test.cof train.cof want want.log "
		assert_equal "$(position rows) $(position epoch) $(position epoch_batches)" "10752 2 14"
		cp ck first
		cp log first.log
		train -o m --threads $((3 - threads)) --resume ck t.cof
		assert_status 0
		cmp m want
		lines log | diff want.log -
		# the stream from the epoch that was interrupted, and from one before
		for epoch in 3 2; do
			cp first.log log
			negsample -q --epochs 6 --from-epoch $epoch train.cof >rest.cof
			train -o m --resume ck --checkpoint ck --checkpoint-every 1 rest.cof
			assert_status 0
			cmp m want
			lines log | diff want.log -
			cmp <(train -o m --resume ck t.cof && cat m) want # of the end
			cp first ck
		done
		rm -f rest.cof first first.log
	done
}

@test "interrupted again and again, within groups, samples, epochs of less than a batch" {
	make_streams
	for kind in '--grouped --negatives 3' '--pointwise --negatives 2' '--pairwise'; do
		for batch in 100 5000; do
			# shellcheck disable=SC2086
			negsample -q --epochs 6 $kind train.cof >t.cof
			common=(--batch-size "$batch" --log log)
			rm -f m ck log
			train -o want t.cof
			lines log >want.log
			resume=()
			for rows in 3000 8000 14000 20000; do
				interrupted TERM $rows -o m --checkpoint ck "${resume[@]}"
				assert_equal $status 143
				resume=(--resume ck)
			done
			train -o m --resume ck t.cof
			assert_status 0
			cmp m want
			lines log | diff want.log -
		done
	done
}

# Both stages get it, as both do from a terminal: negsample is gone when neumf-train looks for its rows.
@test "an interrupt that ends the stage before it too" {
	make_streams
	common=()
	for _ in 1 2 3; do
		rm -f ck
		cat >group.py <<-'EOF'
			import os, signal, subprocess, sys, time
			command = "negsample -q --epochs 1000 train.cof | neumf-train -q --device cpu -o m --checkpoint ck --log log 2>err; " \
			    "echo ${PIPESTATUS[@]} >statuses"
			p = subprocess.Popen(["bash", "-c", "trap : INT; " + command], start_new_session=True)
			while not (os.path.exists("log") and os.path.getsize("log") > 500):
			    time.sleep(0.01)
			os.killpg(p.pid, signal.SIGINT)
			p.wait()
		EOF
		rm -f log
		timeout 60 python3 group.py
		assert_equal "$(cat statuses)" "130 130"
		assert_contains "$(cat err)" "SIGINT: go on with --resume ck, "
		assert_equal "$(wc -l <err)" 1
		[ -e ck ]
		[ ! -e m ]
	done
}

@test "a signal that is ignored stays ignored, and without --checkpoint all is as it was" {
	make_streams
	common=()
	train -o want t.cof
	(
		trap '' INT
		{ head -c 70000 t.cof && sleep 0.5 && tail -c +70001 t.cof; } | neumf-train -q --device cpu -o m --checkpoint ck &
		sleep 0.3
		kill -INT $!
		wait $!
	)
	cmp m want
	[ ! -e ck ]
	mkfifo fifo
	neumf-train -q --device cpu -o m2 <fifo 2>err &
	exec 4>fifo
	head -c 70000 t.cof >&4
	sleep 0.3
	kill -TERM $!
	status=0
	wait $! || status=$?
	exec 4>&-
	assert_equal $status 143
	assert_equal "$(cat err)" ""
	[ ! -e m2 ]
}

@test "a signal ends it also while nobody reads the model" {
	make_streams
	python3 - <<-'EOF'
		import array, fcntl, signal, subprocess, termios, time
		p = subprocess.Popen(["neumf-train", "-q", "--device", "cpu", "--model", "mf", "--factors", "4000", "-o", "-",
		                      "--checkpoint", "ck", "t.cof"], stdout=subprocess.PIPE)
		unread = array.array("i", [0])
		while unread[0] == 0:  # the model is more than a pipe takes
		    time.sleep(0.05)
		    fcntl.ioctl(p.stdout, termios.FIONREAD, unread)
		time.sleep(0.2)
		p.send_signal(signal.SIGTERM)
		try: assert p.wait(10) == -signal.SIGTERM, p.returncode
		finally: p.kill()
	EOF
}

# rewrite PYTHON: the checkpoint ck with its JSON, c, changed, and without checksums, as `other`.
rewrite() {
	python3 - "$1" <<-'EOF'
		import json, sys
		data = open("ck", "rb").read()
		end = 8 + int.from_bytes(data[:8], "little")
		header = json.loads(data[8:end])
		meta = header["__metadata__"]
		del meta["checksum"], meta["header_checksum"]
		c = json.loads(meta["checkpoint"])
		exec(sys.argv[1])
		meta["checkpoint"] = json.dumps(c)
		text = json.dumps(header).encode()
		open("other", "wb").write(len(text).to_bytes(8, "little") + text + data[end:])
	EOF
}

# refused TEXT OPTIONS...: one line, no model, and the checkpoint as it was
refused() {
	local text=$1
	shift
	cp ck ck.before
	train -o m "$@"
	assert_status 1
	assert_error neumf-train "$text"
	[ ! -e m ]
	cmp ck ck.before
}

# a checkpoint of two epochs of six
make_checkpoint() {
	make_streams
	common=(--factors 4)
	train -o m --checkpoint ck --checkpoint-every 2 t.cof
	# of 2, 4 and 6 epochs the last stays: make that of 2
	negsample -q --epochs 6 --seed 1 train.cof >t.cof
	interrupted TERM 9000 -o m --checkpoint ck --log log
	rm -f m log fifo err
}

@test "another stream is refused with the first difference" {
	make_checkpoint
	negsample -q --epochs 6 --seed 2 train.cof >other.cof
	refused "'ck' is of another stream than 'other.cof': its negsample had --seed 1, not --seed 2" --resume ck other.cof
	negsample -q --epochs 7 train.cof >other.cof
	refused "'ck' is of another stream than 'other.cof': its \"epochs\" is 6, not 7" --resume ck other.cof
	cp t.cof other.cof
	edit_header other.cof 'del h["rows_per_epoch"]'
	refused "'ck' is of another stream than 'other.cof', which has no \"rows_per_epoch\": its own is " --resume ck other.cof
	negsample -q --epochs 6 --negatives 2 train.cof >other.cof
	refused "its \"rows_per_epoch\" is 3700, not 7400" --resume ck other.cof
	negsample -q --epochs 6 --sampler popularity train.cof >other.cof
	refused "its negsample had --sampler uniform, not --sampler popularity" --resume ck other.cof
	negsample -q --epochs 6 --pointwise train.cof >other.cof
	refused "its \"kind\" is \"triple\", not \"sample\"" --resume ck other.cof
	cp t.cof other.cof
	edit_header other.cof 'h["users"] += 1'
	refused "its \"users\" is 300, not 301" --resume ck other.cof
	cp t.cof other.cof
	edit_header other.cof 'h["item_ids"] = [[200, "00000000000000ff"]]'
	refused "'ck' and 'other.cof' number their items differently" --resume ck other.cof
	cp t.cof other.cof
	edit_header other.cof 'h["provenance"][0]["program"] = "sampler"'
	refused "stage 1 of its provenance is ml-split, not sampler" --resume ck other.cof
	cp t.cof other.cof
	edit_header other.cof 'h["provenance"].append({"program": "more"})'
	refused "stage 4 of its provenance is missing, not more" --resume ck other.cof
}

@test "other rows under the same header are found, wherever they differ" {
	make_checkpoint
	for row in 0 3699 3700 10000; do
		python3 - $row <<-'EOF'
			import struct, sys, zlib
			data, row = bytearray(open("t.cof", "rb").read()), int(sys.argv[1])
			at = 20 + struct.unpack_from("<I", data, 12)[0]
			while row >= (n := struct.unpack_from("<I", data, at)[0]):
			    at, row = at + 8 + 12 * n, row - n
			data[at + 4 + 12 * row] ^= 1  # the user
			data[at + 4 + 12 * n:at + 8 + 12 * n] = struct.pack("<I", zlib.crc32(data[at:at + 4 + 12 * n]))
			open("other.cof", "wb").write(data)
		EOF
		refused "the rows of 'other.cof' are not those that 'ck' was trained on" --resume ck other.cof
	done
	# behind the checkpoint they are rows like any other
	head -c 30000 t.cof >cut.cof
	refused "truncated" --resume ck cut.cof
	cof-cat --to cof --head 5000 t.cof >short.cof
	edit_header short.cof 'h.update(epochs=6, rows_per_epoch=3700); h["provenance"].pop()'
	refused "'short.cof' ends after 5000 rows, 'ck' was trained on 10752" --resume ck short.cof
}

@test "a stream from the middle must begin with an epoch, and not after the place to go on from" {
	make_checkpoint
	negsample -q --epochs 6 --from-epoch 4 train.cof >late.cof
	refused "'late.cof' begins with epoch 4, 'ck' goes on with epoch 3 (negsample --from-epoch)" --resume ck late.cof
	negsample -q --epochs 6 --from-epoch 2 train.cof >within.cof
	edit_header within.cof 'h["first_row"] = 3800'
	refused "'within.cof' begins within an epoch, with row 3801" --resume ck within.cof
	train -o m late.cof
	assert_status 1
	assert_error neumf-train "training starts with the first, unless --resume goes on"
}

@test "other options, another device and another release are refused, threads and places of files are not" {
	make_checkpoint
	refused "'ck' was trained with --lr 0.001, this run has --lr 0.002" --resume ck --lr 0.002 t.cof
	refused "'ck' was trained with no --drop-last, this run has --drop-last" --resume ck --drop-last t.cof
	refused "'ck' was trained with --seed 1, this run has --seed 2" --resume ck --seed 2 t.cof
	refused "'ck' was trained with --hidden [32, 16, 8], this run has --hidden [32, 16, 4]" --resume ck --hidden 32,16,4 t.cof
	refused "'ck' was computed by device cpu, this run computes by reference: go on with --device cpu" \
		--resume ck --device reference t.cof
	train -o m --resume ck --threads 3 --log elsewhere t.cof
	assert_status 0
	rm m
	rewrite 'c["program"] = "9.8.7"'
	refused "'other' was written by release 9.8.7 of this program, this is " --resume other t.cof
}

@test "what is no checkpoint, and a checkpoint where a model is wanted" {
	make_checkpoint
	train -o model t.cof
	refused "'model' is a model, not a checkpoint" --resume model t.cof
	refused "cannot open 'nothing'" --resume nothing t.cof
	run --separate-stderr neumf-score --model ck test.cof
	assert_status 1
	assert_error neumf-score "'ck' is a checkpoint, not a model: neumf-train --resume goes on with it"
}

@test "a checkpoint that says what no run says" {
	make_checkpoint
	rewrite 'c["version"] = 2'
	refused "checkpoint 'other' has version 2, this program reads 1" --resume other t.cof
	for key in step rows epoch epoch_batches epoch_rows epoch_loss unchecked_batches unchecked_loss rows_digest best; do
		rewrite "del c['$key']"
		refused "checkpoint 'other': \"$key\" is no" --resume other t.cof
	done
	rewrite 'c["epoch_loss"] = "nan"'
	refused "\"epoch_loss\" is no finite number" --resume other t.cof
	rewrite 'c["unchecked_loss"] = "0x1p+2 "'
	refused "\"unchecked_loss\" is no finite number" --resume other t.cof
	rewrite 'c["unchecked_batches"] = c["epoch_batches"] + 1'
	refused "checkpoint 'other' contradicts itself" --resume other t.cof
	rewrite 'c["rows"] = c["epoch_rows"] - 1'
	refused "checkpoint 'other' contradicts itself" --resume other t.cof
	rewrite 'c["best"] = 1'
	refused "'other' has no tensor 'best.gmf_item.weight'" --resume other t.cof
	rewrite 'c["rows"] = 1 << 60'
	refused "'t.cof' ends after 22200 rows, 'other' was trained on $((1 << 60))" --resume other t.cof
	rewrite 'c["stream"] = []'
	refused "'other' is of another stream than 't.cof'" --resume other t.cof
	rewrite ''
	train -o m --resume other t.cof
	assert_status 0
}

@test "a damaged checkpoint is refused, whichever bit it is" {
	make_checkpoint
	size=$(wc -c <ck)
	for bit in $(seq 0 $((size * 8 / 61)) $((size * 8 - 1))) 100 3000 5001; do
		python3 -c 'import sys
data, bit = bytearray(open("ck", "rb").read()), int(sys.argv[1])
data[bit // 8] ^= 1 << bit % 8
open("bad", "wb").write(data)' "$bit"
		refused "bad" --resume bad t.cof
	done
	for cut in 1 4000 $((size - 100)); do
		head -c $((size - cut)) ck >bad
		refused "bad" --resume bad t.cof
	done
}

@test "the log goes on behind the epochs that had ended, and no other file is touched" {
	make_checkpoint
	train -o m --log want t.cof
	rm m
	# of the training that was cut off: lines of epochs to come, and half a line
	{ cat want && printf '{"epoch": 7, "ba'; } >log
	train -o m --resume ck --log log t.cof
	assert_status 0
	diff <(lines want) <(lines log)
	head -n 2 want >log
	train -o m --resume ck --log log t.cof
	diff <(lines want) <(lines log)
	: >log
	for log in log new; do
		train -o m --resume ck --log $log t.cof
		diff <(lines want | tail -n 4) <(lines $log)
	done
	train -o m --resume ck --log - t.cof
	diff <(lines want | tail -n 4) <(lines - <<<"$output")
	# whoever opened it says what stays
	{ echo before && cat want; } >log
	cp log log.before
	train -o m --resume ck --log /dev/fd/9 t.cof 9>>log
	assert_status 0
	diff <(lines log.before && lines want | tail -n 4) <(lines log)
	rm m
	head -n 1 want >log # one epoch of two
	cp log log.before
	refused "'log' is not the log of this training: it has 1 epochs, 2 have ended" --resume ck --log log t.cof
	cmp log log.before
	for other in 'some text' '{"epoch": 4}' '[1]' '{"epoch": 1'; do
		echo "$other" >log
		refused "'log' is not the log of this training: line 1 is not of epoch 1" --resume ck --log log t.cof
		assert_equal "$(cat log)" "$other"
	done
}

@test "a log that a resumption began goes on too" {
	make_checkpoint
	train -o m --log want t.cof
	# begun by the resumption that is repeated, and by one of before
	for first in 3 2; do
		tail -n +$first want >log
		train -o m --resume ck --log log t.cof
		assert_status 0
		diff <(lines want | tail -n +$first) <(lines log)
	done
	tail -n +4 want >log
	rm m
	refused "line 1 is not of epoch 1" --resume ck --log log t.cof
}

@test "resumed within the first epoch, a log of anything else is refused as well" {
	make_streams
	common=(--model mf)
	train -o m --checkpoint ck --max-seconds 0 t.cof
	rm m
	echo precious >log
	refused "'log' is not the log of this training: line 1 is not of epoch 1" --resume ck --log log t.cof
	assert_equal "$(cat log)" precious
}

@test "after the last epoch there is no model of one more" {
	make_streams
	common=(--model mf)
	train -o want --checkpoint ck --checkpoint-every 1 t.cof
	mkdir e-0007.safetensors
	train -o m --resume ck --save-epochs e t.cof
	assert_status 0
	cmp m want
}

@test "models of epochs go on where they were" {
	make_checkpoint
	train -o m --save-epochs want t.cof
	train -o m --resume ck --save-epochs got t.cof
	[ ! -e got-0001.safetensors ]
	[ ! -e got-0002.safetensors ]
	for epoch in 3 4 5 6; do
		cmp got-000$epoch.safetensors want-000$epoch.safetensors
	done
	assert_equal "$(ls got* | wc -l)" 4
}

@test "wrong usage, and checkpoints that cannot be written" {
	make_streams
	common=()
	for bad in '--checkpoint ck --checkpoint-every 0' '--checkpoint ck --checkpoint-every 5x' '--checkpoint ck --checkpoint-every s' \
		'--checkpoint ck --checkpoint-every -1' '--checkpoint ck --checkpoint-every 1.5h' '--checkpoint-every 5m' '--checkpoint -' \
		'--resume - -'; do
		# shellcheck disable=SC2086
		train -o m $bad t.cof
		assert_status 2
		[ ! -e ck ]
	done 2>/dev/null
	for path in no/ck . fifo; do
		[ $path != fifo ] || mkfifo fifo
		train -o m --checkpoint $path t.cof
		assert_status 1
		assert_error neumf-train "$path"
		[ ! -e m ]
	done
}

@test "killed at random times and resumed: some of make test-resume" {
	run --separate-stderr "$ROOT/tests/faults/kill-resume" 6
	assert_status 0
	assert_contains "$output" "6 of 6"
}
