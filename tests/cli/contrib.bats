#!/usr/bin/env bats
# What contrib/ has for pipelines and for systemd: their own commands are run, on a real deployment.
bats_require_minimum_version 1.7.0
load common

setup() {
    setup_common
    CONTRIB=$CLI_SRC/../../contrib
    # The pipeline's omslaunch is that of its host, with the host's engine and state.
    mkdir "$BATS_TEST_TMPDIR/bin" "$BATS_TEST_TMPDIR/job"
    printf '#!/bin/sh\nwhat=$1\nshift\nexec "%s" "$what" "$@" --host "%s" --state-dir "%s" %s\n' "$PROGRAM" "$HOST" "$STATE" \
        "--load '$CLI_DIR/new.tar'" >"$BATS_TEST_TMPDIR/bin/omslaunch"
    chmod 755 "$BATS_TEST_TMPDIR/bin/omslaunch"
}

teardown_file() {
    site reset
}

# commands FORM JOB: a job's shell lines, by the file's own structure.
commands() {
    python3 -c '
import sys, yaml
form, job, folder = sys.argv[1:]
if form == "gitlab":
    lines = yaml.safe_load(open(f"{folder}/ci/gitlab-ci.yml"))[job]["script"]
else:
    steps = yaml.safe_load(open(f"{folder}/ci/github-workflow.yml"))["jobs"][job]["steps"]
    lines = [step["run"] for step in steps if "run" in step]
print("\n".join(lines))' "$@" "$CONTRIB"
}

# job LINES: as a runner does it.
job() {
    cd "$BATS_TEST_TMPDIR/job" || return
    PATH=$BATS_TEST_TMPDIR/bin:$PATH OMS=oms_331 OMS_TAG=$NEW bash -eo pipefail -c "$1" 3>&-
}

is_upgraded() {
    same '["upgraded",0]' "$(jq -c '[.result, .exit]' "$BATS_TEST_TMPDIR/job/report.json")"
    same "$REPO:$NEW" "$(engine ps --format '{{.Image}}')"
}

is_judged() {
    has "$(cat "$BATS_TEST_TMPDIR/job/junit.xml")" '<testsuite'
    same upgrade "$(jq -r '.plan.action // .action' "$BATS_TEST_TMPDIR/job/plan.json")"
    same "$REPO:$OLD" "$(engine ps --format '{{.Image}}')"
}

@test "GitLab: a merge request is judged, a tag is carried out" {
    site reset
    run -0 job "$(commands gitlab check)"
    is_judged
    run -0 job "$(commands gitlab upgrade)"
    is_upgraded
}

@test "GitHub: a pull request is judged, a tag is carried out" {
    site reset
    run -0 job "$(commands github check)"
    is_judged
    run -0 job "$(commands github upgrade)"
    is_upgraded
}

@test "Jenkins: the same" {
    site reset
    local steps
    mapfile -t steps < <(sed -n "s/^ *sh '\(.*\)'\$/\1/p" "$CONTRIB/ci/Jenkinsfile")
    same 3 "${#steps[@]}"
    run -0 job "${steps[0]}"$'\n'"${steps[1]}"
    is_judged
    run -0 job "${steps[2]}"
    is_upgraded
}

@test "systemd takes the units, and exposes little by them" {
    local unit
    for unit in service timer; do
        sed 's#/usr/local/bin/omslaunch#/bin/true#' "$CONTRIB/systemd/omslaunch-backup@.$unit" >"$BATS_TEST_TMPDIR/omslaunch-backup@.$unit"
    done
    run -0 systemd-analyze verify --man=no "$BATS_TEST_TMPDIR/omslaunch-backup@.service" "$BATS_TEST_TMPDIR/omslaunch-backup@.timer"
    same '' "$(grep omslaunch <<<"$output" || true)"
    run -0 systemd-analyze security --no-pager --offline=true --threshold=30 "$CONTRIB/systemd/omslaunch-backup@.service"
}

@test "a backup works with what the unit leaves to it" {
    site reset
    run -0 --separate-stderr setpriv --bounding-set=-all,+dac_override --inh-caps=-all --no-new-privs \
        "$PROGRAM" backup oms_331 "${AT[@]}"
    run -0 --separate-stderr setpriv --bounding-set=-all,+dac_override --inh-caps=-all --no-new-privs \
        "$PROGRAM" verify last --state-dir "$STATE"
}

@test "cron: the line is one that a shell takes" {
    local line
    line=$(grep -v '^#' "$CONTRIB/cron/omslaunch-backup" | grep omslaunch | cut -d' ' -f 6-)
    has "$line" 'omslaunch backup oms_400'
    bash -n -c "$line"
}
