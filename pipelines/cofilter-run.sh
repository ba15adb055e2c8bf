# shellcheck shell=sh disable=SC2034,SC2154
# cofilter-run: `cofilter run`, from the ratings to the winner.

run_options='output|o|DIR|the folder of the run [RATINGS without its ending, .cofilter]
names||FILE|names of the items: their ids and names, columns 1 and 2 unless --names-columns
names-columns||item=NAME,name=NAME|the columns of --names
names-delimiter||C|between the fields of --names
quick|||one setting of each system and 10 epochs, not several and 30
systems||ID,...|only these of pop, knn, rp3beta, ease, ials, mf, neumf
min-rating|r|R|a rating below R is none; not given: every rating counts
mode||M|what is held out: leave-one-out, random or global-time [leave-one-out]
test-ratio||R|share of random and global-time [0.1]
seed|s|S|of all that is drawn [1]
device|d|D|what trains and scores networks: cpu, cuda, auto, reference [cpu]
force|||do a run of another input or other options over, in the same folder
quiet|q||no commands, no notes
format||F|of RATINGS, as cof-import has it; so are the next seven
header||yes/no|
columns||LIST|
delimiter||C|
time-format||F|
duplicates||HOW|
missing||HOW|
no-final-newline|||
expect-rows||N|'
import_options='format header columns delimiter time-format duplicates missing expect-rows'

run_usage() {
	print_options "Usage: cofilter run [OPTION]... RATINGS
Compare systems on a file of ratings, and train the winner on all of it.

Reads:  text, a rating per line, as cof-import does
Writes: a folder with recommendations.tsv, model.safetensors, results.json and what led to them

Each user's latest rating is test, the one before it valid. Settings and epochs are chosen on valid, by NDCG@10
among all items the user has not had; the chosen are trained again on train and valid, and tested once. The winner
is the best on valid. The same command goes on with a run that was stopped.

Options:
$run_options"
	printf '\nExample:\n  cofilter run ratings.csv -o out --quick\n'
}

# The options as cof-import takes them, of which those given
import_arguments() {
	for option in $import_options; do
		eval "value=\${opt_$(printf '%s' "$option" | tr - _)-}"
		[ -z "$value" ] || quoted "--$option" "$value"
	done
	[ -z "${opt_no_final_newline:-}" ] || printf -- '--no-final-newline '
}

# check_options: usage errors before anything is written
check_options() {
	seed=${opt_seed:-1} device=${opt_device:-cpu}
	case $seed in *[!0-9]*) usage_error "option '--seed': '$seed' is not a whole number" ;; esac
	[ ${#seed} -le 15 ] || usage_error "option '--seed': '$seed' has more than 15 digits"
	case $device in cpu | cuda | auto | reference) ;; *) usage_error "option '--device': '$device' is not cpu, cuda, auto or reference" ;; esac
	case ${opt_mode:-leave-one-out} in leave-one-out | random | global-time) ;; *) usage_error "option '--mode': '$opt_mode' is not leave-one-out, random or global-time" ;; esac
	[ -z "${opt_test_ratio:-}" ] || [ "${opt_mode:-leave-one-out}" != leave-one-out ] ||
		usage_error "option '--test-ratio' is of --mode random and global-time"
	check_number min-rating "${opt_min_rating:-0}"
	check_number test-ratio "${opt_test_ratio:-0.1}"
	awk -v ratio="${opt_test_ratio:-0.1}" 'BEGIN { exit !(ratio > 0 && ratio < .5) }' ||
		usage_error "option '--test-ratio': '$opt_test_ratio' is not above 0 and below 0.5: as much again is held out to choose by"
	[ -n "${opt_names:-}" ] || [ -z "${opt_names_columns:-}${opt_names_delimiter:-}" ] ||
		usage_error "options '--names-...' are of --names"
	wanted=$(printf '%s' "${opt_systems:-}" | tr , ' ')
	set -f
	# shellcheck disable=SC2086
	set -- $wanted
	set +f
	[ $# -gt 0 ] || [ -z "${opt_systems:-}" ] || usage_error "option '--systems': '$opt_systems' names none"
	twice=$(printf '%s\n' "$@" | sort | uniq -d | head -n 1)
	[ -z "$twice" ] || usage_error "option '--systems': '$twice' is named twice"
	for id; do
		case " $systems " in *" $id "*) ;; *) usage_error "option '--systems': no '$id'; there are $systems" ;; esac
	done
	case $operand_1 in /dev/stdin | /dev/fd/* | /proc/self/fd/*) die "'$operand_1' may not be there again: a run that can go on needs a file" ;; esac
	[ -f "$operand_1" ] || die "'$operand_1' is not a file$([ "$operand_1" != - ] || echo ": a run that can go on needs one")"
	[ -z "${opt_names:-}" ] || [ -f "$opt_names" ] || die "'$opt_names' is not a file"
	for file in "$operand_1" ${opt_names:+"$opt_names"}; do
		[ -r "$file" ] || die "cannot read '$file': its permissions forbid it"
	done
}

# check_number OPTION VALUE
check_number() {
	printf '%s\n' "$2" | grep -qE '^[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)(e[-+]?[0-9]+)?$' || usage_error "option '--$1': '$2' is not a number"
}

# open_run: makes the folder or goes on with it, changes to it, and locks it
open_run() {
	need_jq
	case $PWD in *"$NL"*) die "the name of the current folder holds a line end" ;; esac
	ratings=$(absolute "$operand_1")
	names=${opt_names:+$(absolute "$opt_names")}
	run=${opt_output:-}
	[ -n "$run" ] || run=$(printf '%s' "${operand_1##*/}" | sed 's/\.gz$//; s/\.[A-Za-z0-9]*$//').cofilter
	run=$(as_file "$run")
	version=$(version)
	options=$(jq -n -c --args '$ARGS.positional' -- "$(import_arguments)" "${opt_quick:-}" "${wanted:-}" "${opt_min_rating:-}" \
		"${opt_mode:-}" "${opt_test_ratio:-}" "$seed" "$device" "${opt_names_columns:-}${opt_names_delimiter:-}")
	ratings_digest=$(digest "$ratings") names_digest=${names:+$(digest "$names")}
	identity="$ratings_digest ${names_digest:--} $options"
	if [ -e "$run" ]; then
		[ -d "$run" ] || die "'$run' exists and is not a folder"
		[ -e "$run/.tasks" ] || [ -z "$(ls -A "$run")" ] || die "'$run' holds other files: name a folder of its own by -o"
	fi
	why=$(mkdir -p "$run/.tasks/" 2>&1 && mkdir -p "$run/tune" "$run/test" 2>&1) || die "cannot make '$run':${why##*:}"
	cd "$run" || exit 1
	run_folder=$PWD
	lock
	same_run
	rm -f results.json .tasks/commands
	say "cd $(quote "$PWD")"
}

# claim_folder: from now on it is a run of this input and these options; till it is split there is nothing to lose
claim_folder() {
	printf '%s\n' "$identity" >.tasks/identity.part && mv .tasks/identity.part .tasks/identity
}

# leave_nothing: a folder in which not even the import came to its end
leave_nothing() {
	[ ! -e .tasks/identity ] || return 0
	rm -rf .tasks tune test import.log ratings.cof ratings.cof.part users.tsv items.tsv
	cd ..
	rmdir "$run_folder" 2>/dev/null || : # it was there before, with something in it
}

# same_run: a folder is of one input and one set of options, unless --force
same_run() {
	[ -e .tasks/identity ] && [ -z "${opt_force:-}" ] || return 0
	read -r was_ratings was_names was_options <.tasks/identity || return 0 # a fault of power has left it empty
	what=
	[ "$was_ratings" = "$ratings_digest" ] || what="of other ratings than '$ratings'"
	[ "$was_names" = "${names_digest:--}" ] || what="${what:+$what, and }with other --names"
	[ "$was_options" = "$options" ] || what="${what:+$what, and }with other options"
	[ -z "$what" ] || {
		printf "cofilter: '%s' holds a run %s: name another folder by -o, or do it over by --force\n" "$run" "$what" >&2
		exit 2
	}
}

# import_ratings: ratings.cof, users.tsv, items.tsv
import_ratings() {
	say "${NL}== import"
	sources=$ratings_digest log=import.log
	add ratings.cof "cof-import $(import_arguments)--user-ids users.tsv --item-ids items.tsv $(quote "$ratings") 2>import.log"
	trap 'unlock; leave_nothing' EXIT
	task import '' 'ratings.cof users.tsv items.tsv import.log'
	trap unlock EXIT
	sources='' log=''
	add - 'cof-stat ratings.cof'
	add stat.json 'cof-stat --json ratings.cof'
	task stat ratings.cof stat.json
}

# import_names: names.tsv, items.tsv with the names as a third column
import_names() {
	if [ -z "$names" ]; then
		cp items.tsv names.tsv
		return
	fi
	columns=${opt_names_columns:-item=1,name=2}
	columns=$(printf ',%s' "$columns" | sed 's/,item=/,user=/; s/,name=/,item=/; s/^,//')
	# a header taken for data names an item that there is not, which does no harm
	header=
	! printf '%s\n' "$columns" | grep -qE '^(user|item)=[0-9]+,(user|item)=[0-9]+$' || header=' --header no'
	sources=$names_digest
	# a file of names is read as ratings are: who has the name is the user, the name the item
	delimiter=${opt_names_delimiter:-}
	[ -n "$delimiter" ] || case $names in
	*.csv | *.csv.gz) delimiter=comma ;;
	*.tsv | *.tsv.gz) delimiter=tab ;;
	esac
	hint="'$names': --names-columns item=NAME,name=NAME and --names-delimiter C say how it is to be read"
	add names.cof "cof-import -q --missing drop --columns $(quote "$columns")$header${delimiter:+ --delimiter $(quote "$delimiter")} --user-ids names-ids.tsv --item-ids names-texts.tsv $(quote "$names")"
	add names-of.tsv 'cof-cat --user-ids names-ids.tsv --item-ids names-texts.tsv names.cof'
	task names '' names-of.tsv
	sources='' hint=''
	rm -f names-ids.tsv names-texts.tsv names.cof
	awk -F '\t' -v OFS='\t' -v file="$names" '
		NR == FNR {
			if ($1 in name && name[$1] "" != $2 "") {
				printf "cofilter: \047%s\047: item \047%s\047 has two names: \047%s\047 and \047%s\047\n", file, $1, name[$1], $2 >"/dev/stderr"
				bad = 1
				exit
			}
			name[$1] = $2; next
		}
		$2 in name { print $1, $2, name[$2]; named++; next }
		{ print $1, $2; example = $2 }
		END {
			if (bad) exit 1
			if (!named) {
				printf "cofilter: \047%s\047 names no item of the ratings, such as \047%s\047: --names-columns item=NAME,name=NAME says what its columns are\n", file, example >"/dev/stderr"
				exit 1
			}
			print named " of " FNR " items have a name" >".tasks/named"
		}' names-of.tsv items.tsv >names.tsv.part || exit 1
	mv names.tsv.part names.tsv
	say "$(cat .tasks/named)"
}

# split: train.cof, valid.cof, test.cof; fit.cof, which is train and valid; all.cof
split() {
	say "${NL}== split"
	log=split.log
	binarize="binarize -q${opt_min_rating:+ --min-rating $opt_min_rating}"
	add train.cof "ml-split --mode ${opt_mode:-leave-one-out}${opt_test_ratio:+ --test-ratio $opt_test_ratio} --seed $seed --test test-ratings.cof --valid valid-ratings.cof ratings.cof 2>split.log" "$binarize"
	add test.cof "$binarize test-ratings.cof"
	add valid.cof "$binarize valid-ratings.cof"
	add fit.cof 'cof-cat --to cof train.cof valid.cof'
	add all.cof "$binarize ratings.cof"
	outputs='train.cof test.cof valid.cof fit.cof all.cof split.log'
	if [ -n "${opt_min_rating:-}" ]; then
		add seen.cof 'binarize -q ratings.cof' # what is not liked is no news either
		outputs="$outputs seen.cof"
	else
		rm -f seen.cof
	fi
	task split ratings.cof "$outputs"
	log=
	rm -f test-ratings.cof valid-ratings.cof
	for part in train valid test; do
		eval "rows_$part=\$(cof-cat --count $part.cof)"
	done
	say "interactions: train $rows_train, valid $rows_valid, test $rows_test"
	[ $((rows_valid * rows_test)) -gt 0 ] ||
		die "nothing is held out to choose by or to test on: leave-one-out needs users with 3 ratings${opt_min_rating:+, held-out ones of $opt_min_rating or more}; --mode random holds out any"
	claim_folder
	add - 'cof-lint train.cof --valid valid.cof --test test.cof'
	add lint.json 'cof-lint --json train.cof --valid valid.cof --test test.cof'
	task lint 'train.cof valid.cof test.cof' lint.json
}

# longest_list: how many items a user of test can get, 10 at most; sets $shown
longest_list() {
	shown=10
	[ "$items" -lt 2000 ] || return 0
	shown=$(cof-cat test.cof fit.cof | awk -F '\t' -v items="$items" -v tested="$rows_test" '
		NR <= tested { test[$1]; next }
		{ n[$1]++ }
		END { for (user in test) if (items - n[user] > most) most = items - n[user]; print (most > 10 ? 10 : most) }')
}

# which_systems: $chosen_systems, of those wanted those that can be run here
which_systems() {
	items=$(cof-cat --header train.cof | jq .items)
	chosen_systems=
	for id in ${wanted:-$systems}; do
		if [ "$id" = ease ] && [ -z "$wanted" ] && ! ease_fits "$items"; then
			say "EASE is left out: its matrix of $items x $items takes too much memory or time here; --systems with ease in it insists"
			continue
		fi
		chosen_systems="$chosen_systems $id"
	done
}

ranks_options='--all-items --seen train.cof --ranks valid.cof'

# try ID K SETTING: train on train, look at valid; a line of tried.jsonl
try() {
	model=tune/$1-$2.safetensors
	if by_epochs "$1"; then
		measure="neumf-score -q --device $device --model \"\$COFILTER_MODEL\" $ranks_options | rank-eval -q --only NDCG@10"
		training "$1" "$3" train.cof "$model" "$(max_epochs)" \
			"--on-epoch '$measure' --patience 4 --log tune/$1-$2.jsonl --checkpoint .tasks/tune-$1-$2.state --checkpoint-every 1m"
		task "tune-$1-$2" 'train.cof valid.cof' "tune/$1-$2.jsonl"
		measured=$(jq -s -c 'sort_by(-.metric, .epoch)[0] | [.epoch, .metric]' "tune/$1-$2.jsonl")
	else
		if [ "$1" = pop ] || has_factors "$1"; then
			training "$1" "$3" train.cof "$model"
			scorer=$(scorer "$1" train.cof "$model")
		else
			scorer="$(by_items "$1") -q --train train.cof $3" # nothing needs the weights again
		fi
		add "tune/$1-$2.json" "$scorer $ranks_options" 'rank-eval -q --json'
		task "tune-$1-$2" 'train.cof valid.cof' "tune/$1-$2.json"
		measured=$(jq -c '[null, .metrics["NDCG@10"]]' "tune/$1-$2.json")
	fi
	rm -f "$model"
	jq -n -c --arg id "$1" --arg k "$2" --arg setting "$3" --argjson measured "$measured" \
		'{id: $id, k: $k, setting: $setting, epoch: $measured[0], valid: $measured[1]}' >>.tasks/tried
	[ -n "${opt_quiet:-}" ] || tail -n 1 .tasks/tried | jq -r '[.id, .valid, .epoch // "", (.setting | sub("^\\| "; ""))] | @tsv' | awk -F '\t' -v label="$(label_of "$1")" '
			{ printf "  %-8s %.4f on valid%s%s\n", label, $2, ($3 ? ", epoch " $3 : ""), ($4 == "" ? "" : ": " $4) }' | wrap 11 >&2
}

# tune: every setting of every system
tune() {
	say "${NL}== settings and epochs, on valid"
	: >.tasks/tried
	for id in $chosen_systems; do
		k=0
		settings_of "$id" >.tasks/settings
		while IFS= read -r setting; do
			k=$((k + 1))
			try "$id" $k "$setting"
		done <.tasks/settings
	done
}

# the best setting of each system, the first among equals; sets winner and best_baseline, the best but for NeuMF
choose() {
	jq -s -c '(reduce .[] as $t ([]; (map(.id) | index($t.id)) as $k |
		if $k == null then . + [$t] elif $t.valid > .[$k].valid then .[$k] = $t else . end))[]' .tasks/tried >.tasks/chosen
	winner=$(jq -s -r '(reduce .[] as $t (null; if . == null or $t.valid > .valid then $t else . end)).id' .tasks/chosen)
	best_baseline=$(jq -s -r 'map(select(.id != "neumf")) |
		(reduce .[] as $t (null; if . == null or $t.valid > .valid then $t else . end)).id // empty' .tasks/chosen)
}

# chosen ID FIELD
chosen() {
	jq -r --arg id "$1" --arg field "$2" 'select(.id == $id)[$field] // empty' .tasks/chosen
}

# test_once: every system with its setting and epoch, trained on train and valid, on test
test_once() {
	say "${NL}== test, once"
	for id in $chosen_systems; do
		setting=$(chosen "$id" setting) model=test/$id.safetensors
		training "$id" "$setting" fit.cof "$model" "$(chosen "$id" epoch)" \
			"$(! by_epochs "$id" || echo "--checkpoint .tasks/test-$id.state --checkpoint-every 1m")"
		scorer=$(scorer "$id" fit.cof "$model")
		add "test/$id.ranks.cof" "$scorer --all-items --seen fit.cof --ranks test.cof"
		add "test/$id.top.cof" "$scorer --all-items --seen fit.cof --top 10 test.cof"
		add "test/$id.json" "rank-eval -q --json --train fit.cof test/$id.ranks.cof"
		add "test/$id.top.json" "rank-eval -q --json -k $shown --truth test.cof --train fit.cof test/$id.top.cof"
		task "test-$id" 'fit.cof test.cof' "test/$id.ranks.cof test/$id.json test/$id.top.json"
		rm -f "$model" "test/$id.top.cof"
	done
	others=
	for id in $chosen_systems; do
		[ "$id" = "$best_baseline" ] || others="$others test/$id.ranks.cof"
	done
	# intervals come from a comparison: one system alone is compared with itself
	if [ -z "$best_baseline" ] || [ -z "$others" ]; then
		best_baseline=${chosen_systems##* }
		others=" test/$best_baseline.ranks.cof"
	fi
	add comparison.json "rank-cmp -q --json --seed $seed test/$best_baseline.ranks.cof$others"
	# shellcheck disable=SC2086
	task comparison "test/$best_baseline.ranks.cof$others" comparison.json
}

# train_winner: on all there is; its recommendations, and the similarities of items
train_winner() {
	say "${NL}== the winner, $(label_of "$winner"), on everything"
	setting=$(chosen "$winner" setting) model=model.safetensors
	training "$winner" "$setting" all.cof "$model" "$(chosen "$winner" epoch)" \
		"$(! by_epochs "$winner" || echo "--checkpoint .tasks/winner.state --checkpoint-every 1m")"
	add top.cof "$(scorer "$winner" all.cof "$model") --all-items --seen $(all_seen) --top 10 all.cof"
	outputs='top.cof model.safetensors'
	[ "$winner" != pop ] || { outputs=top.cof && rm -f model.safetensors; }
	task winner "all.cof $(all_seen)" "$outputs"
}

run() {
	parse "$run_options" "$@"
	if [ -n "${opt_help:-}" ]; then run_usage && return; fi
	expect_operands 1 1 'the file of ratings'
	check_options
	again="cofilter run $(quoted "$@")"
	again="cd $(quote "$PWD") && $again"
	open_run
	import_ratings
	import_names
	split
	which_systems
	longest_list
	tune
	choose
	test_once
	train_winner
	results
}
