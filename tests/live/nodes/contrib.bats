#!/usr/bin/env bats
# What contrib/ has for fleets: the Ansible role upgrades a real deployment, the Nomad job is what Nomad takes.
load common

setup() {
    setup_common
    CONTRIB=$NODES_SRC/../../../contrib
}

play() {
    (cd "$BATS_TEST_TMPDIR" && ANSIBLE_LOCAL_TEMP=$BATS_TEST_TMPDIR/local ANSIBLE_HOME=$BATS_TEST_TMPDIR/home ANSIBLE_NOCOLOR=1 \
        ansible-playbook -i inventory.ini "$CONTRIB/ansible/upgrade.yml" -e "@vars.json" "$@" 3>&-)
}

write_inventory() {
    local k
    {
        printf '[oms_lab]\n'
        for k in 1 2 3; do
            printf 'node%d omslaunch_ip=127.0.0.1%d omslaunch_engine=%s\n' $k $k "$(socket $k)"
        done
    } >"$BATS_TEST_TMPDIR/inventory.ini"
    jq -n --arg program "$PROGRAM" --arg folder "$BATS_TEST_TMPDIR/files" --arg state "$STATE" --arg image "$NODES_DIR/new.tar" \
        '{omslaunch_groups: ["oms_lab"], omslaunch_tag: "feature_4.0.0-ce", omslaunch_program: $program,
          omslaunch_folder: $folder, omslaunch_container: "oms_331",
          omslaunch_arguments: ["--state-dir", $state, "--load", $image]}' >"$BATS_TEST_TMPDIR/vars.json"
}

@test "ansible: --check judges and changes nothing, then the deployment is upgraded, then nothing is to do" {
    site reset
    write_inventory
    run -0 play --check
    has "$output" 'omslaunch-oms_lab          : ok='
    same "$(all_three "$OLD running")" "$(running)"
    run -0 play
    has "$output" 'changed=1'
    same "$(all_three "$NEW running")" "$(running)"
    same '127.0.0.11 127.0.0.13 overlaps=0' "$(init_runs)"
    run -0 play
    has "$output" 'changed=0'
}

@test "ansible: a deployment that is refused stops the play, and no other is touched" {
    site reset
    write_inventory
    sed -i 's#e3/docker.sock#away/docker.sock#' "$BATS_TEST_TMPDIR/inventory.ini"
    printf '[oms_other]\nother omslaunch_ip=127.0.0.99 omslaunch_engine=unix:///nowhere\n' >>"$BATS_TEST_TMPDIR/inventory.ini"
    jq '.omslaunch_groups += ["oms_other"]' "$BATS_TEST_TMPDIR/vars.json" >"$BATS_TEST_TMPDIR/two.json"
    mv "$BATS_TEST_TMPDIR/two.json" "$BATS_TEST_TMPDIR/vars.json"
    run -2 play
    has "$output" "node '127.0.0.13': cannot reach the Docker Engine"
    [ ! -e "$BATS_TEST_TMPDIR/files/oms_other.yaml" ]
    same "$(all_three "$OLD running")" "$(running)"
}

# https://developer.hashicorp.com/nomad/api-docs/json-jobs: a parameterised batch job; the two words that a
# dispatch gives are all that comes from outside.
@test "nomad: a parameterised batch job that is run once and never started again" {
    run -0 jq -er '.Job | select(.Type == "batch") | .ParameterizedJob.MetaRequired | sort | join(" ")' \
        "$CONTRIB/nomad/omslaunch-upgrade.nomad.json"
    same 'deployment tag' "$output"
    run -0 jq -er '.Job.TaskGroups[0] | [.RestartPolicy.Attempts, .ReschedulePolicy.Attempts] | join(" ")' \
        "$CONTRIB/nomad/omslaunch-upgrade.nomad.json"
    same '0 0' "$output"
    run -0 jq -er '.Job.TaskGroups[0].Tasks[0].Config.args[0:2] | join(" ")' "$CONTRIB/nomad/omslaunch-upgrade.nomad.json"
    # shellcheck disable=SC2016
    same 'upgrade ${NOMAD_META_deployment}' "$output"
}
