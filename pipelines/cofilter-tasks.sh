# shellcheck shell=sh disable=SC2034,SC2154
# cofilter-tasks: tasks that are done once. A task is a plan of command lines; when it is done, a stamp says for which
# commands, which inputs (their SHA-256) and which version, and what came out. It is passed over while all of that is
# as it was, and whoever stops it finds the lines of its plan that were finished, done.
#
# A line of a plan is the file that its standard output becomes ("-": a note to the user), then the commands of a
# pipe, separated by the character US. All run in the folder of the run.

US=$(printf '\037')
plan=
interrupted=
sources='' log='' hint='' count=0

now() {
	date +%s.%N | sed 's/\.%*N$//'
}

# add OUT COMMAND...: a pipe is added to the plan
add() {
	for word; do plan=$plan$word$US; done
	plan=${plan%"$US"}$NL
}

digest() {
	[ -e "$1" ] && sha256sum <"$1" | cut -d ' ' -f 1
}

# show PIECE...: the command line as it can be copied, at 80 columns where the quotes let it
show() {
	[ -z "${opt_quiet:-}" ] || return 0
	printf '%s\n' "$@" | awk '
		function flush() { if (line != "") { print prefix line; prefix = "    " } line = "" }
		NR > 1 { line = line " |"; flush(); prefix = "    " }
		{
			if (NR == 1) prefix = "$ "
			n = split($0, words, " "); quotes = 0
			for (k = 1; k <= n; k++) {
				if (quotes % 2 == 0 && length(prefix line " " words[k]) > 76 && line != "") { line = line " \\"; flush() }
				line = line (line == "" ? "" : " ") words[k]
				gsub(/\\\047/, "", words[k]) # an escaped quote opens and closes nothing
				quotes += gsub(/\047/, "&", words[k])
			}
		}
		END { flush() }' >&2
}

# on_signal NAME: the stages that run are ended; whoever waits for them goes on to stop_here
on_signal() {
	interrupted=$1
	while read -r pid; do
		kill -TERM "$pid" 2>/dev/null || :
	done <.tasks/pids
}

# After a signal: what is finished stays; the line that goes on
stop_here() {
	printf '\ncofilter: stopped by SIG%s; what is done stays done, and this goes on with the rest:\n%s\n' "$interrupted" "$again" >&2
	trap - "$interrupted" EXIT
	unlock
	kill "-$interrupted" $$
}

unlock() {
	rm -rf .tasks/lock .tasks/pids .tasks/failed
}

# lock: one run at a time in a folder; what a killed run has left is taken over
lock() {
	if ! mkdir .tasks/lock 2>/dev/null; then
		[ -s .tasks/lock/pid ] || sleep 1 # its owner may be about to write it
		owner=$(cat .tasks/lock/pid 2>/dev/null || :)
		[ -z "$owner" ] || ! kill -0 "$owner" 2>/dev/null || die "'$run' is being made by another cofilter, process $owner"
		if [ -e .tasks/pids ]; then
			while read -r pid; do
				! kill -0 "$pid" 2>/dev/null || die "'$run': process $pid of a run that was killed is still at work: wait for its end, or end it"
			done <.tasks/pids
		fi
	fi
	mkdir -p .tasks/lock
	echo $$ >.tasks/lock/pid
	if [ -n "${owner+stale}" ]; then # two may have taken it over: the last stays
		sleep 1
		owner=$(cat .tasks/lock/pid)
		[ "$owner" = $$ ] || die "'$run' is being made by another cofilter, process $owner"
	fi
	: >.tasks/pids
	trap 'unlock' EXIT
	for signal in INT TERM HUP; do
		# shellcheck disable=SC2064
		trap "on_signal $signal" "$signal"
	done
}

# run_pipe OUT COMMAND...: fails when one of them fails, but by SIGPIPE: who reads may stop before the end
run_pipe() {
	out=$1
	shift
	: >.tasks/pids
	rm -f .tasks/failed
	script=
	for piece; do
		piece="sh -c $(quote "echo \$\$ >>.tasks/pids; exec $piece") 2>&9 9>&-"
		script="${script:+$script | }{ $piece || echo \$? >>.tasks/failed; }"
	done
	# the shell's own words about a command that a signal has ended are not wanted
	script="{ $script; } 9>&2 2>/dev/null"
	# standard output is the table's; what a stage has to say is a note, and shown when it fails
	case $out,${opt_quiet:-} in
	-,) script="$script >&9" ;;
	-,*) script="$script >.tasks/said" ;;
	*) script="$script >$out.part" ;;
	esac
	[ -z "$interrupted" ] || stop_here
	eval "$script &"
	child=$!
	while ! wait "$child"; do
		[ -n "$interrupted" ] || break
		kill -0 "$child" 2>/dev/null || break
	done
	if [ -n "$interrupted" ]; then
		[ "$out" = - ] || rm -f "$out.part"
		stop_here
	fi
	# a full disk may have left no more of the note than its empty file
	if [ -e .tasks/failed ] && [ "$(sort -u .tasks/failed)" != 141 ]; then
		if [ "$out" != - ]; then rm -f "$out.part"; elif [ -n "${opt_quiet:-}" ]; then cat .tasks/said >&2; fi
		return 1
	fi
	[ "$out" = - ] || mv "$out.part" "$out"
}

# run_line LINE: a line of a plan. Training goes on from its checkpoint where there is one.
run_line() {
	old=$IFS
	IFS=$US
	set -f
	# shellcheck disable=SC2086
	set -- $1
	set +f
	IFS=$old
	out=$1 && shift
	last=$#
	for piece; do
		case ${opt_quiet:+$piece} in "neumf-train "*) piece="neumf-train -q${piece#neumf-train}" ;; esac
		state=${piece##*--checkpoint }
		[ "$state" = "$piece" ] || { state=${state%% *} && [ ! -e "$state" ]; } || piece="$piece --resume $state"
		set -- "$@" "$piece"
	done
	shift "$last"
	if [ "$out" = - ]; then show "$@"; else show_to "$out" "$@"; fi
	run_pipe "$out" "$@"
}

# show_to OUT COMMAND...
show_to() {
	out=$1 && shift
	last=$#
	for piece; do
		count=$((${count:-0} + 1))
		[ "$count" -lt "$last" ] || piece="$piece >$out"
		set -- "$@" "$piece"
	done
	shift "$last"
	count=0
	show "$@"
}

# done_before NAME KEY: does the stamp say so, and is what came out still as it was?
done_before() {
	[ -e ".tasks/$1" ] || return 1
	{
		read -r was
		[ "$was" = "$2" ] || return 1
		read -r _
		while read -r sum file; do
			[ "$(digest "$file")" = "$sum" ] || return 1
		done
	} <".tasks/$1"
}

# task NAME INPUTS OUTPUTS: do the plan, unless it was done. INPUTS and OUTPUTS are files of the run's folder; $sources
# has the digests of what else the task reads, $log the file of its messages where they are kept.
task() {
	name=$1 inputs=$2 outputs=$3
	key=$({
		printf '%s\n' "$version" "$plan" "${sources:-}"
		for file in $inputs; do printf '%s %s\n' "$file" "$(digest "$file")"; done
	} | sha256sum | cut -d ' ' -f 1)
	printf '%s' "$plan" >>.tasks/commands
	if done_before "$name" "$key"; then
		say "= $name: done before"
		show_log
		plan=
		return 0
	fi
	rm -f ".tasks/$name"
	started=$(now)
	run_plan "$name" "$key"
	show_log
	{
		echo "$key"
		echo "$started $(now)" | awk '{ printf "%.2f\n", $2 - $1 }'
		for file in $outputs; do echo "$(digest "$file") $file"; done
	} >".tasks/$name.part"
	mv ".tasks/$name.part" ".tasks/$name"
	rm -f ".tasks/$name.lines" ".tasks/$name.state"
	plan=
}

# What the stages of a task have said, which $log keeps for the results
show_log() {
	[ -z "${log:-}" ] || [ -n "${opt_quiet:-}" ] || cat "$log" >&2
}

# run_plan NAME KEY: but the lines that a run of the same plan has finished before it was stopped
run_plan() {
	finished=0 at=0
	if [ -e ".tasks/$1.lines" ]; then read -r was finished <".tasks/$1.lines" || was=; else was=; fi
	[ "$was" = "$2" ] || { finished=0 && rm -f ".tasks/$1.state"; }
	echo "$2 $finished" >".tasks/$1.lines"
	while IFS= read -r line; do
		[ -n "$line" ] || continue
		at=$((at + 1))
		[ "$at" -gt "$finished" ] || continue
		run_line "$line" || {
			[ -z "${log:-}" ] || { cat "$log" >&2 && exit 1; }
			[ -z "${hint:-}" ] || die "$hint"
			die "task '$1' failed: the line above says why"
		}
		echo "$2 $at" >".tasks/$1.lines"
	done <<-END
		$plan
	END
}

# seconds_of NAME: how long the task took when it was done
seconds_of() {
	sed -n 2p ".tasks/$1"
}
