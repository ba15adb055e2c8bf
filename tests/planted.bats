#!/usr/bin/env bats
# shellcheck disable=SC2154
# planted: the log is what its page says, and a model that learns from it comes near the truth.
# The distribution of the draws is in unit/test_planted.c.
load helper

@test "the default log: sizes, ranges, no pair twice, nobody and nothing left out, times increase" {
	planted -q >log.tsv
	assert_equal "$(awk -F '\t' '
		NF != 4 || $3 !~ /^[1-5]$/ || $1 < 1 || $1 > 943 || $2 < 1 || $2 > 1682 { bad++ }
		pair[$1, $2]++ { twice++ }
		$1 < user || $1 == user && $4 <= time { order++ }
		{ user = $1; time = $4; users[$1]++; items[$2]++ }
		END {
			for (u in users) { nu++; if (users[u] < 2 || users[u] > 420) few++ }
			for (i in items) ni++
			print NR, nu, ni, bad + 0, twice + 0, order + 0, few + 0
		}' log.tsv)" "100000 943 1682 0 0 0 0"
}

@test "the log depends on options and seed alone, not on the cores" {
	planted -q --users 900 --items 300 --ratings 20000 --truth a.safetensors >a.tsv
	taskset -c "$(taskset -cp $$ | sed 's/.*: //; s/[-,].*//')" \
		planted -q --users 900 --items 300 --ratings 20000 --truth b.safetensors >b.tsv
	cmp a.tsv b.tsv
	cmp a.safetensors b.safetensors
	planted -q --users 900 --items 300 --ratings 20000 --seed 2 >b.tsv
	run ! cmp -s a.tsv b.tsv
	assert_equal "$(wc -l <b.tsv)" 20000
}

@test "popular items are popular: without strength the counts fall with the true score" {
	planted -q --users 2000 --items 50 --ratings 20000 --strength 0 --skew 2 --truth truth.safetensors >log.tsv
	# one user's scores order all items by popularity; the counts of the log must follow it closely
	cof-cat -q --from tsv --kind interaction --users 2000 --items 50 --to cof <<<$'0\t0\t0' >one.cof
	neumf-score -q --model truth.safetensors --all-items --top 50 one.cof | cof-cat -q | cut -f 2 >order
	[ "$(wc -l <order)" -eq 50 ]
	awk -F '\t' 'FILENAME == ARGV[1] { n[$2 - 1]++; next } { print n[$1] + 0 }' log.tsv order >counts
	# ten neighbours' sums fall from each tenth to the next
	awk '{ sum[int((NR - 1) / 10)] += $1 } END { for (k = 1; k < 5; k++) if (sum[k] >= sum[k - 1]) exit 1 }' counts
}

@test "a number of ratings that does not fit is refused; a truth that cannot be written too" {
	for options in '--users 10 --items 100 --ratings 99' '--users 10 --items 100 --ratings 251' '--items 7' '--skew 3'; do
		# shellcheck disable=SC2086
		run --separate-stderr planted $options
		assert_status 2
		assert_equal "$output" ""
	done
	planted -q --users 10 --items 100 --ratings 250 >log.tsv
	run --separate-stderr -1 planted -q --truth none/truth.safetensors
	assert_error planted "cannot "
	assert_equal "$output" ""
	run --separate-stderr -2 planted -q --truth -
	assert_contains "$stderr" "'-' of --truth is also standard output"
	assert_equal "$output" ""
}

@test "NeuMF beats ItemPop on the planted log and comes near the true ranking" {
	planted -q --truth truth.safetensors | ml-split -q --test test.cof | binarize -q >train.cof
	binarize -q test.cof >held.cof
	hr50() { rank-eval -q --only HR@50; }
	negsample -q --epochs 20 train.cof |
		neumf-train -q --device cpu --factors 8 --hidden 16,8 --loss bpr --lr 0.005 --batch-size 512 \
			--init-std 0.05 -o model.safetensors
	neumf=$(neumf-score -q --device cpu --model model.safetensors --all-items --seen train.cof held.cof | hr50)
	truth=$(neumf-score -q --device cpu --model truth.safetensors --all-items --seen train.cof held.cof | hr50)
	pop=$(pop-score -q --train train.cof --all-items --seen train.cof held.cof | hr50)
	echo "# planted, HR@50: ItemPop $pop, NeuMF $neumf, the true ranking $truth" >&3
	# binomial standard error of each: 0.016
	awk -v n="$neumf" -v t="$truth" -v p="$pop" 'BEGIN { exit !(n > p + 0.08 && n > 0.85 * t && t > p + 0.11) }'
}
