#!/usr/bin/python3
"""A hook to begin with, in Python. The same in shell and C beside it."""
import json
import os
import sys

events = os.fdopen(3, "w", buffering=1)


def say(**event):
    print(json.dumps(event), file=events, flush=True)


state = json.load(sys.stdin)
# For people; shown and kept.
print(f"{state['point']}/{state['hook']}, attempt {state['attempt']}", flush=True)
say(event="progress", text="looking around")
mode = os.environ.get("MODE")
if mode == "again" and state["attempt"] == 1:
    sys.exit(75)  # not yet: omslaunch waits, and tries again
if mode == "error":
    say(event="error", text="the balancer does not know this host")
    sys.exit(1)
# What its undo gets back.
say(event="result", result={"run": state["run"], "undo": state["undo"]})
