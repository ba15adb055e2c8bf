#!/usr/bin/env bats
# neumf-train under mpirun: the model of one process, for any number of them, whatever ends them. What they tell each other
# is tests/unit/test_processes.c's. MPI_KILLS=N kills a process at N random times (2), MPI_SETTINGS=N trains in N ways (4).

load helper

needs_mpi() {
	command -v mpirun >/dev/null || skip "no mpirun"
	[ -e "$BUILD/lib/cofilter/cofilter-mpi.so" ] || skip "no cofilter-mpi.so in this build: no mpicc"
	# two processes have met
	mpirun_as_is -n 2 neumf-train --processes mpi --version >/dev/null 2>&1 || skip "mpirun does not work here"
}

# mpirun says much when a process fails: it is told to keep quiet.
mpirun_as_is() {
	OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 timeout -k 5 500 mpirun --oversubscribe -q "$@"
}

mpi() {
	mpirun_as_is -n "$@" 2>&1
}

# triples.cof, samples.cof, groups.cof: a few epochs, the last batch short
streams() {
	random_rows 300 200 1 4000 | sort -u -n -k1,1 -k2,2 | interactions 300 200 >train.cof
	negsample -q --pairwise --epochs 3 train.cof >triples.cof
	negsample -q --pointwise --negatives 2 --epochs 2 train.cof >samples.cof
	negsample -q --grouped --negatives 7 --epochs 3 train.cof >groups.cof
}

# Every model, loss and optimizer, weight decay, l2, widths, and sizes of batches.
settings=(
	'triples.cof'
	'groups.cof --model mf --loss ccl --optimizer lazy-adam --batch-size 1000'
	'samples.cof --model mf --bias --optimizer sgd --lr 0.1 --l2 0.01'
	'triples.cof --model mlp --loss hinge --hidden 17,9 --optimizer lazy-adam --weight-decay 0.001 --batch-size 1025'
	'triples.cof --model gmf --sigmoid-output --optimizer sgd --weight-decay 0.01 --batch-size 63 --drop-last'
	'samples.cof --mlp-factors 13 --factors 5 --dense-init glorot --batch-size 5000'
	'groups.cof --model mf --loss ccl --optimizer sgd --l2 0.001 --batch-size 37 --margin 0.1'
	'groups.cof --model neumf --hidden 40 --weight-decay 0.0001 --batch-size 700'
	'triples.cof --model mf --bias --loss hinge --batch-size 129 --l2 0.1'
	'triples.cof --model mf --optimizer lazy-adam --batch-size 12000'
)

@test "a model does not depend on the number of processes" {
	needs_mpi
	streams
	for ((k = 0; k < ${MPI_SETTINGS:-4}; k++)); do
		read -ra options <<<"${settings[k]}"
		neumf-train -q -t 2 -o one "${options[@]:1}" --log one.log "${options[0]}"
		for n in 1 2 3 5; do
			run mpi $n neumf-train -q -t 1 -o many "${options[@]:1}" --log many.log - <"${options[0]}"
			assert_equal "$status $output" "0 "
			cmp one many
			assert_equal "$(sed 's/"seconds": [^,}]*//' many.log)" "$(sed 's/"seconds": [^,}]*//' one.log)"
			rm many many.log
		done
	done
}

@test "processes over TCP, and --processes mpi without a launcher" {
	needs_mpi
	streams
	neumf-train -q -o one triples.cof
	mpi 3 --mca btl tcp,self neumf-train -q -o tcp triples.cof
	cmp one tcp
	run --separate-stderr neumf-train --processes mpi -o single triples.cof
	assert_status 0
	# shellcheck disable=SC2154 # of run
	assert_contains "$stderr" "1 processes told each other 0 bytes a row"
	cmp one single
}

@test "a checkpoint of 2 processes goes on as 3, as one, and the other way round" {
	needs_mpi
	streams
	# shellcheck disable=SC2016 # a command for neumf-train
	best=(--on-epoch 'echo $((COFILTER_EPOCH % 2))')
	neumf-train -q -o one "${best[@]}" triples.cof
	first=(neumf-train -q -o part --checkpoint-every 1 --max-seconds 0 "${best[@]}" triples.cof)
	on=(neumf-train -q "${best[@]}" triples.cof)
	mpi 2 "${first[@]}" --checkpoint two
	mpi 3 "${on[@]}" --resume two -o three
	cmp one three
	"${on[@]}" --resume two -o alone
	cmp one alone
	"${first[@]}" --checkpoint first
	cmp first two
	mpi 2 "${on[@]}" --resume first -o two-of-one
	cmp one two-of-one
}

@test "a model to start from" {
	needs_mpi
	streams
	neumf-train -q -o base --model gmf triples.cof
	neumf-train -q -o one --model gmf --init-from base triples.cof
	mpi 3 neumf-train -q -o many --model gmf --init-from base triples.cof
	cmp one many
}

@test "a table that does not fit one process: each takes its part" {
	needs_mpi
	[ "${BUILD##*/}" != san ] || skip "a sanitizer takes memory of its own"
	random_rows 500000 1000 1 2000 | interactions 500000 1000 | negsample -q >t.cof
	big=(neumf-train -q -t 1 --model mf --optimizer lazy-adam --factors 64 t.cof) # 385 MB with moments
	(
		ulimit -v 380000
		run --separate-stderr "${big[@]}" -o one
		assert_status 1
		assert_error neumf-train "cannot allocate"
		mpi 4 "${big[@]}" -o many
	)
	"${big[@]}" -o one
	cmp one many
}

# Wait until none of these processes is left.
gone() {
	for ((k = 0; k < 200; k++)); do
		kill -0 "$@" 2>/dev/null || return 0
		sleep 0.1
	done
	echo "still there: $*"
	return 1
}

# start_mpi N COMMAND...: in the background; its $pid and, when there are N processes, their $ranks
start_mpi() {
	OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 mpirun --oversubscribe -q -n "$@" >log 2>&1 3>&- &
	pid=$!
	ranks=()
	for ((k = 0; k < 600 && ${#ranks[@]} < $1; k++)); do
		sleep 0.1
		mapfile -t ranks < <(pgrep -P $pid neumf-train)
	done
	assert_equal ${#ranks[@]} "$1"
}

@test "a process that is killed ends all: no model, no orphan, and the checkpoint goes on" {
	needs_mpi
	streams
	negsample -q --epochs 12 train.cof >long.cof
	neumf-train -q -t 1 -o one --batch-size 64 long.cof
	mkfifo slow
	for ((kill = 0; kill < ${MPI_KILLS:-2}; kill++)); do
		rm -f many ck
		# the rest of the stream comes too late: no training ends before the kill
		{ head -c "$((RANDOM % 30 * $(stat -c %s long.cof) / 30))" long.cof && exec sleep 60; } >slow 3>&- &
		writer=$!
		start_mpi 3 neumf-train -q -t 1 -o many --batch-size 64 --checkpoint ck --checkpoint-every 1 slow
		sleep "$((RANDOM % 2)).$((RANDOM % 10))$((RANDOM % 10))"
		kill -KILL "${ranks[RANDOM % 3]}"
		status=0
		wait $pid || status=$?
		kill $writer 2>/dev/null || true # it is gone where the reader was before it had written all
		gone "${ranks[@]}"
		[ $status -ne 0 ]
		[ ! -e many ]
		assert_equal "$(find . -name 'many?*' -o -name 'ck?*')" ""
		resume=()
		[ ! -e ck ] || resume=(--resume ck)
		mpi $((1 + kill % 3)) neumf-train -q -t 1 -o many --batch-size 64 "${resume[@]}" long.cof
		cmp one many
	done
}

@test "SIGUSR1 to mpirun: process 0 writes the checkpoint, and all end" {
	needs_mpi
	streams
	negsample -q --epochs 60 train.cof >long.cof
	mkfifo slow
	{ head -c 300000 long.cof && sleep 60; } >slow 3>&- &
	writer=$!
	start_mpi 3 neumf-train -o many --checkpoint ck --checkpoint-every 1h slow
	sleep 2
	kill -USR1 $pid
	status=0
	wait $pid || status=$?
	kill $writer || true
	gone "${ranks[@]}"
	[ $status -ne 0 ]
	assert_contains "$(cat log)" "SIGUSR1: go on with --resume ck"
	[ ! -e many ]
	neumf-train -q -o one long.cof
	mpi 2 neumf-train -q -o many --resume ck long.cof
	cmp one many
}

# The second host is a network namespace: its orted is started by ip netns exec, and the only way there is TCP.
@test "processes on two hosts" {
	needs_mpi
	[ "$(id -u)" -eq 0 ] && ip netns add cofilter-b 2>/dev/null || skip "no right to make a network namespace"
	ip link add cofilter-a type veth peer name eth0 netns cofilter-b
	ip addr add 10.213.7.1/24 dev cofilter-a
	ip link set cofilter-a up
	ip -n cofilter-b addr add 10.213.7.2/24 dev eth0
	ip -n cofilter-b link set eth0 up
	ip -n cofilter-b link set lo up
	streams
	neumf-train -q -o one triples.cof
	# shellcheck disable=SC2016 # for the shell of the agent, and of each process
	printf '%s\n' '#!/bin/sh' 'shift' 'exec ip netns exec cofilter-b unshare -u sh -c "hostname hostb; $*"' >agent
	chmod +x agent
	# shellcheck disable=SC2016
	run_it='hostname >host.$OMPI_COMM_WORLD_RANK && exec neumf-train -q -o many triples.cof'
	mpi 4 --host "$(hostname):2,10.213.7.2:2" --mca plm_rsh_agent "$PWD/agent" --mca btl tcp,self \
		--mca btl_tcp_if_include 10.213.7.0/24 --mca oob_tcp_if_include 10.213.7.0/24 \
		sh -c "$run_it"
	assert_equal "$(cat host.[0-3] | sort | uniq -c | wc -l)" 2
	cmp one many
}

teardown() {
	ip netns del cofilter-b 2>/dev/null || true # and the link with it
}

@test "what is wrong is said once, with the exit status of one process" {
	needs_mpi
	streams
	run mpi 3 neumf-train -o x --bogus triples.cof
	assert_status 2
	assert_equal "$output" "neumf-train: unknown or ambiguous option '--bogus'
Try 'neumf-train --help' for more information."
	run mpi 2 neumf-train -o x --device reference triples.cof
	assert_status 2
	assert_contains "$output" "option --device: several processes compute on cpu only"
	run mpi 2 neumf-train -o x nowhere.cof
	assert_status 1
	assert_contains "$output" "neumf-train: cannot open 'nowhere.cof'"
	run mpi 2 neumf-train -q -o x --optimizer sgd --lr 1e30 triples.cof
	assert_status 1
	assert_contains "$output" "the loss is not finite"
	head -c 20000 triples.cof >cut.cof
	run mpi 2 neumf-train -q -o x cut.cof
	assert_status 1
	assert_contains "$output" "cut.cof"
	[ ! -e x ]
	mpi 2 neumf-train -q --processes none -o x triples.cof # each for itself
	[ -e x ]
}

@test "several processes without a plug-in: an error, not several models" {
	streams
	# shellcheck disable=SC2030,SC2031 # a test is a subshell
	export COFILTER_MPI_PLUGIN=/nowhere/plugin.so
	for launcher in OMPI_COMM_WORLD_SIZE PMI_SIZE SLURM_STEP_NUM_TASKS; do
		run --separate-stderr env $launcher=2 neumf-train -o x triples.cof
		assert_status 1
		assert_error neumf-train "2 processes cannot train together: cannot load the plug-in: /nowhere/plugin.so: "
	done
	run --separate-stderr neumf-train --processes mpi -o x triples.cof
	assert_status 1
	assert_error neumf-train "cannot train together"
	[ ! -e x ]
	# one process, or none of a launcher's business
	OMPI_COMM_WORLD_SIZE=1 neumf-train -q -o x triples.cof
	OMPI_COMM_WORLD_SIZE=2 neumf-train -q --processes none -o y triples.cof
	cmp x y
}

@test "a plug-in of another version, and one that knows of other processes than the launcher" {
	command -v cc >/dev/null || skip "no cc"
	streams
	# shellcheck disable=SC2030,SC2031
	export COFILTER_MPI_PLUGIN=$PWD/plugin.so OMPI_COMM_WORLD_SIZE=2
	cat >plugin.c <<-'EOF'
		#include "model/exchange.h"
		#include <stdio.h>
		struct exchange *cofilter_mpi_exchange(unsigned abi, char *why, size_t size)
		{
			static struct exchange alone = { .size = 1 };

			if (abi == VERSION)
				return &alone;
			snprintf(why, size, "this is version %d", VERSION);
			return NULL;
		}
	EOF
	for version in 99 1; do
		cc -shared -fPIC -DVERSION=$version -o plugin.so -I"$ROOT/lib" plugin.c
		run --separate-stderr neumf-train -o x triples.cof
		assert_status 1
		[ ! -e x ]
		[ $version -eq 1 ] || assert_error neumf-train "2 processes cannot train together: this is version 99"
	done
	assert_error neumf-train "the launcher started 2 processes, the plug-in's MPI knows of 1"
}
