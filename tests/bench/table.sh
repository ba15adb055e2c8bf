# table: the works of tests/bench/run, which sources this: what is run, how often, and the table of it.
# shellcheck shell=bash disable=SC2034,SC2154

names=() units=() bars=() amounts=() commands=() limits=() optional=()
declare -A skipped=() # why, per row

say() {
	echo "bench: $*" >&2
}

# asked STEM...: is any row wanted whose name begins so?
asked() {
	local name stem
	[ ${#only[@]} -gt 0 ] || return 0
	for name in "${only[@]}"; do
		for stem; do
			[[ $name != "$stem"* && $stem != "$name"* ]] || return 0
		done
	done
	return 1
}

# is_wanted NAME: of a row
is_wanted() {
	local name
	[ ${#only[@]} -gt 0 ] || return 0
	for name in "${only[@]}"; do
		[[ $1 != "$name"* ]] || return 0
	done
	return 1
}

# work NAME UNIT AMOUNT BAR COMMAND; before it, at_most=N: no more repetitions, may_fail=1: a peer
work() {
	is_wanted "$1" || return 0
	names+=("$1") units+=("$2") amounts+=("$3") bars+=("$4") commands+=("$5")
	limits+=("$((${at_most:-reps} < reps ? at_most : reps))") optional+=("${may_fail:-}")
}

# row NAME UNIT BAR: what the work before it prints as "rate NAME N"
row() {
	work "$1" "$2" 0 "$3" ''
}

# skip NAME WHY: a row that cannot be measured here
skip() {
	may_fail=1 work "$1" '' 0 '' ''
	skipped[$1]=$2
}

now() {
	date +%s%N
}

# fail NUMBER: a work of ours ends the run; a peer is left out from here on
fail() {
	local k=$1
	[ "${optional[k]}" ] || { cat "$out/log" >&2 && say "'${names[k]}' failed" && exit 1; }
	skipped[${names[k]}]="it failed: $(grep . "$out/log" | tail -n 1 | cut -c 1-200)"
	say "${names[k]}: skipped: ${skipped[${names[k]}]}"
}

# once NUMBER: run a work and add its rates, in units, to their files
once() {
	local k=$1 start end printed
	start=$(now)
	printed=$(bash -o pipefail -c "${commands[k]}" 2>"$out/log") || { fail "$k" && return; }
	end=$(now)
	awk -v name="${names[k]}" -v unit="${units[k]}" -v amount="${amounts[k]}" -v ns="$((end - start))" -v out="$out/" '
		$1 == "rate" { print $NF + 0 >>(out (NF == 3 ? $2 : name) ".rates"); rated = 1 }
		END { if (!rated) printf "%.6g\n", (unit == "s" ? ns / 1e9 : amount / (ns / 1e9) / 1e6) >>(out name ".rates") }' <<<"$printed"
}

measure() {
	local rep k
	for ((rep = 1; rep <= reps; rep++)); do
		for k in "${!names[@]}"; do
			if [ "${commands[k]}" ] && [ "$rep" -le "${limits[k]}" ] && [ -z "${skipped[${names[k]}]-}" ]; then
				say "repetition $rep of $reps: ${names[k]}"
				once "$k"
			fi
		done
	done
}

# median, min and max of a work; nothing where it was not measured
spread() {
	[ ! -e "$out/$1.rates" ] || sort -g "$out/$1.rates" |
		awk '{ v[NR] = $1 } END { print (NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2), v[1], v[NR] }'
}

# bar_of NUMBER: its bar as a number, 0 for none
bar_of() {
	local bar others other
	read -r bar others <<<"${bars[$1]:-0}"
	[ "$others" ] || { echo "${bar#<}" && return; }
	for other in ${others//,/ }; do
		spread "$other"
	done | awk -v k="${bar#<}" -v less="${bar%%[!<]*}" '
		NR == 1 || (less ? $1 < best : $1 > best) { best = $1 } END { print k * best }'
}

# Into $BUILD/bench.json, instead of what other runs measured of the same rows; each row says which run it is of.
keep_rows() {
	local all=$BUILD/bench.json
	jq -e 'type == "array"' "$all" >/dev/null 2>&1 || echo '[]' >"$all"
	jq --arg run "$started" --arg machine "$machine" --arg size "$size" --slurpfile new "$out/works" '
		[.[] | select(. as $old | all($new[]; [.work, $size] != [$old.work, $old.size]))]
			+ [$new[] + {size: $size, run: $run, machine: $machine}]' \
		"$all" >"$out/all"
	mv "$out/all" "$all"
	say "written to $all; tests/bench/readme makes a table of it"
}

report() {
	local k median min max bar ratio less machine
	machine="$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1), $(nproc) cores; $(${CC:-cc} --version | head -n 1)"
	echo "machine: $machine"
	echo "OpenBLAS kernels: ${OPENBLAS_CORETYPE:-its own choice, for LAPACK $(blas_kernels)}; $reps repetitions (fewer where a row says so), $size size; $(date -u +%F)"
	printf '%-25s %10s %20s %-14s %10s %7s\n' work median 'min .. max' unit bar 'x bar'
	: >"$out/works"
	for k in "${!names[@]}"; do
		read -r median min max < <(spread "${names[k]}") || {
			printf '%-25s skipped: %s\n' "${names[k]}" "${skipped[${names[k]}]:-it was not measured}"
			continue
		}
		bar=$(bar_of "$k") less=${bars[k]%%[!<]*}
		ratio=$(awk -v bar="$bar" -v m="$median" -v less="$less" 'BEGIN {
			if (bar > 0 && m > 0) printf "%.2f", less ? bar / m : m / bar }')
		printf '%-25s %10.4g %9.4g .. %-7.4g %-14s' "${names[k]}" "$median" "$min" "$max" "${units[k]}"
		[ -z "$ratio" ] || printf ' %1s%8.4g %7s' "$less" "$bar" "$ratio"
		[ "${limits[k]}" -eq "$reps" ] || printf '  (%s)' "${limits[k]}"
		echo
		jq -n --arg work "${names[k]}" --arg unit "${units[k]}" --argjson median "$median" --argjson min "$min" \
			--argjson max "$max" --argjson bar "$bar" --argjson ratio "${ratio:-null}" --argjson repetitions "${limits[k]}" \
			'{work: $work, median: $median, min: $min, max: $max, unit: $unit, repetitions: $repetitions,
			bar: (if $ratio then $bar else null end), ratio: $ratio}' >>"$out/works"
	done
	keep_rows
}
