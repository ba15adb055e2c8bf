#!/usr/bin/env bats
# shellcheck disable=SC2154
# cof-cat: several streams to one. Which id maps go together is in record.bats.
load helper

# from KIND: text on stdin to a stream on stdout, bounds 10 and 20.
from() {
	cof-cat --from tsv --kind "$1" --users 10 --items 20
}

# json FILTER FILE: of a stream's header
json() {
	cof-cat --header "$2" | jq -c "$1"
}

@test "joining keeps the rows, and the provenance of both once" {
	printf '3\t17\t-1\n9\t0\t5\n' | from interaction >x.cof
	edit_header x.cof 'h["provenance"] = []'
	printf '1\t2\t3\n' | from interaction >y.cof
	printf 'user,item,time\n4,5,6\n' |
		cof-cat --from csv --kind interaction --users 10 --items 20 >z.cof
	cof-cat x.cof y.cof z.cof y.cof --to cof >joined.cof
	cof-cat x.cof y.cof z.cof y.cof >want
	cof-cat joined.cof | cmp - want
	assert_equal "$(json '[.provenance[] | .program + ":" + .options.from]' joined.cof)" \
		'["cof-cat:tsv","cof-cat:csv","cof-cat:cof"]'
	# what one stream says twice stays: it passed the stage twice
	cof-cat --to cof y.cof | cof-cat --to cof | cof-cat --to cof >three.cof
	assert_equal "$(json '.provenance | length' three.cof)" 4
}

@test "joining hundreds of streams with long provenance takes no time to speak of" {
	printf '1\t2\t3\n' | from interaction >x.cof
	edit_header x.cof 'h["provenance"] = [{"program": str(n), "options": {"a": 1}} for n in range(990)]'
	cp x.cof y.cof
	edit_header y.cof 'h["provenance"][989]["program"] = "new"'
	for k in $(seq 100); do echo x.cof y.cof; done >files
	# shellcheck disable=SC2046
	timeout 20 cof-cat --to cof $(cat files) >joined.cof
	assert_equal "$(json '[.provenance[988:][].program]' joined.cof)" '["988","989","new","cof-cat"]'
	assert_equal "$(cof-cat --count joined.cof)" 200
}

# Triples of 7 rows an epoch, or 8.
setup_epochs() {
	seq 0 6 | sed 's/.*/&\t&\t0/' | from interaction >seven.cof
	seq 0 7 | sed 's/.*/&\t&\t0/' | from interaction >eight.cof
	negsample -q --epochs 2 seven.cof >a
	negsample -q --epochs 3 --seed 2 seven.cof >b
	negsample -q --epochs 3 eight.cof >c
}

# joined FILE...: epochs, rows_per_epoch and first_row of the joined stream
joined() {
	cof-cat --to cof "$@" >joined.cof || return 1
	json '[.epochs, .rows_per_epoch, .first_row]' joined.cof
}

@test "epochs add up where they are of one length, are dropped where not and by --head" {
	setup_epochs
	assert_equal "$(joined a b)" '[5,7,null]'
	neumf-train -q --device reference -o model --log - joined.cof >log
	assert_equal "$(wc -l <log)" 5
	assert_equal "$(joined a c)" '[null,null,null]'
	assert_equal "$(joined a a c a)" '[null,null,null]'
	assert_equal "$(joined a)" '[2,7,null]'
	assert_equal "$(joined a --head 7)" '[null,null,null]'
	cp a none
	edit_header none 'del h["epochs"]' # 14 rows of 7 an epoch, who knows how many: not 0
	assert_equal "$(joined a none)" '[null,null,null]'
	assert_equal "$(joined none a)" '[null,null,null]'
	assert_equal "$(joined none)" '[null,7,null]'
	cp a all
	edit_header all 'del h["epochs"], h["rows_per_epoch"]'
	assert_equal "$(joined a all)" '[null,null,null]'
	# more epochs than a header can say
	cp a many
	edit_header many 'h["epochs"] = 2**63 - 2'
	cof-cat --to cof a many 2>said | cof-cat --header >header.json
	assert_equal "$(jq '.epochs' header.json)" null
}

@test "a stream that goes on where the one before it ends gives the whole" {
	setup_epochs
	negsample -q --epochs 2 seven.cof >first
	negsample -q --epochs 9 --from-epoch 3 seven.cof >rest
	negsample -q --epochs 9 seven.cof >whole
	assert_equal "$(joined first rest)" '[9,7,null]'
	cmp <(cof-cat joined.cof) <(cof-cat whole)
	neumf-train -q --device reference -o model joined.cof
	neumf-train -q --device reference -o want whole
	tail -c 256 model | cmp - <(tail -c 256 want)
	# in three parts, the middle one with its place kept
	negsample -q --epochs 5 --from-epoch 3 seven.cof >middle
	negsample -q --epochs 9 --from-epoch 6 seven.cof >last
	assert_equal "$(joined middle last)" '[9,7,14]'
	assert_equal "$(joined first middle last)" '[9,7,null]'
	cmp <(cof-cat joined.cof) <(cof-cat whole)
	assert_equal "$(joined rest)" '[9,7,14]'
	# a gap, an overlap, the same twice: no telling
	assert_equal "$(joined first last)" '[null,null,null]'
	assert_equal "$(joined first first rest)" '[null,null,null]'
	assert_equal "$(joined rest rest)" '[null,null,null]'
	# a run of its own behind one that began in the middle
	assert_equal "$(joined middle b)" '[8,7,14]'
	assert_equal "$(cof-cat --count joined.cof)" $(((8 * 7) - 14))
}

@test "a stream with other rows than its epochs has no whole copy that says them" {
	setup_epochs
	for epochs in 1 3; do
		cp a lie
		edit_header lie "h['epochs'] = $epochs"
		run --separate-stderr bash -c 'cof-cat --to cof lie b >joined.cof'
		assert_status 1
		assert_error cof-cat "'lie' holds 14 rows, its header says $epochs epochs of 7"
		run --separate-stderr cof-cat --count joined.cof
		assert_error cof-cat "truncated"
		cof-cat lie b >/dev/null # text says nothing of epochs
	done
	negsample -q --epochs 3 --from-epoch 2 seven.cof >lie
	edit_header lie 'h["first_row"] = 8'
	run --separate-stderr bash -c 'cof-cat --to cof lie >joined.cof'
	assert_error cof-cat "'lie' holds 14 rows, its header says 13 from row 9 of 3 epochs of 7"
}

@test "streams of other kinds, bounds or groups are not joined, and nothing is written" {
	printf '1\t2\t3\n' | from interaction >x.cof
	printf '1\t2\t3\n' | from triple >t.cof
	printf '1\t2\t3\n' | cof-cat --from tsv --users 11 --items 20 >u.cof
	run --separate-stderr cof-cat x.cof t.cof
	assert_status 1
	assert_error cof-cat "'x.cof' holds interaction records and 't.cof' triple records"
	assert_equal "$output" ""
	run --separate-stderr cof-cat x.cof u.cof --to cof
	assert_status 1
	assert_error cof-cat "'x.cof' has 10 users and 20 items and 'u.cof' 11 and 20"
	assert_equal "$output" ""
	printf '1\t2\t3\t4\n' >two.tsv
	printf '1\t2\t3\t4\t5\n' >three.tsv
	from group <two.tsv >two.cof
	from group <three.tsv >three.cof
	run --separate-stderr cof-cat two.cof three.cof
	assert_status 1
	assert_error cof-cat "a group of 'two.cof' has 2 negatives and of 'three.cof' 3: not joined"
	run --separate-stderr cof-cat --from tsv --kind group --users 10 --items 20 two.tsv three.tsv
	assert_status 1
	assert_error cof-cat "a group of 'two.tsv' has 2 negatives and of 'three.tsv' 3: not joined"
	assert_equal "$output" ""
	cof-cat two.cof two.cof --to cof >four.cof
	assert_equal "$(cof-cat four.cof)" "$(cat two.tsv two.tsv)"
}

@test "streams joined by cat are an error that names cof-cat A B" {
	printf '1\t2\t3\n' | from interaction >x.cof
	cat x.cof x.cof >xx.cof
	run --separate-stderr cof-cat --count xx.cof
	assert_status 1
	assert_equal "$output" ""
	assert_error cof-cat "'xx.cof' goes on after its trailer"
	assert_error cof-cat "cof-cat A B"
	gzip -k x.cof
	cat x.cof.gz x.cof.gz >xx.cof.gz
	run --separate-stderr cof-cat --check xx.cof.gz
	assert_status 1
	assert_error cof-cat "cof-cat A B"
}
