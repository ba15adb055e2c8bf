# The learning curve: training loss and hit@50 over the epochs, the mean over the seeds as a line in the band of all
# seeds, and what needs no epochs as levels. Writes OUT.png and OUT.svg on white, to be read on a dark page too.
# Variables: curve (tsv: seed, epoch, loss, hit@50), levels (tsv: system, hit@50), out, seeds, data.
set datafile separator '\t'
# epoch, then mean, least and greatest of COLUMN over the seeds
band(column) = sprintf("< awk -F '\\t' -v OFS='\\t' -v c=%d '{ n[$2]++; s[$2] += $c; if (n[$2] == 1 || $c < lo[$2]) lo[$2] = $c; if (n[$2] == 1 || $c > hi[$2]) hi[$2] = $c; if ($2 > last) last = $2 } END { for (e = 1; e <= last; e++) if (n[e]) print e, s[e] / n[e], lo[e], hi[e] }' '%s'", column, curve)
stats band(4) using 1 nooutput
last = STATS_max
stats band(4) using 4 nooutput
highest = STATS_max
stats levels using 2 nooutput
highest = 1.06 * (STATS_max > highest ? STATS_max : highest)
# name, value, height of its label: labels keep a line apart
named = sprintf("< { awk -F '\\t' -v OFS='\\t' '$2 == %d { s += $4; n++ } END { print \"NeuMF\", s / n }' '%s'; cat '%s'; } | sort -t '\t' -k 2,2g | awk -F '\\t' -v OFS='\\t' -v gap=%g '{ at = NR > 1 && $2 < at + gap ? at + gap : $2; print $1, $2, at }'", last, curve, levels, 0.055 * highest)

set border 3 linecolor rgb '#999999'
set tics nomirror scale 0.5 textcolor rgb '#444444'
set grid ytics linetype 1 linecolor rgb '#e4e4e4'
set key off
set xlabel 'epoch' textcolor rgb '#444444'
set xrange [1:last > 1 ? last : 2]
set xtics last > 10 ? 5 : 1
set style fill solid 0.2 noborder
do for [kind in 'png svg'] {
	if (kind eq 'png') { set terminal pngcairo noenhanced size 1000,420 background rgb 'white' font 'Liberation Sans,10' } \
	else { set terminal svg noenhanced size 1000,420 background rgb 'white' font 'Helvetica,Arial,sans-serif,13' }
	set output out.'.'.kind
	set multiplot
	set tmargin at screen 0.78
	set bmargin at screen 0.13
	set label 1 'NeuMF with BPR on '.data.', the book''s settings on logits' at screen 0.012, screen 0.95 left textcolor rgb '#222222'
	set label 2 (words(seeds) > 1 ? 'line: mean over seeds '.seeds.'; band: from the least to the greatest of them; ' : 'seed '.seeds.'; ') \
		.'dashed: systems without epochs' at screen 0.012, screen 0.89 left textcolor rgb '#555555'

	set lmargin at screen 0.05
	set rmargin at screen 0.39
	set title 'training loss' textcolor rgb '#222222'
	set yrange [0:*]
	plot band(3) using 1:3:4 with filledcurves linecolor rgb '#0072b2', \
		band(3) using 1:2 with lines linewidth 2 linecolor rgb '#0072b2'

	unset label
	set lmargin at screen 0.45
	set rmargin at screen 0.79
	set title 'hit@50, all items, expected over ties'
	set yrange [0:highest]
	plot band(4) using 1:3:4 with filledcurves linecolor rgb '#0072b2', \
		levels using (1):2:((last > 1 ? last : 2) - 1):(0) with vectors nohead linewidth 1.6 dashtype 2 linecolor rgb '#b54a00', \
		band(4) using 1:2 with lines linewidth 2 linecolor rgb '#0072b2', \
		named using (last > 1 ? last : 2):3:(sprintf(' %s %.3f', stringcolumn(1), column(2))):(stringcolumn(1) eq 'NeuMF' ? 0x0072b2 : 0xb54a00) \
			with labels left textcolor rgb variable
	unset multiplot
}
