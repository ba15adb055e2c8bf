#!/bin/sh
# report: a run as one page of HTML, DIR/report.html, from DIR/results.json. Needs jq and nothing else; the page loads
# nothing. Equal results make equal bytes. This is what `cofilter report DIR` runs.
set -eu

die() {
	printf 'cofilter report: %s\n' "$*" >&2
	exit 1
}

case ${1-} in
-h | --help)
	echo "Usage: cofilter report DIR"
	echo "Write DIR/report.html, one page of HTML about a run, from DIR/results.json."
	exit
	;;
esac
case "$# ${1-}" in
'1 '[!-]*) ;;
*)
	echo "Usage: cofilter report DIR" >&2
	exit 2
	;;
esac

here=$(dirname "$0")
results=$1/results.json
page=$1/report.html
[ ! -d "$page" ] || die "'$page': is a folder"
[ -f "$results" ] || die "'$results': there is no such file; 'cofilter run' writes it"

# The page may run this script and no other.
script_hash() {
	# shellcheck disable=SC2059
	printf "$(sha256sum <"$here/report.js" | awk '{ for (k = 1; k < 64; k += 2)
		printf "\\%03o", 16 * index("123456789abcdef", substr($1, k, 1)) + index("123456789abcdef", substr($1, k + 1, 1)) }')" | base64
}

new=$(mktemp "$page.XXXXXX" 2>&1) || die "'$page': ${new#mktemp: }"
trap 'rm -f "$new"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
message=$(jq -r -s -L "$here" --arg hash "$(script_hash)" --rawfile js "$here/report.js" --rawfile css "$here/report.css" \
	--rawfile dark "$here/report-dark.css" -f "$here/report.jq" "$results" 2>&1 >"$new") ||
	die "'$results': $(printf '%s\n' "$message" | sed 's/^jq: error ([^)]*): //; s/^jq: //; q')"
[ "$(tail -n 1 "$new")" = '</html>' ] || die "'$page': not written to its end"
chmod "$(printf %o $((0666 & ~$(umask))))" "$new"
sync "$new"
mv "$new" "$page"
