#!/usr/bin/env bats
# shellcheck disable=SC2030,SC2031,SC2154
# neumf-train: epochs and batches, the log, saved models, and what it refuses. The formulas themselves are tests/unit's.
load helper

# stream KIND ROWS [EPOCHS ROWS_PER_EPOCH]: a stream of 4 users and 5 items on stdout, made without cofilter's code;
# LABEL is the label of every sample.
stream() {
	python3 - "$@" <<-'EOF'
		import json, os, struct, sys, zlib
		def crc(b): return b + struct.pack("<I", zlib.crc32(b))
		kind, rows = sys.argv[1], int(sys.argv[2])
		fields = {"triple": [["user", "u32"], ["positive", "u32"], ["negative", "u32"]],
		          "sample": [["user", "u32"], ["item", "u32"], ["label", "f32"]]}[kind]
		header = {"kind": kind, "fields": fields, "users": 4, "items": 5, "provenance": [{"program": "test"}]}
		if len(sys.argv) > 3: header.update(epochs=int(sys.argv[3]), rows_per_epoch=int(sys.argv[4]))
		text = json.dumps(header).encode()
		out = crc(b"\x89COF\r\n\x1a\n" + struct.pack("<II", 2, len(text)) + text)
		label = float(os.environ.get("LABEL", 1))
		last = lambda r: struct.pack("<I", (r + 1) % 5) if kind == "triple" else struct.pack("<f", label)
		body = b"".join(struct.pack("<II", r * 7 % 4, r % 5) + last(r) for r in range(rows))
		if rows: out += crc(struct.pack("<I", rows) + body)
		sys.stdout.buffer.write(out + crc(struct.pack("<IQ", 0, rows)))
	EOF
}

# train ARGS...: a small quick model, the log on stdout.
train() {
	run --separate-stderr neumf-train -q --device reference --model mf --factors 2 -o model --log - "$@"
}

# The log without its times.
log() {
	# shellcheck disable=SC2001
	sed 's/, "seconds": [0-9.e-]*}/}/' <<<"$output"
}

# meta KEY [FILE]: a value of a model's metadata.
meta() {
	python3 - "$1" "${2:-model}" <<-'EOF'
		import json, sys
		data = open(sys.argv[2], "rb").read()
		print(json.loads(data[8:8 + int.from_bytes(data[:8], "little")])["__metadata__"][sys.argv[1]])
	EOF
}

# tensors FILE: the bytes behind a model's header.
tensors() {
	python3 -c 'import sys
data = open(sys.argv[1], "rb").read()
sys.stdout.buffer.write(data[8 + int.from_bytes(data[:8], "little"):])' "$1"
}

# Files here, but for what bats puts beside them.
files() {
	ls -I 'separate-stderr-*'
}

# With --init-std 0 every score and every gradient of mf is 0: the loss is ln 2, or 1 for hinge.
@test "the loss of a model of zeros" {
	stream triple 12 >t.cof
	stream sample 12 >s.cof
	train --init-std 0 t.cof
	assert_status 0
	assert_equal "$(log)" '{"epoch": 1, "batches": 1, "rows": 12, "loss": 0.693147180559945}'
	train --init-std 0 --loss hinge --batch-size 4 <t.cof
	assert_equal "$(log)" '{"epoch": 1, "batches": 3, "rows": 12, "loss": 1.0}'
	train --init-std 0 s.cof
	assert_equal "$(log)" '{"epoch": 1, "batches": 1, "rows": 12, "loss": 0.693147180559945}'
	train --init-std 0 --sigmoid-output t.cof
	assert_equal "$(log)" '{"epoch": 1, "batches": 1, "rows": 12, "loss": 0.693147180559945}'
}

# Batches of 4 in epochs of 10 rows end at rows 3 7 | 11 15 19 | 23 27 29.
@test "batches run across the ends of epochs" {
	stream triple 30 3 10 >t.cof
	train --init-std 0 --loss hinge --batch-size 4 t.cof
	assert_equal "$(log)" '{"epoch": 1, "batches": 2, "rows": 8, "loss": 1.0}
{"epoch": 2, "batches": 3, "rows": 12, "loss": 1.0}
{"epoch": 3, "batches": 3, "rows": 10, "loss": 1.0}'
	train --init-std 0 --loss hinge --batch-size 4 --drop-last t.cof
	assert_equal "$(log)" '{"epoch": 1, "batches": 2, "rows": 8, "loss": 1.0}
{"epoch": 2, "batches": 3, "rows": 12, "loss": 1.0}
{"epoch": 3, "batches": 2, "rows": 8, "loss": 1.0}'
}

# Batches of 8 in epochs of 3 rows end at rows 7 (epoch 3) and 14 (epoch 5).
@test "an epoch in which no batch ends has no batches, no loss, and the model of before" {
	stream triple 15 5 3 >t.cof
	train --init-std 0 --loss hinge --batch-size 8 t.cof
	assert_equal "$(log)" '{"epoch": 1, "batches": 0, "rows": 0, "loss": null}
{"epoch": 2, "batches": 0, "rows": 0, "loss": null}
{"epoch": 3, "batches": 1, "rows": 8, "loss": 1.0}
{"epoch": 4, "batches": 0, "rows": 0, "loss": null}
{"epoch": 5, "batches": 1, "rows": 7, "loss": 1.0}'
	train --batch-size 8 --drop-last --save-epochs e t.cof
	assert_equal "$(log | tail -n 1)" '{"epoch": 5, "batches": 0, "rows": 0, "loss": null}'
	cmp e-0001.safetensors e-0002.safetensors
	run cmp e-0002.safetensors e-0003.safetensors
	assert_status 1
	cmp e-0003.safetensors e-0005.safetensors
}

@test "a stream that names no epochs is one" {
	stream triple 30 >t.cof
	train --batch-size 4 --init-std 0 --loss hinge t.cof
	assert_equal "$(log)" '{"epoch": 1, "batches": 8, "rows": 30, "loss": 1.0}'
}

# Epochs of 10 rows, batches of 4: after row 7 no batch ends in the first epoch, so its line and its model are there
# while the stream stands still; after row 19 those of the second.
@test "an epoch's line and model come as soon as no batch of it can follow" {
	stream triple 30 3 10 >t.cof
	cat >drive.py <<-'EOF'
		import os, struct, subprocess, sys, zlib
		data = open("t.cof", "rb").read()
		start = len(data) - 16 - (30 * 12 + 8)  # the block of 30 rows
		rows = data[start + 4:start + 4 + 360]
		def crc(b): return b + struct.pack("<I", zlib.crc32(b))
		def block(a, b): return crc(struct.pack("<I", b - a) + rows[12 * a:12 * b])
		p = subprocess.Popen(sys.argv[1:], stdin=subprocess.PIPE)
		def send(b): p.stdin.write(b); p.stdin.flush()
		send(data[:start] + block(0, 8))
		log = open("fifo")
		line = log.readline()
		assert '"epoch": 1,' in line and os.path.exists("e-0001.safetensors"), line
		send(block(8, 20))
		line = log.readline()
		assert '"epoch": 2,' in line and os.path.exists("e-0002.safetensors"), line
		send(block(20, 30))
		assert not os.path.exists("e-0003.safetensors")
		send(data[-16:])
		p.stdin.close()
		line = log.readline()
		assert '"epoch": 3,' in line and os.path.exists("e-0003.safetensors"), line
		assert log.readline() == "" and p.wait() == 0
	EOF
	mkfifo fifo
	timeout 20 python3 drive.py neumf-train -q --device reference --model mf --batch-size 4 -o model \
		--save-epochs e --log fifo
	cmp model e-0003.safetensors
}

@test "the same seed gives the same bytes for any number of threads, another seed others" {
	stream triple 2000 2 1000 >t.cof
	for device in reference cpu; do
		neumf-train -q --device $device --batch-size 700 --threads 1 -o a t.cof
		for threads in 2 3 8; do # 700 rows are more than one thread is given alone
			neumf-train -q --device $device --batch-size 700 --threads $threads -o b <t.cof
			cmp a b
		done
		neumf-train -q --device $device --batch-size 700 --seed 2 -o c t.cof
		run cmp a c
		assert_status 1
	done
}

@test "the model says what it is and how it came about" {
	stream sample 20 >s.cof
	neumf-train -q --device reference --factors 3 --mlp-factors 4 --hidden 6,5 --seed 7 -o model s.cof
	assert_equal "$(meta model) $(meta loss) $(meta sigmoid_output) $(meta seed)" "neumf bce false 7"
	assert_equal "$(meta users) $(meta items) $(meta factors) $(meta mlp_factors) $(meta hidden)" "4 5 3 4 6,5"
	assert_equal "$(meta device) $(meta compute)" "reference plain"
	assert_contains "$(meta provenance)" '[{"program": "test"}, {"program": "neumf-train"'
	assert_contains "$(meta provenance)" '"loss": "bce"'
	assert_contains "$(meta provenance)" '"mlp-factors": 4'
	stream triple 20 | neumf-train -q --model gmf --loss hinge --sigmoid-output --device reference -o model
	assert_equal "$(meta model) $(meta loss) $(meta sigmoid_output)" "gmf hinge true"
	assert_equal "$(meta factors) $(meta mlp_factors) $(meta hidden)" "8 0 "
	assert_contains "$(meta provenance)" '"sigmoid-output": true'
	stream triple 20 | neumf-train -q --factors 3 --device reference -o model
	assert_equal "$(meta mlp_factors)" 3
	run grep -c mlp-factors model # it was not given: provenance does not say it was
	assert_equal "$output" 0
}

@test "seed and device are noted, and -q is quiet" {
	stream triple 20 >t.cof
	run --separate-stderr neumf-train --model mf --device reference --seed 5 -o model t.cof
	assert_status 0
	assert_equal "${stderr_lines[0]}" "neumf-train: 72 parameters on reference (plain), seed 5"
	train t.cof
	assert_equal "$stderr" ""
}

@test "records and loss must go together" {
	stream triple 12 >t.cof
	stream sample 12 >s.cof
	train --loss bce t.cof
	assert_status 1
	assert_error neumf-train "'t.cof' holds triple records, interaction or sample or group expected"
	train --loss hinge s.cof
	assert_status 1
	assert_error neumf-train "'s.cof' holds sample records, interaction or triple or group expected"
	train --sigmoid-output s.cof
	assert_status 2
	assert_contains "$stderr" "--sigmoid-output"
	train --sigmoid-output --loss bce s.cof
	assert_status 2
	[ ! -e model ]
}

@test "a label outside 0..1 is an error with its row" {
	LABEL=1.5 stream sample 12 >s.cof
	train s.cof
	assert_status 1
	assert_error neumf-train "label 1.5 is outside 0..1"
	assert_contains "$stderr" "row 1 of 's.cof'"
	LABEL=0.5 stream sample 12 >s.cof
	train s.cof
	assert_status 0
}

# made KIND AWK: the groups of g.cof as a stream of KIND
made() {
	cof-cat g.cof | awk "$2" | cof-cat --from tsv --kind "$1" --users 40 --items 60
}

@test "groups train the model that their triples or samples train, to the bit, whatever the batch" {
	awk 'BEGIN { for (u = 0; u < 40; u++) for (k = 0; k < 9; k++) print u "\t" (u * 7 + k * k) % 60 "\t0" }' |
		cof-cat --from tsv --users 40 --items 60 >train.cof
	for negatives in 1 4 600; do # of 600, a batch ends within every group
		negsample -q --grouped --negatives $negatives --epochs 2 train.cof >g.cof
		# shellcheck disable=SC2016
		made triple '{ for (k = 3; k <= NF; k++) print $1 "\t" $2 "\t" $k }' >t.cof
		# shellcheck disable=SC2016
		made sample '{ for (k = 2; k <= NF; k++) print $1 "\t" $k "\t" (k == 2) }' >s.cof
		edit_header t.cof "h.update(epochs=2, rows_per_epoch=$(($(cof-cat --count t.cof) / 2)))"
		edit_header s.cof "h.update(epochs=2, rows_per_epoch=$(($(cof-cat --count s.cof) / 2)))"
		for loss in bpr hinge bce; do
			for batch in 7 300; do
				options="-q --device cpu --factors 3 --hidden 4 --loss $loss --batch-size $batch --drop-last"
				in=t.cof
				[ $loss = bce ] && in=s.cof
				# shellcheck disable=SC2086
				{
					neumf-train $options -o want --save-epochs want --log want.log $in
					neumf-train $options -o got --save-epochs got --log got.log g.cof
				}
				for file in '' -0001.safetensors -0002.safetensors; do
					cmp <(tensors got$file) <(tensors want$file)
				done
				diff <(sed 's/, "seconds.*//' got.log) <(sed 's/, "seconds.*//' want.log)
			done
		done
	done
	neumf-train -q --device reference -o model g.cof # bpr is the default
	assert_equal "$(meta loss)" bpr
	edit_header g.cof 'h["epochs"] = 1'
	run --separate-stderr neumf-train -q --device reference -o lie g.cof
	assert_status 1
	assert_error neumf-train "row 361 of 'g.cof'"
	assert_contains "$stderr" "the header says 1 epochs of 360 rows"
	[ ! -e lie ]
}

@test "an mf with biases: its tensors, what it says of itself, and what it does not go with" {
	stream sample 40 2 20 >s.cof
	train --bias --lr 0.1 --batch-size 5 s.cof
	assert_status 0
	assert_equal "$(meta bias)" true
	assert_equal "$(meta model)" mf
	python3 - <<-'EOF'
		import json, struct
		data = open("model", "rb").read()
		start = 8 + int.from_bytes(data[:8], "little")
		header = json.loads(data[8:start])
		shapes = {"global_bias": [1], "gmf_item.weight": [5, 2], "gmf_user.weight": [4, 2], "item_bias": [5], "user_bias": [4]}
		assert {k: t["shape"] for k, t in header.items() if k != "__metadata__"} == shapes, header
		for k in shapes:
		    first, end = header[k]["data_offsets"]
		    assert all(struct.unpack(f"<{(end - first) // 4}f", data[start + first:start + end])), k
	EOF
	stream triple 40 2 20 >t.cof
	train --bias --lr 0.1 --batch-size 5 t.cof # user and global bias cancel
	assert_status 0
	python3 - <<-'EOF'
		import json, struct
		data = open("model", "rb").read()
		start = 8 + int.from_bytes(data[:8], "little")
		header = json.loads(data[8:start])
		value = lambda k: data[start + header[k]["data_offsets"][0]:start + header[k]["data_offsets"][1]]
		assert not any(value("user_bias")) and not any(value("global_bias")) and any(value("item_bias"))
	EOF
	train t.cof
	[ "$(meta bias 2>&1)" != true ]
	run --separate-stderr neumf-train --bias --model gmf -o model t.cof
	assert_status 2
	assert_contains "$stderr" "--bias goes with --model mf"
}

@test "an mf with biases is trained and resumed to the same bytes, saved by epochs, and starts from a smaller one" {
	planted -q --users 90 --items 70 --ratings 1500 | ml-split -q --test test.cof | binarize -q >train.cof
	negsample -q --pointwise --negatives 2 --epochs 3 train.cof >s.cof
	common=(-q --device cpu --model mf --bias --factors 5 --lr 0.05 --l2 0.01 --optimizer lazy-adam)
	neumf-train "${common[@]}" -o want --save-epochs want s.cof
	cmp <(tensors want) <(tensors want-0003.safetensors)
	neumf-train "${common[@]}" -o m --threads 3 --checkpoint ck --checkpoint-every 1 --max-seconds 0 s.cof
	neumf-train "${common[@]}" -o m --threads 2 --resume ck s.cof
	cmp m want
	for cpu in sse2 avx2; do
		COFILTER_CPU=$cpu neumf-train "${common[@]}" -o m s.cof || continue # not there
		cmp m want
	done
	cof-cat --to tsv s.cof | cof-cat --from tsv --kind sample --users 92 --items 75 >wider.cof
	neumf-train "${common[@]}" --lr 1e-30 --l2 0 --init-from want -o grown wider.cof
	python3 - <<-'EOF'
		import json, struct
		def read(path):
		    data = open(path, "rb").read()
		    start = 8 + int.from_bytes(data[:8], "little")
		    return {k: data[start + t["data_offsets"][0]:start + t["data_offsets"][1]]
		            for k, t in json.loads(data[8:start]).items() if k != "__metadata__"}
		old, new = read("want"), read("grown")
		for k, v in old.items():
		    assert new[k][:len(v)] == v, k
		assert len(new["user_bias"]) == 4 * 92 and len(new["item_bias"]) == 4 * 75
		assert max(map(abs, struct.unpack("<5f", new["item_bias"][280:]))) < 1e-20
	EOF
	run --separate-stderr neumf-train -q --device cpu --model mf --bias --factors 5 --init-from want --loss bpr -o m <(negsample train.cof)
	assert_status 0
	run --separate-stderr neumf-train -q --device cpu --model mf --factors 5 --init-from want -o m s.cof
	assert_status 1
	assert_error neumf-train "the new model has no tensor"
}

@test "ccl: resumed, with any threads and instruction set, the same bytes; ranks by the cosine" {
	planted -q --users 90 --items 70 --ratings 1500 | ml-split -q --test test.cof | binarize -q >train.cof
	negsample -q --grouped --negatives 50 --epochs 3 train.cof >g.cof
	common=(-q --device cpu --model mf --loss ccl --margin 0.3 --factors 5 --lr 0.02 --l2 0.01 --batch-size 100)
	neumf-train "${common[@]}" -o want --save-epochs want --log log g.cof
	cmp <(tensors want) <(tensors want-0003.safetensors)
	# a group is a row, and what was learned shows
	jq -se '([.[].rows] | add) == '"$(cof-cat --count g.cof)"' and .[2].loss < .[0].loss' log
	neumf-train "${common[@]}" -o m --threads 3 --checkpoint ck --checkpoint-every 1 --max-seconds 0 g.cof
	neumf-train "${common[@]}" -o m --threads 2 --resume ck g.cof
	cmp m want
	for cpu in sse2 avx2; do
		COFILTER_CPU=$cpu neumf-train "${common[@]}" -o m g.cof || continue # not there
		cmp m want
	done
	assert_equal "$(meta score want)" cosine
	assert_equal "$(meta loss want)" ccl
	binarize -q test.cof | neumf-score -q --device cpu --model want --all-items >scores.cof
	cof-cat scores.cof | awk '{ s = $4 < 0 ? -$4 : $4; if (s > 1.000001) exit 1; n += s > 0.5 } END { exit n < 10 }'
	run --separate-stderr neumf-score -q --device cpu --model want --all-items --user-items train.cof train.cof
	assert_status 1
	assert_error neumf-score "'want' was trained by ccl: users that it does not have (--user-items) cannot be folded in"
	# rows twice as long have the same cosines
	python3 - <<-'EOF'
		import json, struct
		data = open("want", "rb").read()
		start = 8 + int.from_bytes(data[:8], "little")
		header = json.loads(data[8:start])
		for key in ("checksum", "header_checksum"):
		    del header["__metadata__"][key]
		values = struct.unpack(f"<{(len(data) - start) // 4}f", data[start:])
		text = json.dumps(header).encode()
		text += b" " * (-len(text) % 8)
		open("double", "wb").write(struct.pack("<Q", len(text)) + text + struct.pack(f"<{len(values)}f", *(2 * v for v in values)))
	EOF
	binarize -q test.cof | neumf-score -q --device cpu --model double --all-items 2>note >again.cof
	cmp <(cof-cat scores.cof) <(cof-cat again.cof)
	binarize -q test.cof | neumf-score -q --device reference --model want --all-items | cof-cat | paste - <(cof-cat scores.cof) |
		awk '{ d = $4 - $8; if (d > 1e-6 || d < -1e-6) exit 1 }'
}

@test "ccl: what it does not go with" {
	stream triple 8 >t.cof
	printf '0\t0\n1\t1\n2\t2\n' | awk '{ print $0 "\t0" }' | cof-cat --from tsv --kind interaction --users 4 --items 5 |
		negsample -q --grouped --negatives 3 >g.cof
	train --loss ccl t.cof
	assert_status 1
	assert_error neumf-train "holds triple records, interaction or group expected"
	train --loss ccl g.cof
	assert_status 0
	for bad in '--loss ccl --model gmf' '--loss ccl --bias' '--loss ccl --sigmoid-output' '--margin 0.5' '--loss bce --negative-weight 2' \
		'--loss ccl --margin 2' '--loss ccl --negative-weight -1'; do
		# shellcheck disable=SC2086
		train $bad g.cof
		assert_status 2
	done
	run --separate-stderr neumf-train -q --model mf --loss ccl --device cuda -o model g.cof
	assert_status 2
	assert_contains "$stderr" "--loss ccl runs on cpu and reference only"
	edit_header g.cof 'h["fields"][2][2] = 300'
	run --separate-stderr neumf-train -q --model mf --loss ccl --batch-size 16777216 -o model g.cof
	assert_status 1
	assert_error neumf-train "a batch of 16777216 groups of 300 negatives is too large"
}

@test "a stream that begins in the middle of its epochs is refused" {
	stream triple 8 3 4 >t.cof
	edit_header t.cof 'h["first_row"] = 4'
	train t.cof
	assert_status 1
	assert_error neumf-train "'t.cof' begins with row 5 of its epochs: training starts with the first"
	assert_equal "$(files)" t.cof
}

@test "wrong usage" {
	run --separate-stderr neumf-train
	assert_status 2
	assert_contains "$stderr" "--output"
	for bad in '--lr 0' '--lr nan' '--batch-size 0' '--hidden 8,,4' '--hidden 1,1,1,1,1,1,1,1,1' '--model svd' \
		'--factors 65537' '--threads 0' '--device gpu' 'a b' '-o - --log -'; do
		# shellcheck disable=SC2086
		train $bad
		assert_status 2
	done
}

@test "a stream without rows, with too few, or with others than it says" {
	stream triple 0 >t.cof
	train t.cof
	assert_status 1
	assert_error neumf-train "'t.cof' holds no rows"
	stream triple 12 >t.cof
	train --drop-last t.cof
	assert_status 1
	assert_error neumf-train "12 rows, less than one batch of 256"
	stream triple 11 3 4 >t.cof
	train t.cof
	assert_status 1
	assert_error neumf-train "'t.cof' holds 11 rows, its header says 3 epochs of 4"
	stream triple 12 $((1 << 40)) $((1 << 40)) >t.cof # 2^80 rows
	train t.cof
	assert_status 1
	assert_error neumf-train "'t.cof' holds 12 rows, its header says $((1 << 40)) epochs of $((1 << 40))"
	[ ! -e model ]
}

# 3 epochs of 4 rows are said, and 40 rows are there: the 13th ends it, whatever the batch, and while the stream goes on.
@test "a stream that goes on after its epochs ends at the first row too many, and makes no model of it" {
	stream triple 40 3 4 >t.cof
	for batch in 1 3 4 5 100; do
		train --batch-size $batch --save-epochs e t.cof
		assert_status 1
		assert_error neumf-train "row 13 of 't.cof' (byte "
		assert_contains "$stderr" "the header says 3 epochs of 4 rows"
		[ ! -e e-0003.safetensors ]
		[ ! -e model ]
		rm -f e-*
	done
	mkfifo fifo
	timeout 20 neumf-train -q --device reference --model mf -o model <fifo 2>err &
	exec 4>fifo
	cat t.cof >&4
	status=0
	wait $! || status=$?
	exec 4>&-
	assert_status 1
	assert_contains "$(cat err)" "row 13 of 'standard input'"
}

@test "a cut or damaged stream leaves no model, and an old one alone" {
	stream triple 30 3 10 >t.cof
	size=$(wc -c <t.cof)
	echo old >model
	for cut in 1 16 17 300 $((size - 9)); do
		head -c $((size - cut)) t.cof >cut.cof
		train --batch-size 4 cut.cof
		assert_status 1
		assert_equal "$(printf '%s\n' "$stderr" | wc -l)" 1
		assert_equal "$(cat model)" old
	done
	printf X | dd of=t.cof bs=1 seek=$((size - 50)) conv=notrunc 2>/dev/null
	train t.cof
	assert_status 1
	assert_equal "$(files)" $'cut.cof\nmodel\nt.cof'
}

# Weights of 1 to 1e30 after the first step, infinite after the second: the third loss shows it.
@test "a loss that is not finite ends it with epoch and batch, and leaves no model" {
	stream triple 60 2 30 >t.cof
	train --init-std 1 --optimizer sgd --lr 1e30 --loss hinge --batch-size 4 --save-epochs e t.cof
	assert_status 1
	assert_error neumf-train "epoch 1, batch 3: the loss is not finite"
	assert_equal "$(files)" t.cof
	assert_equal "$output" ""
}

# The first step makes weights of about 1e6, products of about 1e12, which no sigmoid would show.
@test "so does a logit of 2^30 on sigmoids, in every backend" {
	local device
	stream triple 60 2 30 >t.cof
	for device in cpu reference; do
		run --separate-stderr neumf-train -q --device $device -o model --init-std 1 --optimizer sgd --lr 1e6 \
			--loss hinge --sigmoid-output --batch-size 4 t.cof
		assert_status 1
		assert_error neumf-train "the loss is not finite"
		assert_equal "$(files)" t.cof
	done
}

@test "a last step to infinity is found when the model is saved" {
	stream triple 12 >t.cof
	train --init-std 1e15 --optimizer sgd --lr 1e38 --l2 1 t.cof
	assert_status 1
	assert_error neumf-train "is not finite"
	assert_equal "$(files)" t.cof
}

@test "outputs that cannot be written" {
	stream triple 12 >t.cof
	run --separate-stderr neumf-train -q -o no/model t.cof
	assert_status 1
	assert_error neumf-train "no/model"
	train --log no/log t.cof
	assert_status 1
	assert_error neumf-train "cannot open 'no/log'"
	train --save-epochs no/e --log log t.cof
	assert_status 1
	assert_error neumf-train "no/e-0001.safetensors"
	[ ! -e log ] # before anything is trained
	train -o /dev/full t.cof
	assert_status 1
	assert_error neumf-train "/dev/full"
	assert_equal "$(files)" t.cof
}

@test "a log that cannot be written costs the log: the model is written, exit 1 says both" {
	stream triple 30 3 10 >t.cof
	neumf-train -q --device reference --model mf --factors 2 -o want t.cof
	train --log /dev/full t.cof
	assert_status 1
	assert_error neumf-train "the model is in 'model', but the log '/dev/full' has not all its lines: No space left"
	cmp model want
	rm model
	mkfifo fifo
	: <fifo && : >gone &
	{ # the header; the rows when the reader of the log has gone
		head -c -384 t.cof
		until [ -e gone ]; do sleep 0.05; done
		tail -c 384 t.cof
	} | {
		run --separate-stderr neumf-train -q --device reference --model mf --factors 2 -o model --log fifo
		assert_status 1
		assert_error neumf-train "the model is in 'model', but the log 'fifo' has not all its lines: Broken pipe"
	}
	cmp model want
}

@test "no file of --save-epochs is another file of the run" {
	stream triple 30 >t.cof
	cp t.cof kept
	refused() { # TEXT ARGUMENT...
		run --separate-stderr neumf-train -q --device reference -o model "${@:2}"
		assert_status 2
		assert_contains "$stderr" "$1"
	}
	ln t.cof e-0007.safetensors
	ln -s . back
	refused "a file of --save-epochs e is also the input 't.cof'" --save-epochs e t.cof
	rm e-0007.safetensors
	refused "a file of --save-epochs back/e is also './e-12345.safetensors' of --output" \
		--save-epochs back/e -o ./e-12345.safetensors t.cof
	refused "'e-0001.safetensors' of --log is also a file of --save-epochs ./e" \
		--save-epochs ./e --log e-0001.safetensors t.cof
	refused "option --save-epochs: the name is empty" --save-epochs '' t.cof
	refused "option --output: the name is empty" -o '' t.cof
	refused "'-' of --log is also '/dev/stdout' of --output" -o /dev/stdout --log - t.cof
	cmp t.cof kept
	rm back
	assert_equal "$(files)" $'kept\nt.cof'
	train --save-epochs e -o e.safetensors --log e-1.safetensors t.cof
	assert_status 0
	cmp e.safetensors e-0001.safetensors
}

# A plug-in that is the reference backend by another name, or what $1 (C, the body of the symbol) makes of it.
plugin() {
	cat >plugin.c <<-EOF
		#include "model/backend.h"
		#include <stdio.h>
		const struct backend_ops *cofilter_cuda_backend(char *why, size_t size);
		static struct backend_ops ops;
		const struct backend_ops *cofilter_cuda_backend(char *why, size_t size)
		{
			ops = backend_reference;
			ops.name = "cuda";
			$1
		}
	EOF
	cc -shared -fPIC -o plugin.so -I"$ROOT/lib" plugin.c \
		"$ROOT"/lib/{reference/{backend,network},model/{backend,neumf},base/{rng,real,mem,die,utf8,pool,clock,processor,rng_normals}}.c -D_POSIX_C_SOURCE=200809L -lm
}

@test "a plug-in that is named is taken" {
	command -v cc >/dev/null || skip "no cc"
	stream triple 30 >t.cof
	plugin '(void)why; (void)size; return &ops;'
	export COFILTER_CUDA_PLUGIN=$PWD/plugin.so
	run --separate-stderr neumf-train --device cuda --model mf -o a t.cof
	assert_status 0
	assert_equal "${stderr_lines[0]}" "neumf-train: 72 parameters on cuda (plain), seed 1"
	assert_equal "$(meta device a)" cuda
	run --separate-stderr neumf-train --model mf -o b t.cof
	assert_contains "$stderr" "device cuda: a GPU answers"
	cmp a b
}

@test "a plug-in that is missing, foreign, of another version, or without a device" {
	command -v cc >/dev/null || skip "no cc"
	stream triple 30 >t.cof
	export COFILTER_CUDA_PLUGIN=$PWD/plugin.so
	train --device cuda t.cof
	assert_status 1
	assert_error neumf-train "no CUDA device: cannot load the plug-in: "
	cc -shared -o plugin.so -x c - <<<'int x;'
	train --device cuda t.cof
	assert_status 1
	assert_error neumf-train "plugin.so' is no plug-in of this program"
	plugin '(void)why; (void)size; ops.abi = 99; return &ops;'
	train --device cuda t.cof
	assert_status 1
	assert_error neumf-train "has interface version 99, "
	plugin 'snprintf(why, size, "all devices are asleep"); return NULL;'
	train --device cuda t.cof
	assert_status 1
	assert_error neumf-train "no CUDA device: all devices are asleep"
	[ ! -e model ]
	run --separate-stderr neumf-train --model mf -o model t.cof
	assert_status 0
	assert_contains "$stderr" "all devices are asleep"
}

@test "device cpu without the loader's complaint: without a driver auto goes on, cuda is an error" {
	! ldconfig -p 2>/dev/null | grep -q 'libcuda\.so\.1' || skip "there is an NVIDIA driver"
	stream triple 30 >t.cof
	train --device cuda t.cof
	assert_status 1
	assert_error neumf-train "no CUDA device: no NVIDIA driver: "
	run --separate-stderr neumf-train --model mf -o model t.cof
	assert_status 0
	assert_equal "${stderr_lines[0]}" "neumf-train: device cpu"
	[[ $stderr != *driver* ]]
	printf '0\t0\t0\n' | cof-cat --from tsv --kind interaction --like t.cof >i.cof
	run --separate-stderr neumf-score --model model --all-items --top 1 i.cof
	assert_equal "${stderr_lines[0]}" "neumf-score: device cpu"
}

# A driver of two functions, found before any other, and the program in an installation of its own.
@test "a driver with a device loads the plug-in installed beside the program" {
	command -v cc >/dev/null || skip "no cc"
	stream triple 30 >t.cof
	mkdir -p driver prefix/bin prefix/lib/cofilter
	cp "$BUILD/bin/neumf-train" prefix/bin
	export LD_LIBRARY_PATH=$PWD/driver PATH=$PWD/prefix/bin:$PATH
	driver='int cuInit(unsigned f) { return (int)f; } int cuDeviceGetCount(int *n) { *n = COUNT; return 0; }'

	cc -shared -fPIC -DCOUNT=0 -o driver/libcuda.so.1 -x c - <<<"$driver"
	train --device cuda t.cof
	assert_status 1
	assert_error neumf-train "no CUDA device: the NVIDIA driver finds no device (code 0)"
	run --separate-stderr neumf-train --model mf -o model t.cof
	assert_contains "$stderr" "device cpu: the NVIDIA driver finds no device (code 0)"
	echo "no library" >driver/libcuda.so.1
	run --separate-stderr neumf-train --model mf -o model t.cof
	assert_contains "$stderr" "device cpu: no NVIDIA driver: "
	cc -shared -fPIC -DCOUNT=1 -o driver/libcuda.so.1 -x c - <<<"$driver"
	train --device cuda t.cof
	assert_status 1
	assert_error neumf-train "no CUDA device: cannot load the plug-in: "
	assert_contains "$stderr" "prefix/bin/../lib/cofilter/cofilter-cuda.so"
	plugin '(void)why; (void)size; return &ops;'
	mv plugin.so prefix/lib/cofilter/cofilter-cuda.so
	train --device auto t.cof
	assert_status 0
	assert_equal "$(meta device)" cuda
}
