#!/usr/bin/env bash
# gowalla: full ranking on the split of Gowalla that NGCF, LightGCN and the BARS leaderboard use (29,858 users, 40,981
# items), recall@20 and NDCG@20 of all items a user has not in train, beside the published figures. Writes
# $OUT/gowalla.md, .json, .png and .svg.
#
# The settings below were chosen by NDCG@20 on valid, a tenth of train drawn from it; TUNE=1 does that again, before it
# learns from all of train. Without it only numbers of epochs are chosen there.
#
# Environment: COFILTER_DATA (gowalla/gowalla.train.tsv and gowalla.test.tsv, lines of user TAB item, plain, .gz or .xz;
# or train.txt and test.txt of LightGCN), SEEDS ("1"), TUNE (nothing), SYSTEMS (all), OUT (build), DEVICE (cpu);
# NEGSAMPLE, ... swap a stage.
set -euo pipefail
# shellcheck source=pipelines/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=pipelines/table.sh
. "$(dirname "$0")/table.sh"

SEEDS=${SEEDS:-1}
TUNE=${TUNE:-}
EPOCHS=${EPOCHS:-60}
PATIENCE=${PATIENCE:-3}
METRICS='recall@20 NDCG@20'
BASELINES='ItemPop ItemKNN RP3beta EASE'
cutoff=20
need_tools
known_systems ItemPop ItemKNN RP3beta EASE iALS MF-BPR
data=gowalla
work=$OUT/gowalla
mkdir -p "$work"
start_table
