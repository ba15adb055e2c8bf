# cofilter-complete: the completion of `cofilter` for a shell (-v shell=bash|zsh|fish). Reads a row a line:
#   command|NAME|text    stage|NAME    option|COMMAND|long|short|ARGUMENT|text, as the tables that parse them have it
# What follows the name of a stage is left to the completion which that stage brings.
BEGIN { FS = "|" }
$1 == "command" { commands = commands " " $2; text[$2] = $3; order[++n] = $2 }
$1 == "stage" { stages = stages " " $2 }
$1 == "option" { row[$2, ++rows[$2]] = $0 }
END {
	commands = substr(commands, 2)
	stages = substr(stages, 2)
	if (shell == "bash") bash()
	else if (shell == "zsh") zsh()
	else fish()
}

# quoted for a shell
function quoted(word) {
	gsub(/'/, "'\\''", word)
	return "'" word "'"
}

function is_file(argument) { return argument ~ /FILE|DIR/ }

function bash(   k, j, field, longs) {
	print "_cofilter()\n{\n\tlocal word=${COMP_WORDS[COMP_CWORD]} words="
	print "\tcase $COMP_CWORD,${COMP_WORDS[1]} in"
	print "\t1,-*) words='--help --version --completion' ;;"
	printf "\t1,* | 2,help) words='%s %s' ;;\n", commands, stages
	print "\t*,--completion) words='bash zsh fish' ;;"
	for (k = 1; k <= n; k++) {
		longs = ""
		for (j = 1; j <= rows[order[k]]; j++) {
			split(row[order[k], j], field)
			longs = longs (j > 1 ? " " : "") "--" field[3]
		}
		printf "\t*,%s) [[ $word != -* ]] || words='%s' ;;\n", order[k], longs
	}
	print "\t*) ! declare -F _command_offset >/dev/null || { _command_offset 1; return; } ;;"
	print "\tesac\n\tmapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$word\")\n}"
	print "complete -o default -F _cofilter cofilter"
}

function zsh(   k, j, field) {
	print "#compdef cofilter\n_cofilter_option() {\n\tcase $words[1] in"
	for (k = 1; k <= n; k++) {
		printf "\t%s) _arguments -s", order[k]
		for (j = 1; j <= rows[order[k]]; j++) {
			split(row[order[k], j], field)
			printf " \\\n\t\t%s", zsh_option(field[3], field[4], field[5], field[6])
		}
		printf " \\\n\t\t%s ;;\n", order[k] == "help" ? "'1:command:(" commands " " stages ")'" : "'*:file:_files'"
	}
	print "\t*) _normal ;;\n\tesac\n}"
	print "local -a names=("
	for (k = 1; k <= n; k++) printf "\t%s\n", quoted(order[k] ":" text[order[k]])
	printf ")\nlocal state line\n"
	print "_arguments '(-h --help)'{-h,--help}'[print this help]' '--version[print the version]' \\"
	print "\t'--completion[print the completion for a shell]:shell:(bash zsh fish)' \\"
	print "\t'1: :->command' '*:: :_cofilter_option'"
	printf "[[ $state != command ]] || { _describe command names; compadd - %s; }\n", stages
}

# one specification of _arguments
function zsh_option(long, letter, argument, help,   names, value, many) {
	many = gsub(/[][]/, "", argument) # may be repeated
	names = quoted("--" long)
	if (many) names = quoted("*--" long)
	if (letter && many) names = quoted("*") "{-" letter ",--" long "}"
	else if (letter) names = quoted("(-" letter " --" long ")") "{-" letter ",--" long "}"
	if (argument) value = ":" escaped(argument) ":" (is_file(argument) ? "_files" : " ")
	return names quoted("[" escaped(help) "]" value)
}

function escaped(word) {
	gsub(/[][\\:]/, "\\\\&", word)
	return word
}

function fish(   k, j, field, argument) {
	first = "complete -c cofilter -n __fish_use_subcommand"
	for (k = 1; k <= n; k++) printf "%s -f -a %s -d %s\n", first, order[k], quoted(text[order[k]])
	printf "%s -f -a '%s' -d stage\n", first, stages
	printf "%s -s h -l help -d 'print this help'\n", first
	printf "%s -l version -d 'print the version'\n", first
	printf "%s -l completion -x -a 'bash zsh fish' -d 'print the completion for a shell'\n", first
	for (k = 1; k <= n; k++)
		for (j = 1; j <= rows[order[k]]; j++) {
			split(row[order[k], j], field)
			argument = is_file(field[5]) ? " -r -F" : " -x"
			printf "complete -c cofilter -n '__fish_seen_subcommand_from %s' -l %s%s%s -d %s\n", order[k], field[3],
				field[4] ? " -s " field[4] : "", field[5] == "" ? "" : argument, quoted(field[6])
		}
	printf "complete -c cofilter -n '__fish_seen_subcommand_from help' -f -a '%s %s'\n", commands, stages
	printf "complete -c cofilter -n '__fish_seen_subcommand_from %s' -x -a '(__fish_complete_subcommand)'\n", stages
}
