# shellcheck shell=bash
# Damaged files are refused by name, and nothing is changed; what somebody did by hand meanwhile is
# noticed.

damage_cases() {
    printf 'damage_file %s\n' 'journal_flip' 'journal_cut_line' 'journal_swap' 'journal_garbage' 'journal_empty' \
        'plan_flip' 'plan_empty' 'plan_gone' 'plan_of_another'
    printf 'damage_backup %s\n' flip cut gone manifest_flip manifest_gone
    printf '%s\n' damage_readonly damage_clock_back damage_clock_back_late damage_clock_forward damage_old_started damage_old_started_back \
        damage_new_removed damage_foreign_oms damage_lock_lost
}

# An upgrade that was killed before docker_init.sh: both versions' containers and the backup are there.
held() {
    OM_ENV=(OMSL_FAULT="after:$(intent init_metadata)")
    upgrade
    is_rc 137
    OM_ENV=()
}

# world_now: what a refusal must leave as it is.
world_now() {
    show_containers
    lab_docker e1 ps -a --no-trunc --format '{{.ID}} {{.Names}} {{.State}}' | sort
    show_databases old
    lab_ha_config
    site_databases
}

damage_file() {
    local dir file kept
    held
    dir=$(dirname "$(journal)")
    rm -rf "$W/kept"
    cp -a "$dir" "$W/kept"
    file=$dir/${1%%_*}
    case $1 in
    journal_*) file=$dir/journal.jsonl ;;
    plan_*) file=$dir/plan.json ;;
    esac
    case $1 in
    *_flip) sed -i '0,/oms_331/s//oms_332/' "$file" ;;
    journal_cut_line) sed -i 5d "$file" ;;
    journal_swap) sed -i '5{h;d};6{G}' "$file" ;;
    journal_garbage) sed -i '7s/.*/nonsense/' "$file" ;;
    *_empty) : >"$file" ;;
    *_gone) rm "$file" ;;
    plan_of_another) jq '.options.stop_timeout_ms = 1' "$file" >"$file.new" && mv "$file.new" "$file" ;;
    esac
    world_now >"$W/before"
    for kept in resume rollback; do
        om "$kept"
        is_rc 73
        said "$file" HINT
        diff "$W/before" <(world_now)
    done
    om status
    om runs
    upgrade
    is_rc 73 13
    said HINT
    diff "$W/before" <(world_now)
    # Put right, it goes on.
    rm -rf "$dir"
    mv "$W/kept" "$dir"
    om resume
    is_rc 0
    expect_new_end
}

damage_backup() {
    local dir file kept
    upgrade --image lab/init-fails-halfway --on-failure hold
    is_rc 13
    dir=$(echo "$STATE"/backups/*)
    file=$(echo "$dir"/rm_331.sql*)
    rm -rf "$W/kept" && cp -a "$dir" "$W/kept"
    case $1 in
    flip) printf x | dd of="$file" bs=1 seek=500 conv=notrunc status=none ;;
    cut) truncate -s -1 "$file" ;;
    gone) rm "$file" ;;
    manifest_flip) sed -i '0,/"rows": *[0-9]/s//"rows": 9/' "$dir/manifest.json" ;;
    manifest_gone) rm "$dir/manifest.json" ;;
    esac
    show_databases old >"$W/before"
    om rollback
    is_rc 11
    said "$dir" HINT
    show_databases old | diff "$W/before" -
    rm -rf "$dir" && mv "$W/kept" "$dir"
    om rollback
    is_rc 0
    expect_old_end
}

# The state folder's file system turns read-only, as Linux does after an I/O error.
damage_readonly() {
    held
    mount --bind "$STATE" "$STATE"
    mount -o remount,bind,ro "$STATE"
    world_now >"$W/before"
    for kept in resume rollback upgrade; do
        if [ "$kept" = upgrade ]; then upgrade; else om "$kept"; fi
        is_rc 73
        said 'Read-only file system' HINT
    done
    diff "$W/before" <(world_now)
    umount "$STATE"
    om resume
    is_rc 0
    expect_new_end
}

# The wall clock jumps in the middle of the outage. What is computed from times must stay safe.
damage_clock_back() {
    OM_ENV=(OMSL_CLOCK=-7200 OMSL_CLOCK_AT="$(intent backup_metadb)")
    upgrade
    OM_ENV=()
    is_rc 0
    expect_new_end
}

# Between the start of the new version and its first heartbeat.
damage_clock_back_late() {
    OM_ENV=(OMSL_CLOCK=-7200 OMSL_CLOCK_AT="$(outcome start_new)")
    upgrade
    OM_ENV=()
    is_rc 0
    expect_new_end
}

damage_clock_forward() {
    OM_ENV=(OMSL_CLOCK=7200 OMSL_CLOCK_AT="$(intent backup_metadb)")
    upgrade
    OM_ENV=()
    is_rc 0
    expect_new_end
}

# Somebody starts the old container by hand while a run is held.
damage_old_started() {
    OM_ENV=(OMSL_FAULT="after:$(intent swap_names)")
    upgrade
    OM_ENV=()
    lab_docker e1 start "$OLD_ID" >/dev/null
    om resume --on-failure hold
    is_rc 13
    said 'the old container' 'omslaunch did not start it'
    om rollback
    is_rc 0
    expect_old_end
}

# The same, when the new one was started already: the new one stopped, the old one run by hand.
damage_old_started_back() {
    held
    lab_docker e1 stop "$NAME" >/dev/null
    lab_docker e1 start "$OLD_ID" >/dev/null
    om resume
    is_rc 13
    said 'the old container' 'omslaunch did not start it'
    om rollback
    is_rc 0 11
    [ "$RC" = 0 ] || { lab_docker e1 stop "$OLD_ID" >/dev/null; om rollback; is_rc 0; }
    expect_old_end
}

# Somebody removes the new container while a run is held.
damage_new_removed() {
    held
    lab_docker e1 rm -f "$NAME" >/dev/null
    om resume
    is_rc 10 11 13
    settle
}

# A held run, and meanwhile a third container on the same disks, made by hand or by another tool.
damage_foreign_oms() {
    OM_ENV=(OMSL_FAULT="after:$(intent backup_metadb)")
    upgrade
    OM_ENV=()
    lab_oms_run n1 oms_by_hand "$OLD_TAG"
    lab_oms_wait n1
    om resume
    is_rc 11 13
    said oms_by_hand
    om rollback
    is_rc 11
    said oms_by_hand
    lab_docker e1 rm -f oms_by_hand >/dev/null
    om rollback
    is_rc 0
    # They ran one after the other.
    CASE_BEGAN=$(date +%s.%N)
    expect_old_end
}

# The MetaDB's lock goes to somebody else in the middle of a run.
damage_lock_lost() {
    cat >"$W/steal" <<STEAL
#!/bin/bash
FAULT_SRC='$FAULT_SRC' W='$W'
. '$FAULT_SRC/world.sh'
world_adopt
name=omslaunch.$(printf '%s' "$LAB_RM_DB" | sha256sum | cut -c1-16)
id=\$(lab_sql <<<"select is_used_lock('\$name')")
[ "\$id" != NULL ] || exit 1
lab_sql <<<"kill \$id; select get_lock('\$name', 60); do sleep(8);" >'$W/stolen' 2>&1 3>&- &
until lab_sql <<<"select is_used_lock('\$name')" | grep -qvxE "NULL|\$id"; do sleep 0.1; done
STEAL
    chmod 755 "$W/steal"
    OM_ENV=(OMSL_FAULT="exec:$(intent backup_metadb)" OMSL_EXEC="$W/steal")
    upgrade
    OM_ENV=()
    is_rc 13
    said 'another run works on these databases' HINT
    # The thief's client writes when it ends.
    lab_wait "$PATIENCE" 'the end of the thief' test -s "$W/stolen"
    [ "$(cat "$W/stolen")" = 1 ] || fail 'the lock was not taken'
    settle
}
