# works-peers: what stands beside programs of PyPI (make bench-peers). tests/bench/run sources it.
# shellcheck shell=bash disable=SC2034,SC2154

# the rows of --peers
peer_rows=(torch train-seed train-small train-wide score-seed score-wide implicit cornac lenskit recbole bpr-mf ials-mf
	recall knn-fit neumf-ml-1m)

# peer NAME PROGRAM: print PROGRAM in its environment; 1 and, into $why, why not
peer() {
	local folder=$BUILD/peers/$1
	why="no $1 in $folder: make bench-peers installs it"
	[ -e "$folder.why" ] && why="$1 could not be installed: $(cat "$folder.why")"
	[ -e "$folder/packages" ] && peer="$folder/bin/python3 tests/bench/$2"
}

# beside ENVIRONMENT PROGRAM ROW UNIT ARGUMENTS: a row of a peer, or why there is none
beside() {
	local peer why
	if peer "$1" "$2"; then
		may_fail=1 work "$3" "$4" 0 '' "$peer $5"
	else
		skip "$3" "$why"
	fi
}

# Gowalla, or a planted log of its size, into $data/mf.cof, mf-test.cof and mf.tsv, mf-test.tsv
prepare_mf() {
	local train test
	[ ! -e "$data/mf-ready" ] || return 0
	if train=$(find_data gowalla/gowalla.train.tsv.xz) && test=$(find_data gowalla/gowalla.test.tsv.xz); then
		xzcat "$train" | cof-import -q --columns user,item --user-ids "$data/mf-users.tsv" \
			--item-ids "$data/mf-items.tsv" | binarize >"$data/mf.cof"
		xzcat "$test" | cof-import -q --columns user,item --known-users "$data/mf-users.tsv" \
			--known-items "$data/mf-items.tsv" --unknown error | binarize >"$data/mf-test.cof"
	else
		say "no Gowalla: a planted log of its size instead"
		planted --users 29858 --items 40981 --ratings 1027370 |
			ml-split -q --mode random --test-ratio 0.2 --test "$data/mf-ratings.cof" | binarize >"$data/mf.cof"
		binarize "$data/mf-ratings.cof" >"$data/mf-test.cof"
	fi
	cof-cat --to tsv "$data/mf.cof" | cut -f 1,2 >"$data/mf.tsv"
	cof-cat --to tsv "$data/mf-test.cof" | cut -f 1,2 >"$data/mf-test.tsv"
	touch "$data/mf-ready"
}

# mf of 64 factors by bpr and by alternating least squares, against implicit, cornac and LensKit. The l2 of implicit and
# cornac is ours, and of a batch's mean a step of LR x batch size moves as far as LR for each triple.
mf_recall_epochs=30
declare -A mf=(
	[sgd]='--optimizer sgd --lr 1638.4 --l2 0.01 --init-std 0.1'
	[lazy]='--optimizer lazy-adam --lr 0.004 --l2 0.001 --init-std 0.1'
)
mf_peer='0.05 0.01' # their learning rate and regularization

# mf_train EPOCHS OPTIONS: a command that trains on Gowalla
mf_train() {
	echo "neumf-train -q --device cpu --epochs $1 --model mf --factors 64 --loss bpr --batch-size 32768 $2 -o $out/m $data/mf.cof"
}

# mf_recall OPTIONS: a command that trains, and prints recall@20
mf_recall() {
	echo "$(mf_train $mf_recall_epochs "$1") && echo rate \$(neumf-score -q --device cpu --model $out/m --all-items --seen $data/mf.cof --ranks $data/mf-test.cof | rank-eval -q -k 20 --only recall@20)"
}

register_mf() {
	local name rows epochs=10 at_most
	asked implicit cornac lenskit-als bpr-mf ials-mf recall || return 0
	[ -z "$quick" ] || epochs=2
	prepare_mf
	rows=$(cof-cat --count "$data/mf.cof")
	beside implicit implicit_peer.py implicit-bpr 'M triples/s' "bpr $data/mf.tsv 64 $epochs"
	[ ${#only[@]} -eq 0 ] || beside cornac cornac_peer.py cornac-bpr 'M triples/s' "bpr $data/mf.tsv 64 $epochs"
	for name in "${!mf[@]}"; do
		work "bpr-mf-$name" 'M triples/s' $((epochs * rows)) '3 implicit-bpr,cornac-bpr' "$(mf_train $epochs "${mf[$name]}")"
	done
	beside implicit implicit_peer.py implicit-als 'epochs/minute' "als $data/mf.tsv 64 $epochs"
	[ ${#only[@]} -eq 0 ] || beside lenskit lenskit_peer.py lenskit-als 'epochs/minute' "als $data/mf.tsv 64 $epochs"
	work ials-mf 'epochs/minute' $((epochs * 60000000)) '2 implicit-als,lenskit-als' \
		"ials-train -q --factors 64 --epochs $epochs -o $out/m $data/mf.cof"
	[ -z "$quick" ] || return 0
	at_most=1 # minutes each, and of ours the same to the last digit
	beside implicit implicit_peer.py recall-implicit-bpr 'recall@20' "recall $data/mf.tsv 64 $mf_recall_epochs $data/mf-test.tsv $mf_peer"
	[ ${#only[@]} -eq 0 ] || beside cornac cornac_peer.py recall-cornac-bpr 'recall@20' "recall $data/mf.tsv 64 $mf_recall_epochs $data/mf-test.tsv $mf_peer"
	for name in "${!mf[@]}"; do
		work "recall-bpr-mf-$name" 'recall@20' 0 '1 recall-implicit-bpr,recall-cornac-bpr' "$(mf_recall "${mf[$name]}")"
	done
}

# each item's 100 nearest of ML-1M
register_knn_fit() {
	asked lenskit-knn knn-fit || return 0
	prepare_ml_1m || { skip knn-fit "no ML-1M" && return; }
	at_most=3 beside lenskit lenskit_peer.py lenskit-knn s "knn $data/ml-1m.tsv 100"
	work knn-fit s 0 '<1 lenskit-knn' "knn-score -q --train $data/ml-1m.cof --neighbours 100 --save-model $out/m"
}

# a minute each
register_recbole_peer() {
	local at_most=3 may_fail=1
	work recbole-train s 0 '' "$peer $data/ml-1m.tsv $data/ml-1m-ones.tsv"
	row recbole-rank s ''
	row recbole-memory MiB ''
	row recbole-recall 'recall@10' ''
	row recbole-ndcg 'NDCG@10' ''
}

# NeuMF as RecBole has it, 64 + 64 factors, hidden 128,64, bce, batches of 2048, on ML-1M: an epoch, then full ranking.
# Metrics after one epoch are equal but for the noise of one seed: .003 of recall@10, .0015 of NDCG@10.
register_recbole() {
	local peer why d=$data
	[ ${#only[@]} -gt 0 ] && asked recbole neumf-ml-1m || return 0
	prepare_ml_1m || { skip neumf-ml-1m "no ML-1M" && return; }
	if peer recbole recbole_peer.py; then
		register_recbole_peer
	else
		skip recbole-train "$why"
	fi
	work neumf-ml-1m-train s 0 '<0.0333 recbole-train' "tests/bench/seconds neumf-ml-1m-train 'neumf-train -q --device cpu \
		--pointwise --factors 64 --hidden 128,64 --dense-init glorot --loss bce --batch-size 2048 -o $d/neumf-ml-1m $d/ml-1m.cof'"
	row neumf-ml-1m-train-memory MiB '<1 recbole-memory'
	work neumf-ml-1m-rank s 0 '<0.0333 recbole-rank' "tests/bench/seconds neumf-ml-1m-rank 'neumf-score -q --device cpu \
		--model $d/neumf-ml-1m --all-items --seen $d/ml-1m.cof --ranks $d/ml-1m-ones.cof | tee $out/r | rank-eval -q' &&
		echo rate neumf-ml-1m-recall \$(rank-eval -q --only recall@10 $out/r) &&
		echo rate neumf-ml-1m-ndcg \$(rank-eval -q --only NDCG@10 $out/r)"
	row neumf-ml-1m-rank-memory MiB '<1 recbole-memory'
	row neumf-ml-1m-recall 'recall@10' '1 recbole-recall'
	row neumf-ml-1m-ndcg 'NDCG@10' '1 recbole-ndcg'
}
