#!/usr/bin/env python3
"""Runs a command and says what it took: measure.py OUTPUT COMMAND...

Prints "WALL_S CPU_S PEAK_MIB DESCRIPTORS THREADS EXIT"; CPU is that of the command and its children, the last
three but one are the largest ever seen of the command itself.
"""
import os
import resource
import subprocess
import sys
import time


def look(pid, most):
    try:
        most[0] = max(most[0], len(os.listdir("/proc/%d/fd" % pid)))
        with open("/proc/%d/status" % pid, encoding="ascii", errors="replace") as f:
            for line in f:
                if line.startswith("Threads:"):
                    most[1] = max(most[1], int(line.split()[1]))
                elif line.startswith("VmHWM:"):
                    most[2] = max(most[2], int(line.split()[1]))
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        pass


def main():
    most = [0, 0, 0]
    begun = time.monotonic()
    with open(sys.argv[1], "wb") as out:
        child = subprocess.Popen(sys.argv[2:], stdin=subprocess.DEVNULL, stdout=out, stderr=out)
        while child.poll() is None:
            look(child.pid, most)
            time.sleep(0.005)
    wall = time.monotonic() - begun
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    print("%.2f %.2f %.1f %d %d %d" % (wall, used.ru_utime + used.ru_stime, most[2] / 1024, most[0], most[1],
                                       child.returncode))


main()
