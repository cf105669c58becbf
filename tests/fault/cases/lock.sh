# shellcheck shell=bash
# Two at once: on one host, and from two "hosts" (two engines and state folders, one MetaDB).

lock_cases() {
    printf '%s\n' lock_one_host lock_two_hosts lock_dead_owner lock_waits
}

# An upgrade that takes a few seconds, in the background.
begin_slow() {
    slow_begin "${UPGRADE[@]}" --host "$HOST" --image lab/slow-init
}

end_slow() {
    slow_end
    [ "$RC" = 0 ] || fail "the first one ended with $RC"
}

lock_one_host() {
    begin_slow
    upgrade
    is_rc 75
    said "another run works on '$NAME'" "process $SLOW on $(hostname)" HINT
    om resume
    is_rc 75
    said "process $SLOW"
    om rollback
    is_rc 75
    om status
    said "process $SLOW"
    end_slow
    expect_new_end
}

# The second host has an engine of its own and the same MetaDB; its OMS is another node of the same
# deployment.
lock_two_hosts() {
    local STATE2=$W/state2 rc=0
    lab_engine_start e2
    lab_docker e2 load --quiet -i "$FAULT_DIR/images/old.tar" >/dev/null
    lab_docker e2 load --quiet -i "$FAULT_DIR/images/ok.tar" >/dev/null
    # It does not run: both would write into one lab's folders.
    lab_docker e2 create --net host --name "$NAME" -it -e OMS_HOST_IP=127.0.0.11 \
        -v "$(lab_node_dir n1)/config.yaml:/home/admin/conf/config.yaml" -v "$(lab_node_dir n1)/logs:/home/admin/logs" \
        -v "$(lab_node_dir n1)/store:/home/ds/store" -v "$(lab_node_dir n1)/run:/home/ds/run" \
        "$LAB_REPO:$OLD_TAG" >/dev/null
    begin_slow
    "$W/bin/omslaunch" "${UPGRADE[@]}" --host "unix://$(lab_sock e2)" --state-dir "$STATE2" \
        --accept container.running=test --accept ports.free=test >"$W/said" 2>&1 || rc=$?
    cat "$W/said"
    RC=$rc
    is_rc 75
    said 'another run works on these databases' "process $SLOW on $(hostname)" HINT
    [ "$(lab_docker e2 ps -aq | wc -l)" = 1 ] || fail 'the second engine was changed'
    end_slow
    # Not removed here: what ends strays of an engine knows no engine, only the lab.
    lab_docker e2 rm -f "$NAME" >/dev/null
    lab_engine_stop e2
    expect_new_end
}

# A holder that was killed holds nothing, neither here nor in the MetaDB.
lock_dead_owner() {
    begin_slow
    slow_kill
    upgrade
    is_rc 13
    said 'is not ended'
    om rollback
    is_rc 0
    expect_old_end
}

# Who waits, acts on what is there once the other has ended: a rollback that begins after the success
# of the upgrade must ask first.
lock_waits() {
    begin_slow
    kill -CONT "$SLOW"
    om rollback --lock-wait 5m
    is_rc 64
    said 'was a success' '--yes-lose-changes-since'
    end_slow
    om resume --lock-wait 1s
    is_rc 0
    said 'nothing to do'
    expect_new_end
}
