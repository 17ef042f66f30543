#!/usr/bin/env bash
# Take in archives and publish: what a leaderboard's host does with what is sent to it.
#   scripts/leaderboard.sh STORE SITE ARCHIVE...
# Verifies each archive, repeats a run of it where weights and data are at hand, and only if nothing
# is wrong with any merges all into STORE and builds SITE. $REPEAT: runs of each (1); $SALT: which, a
# text that senders do not know; $ADDRESS: where the site is served; $DATA_ROOT: public data sets.
set -euo pipefail
store=$1 site=$2
shift 2
clip=(${CLIP_BENCH:-clip-bench})
if [ $# -gt 0 ]; then
    "${clip[@]}" leaderboard verify "$@" --repeat "${REPEAT:-1}" --salt "${SALT:-$RANDOM$RANDOM}" \
        ${DATA_ROOT:+--data-root "$DATA_ROOT"}
    "${clip[@]}" leaderboard merge "$@" --store "$store"
fi
"${clip[@]}" leaderboard site --store "$store" --out "$site" ${ADDRESS:+--address "$ADDRESS"}
