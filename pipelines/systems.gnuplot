# One row per system, one panel per metric: the mean as a point, mean +/- sd as a bar, the published figure as a hollow
# diamond. Writes OUT.png and OUT.svg.
#   gnuplot -e "table='systems.tsv'; out='build/ncf-AToy'; title='AToy: the lists of He et al.'" systems.gnuplot
# table: lines of system TAB metric TAB mean TAB sd TAB published; sd and published may be empty. Systems stand in the
# order of their first line, the first on top; metrics likewise, from the left. A system of which only a figure is
# published has an empty mean. No quote (') in the name of the file.
if (!exists('table') || !exists('out') || !exists('title')) {
	print 'systems.gnuplot: table, out and title must be set'
	exit status 2
}
set datafile separator '\t'
awk(program) = "awk -F '\\t' -v OFS='\\t' '".program."' '".table."'"
metrics = system(awk('!seen[$2]++ { print $2 }'))
rows = int(system(awk('!seen[$1]++ { n++ } END { print n + 0 }')))
longest = int(system(awk('length($1) > n { n = length($1) } END { print n + 0 }')))
seeds = int(system(awk('$4 > 0 { n++ } END { print n + 0 }')))
published = int(system(awk('$5 != "" { n++ } END { print n + 0 }')))
if (rows == 0) { print 'systems.gnuplot: no system in '.table; exit status 1 }
# of METRIC: row, mean, sd, published, the mean as a label; and a row outside the picture, since there must be a point
of(metric) = '< '.awk('!($1 in row) { row[$1] = ++n } $2 == "'.metric.'" { print row[$1], $3, $4 + 0, $5, $3 == "" ? "" : sprintf("%.4f", $3) } END { print -9, 0, 0, 0, "" }')
name(row) = system(awk('!seen[$1]++ && ++n == '.row.' { print $1 }'))
# what METRIC needs from left to right, sd and all; the step between tics, so that there are at most eight
extremes(metric) = system(awk('$2 == "'.metric.'" { for (k = 3; k < 6; k += 2) if ($k != "") { d = k == 3 ? $4 : 0; if (!n++ || $k - d < low) low = $k - d; if (n == 1 || $k + d > high) high = $k + d } } END { print low + 0, high - low }'))
step(span) = span > 0.35 ? 0.1 : span > 0.14 ? 0.05 : span > 0.07 ? 0.02 : span > 0.03 ? 0.01 : span > 0.012 ? 0.005 : 0.002

panels = words(metrics)
width = 190 + 7 * longest + 345 * panels - 180
height = 120 + 34 * rows
left(k) = (20.0 + 7 * longest + 345.0 * (k - 1)) / width
right(k) = left(k) + 300.0 / width
set border 0
set key off
set tics scale 0
set grid xtics ytics linetype 1 linecolor rgb '#dddddd'
set xtics format '%g' textcolor rgb '#555555'
set yrange [rows + 0.6:0.4]
set ytics 1,1,rows format ''
set bmargin at screen 44.0 / height
set tmargin at screen 1 - 74.0 / height
do for [kind in 'png svg'] {
	if (kind eq 'png') { set terminal pngcairo noenhanced size width,height background rgb 'white' font 'Liberation Sans,10' } \
	else { set terminal svg noenhanced size width,height background rgb 'white' font 'Helvetica,Arial,sans-serif,13' }
	set output out.'.'.kind
	set multiplot
	set label 1 title at screen 14.0 / width, screen 1 - 20.0 / height left textcolor rgb '#222222'
	set label 2 (seeds ? 'mean and one standard deviation over seeds' : 'one run').(published ? '; hollow: as published' : '') \
		at screen 14.0 / width, screen 1 - 40.0 / height left textcolor rgb '#555555'
	do for [row = 1:rows] {
		set label row + 2 name(row) at screen left(1) - 8.0 / width, first row right textcolor rgb '#222222'
	}
	do for [k = 1:panels] {
		metric = word(metrics, k)
		set lmargin at screen left(k)
		set rmargin at screen right(k)
		set title metric offset 0,-0.4 textcolor rgb '#222222'
		low = real(word(extremes(metric), 1))
		span = real(word(extremes(metric), 2))
		pad = span > 0 ? 0.1 * span : 0.01
		set xrange [low - pad:low + span + pad]
		set xtics step(span)
		plot of(metric) using 2:1:3 with xerrorbars linetype 1 linewidth 2 linecolor rgb '#0072b2' pointtype 7 pointsize 0.9, \
			of(metric) using 4:1 with points pointtype 12 pointsize 1.5 linewidth 1.6 linecolor rgb '#d55e00', \
			of(metric) using 2:1:5 with labels offset 0,0.75 textcolor rgb '#222222'
		unset label
	}
	unset multiplot
}
