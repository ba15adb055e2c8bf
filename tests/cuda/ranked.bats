# Ranks and top lists made on the device: the same as from the scores of the same device.
# shellcheck disable=SC2154

setup() {
	load ../helper
	load cuda
	plugin_setup
	small_data
	train model.safetensors --device cuda
}

score() {
	neumf-score -q --model model.safetensors --device cuda --all-items --seen train.cof "$@" held-out.cof
}

@test 'neumf-score --ranks on a device' {
	score --ranks >ranks.cof
	score >scores.cof
	rank-eval -q -k 5,10 ranks.cof >a
	rank-eval -q -k 5,10 scores.cof >b
	cmp a b
	[ -s a ]
	score --ranks --items 7:80 >ranks.cof
	score --items 7:80 >scores.cof
	rank-eval -q -k 5,10 ranks.cof >a
	rank-eval -q -k 5,10 scores.cof >b
	cmp a b
}

@test 'neumf-score --top on a device' {
	score --top 7 | cof-cat --to tsv >top
	# the same by sort(1): users ascending, scores descending, then items; seen positives are no
	# candidates here
	score | cof-cat --to tsv | sort -k1,1n -k4,4gr -k2,2n |
		awk '$1 != user { user = $1; n = 0 } n++ < 7 { print $1, $2, n, $4 }' >want
	cmp <(tr '\t' ' ' <top) want
	[ -s want ]
}

@test 'a score that is not finite is found on a device' {
	small_data
	python3 - model.safetensors <<-'END' || skip 'no python3'
		import json, struct, sys
		data = bytearray(open(sys.argv[1], 'rb').read())
		n = struct.unpack('<Q', data[:8])[0]
		header = json.loads(data[8:8 + n])
		for key in 'checksum', 'header_checksum':
		    del header['__metadata__'][key]
		data[8:8 + n] = json.dumps(header, separators=(',', ':')).encode().ljust(n)
		for name, row in ('gmf_item.weight', 3), ('head.weight', 0): # their product overflows
		    at = 8 + n + header[name]['data_offsets'][0] + 4 * 10 * row
		    data[at:at + 4] = struct.pack('<f', 3e38)
		open(sys.argv[1], 'wb').write(data)
	END
	for how in --ranks '--top 3'; do
		# shellcheck disable=SC2086
		run -1 --separate-stderr score $how
		assert_error neumf-score 'item 3'
	done
}
