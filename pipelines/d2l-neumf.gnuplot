# Two panels over the epochs, one line per seed. Variables: curve (tsv: seed, epoch, loss, hit@50), out, seeds, data.
set datafile separator '\t'
set grid
set key off
set xtics 1
stats curve using 2 nooutput
if (STATS_max > 10) { set xtics 5 }
set xlabel 'epoch'
do for [kind in 'png svg'] {
	if (kind eq 'png') { set terminal pngcairo noenhanced size 1000,400 } else { set terminal svg noenhanced size 1000,400 }
	set output out.'.'.kind
	set multiplot layout 1,2 title 'NeuMF with BPR, '.data.', the book''s settings on logits (one line per seed)'
	set title 'training loss'
	plot for [s in seeds] curve using 2:(stringcolumn(1) eq s ? $3 : NaN) with linespoints pointtype 7 pointsize 0.4
	set title 'hit@50, all items, expected over ties'
	plot for [s in seeds] curve using 2:(stringcolumn(1) eq s ? $4 : NaN) with linespoints pointtype 7 pointsize 0.4
	unset multiplot
}
