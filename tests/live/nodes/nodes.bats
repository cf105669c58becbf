#!/usr/bin/env bats
# A deployment as a whole: three engines, two regions.
load common

setup() {
    setup_common
}

@test "two regions: docker_init.sh once in each, the default one first, all databases, all servers" {
    local ha
    site reset
    ha=$(lab lab_ha_config)
    run -0 omslaunch "${UP[@]}" --load "$NODES_DIR/new.tar"
    has "$output" "'oms_331' is upgraded to 4.0.0-CE"
    same '127.0.0.11 127.0.0.13 overlaps=0' "$(init_runs)"
    same "$(all_three "$NEW running")" "$(running)"
    same "$(online)" "$(servers)"
    same 'cm_331 cm_hb_2 cm_hb_331 rm_331' "$(cd "$STATE"/backups/* && printf '%s ' *.sql.zst | sed 's/\.sql\.zst//g; s/ $//')"
    same "$(jq -S 'del(.refetchStoreIntervalMin)' <<<"$ha")" \
        "$(lab lab_ha_config | jq -S 'del(.refetchStoreIntervalMin)')"
    run -0 omslaunch "${UP[@]}" --load "$NODES_DIR/new.tar"
    has "$output" 'nothing to do'
}

@test "a configuration file for each node: docker_init.sh on each, one after the other" {
    site reset own
    run -0 omslaunch "${UP[@]}" --load "$NODES_DIR/new.tar"
    same '127.0.0.11 127.0.0.12 127.0.0.13 overlaps=0' "$(init_runs)"
    same "$(online)" "$(servers)"
}

@test "docker_init.sh fails in the second region: all three are back, the databases as before" {
    local before after hooks
    site reset
    before=$(site digest)
    # With hooks of a node and of a region: each of them once, and undone once.
    hooks=$(mktemp -d /root/.omslaunch-nodes-XXXXXX)
    mkdir "$hooks/out"
    printf '#!/bin/sh\necho "$OMSLAUNCH_HOOK ${OMSLAUNCH_NODE:-$OMSLAUNCH_REGION} $OMSLAUNCH_UNDO" >>"%s/out/calls"\n' "$hooks" >"$hooks/note"
    chmod 755 "$hooks/note"
    cat >"$hooks/c.yaml" <<EOF
hooks:
  pre-stop:
    - {name: drain, run: $hooks/note, undo: $hooks/note, scope: node, sandbox: {write: $hooks/out}}
    - {name: tell, run: $hooks/note, scope: region, sandbox: {write: $hooks/out}}
  post-start: [{name: inside, kind: container, scope: node, run: [sh, -c, 'echo \$OMSLAUNCH_NODE >/root/hook']}]
EOF
    run -10 omslaunch "${UP[@]}" --load "$NODES_DIR/init-fails.tar" --config "$hooks/c.yaml"
    same "$(printf 'drain 127.0.0.%d %d\n' 11 0 11 1 12 0 12 1 13 0 13 1; printf 'tell %d 0\n' 0 1)" "$(sort "$hooks/out/calls")"
    rm -r "$hooks"
    has "$output" '127.0.0.12: run hook post-start/inside'
    has "$output" "127.0.0.13"
    same "$(all_three "$OLD running")" "$(running)"
    same "$(online)" "$(servers)"
    after=$(site digest)
    # HA was turned off and on, and a trigger of the site's writes that down.
    same "$(grep -vE '^rm_331 table oms_(normal_config|audit) ' <<<"$before")" \
        "$(grep -vE '^rm_331 table oms_(normal_config|audit) ' <<<"$after")"
    same true "$(lab lab_ha_config | jq .enable)"
}

# ---- the other commands take a deployment, too ----

@test "inspect shows each node, backup has every region's heartbeat database, ha works on one MetaDB" {
    local where=(--deployment "$FILE" "${AT[@]}")
    run -0 omslaunch inspect "${where[@]}"
    same '3' "$(grep -c '^container  oms_331 (running)' <<<"$output")"
    has "$output" 'databases  rm_331, cm_331, cm_hb_2'
    run -0 omslaunch inspect "${where[@]}" --output json
    same '127.0.0.11 127.0.0.12 127.0.0.13' "$(jq -r '[.. | .host_ip? // empty] | join(" ")' <<<"$output")"
    run -0 omslaunch backup -q "${where[@]}"
    same 'cm_331 cm_hb_2 cm_hb_331 rm_331' "$(cd "$STATE"/backups/* && printf '%s ' *.sql.zst | sed 's/\.sql\.zst//g; s/ $//')"
    run -0 omslaunch ha show "${where[@]}"
    has "$output" '"enable"'
}

# ---- refused, and nothing was touched ----

check_fails() {
    run -65 omslaunch check --deployment "$FILE" --tag "$NEW" --load "$NODES_DIR/new.tar" "${AT[@]}"
    has "$output" "$1"
    same "$(all_three "$OLD running")" "$(running)"
}

@test "nodes that do not answer are all named" {
    sed -i 's/e2/away2/; s/e3/away3/' "$FILE"
    check_fails "node '127.0.0.12': cannot reach the Docker Engine at '$(socket 2 | sed 's/e2/away2/')': no such file; node '127.0.0.13': cannot reach"
    run -65 omslaunch "${UP[@]}" --load "$NODES_DIR/new.tar"
    same "$(all_three "$OLD running")" "$(running)"
    [ -z "$(ls -A "$STATE/runs")" ]
}

@test "a node that the MetaDB knows and the file does not" {
    sed -i '/127.0.0.12/d' "$FILE"
    run -65 omslaunch check --deployment "$FILE" --tag "$NEW" --load "$NODES_DIR/new.tar" "${AT[@]}"
    has "$output" "node '127.0.0.12' belongs to the deployment but not to this upgrade"
}

@test "one engine under two spellings" {
    ln -s "$NODES_DIR/lab/e1/docker.sock" "$BATS_TEST_TMPDIR/link.sock"
    sed -i "s#unix://.*e2/docker.sock#unix://$BATS_TEST_TMPDIR/link.sock#" "$FILE"
    check_fails "nodes '127.0.0.11' and '127.0.0.12' are one container, 'oms_331'"
    has "$output" "the node listed as '127.0.0.12' has OMS_HOST_IP '127.0.0.11'"
}

@test "discover writes the file that upgrade reads" {
    local pattern
    for k in 1 2 3; do ln -s "$NODES_DIR/lab/e$k/docker.sock" "$BATS_TEST_TMPDIR/127.0.0.1$k"; done
    pattern="unix://$BATS_TEST_TMPDIR/{ip}"
    run -0 omslaunch discover oms_331 --endpoint "$pattern" "${AT[@]}"
    printf '%s\n' "$output" >"$BATS_TEST_TMPDIR/found.yaml"
    same "# The deployment of 'oms_331', found by omslaunch discover.
nodes:
  - ip: '127.0.0.11'
    engine: '$(socket 1)'
    container: 'oms_331'
  - ip: '127.0.0.12'
    engine: 'unix://$BATS_TEST_TMPDIR/127.0.0.12'
    container: 'oms_331'
  - ip: '127.0.0.13'
    engine: 'unix://$BATS_TEST_TMPDIR/127.0.0.13'
    container: 'oms_331'" "$output"
    run -0 omslaunch plan --deployment "$BATS_TEST_TMPDIR/found.yaml" --tag "$NEW" \
        --load "$NODES_DIR/new.tar" "${AT[@]}"
    has "$output" 'create the new container and compare it with the plan on 127.0.0.13'
}
