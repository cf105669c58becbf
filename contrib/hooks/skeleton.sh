#!/bin/sh
# A hook to begin with, in shell. The same in Python and C beside it.
set -eu
state=$(cat) # one JSON document, in one line
say() { printf '%s\n' "$1" >&3; }

# For people; shown and kept.
echo "$OMSLAUNCH_POINT/$OMSLAUNCH_HOOK, attempt $OMSLAUNCH_ATTEMPT"
say '{"event":"progress","text":"looking around"}'
case ${MODE:-} in
again) [ "$OMSLAUNCH_ATTEMPT" -gt 1 ] || exit 75 ;; # not yet: omslaunch waits, and tries again
error)
    say '{"event":"error","text":"the balancer does not know this host"}'
    exit 1
    ;;
esac
# What its undo gets back.
run=$(printf '%s' "$state" | jq -r .run)
if [ "$OMSLAUNCH_UNDO" = 1 ]; then undo=true; else undo=false; fi
say "{\"event\":\"result\",\"result\":{\"run\":\"$run\",\"undo\":$undo}}"
