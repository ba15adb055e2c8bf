# shellcheck shell=sh disable=SC2034,SC2154
# cofilter-systems: the systems that are compared, the settings that are tried, and their commands.

systems='pop knn rp3beta ease ials mf neumf'
# What EASE inverts is items x items: a minute on two cores for as many, and again for each setting.
max_ease_items=20000
# Above so many, EASE has two settings, not three.
many_items=5000

label_of() {
	case $1 in
	pop) echo ItemPop ;;
	knn) echo ItemKNN ;;
	rp3beta) echo RP3beta ;;
	ease) echo EASE ;;
	ials) echo iALS ;;
	mf) echo BPR-MF ;;
	neumf) echo NeuMF ;;
	esac
}

# settings_of ID: what is tried, a line each; with --quick the first alone. Of mf and neumf: negsample's options, a
# bar, and neumf-train's.
settings_of() {
	case $1 in
	pop) echo ;;
	knn) printf '%s\n' '--neighbours 20' '--neighbours 100' ;;
	rp3beta) printf '%s\n' '--neighbours 400 --beta 0.6' '--neighbours 100 --beta 0.4' ;;
	ease)
		printf '%s\n' '--l2 200' '--l2 50'
		[ "$items" -gt "$many_items" ] || echo '--l2 800'
		;;
	ials) printf '%s\n' '--factors 64 --l2 0.003 --unobserved-weight 0.3' '--factors 64 --l2 0.003 --unobserved-weight 0.1' \
		'--factors 64 --l2 0.01 --unobserved-weight 0.1' ;;
	mf) printf '%s\n' '| --factors 64 --lr 0.003 --l2 0.006 --init-std 0.05 --batch-size 1024' \
		'| --factors 64 --lr 0.001 --l2 0.01 --init-std 0.05 --batch-size 1024' ;;
	neumf) printf '%s\n' '--pointwise --negatives 4 | --factors 16 --lr 0.003 --batch-size 1024 --dense-init glorot' \
		'--pointwise --negatives 4 | --factors 32 --lr 0.001 --batch-size 1024 --dense-init glorot' ;;
	esac | if [ -n "${opt_quick:-}" ]; then head -n 1; else cat; fi
}

# by_epochs ID: is it trained epoch by epoch, so that an epoch is chosen on valid?
by_epochs() {
	[ "$1" = mf ] || [ "$1" = neumf ]
}

# has_factors ID: is it trained into a model before it scores anything?
has_factors() {
	[ "$1" = ials ] || by_epochs "$1"
}

max_epochs() {
	if [ -n "${opt_quick:-}" ]; then echo 10; else echo 30; fi
}

# training ID SETTING TRAIN MODEL [EPOCHS [MORE]]: add the pipe that makes the model; ItemPop has none
training() {
	case $1 in
	pop) return ;;
	knn | rp3beta | ease)
		add - "$(by_items "$1") -q --train $3 $2 --save-model $4"
		return
		;;
	ials)
		add - "ials-train -q $2 --seed $seed -o $4 $3"
		return
		;;
	esac
	sampler=${2%%|*} trainer=${2#*|}
	sampler=${sampler% } trainer=${trainer# }
	[ "$1" = neumf ] || trainer="--model mf $trainer"
	add - "negsample -q ${sampler:+$sampler }--epochs $5 --seed $seed $3" \
		"neumf-train --device $device $trainer --seed $seed${6:+ $6} -o $4"
}

# by_items ID: the program that scores by weights from item to item
by_items() {
	case $1 in
	ease) echo ease-score ;;
	knn) echo knn-score ;;
	rp3beta) echo 'knn-score --similarity rp3beta' ;;
	esac
}

# scorer ID TRAIN MODEL: the command up to the options that all scorers share. TRAIN is empty where --user-items says who
# is scored.
scorer() {
	case $1 in
	pop) echo "pop-score -q --train $2" ;;
	ials | mf | neumf) echo "neumf-score -q --device $device --model $3" ;;
	*) echo "$(by_items "$1" | cut -d ' ' -f 1) -q --model $3${2:+ --train $2}" ;;
	esac
}

# ease_fits ITEMS: in half of the memory that is free (a matrix of float32, a tenth more), and in a time that is worth it
ease_fits() {
	free=$(awk '/^MemAvailable:/ { print $2 }' /proc/meminfo 2>/dev/null || :)
	awk -v items="$1" -v max="$max_ease_items" -v free="${free:-8000000}" \
		'BEGIN { exit !(items <= max && items * items * 4.4 / 1024 < free / 2) }'
}
