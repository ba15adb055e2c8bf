# find-data: where a data set is. Sourced by the pipelines and the tests.
# shellcheck shell=bash

# find_data NAME/FILE: print where it is under $COFILTER_DATA (folders, colon-separated) or data/; 1 if nowhere.
find_data() {
	local dir
	local IFS=:
	for dir in ${COFILTER_DATA:-} data; do
		if [ -n "$dir" ] && [ -e "$dir/$1" ]; then
			printf '%s\n' "$dir/$1"
			return 0
		fi
	done
	return 1
}
