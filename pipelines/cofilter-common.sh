# shellcheck shell=sh disable=SC2034,SC2154
# cofilter-common: what the commands of cofilter share: messages, options, quoting.

NL='
'

say() {
	[ -n "${opt_quiet:-}" ] || printf '%s\n' "$*" >&2
}

die() {
	printf 'cofilter: %s\n' "$*" >&2
	exit 1
}

usage_error() {
	printf "cofilter: %s\nTry 'cofilter help%s' for more information.\n" "$*" "${command:+ $command}" >&2
	exit 2
}

version() {
	found=$(cof-cat --version 2>/dev/null) ||
		die "the stages are not on the PATH: 'make install' puts them there, or PATH=/where/cofilter/build/bin:\$PATH"
	printf 'cofilter %s\n' "${found##* }"
}

# quote WORD: as a shell would read it again
quote() {
	case $1 in
	'' | *[!A-Za-z0-9_./,:=+%@-]*) printf "'%s'" "$(printf '%s' "$1" | sed "s/'/'\\\\''/g")" ;;
	*) printf '%s' "$1" ;;
	esac
}

# quoted WORD...: all of them, blanks between
quoted() {
	for word; do
		quote "$word"
		printf ' '
	done
}

# wrap N: lines at 80 columns at most, those that go on after N blanks
wrap() {
	awk -v indent="$1" '
	length($0) <= 80 { print; next }
	{
		line = ""
		match($0, /^ */)
		lead = substr($0, 1, RLENGTH)
		n = split($0, words, " ")
		for (k = 1; k <= n; k++) {
			if (k > 1 && length(line) + 1 + length(words[k]) > 80) {
				print line
				line = sprintf("%*s%s", indent, "", words[k])
			} else {
				line = (k == 1 ? lead : line " ") words[k]
			}
		}
		print line
	}'
}

# absolute FILE
absolute() {
	case $1 in
	/*) printf '%s\n' "$1" ;;
	*) printf '%s/%s\n' "$PWD" "$1" ;;
	esac
}

# The options of a command are a table, a line each: long|short|ARGUMENT|text. An ARGUMENT in brackets may be repeated:
# its values are lines.
# print_options TABLE
print_options() {
	printf '%s\n  -h, --help                 print this help\n' "$1" | awk -F '|' '
		NF < 4 { print; next }
		{ gsub(/[][]/, "", $3)
		  left = sprintf("%s --%s%s", $2 ? "  -" $2 "," : "     ", $1, $3 ? " " $3 : "")
		  if (length(left) > 27) print left
		  printf "%-28s %s\n", (length(left) > 27 ? "" : left), $4 }'
}

# find_option TABLE NAME: sets long and argument, or fails; NAME is long or one letter
find_option() {
	while IFS='|' read -r long short argument _; do
		[ "$2" = "$long" ] || [ "$2" = "$short" ] || continue
		[ -n "$2" ] || return 1
		return 0
	done <<-END
		$1
	END
	return 1
}

# as_file WORD: the same file or folder by a name that no program takes for an option
as_file() {
	case $1 in
	-?*) printf './%s\n' "$1" ;;
	*) printf '%s\n' "$1" ;;
	esac
}

# operand WORD: operands, which are files or folders, are counted, operand_1 is the first
operand() {
	operands=$((operands + 1))
	eval "operand_$operands=\$(as_file \"\$1\")"
}

# take_option TABLE SHOWN NAME VALUE|: sets opt_NAME; a flag is 1
take_option() {
	find_option "$1" "$3" || usage_error "unknown option '$2'"
	[ -n "$4" ] || usage_error "the value of option '--$long' is empty"
	variable=opt_$(printf '%s' "$long" | tr - _)
	case $argument in
	'[]' | '['*) eval "$variable=\${$variable:-}\${$variable:+\$NL}\$4" ;;
	*) eval "$variable=\$4" ;;
	esac
}

# parse TABLE WORD...: sets opt_... and operand_...; --help is left to the caller as opt_help
parse() {
	table="$1${NL}help|h||"
	shift
	operands=0
	# shellcheck disable=SC2046
	unset $(printf '%s\n' "$table" | sed 's/|.*//; s/^/opt_/; s/-/_/g') # the environment gives no options
	while [ $# -gt 0 ]; do
		case $1 in
		*"$NL"*) usage_error "an argument holds a line end" ;;
		--)
			shift
			for word; do operand "$word"; done
			return
			;;
		--?*) word=${1#--} name=${1#--} && name=${name%%=*} ;;
		-?*) word=${1#-} name=${1#-} && name=$(printf '%.1s' "$name") ;;
		*) operand "$1" && shift && continue ;;
		esac
		find_option "$table" "$name" || usage_error "unknown option '$1'"
		rest=${word#"$name"}
		case $1 in --*) rest=${rest#=} ;; esac
		if [ -z "$argument" ]; then
			[ "$word" = "$name" ] || usage_error "option '--$long' takes no value"
			rest=1
		elif [ "$word" = "$name" ]; then
			[ $# -ge 2 ] || usage_error "option '--$long' needs a value"
			rest=$2
			shift
		fi
		take_option "$table" "$1" "$name" "$rest"
		shift
	done
}

# expect_operands MIN MAX WHAT
expect_operands() {
	[ "$operands" -ge "$1" ] || usage_error "$3 is missing"
	[ "$operands" -le "$2" ] || eval "usage_error \"unexpected argument '\$operand_$(($2 + 1))'\""
}

# number NAME VALUE: a whole number above 0
whole_number() {
	case $2 in
	'' | 0* | *[!0-9]*) usage_error "option '--$1': '$2' is not a whole number above 0" ;;
	esac
	[ ${#2} -le 9 ] || usage_error "option '--$1': '$2' is too large"
}

# need_jq: what reads and writes results.json is there, or that is said
need_jq() {
	command -v jq >/dev/null 2>&1 || die "jq is not on the PATH: a package of that name has it, and 'make deps' installs it"
}

# run_dir DIR: it holds a finished run, or that is said
run_dir() {
	need_jq
	[ -e "$1" ] || die "'$1' does not exist"
	[ -d "$1" ] || die "'$1' is not a folder: the -o of 'cofilter run' is asked for"
	[ -e "$1/results.json" ] || {
		[ ! -e "$1/.tasks" ] || die "'$1' holds a run that has not ended: the same 'cofilter run' goes on with it"
		die "'$1' holds no run: 'cofilter run RATINGS -o $1' makes one"
	}
}

# all_seen: the stream of what users have had, in the folder of a run: what --min-rating leaves out is among it
all_seen() {
	if [ -e seen.cof ]; then echo seen.cof; else echo all.cof; fi
}

# scratch_folder: $scratch, which goes when the program ends
scratch_folder() {
	scratch=$(mktemp -d) || die "cannot make a temporary folder"
	trap 'rm -rf "$scratch"' EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM
}
