# examples.awk: take the examples out of a page, so that tests/docs.bats can run them.
# Usage: awk -v out=DIR -f tests/examples.awk PAGE    (a .md file or a man page)
#
# Each block becomes DIR/NNN.KIND, numbered as it stands on the page. KIND is the first word after the fence (sh, console,
# python, text, c); the rest of the line, for "python FILE" or "python needs=MODULE", is the block's first line behind
# "# ". In a man page every .Dl line and .Bd -literal block of EXAMPLES is sh; a comment above the block says otherwise:
#   .\" example: python FILE
#   .\" example: text REASON           (not run)
# Outside of EXAMPLES a man page's blocks are text (formulas, formats) unless such a comment names them.

function block(kind, argument) {
	file = sprintf("%s/%03d.%s", out, ++blocks, kind)
	printf "# %s\n", argument >file
	open = 1
}

function close_block() {
	if (open)
		close(file)
	open = 0
}

# What a roff line looks like on the terminal.
function plain(s) {
	gsub(/\\&/, "", s)
	gsub(/\\ /, " ", s)
	gsub(/\\-/, "-", s)
	gsub(/\\\(aq/, "'", s)
	gsub(/\\\(mu/, "x", s)
	gsub(/\\e/, "\\", s)
	return s
}

function man_block(   words) {
	if (mark == "")
		mark = section == "EXAMPLES" ? "sh" : "text"
	words = mark
	sub(/ .*/, "", mark)
	sub(/^[^ ]* ?/, "", words)
	block(mark, words)
	mark = ""
}

BEGIN { man = ARGV[1] !~ /\.md$/ }

# Markdown
!man && /^```/ {
	if (open) {
		close_block()
	} else {
		info = substr($0, 4)
		kind = info
		sub(/ .*/, "", kind)
		sub(/^[^ ]* ?/, "", info)
		block(kind == "" ? "nothing" : kind, info)
	}
	next
}
!man { if (open) print >file; next }

# man pages
/^\.Sh / { close_block(); section = $2; next }
/^\.\\" example: / { mark = substr($0, length(".\\\" example: ") + 1); next }
/^\.Bd -literal/ { close_block(); man_block(); literal = 1; next }
/^\.Ed/ { literal = 0; close_block(); next }
literal { print plain($0) >file; next }
/^\.Dl / {
	if (!open)
		man_block()
	print plain(substr($0, 5)) >file
	next
}
{ close_block() }
