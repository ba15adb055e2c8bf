# table: what pipelines that end in a table of systems have in common: settings and epochs that are chosen on valid,
# rows of results, the table beside published figures, paired tests, the picture. Sourced after common.sh.
#
# The script sets
#   work          its folder, with fit.cof.gz (to learn from when something is chosen) and train.cof.gz (else)
#   rank_valid    options by which a scorer writes the ranks of valid; rank_test those of test
#   cutoff        of METRICS, two metrics of rank-eval: the second is what is chosen and compared by
#   data          the data set, as pipelines/published.tsv calls it
# A SYSTEM is a function "SYSTEM PART SEED OPTION..." that learns from fit (PART valid) or train (PART test) and writes the
# ranks of that part. A SETTING is a string of options between blanks, a CANDIDATE one that is tried.
# shellcheck shell=bash disable=SC2034,SC2154

need_tools() {
	local tool
	for tool in jq gzip awk; do
		command -v "$tool" >/dev/null || die "$tool is needed: run 'make deps'"
	done
}

# packed FILE: it, or FILE packed; nothing is also an answer
packed() {
	local suffix
	for suffix in '' .gz .xz .rebuilt.xz; do
		if [ -f "$1$suffix" ]; then
			printf '%s\n' "$1$suffix"
			return
		fi
	done
}

# text FILE: its lines, without CR
text() {
	case $1 in
	*.xz) xz -dc "$1" ;;
	*.gz) gzip -dc "$1" ;;
	*) cat "$1" ;;
	esac | tr -d '\r'
}

# start_table: an empty one, or with KEEP that of an earlier run, whose rows stay where this run makes no others; called
# once fit, valid, train and test are there, which must be those of that run
start_table() {
	local sums
	sums=$(cd "$work" && cksum fit.cof.gz valid.cof.gz train.cof.gz test.cof.gz)
	if [ -z "${KEEP:-}" ] || [ ! -s "$work/systems.jsonl" ]; then
		: >"$work/systems.jsonl"
		: >"$work/settings.jsonl"
	elif [ "$sums" != "$(cat "$work/data.sums")" ]; then
		die "KEEP: the rows in '$work' are of other data"
	fi
	printf '%s\n' "$sums" >"$work/data.sums"
}

# wanted SYSTEM: is it one of $SYSTEMS? Every one is where that is not set.
wanted() {
	[ -z "${SYSTEMS:-}" ] || [[ " $SYSTEMS " == *" $1 "* ]]
}

# known_systems NAME...: what $SYSTEMS may name
known_systems() {
	local name
	for name in ${SYSTEMS:-}; do
		[[ " $* " == *" $name "* ]] || die "SYSTEMS names '$name': $*"
	done
}

learn_from() {
	if [ "$1" = valid ]; then echo "$work/fit.cof.gz"; else echo "$work/train.cof.gz"; fi
}

# ranks PART SCORER...
ranks() {
	local -n options=rank_$1
	shift
	"$@" -q "${options[@]}"
}

chosen_by() {
	"$RANK_EVAL" -q -k "$cutoff" --only "${METRICS#* }"
}

above() {
	awk -v a="$1" -v b="$2" 'BEGIN { exit !(a > b) }'
}

# note_setting LABEL SETTING EPOCHS SECONDS [MAX]: what $valid was reached with; MAX epochs were tried. Rows of LABEL from
# before (KEEP) had a setting of their own, and go.
note_setting() {
	jq -c --arg system "$1" 'select(.system != $system)' "$work/systems.jsonl" >"$work/rows.jsonl"
	mv "$work/rows.jsonl" "$work/systems.jsonl"
	jq -nc --arg system "$1" --arg setting "$2" --argjson epochs "$3" --argjson valid "$valid" --argjson seconds "$4" \
		--argjson tried "${5:-null}" '{system: $system, setting: $setting, epochs: $epochs, tried: $tried, valid: $valid,
		seconds: $seconds}' >>"$work/settings.jsonl"
}

# choose LABEL SYSTEM SETTING...: try each on valid; $setting (words) becomes the best one
choose() {
	local label=$1 system=$2 candidate value words began=$SECONDS best_setting=''
	shift 2
	valid=-1
	for candidate in "$@"; do
		read -ra words <<<"$candidate"
		value=$("$system" valid 1 "${words[@]}" | chosen_by)
		printf '%-18s %-60s valid %s %.4f  (%d s)\n' "$label" "$candidate" "${METRICS#* }" "$value" $((SECONDS - began))
		if above "$value" "$valid"; then valid=$value best_setting=$candidate; fi
	done
	read -ra setting <<<"$best_setting"
	note_setting "$label" "$best_setting" null $((SECONDS - began))
}

# rank_file LABEL SEED
rank_file() {
	echo "$work/${1//[^A-Za-z0-9]/-}-$2.ranks.cof.gz"
}

# row LABEL SEED SYSTEM SETTING...: a row of the table. $spent seconds went into it before, if that is set.
row() {
	local label=$1 seed=$2 system=$3 began=$((SECONDS - ${spent:-0})) file
	shift 3
	file=$(rank_file "$label" "$seed")
	"$system" test "$seed" "$@" | gzip -n >"$file"
	"$RANK_EVAL" -q -k "$cutoff" --json "$file" | jq -c --arg system "$label" --argjson seed "$seed" \
		--argjson seconds $((SECONDS - began)) --arg names "$METRICS" --arg file "${file##*/}" '
		.metrics as $m | {system: $system, seed: $seed, file: $file,
		metrics: ($names | split(" ") | map({(.): $m[.]}) | add), seconds: $seconds}' >>"$work/systems.jsonl"
	tail -n 1 "$work/systems.jsonl" | jq -r '"\(.system), seed \(.seed): test " +
		(.metrics | to_entries | map("\(.key) \(.value * 10000 | round / 10000)") | join(", ")) + "  (\(.seconds) s)"'
}

# tuned LABEL SYSTEM SETTING...: chosen on valid, then a row
tuned() {
	choose "$@"
	row "$1" 0 "$2" "${setting[@]}"
}

# tuned_seeds LABEL SYSTEM SETTING...: the same, with a row for every seed
tuned_seeds() {
	local seed
	choose "$@"
	for seed in $SEEDS; do
		row "$1" "$seed" "$2" "${setting[@]}"
	done
}

# fits_memory LABEL ITEMS: a float for each two items; says so where they do not fit
fits_memory() {
	awk -v label="$1" -v n="$2" '$1 == "MemAvailable:" { free = $2 / 1e6 } END {
		needs = n * n * 4.4e-9
		if (free && needs > free) {
			printf "%s: left out: %d x %d items take %.1f GB of memory, %.1f GB are free\n", label, n, n, needs, free
			exit 1
		} }' /proc/meminfo 2>/dev/null
}

## systems

pop() {
	ranks "$1" "$POP_SCORE" --train "$(learn_from "$1")"
}

knn() {
	ranks "$1" "$KNN_SCORE" --train "$(learn_from "$1")" "${@:3}"
}

ease() {
	ranks "$1" "$EASE_SCORE" --train "$(learn_from "$1")" "${@:3}"
}

ials() {
	"$IALS_TRAIN" -q --seed "$2" "${@:3}" -o "$work/ials.safetensors" "$(learn_from "$1")"
	network "$1" "$2" "$work/ials.safetensors"
}

## networks

# show_log LABEL MAX FILE: the lines of --log, kept in FILE; shows the first, and one every five seconds
show_log() {
	local label=$1 max=$2 file=$3 line shown=-5
	: >"$file"
	while IFS= read -r line; do
		printf '%s\n' "$line" >>"$file"
		if [ $((SECONDS - shown)) -ge 5 ]; then
			jq -r --arg name "$label" --arg max "$max" 'def short: . * 10000 | round / 10000;
				"\($name): epoch \(.epoch) of at most \($max), loss \(.loss | short)" +
				(if has("metric") then ", valid \(.metric | short)" else "" end)' <<<"$line"
			shown=$SECONDS
		fi
	done
}

# train LABEL PART SEED EPOCHS MODEL OPTION...: by the rows of examples PART SEED EPOCHS. With PART valid the epoch is
# chosen on valid, the training ends after $PATIENCE epochs without a better one, and $epochs, $valid are the best.
train() {
	local label=$1 part=$2 seed=$3 max=$4 model=$5 measure options=() began=$SECONDS
	shift 5
	if [ "$part" = valid ]; then
		measure="$(printf '%q ' "$NEUMF_SCORE" -q --device "$DEVICE" "${rank_valid[@]}") --model \"\$COFILTER_MODEL\" |
			$(printf '%q ' "$RANK_EVAL" -q -k "$cutoff" --only "${METRICS#* }")"
		options=(--patience "$PATIENCE" --on-epoch "$measure")
	fi
	"$NEUMF_TRAIN" -q "$@" --seed "$seed" --device "$DEVICE" "${options[@]}" --log - -o "$model" \
		<(examples "$part" "$seed" "$max") | show_log "$label" "$max" "$model.jsonl"
	[ "$part" = valid ] || return 0
	read -r epochs valid < <(jq -sr 'sort_by(-.metric, .epoch)[0] | "\(.epoch) \(.metric)"' "$model.jsonl")
	note_setting "$label" '' "$epochs" $((SECONDS - began)) "$(wc -l <"$model.jsonl")"
	printf '%s: epoch %s is the best on valid, %s %.4f  (%d s)\n' "$label" "$epochs" "${METRICS#* }" "$valid" \
		$((SECONDS - began))
}

# network PART SEED MODEL: ranks by it
network() {
	ranks "$1" "$NEUMF_SCORE" --model "$3" --device "$DEVICE"
}

# In an OPTION of these two {part} stands for PART-SEED, by which the models $work/LABEL-PART-SEED.safetensors are called.

# choose_epochs LABEL MAX OPTION...: how many, on valid, with the first seed
choose_epochs() {
	local label=$1 max=$2 seed=${SEEDS%% *}
	shift 2
	train "$label" valid "$seed" "$max" "$work/${label// /-}-valid-$seed.safetensors" "${@//\{part\}/valid-$seed}"
}

# learn LABEL EPOCHS OPTION...: from all of train, a row for every seed
learn() {
	local label=$1 count=$2 seed model began
	shift 2
	for seed in $SEEDS; do
		began=$SECONDS
		model=$work/${label// /-}-test-$seed.safetensors
		train "$label" test "$seed" "$count" "$model" "${@//\{part\}/test-$seed}"
		spent=$((SECONDS - began)) row "$label" "$seed" network "$model"
	done
}

# learned LABEL MAX OPTION...: the number of epochs, at most MAX, on valid; then from all of train
learned() {
	choose_epochs "$@"
	learn "$1" "$epochs" "${@:3}"
}

## the end: comparison, table, picture, files

# compare: every system with the baseline that is best on valid, by the first seed of each, into comparison.json
compare() {
	local system seed files=()
	baseline=$(jq -sr --arg names "$BASELINES" '($names | split(" ")) as $names | map(select(.system | split(" ")[0] | IN($names[])))
		| max_by(.valid).system // empty' "$work/settings.jsonl")
	echo '[]' >"$work/comparison.json"
	[ -n "$baseline" ] || return 0
	while IFS=$'\t' read -r system seed; do
		files+=("$(rank_file "$system" "$seed")")
	done < <(jq -sr --arg baseline "$baseline" 'group_by(.system) | map(min_by(.seed)) |
		sort_by(.system != $baseline)[] | [.system, .seed] | @tsv' "$work/systems.jsonl")
	[ "${#files[@]}" -gt 1 ] || return 0
	"$RANK_CMP" -q --json --metrics "${METRICS// /,}" "${files[@]}" |
		jq --slurpfile rows "$work/systems.jsonl" --arg baseline "$baseline" '
			($rows | map({(.file): .system}) | add) as $of | .comparisons | map({system: $of[.b | split("/")[-1]],
			baseline: $baseline, metric, difference, interval, p: .p.randomization, holm: .holm.randomization})' \
		>"$work/comparison.json"
}

# end_table NAME TITLE: the table on standard output, and $OUT/NAME.md, .json, .png and .svg
end_table() {
	local name=$1 title=$2 here
	here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
	compare
	jq -n --slurpfile rows "$work/systems.jsonl" --slurpfile settings "$work/settings.jsonl" \
		--slurpfile comparison "$work/comparison.json" --rawfile published "$here/published.tsv" --arg data "$data" \
		--arg metrics "$METRICS" --arg baseline "$baseline" --argjson seconds $SECONDS \
		-f "$here/table.jq" >"$work/table.json"
	heading "$title"
	jq -r -f "$here/table-text.jq" "$work/table.json" | tee "$work/table.md"
	jq -r '.metrics as $names | .table[] | . as $row | $names[] as $name | [$row.system, $name, $row.mean[$name],
		($row.sd[$name] // ""), ($row.published[$name] // "")] | @tsv' "$work/table.json" >"$work/table.tsv"
	mv "$work/table.md" "$OUT/$name.md"
	mv "$work/table.json" "$OUT/$name.json"
	heading files
	printf '%s\n' "$OUT/$name.md: the table" "$OUT/$name.json: all of the above"
	if command -v gnuplot >/dev/null; then
		(cd "$work" && gnuplot -e "table='table.tsv'; out='picture'; title='${title//\'/\'\'}'" "$here/systems.gnuplot" \
			2> >(grep -v 'no valid points' >&2)) # where nothing was published
		mv "$work/picture.png" "$OUT/$name.png"
		mv "$work/picture.svg" "$OUT/$name.svg"
		echo "$OUT/$name.png, $OUT/$name.svg: the picture"
	else
		echo "no gnuplot: no picture"
	fi
	echo "$SECONDS seconds"
}
