# shellcheck shell=bash
# The engine or the MetaDB crashes at each step, right after its intent is written, and is back half
# a second later.

service_cases() {
    # Otherwise each crashes at every second step.
    service_points | if [ "${OMSLAUNCH_FAULT:-}" = full ]; then cat; else sed -n '1~2p'; fi
    service_reboots | if [ "${OMSLAUNCH_FAULT:-}" = full ]; then cat; else sed -n '2~4p'; fi
    printf 'service_reboot_in_init\n'
}

# Killed by a reboot, after each record.
service_reboots() {
    local n
    for ((n = 2; n <= UPGRADE_RECORDS; n++)); do printf 'service_reboot %d\n' "$n"; done
}

# Everything ends in order and comes back by itself, as far as it does: restart policies count.
reboot() {
    lab_engine_stop e1
    lab_db_stop
    lab_db_start
    lab_engine_start e1
}

service_reboot() {
    OM_ENV=(OMSL_FAULT="after:$1")
    upgrade
    OM_ENV=()
    is_rc 137
    watch_both_begin
    reboot
    om resume
    settle
    watch_both_end
}

# The script was cut off, and the engine has forgotten it: what it has done, nobody knows.
service_reboot_in_init() {
    slow_begin "${UPGRADE[@]}" --host "$HOST" --image lab/slow-init
    slow_kill
    watch_both_begin
    reboot
    om resume
    is_rc 13
    said '/root/docker_init.sh was cut off in the middle, and the schema of the databases ' \
        ': did it do all it had to?' \
        "find out, then 'omslaunch resume $(run_id) --answer init_metadata=done' (or =again)"
    om rollback
    is_rc 0
    expect_old_end
    watch_both_end
}

service_points() {
    local n service
    for service in engine metadb; do
        # Each intent of an upgrade; and of a rollback.
        for ((n = 2; n < UPGRADE_RECORDS; n += 2)); do printf 'service_crash %s %d ok\n' "$service" "$n"; done
        for ((n = BACK_FIRST + 1; n < BACK_LAST; n += 2)); do
            printf 'service_crash %s %d init-fails-halfway\n' "$service" "$n"
        done
    done
}

# service_crash engine|metadb RECORD VARIANT
service_crash() {
    local service=$1 n=$2 image=()
    [ "$3" = ok ] || image=(--image "lab/$3")
    cat >"$W/crash" <<CRASH
#!/bin/bash
FAULT_SRC='$FAULT_SRC' W='$W'
. '$FAULT_SRC/world.sh'
world_adopt
case $service in
engine)
    lab_engine_kill e1
    (sleep 0.5; lab_engine_start e1) >'$W/crash.log' 2>&1 </dev/null 3>&- &
    ;;
metadb)
    lab_db_kill
    (sleep 0.5; lab_db_start) >'$W/crash.log' 2>&1 </dev/null 3>&- &
    ;;
esac
CRASH
    chmod 755 "$W/crash"
    watch_both_begin
    OM_ENV=(OMSL_FAULT="exec:$n" OMSL_EXEC="$W/crash")
    upgrade "${image[@]}"
    OM_ENV=()
    lab_wait "$PATIENCE" 'the engine' lab_engine_lives e1
    lab_wait "$PATIENCE" 'the MetaDB' lab_db_lives
    # An engine of version 20.10 that crashed leaves everything down. What omslaunch had not touched is
    # not its own to start.
    if [ "$(run_result)" = unchanged ] || { [ "$n" = "$(intent create_new)" ] && [ "$service" = engine ]; }; then
        lab_docker e1 start "$NAME" >/dev/null
    fi
    settle
    watch_both_end
}
