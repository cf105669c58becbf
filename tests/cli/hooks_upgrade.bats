#!/usr/bin/env bats
# An upgrade with the hooks of a site: their order, what they are told, what their failure means, and the
# way back.
bats_require_minimum_version 1.7.0
load common

setup() {
    setup_common
    site reset
    # /tmp may be written by all, and nothing below it is trusted.
    HOOKS=$(mktemp -d /root/.omslaunch-cli-XXXXXX)
    OUT=$HOOKS/out
    mkdir "$OUT"
    UP=(upgrade oms_331 --tag "$NEW" --config "$HOOKS/c.yaml" "${AT[@]}" --yes)
    printf 'hooks:\n' >"$HOOKS/c.yaml"
    # Says what it was called with, and does what a test has put into $OUT/at-POINT-NAME.
    cat >"$HOOKS/note" <<EOF
#!/bin/sh
cat >"$OUT/stdin-\$OMSLAUNCH_POINT-\$OMSLAUNCH_HOOK-\$OMSLAUNCH_UNDO"
echo "\$OMSLAUNCH_POINT/\$OMSLAUNCH_HOOK undo=\$OMSLAUNCH_UNDO\${OMSLAUNCH_NODE:+ on \$OMSLAUNCH_NODE}" >>"$OUT/calls"
if [ -e "$OUT/at-\$OMSLAUNCH_POINT-\$OMSLAUNCH_HOOK" ]; then . "$OUT/at-\$OMSLAUNCH_POINT-\$OMSLAUNCH_HOOK"; fi
EOF
    chmod 755 "$HOOKS/note"
}

teardown() {
    rm -rf "$HOOKS"
}

teardown_file() {
    site reset
}

# A hook is started without valgrind: see common.bash.
omslaunch() {
    "$PROGRAM" "$@" 3>&-
}

# hook POINT NAME KEY…: a hook that runs `note`.
hook() {
    local point=$1 name=$2 key
    shift 2
    grep -q "^  $point:" "$HOOKS/c.yaml" || printf '  %s:\n' "$point" >>"$HOOKS/c.yaml"
    printf '    - name: %s\n      run: ["%s"]\n      sandbox: {write: ["%s"]}\n' "$name" "$HOOKS/note" "$OUT" >>"$HOOKS/c.yaml"
    for key; do printf '      %s\n' "$key" >>"$HOOKS/c.yaml"; done
}

# at POINT NAME: shell text on stdin that this hook does.
does() {
    cat >"$OUT/at-$1-$2"
}

calls() {
    cat "$OUT/calls" 2>/dev/null || true
}

the_run() {
    basename "$STATE"/runs/*
}

@test "all points of an upgrade, in their order, as rows of the plan" {
    local point
    for point in pre-upgrade pre-stop post-stop post-backup post-start post-init post-upgrade on-failure; do
        hook "$point" one
    done
    printf '%s\n' '    - name: inside' '      kind: container' '      scope: node' \
        '      run: [sh, -c, "echo $OMSLAUNCH_POINT $OMSLAUNCH_NEW_VERSION >/root/hook"]' >"$HOOKS/inside"
    sed -i "/^  post-start:/r $HOOKS/inside" "$HOOKS/c.yaml"
    run -0 --separate-stderr omslaunch plan oms_331 --tag "$NEW" --load "$CLI_DIR/new.tar" --config "$HOOKS/c.yaml" "${AT[@]}"
    has "$output" '   1  pre-upgrade/one  run hook pre-upgrade/one'
    has "$output" '      on-failure/one   runs when a step has failed'
    run -0 --separate-stderr omslaunch "${UP[@]}" --load "$CLI_DIR/new.tar"
    has "$stderr" ' 1/21  run hook pre-upgrade/one …'
    same 'pre-upgrade/one undo=0
pre-stop/one undo=0
post-stop/one undo=0
post-backup/one undo=0
post-start/one undo=0
post-init/one undo=0
post-upgrade/one undo=0' "$(calls)"
    same 'post-start 4.0.0-CE' "$(engine exec oms_331 cat /root/hook)"
    same "[\"oms_331\",\"$(the_run)\",null,\"feature_3.3.1-ce\",\"feature_4.0.0-ce\"]" "$(jq -c \
        '[.deployment, .run, .metadb.password, (.old.image, .new.image | sub(".*:"; ""))]' "$OUT/stdin-post-start-one-0")"
    run -0 omslaunch status "$(the_run)" "${AT[@]}"
    has "$output" 'pre-stop/one       ok'
    run -0 --separate-stderr omslaunch status "$(the_run)" -o json "${AT[@]}"
    same '["pre-upgrade/one","pre-stop/one","post-stop/one","post-backup/one","post-start/inside","post-start/one","post-init/one","post-upgrade/one"]' \
        "$(jq -c '[.steps[].step | select(contains("/"))]' <<<"$output")"
}

@test "one that fails takes the upgrade back: undone, told, databases as before" {
    local before
    before=$(site digest)
    hook pre-stop drain "undo: [\"$HOOKS/note\"]"
    hook post-init smoke
    hook on-failure tell
    hook pre-rollback one
    hook post-rollback one
    does pre-stop drain <<<'[ "$OMSLAUNCH_UNDO" = 1 ] || echo "{\"event\":\"result\",\"result\":{\"pool\":7}}" >&3'
    does post-init smoke <<<'echo the console answers 500; exit 4'
    run -10 --separate-stderr omslaunch "${UP[@]}" --load "$CLI_DIR/new.tar"
    has "$stderr" $'\n'"omslaunch: error: hook 'post-init/smoke' failed with exit code 4; its last lines:"$'\n  the console answers 500\n'
    has "$stderr" "HINT: all that it said is in $STATE/runs/$(the_run)/logs/hook/post-init-smoke.log"
    same 'pre-stop/drain undo=0
post-init/smoke undo=0
on-failure/tell undo=0
pre-rollback/one undo=0
pre-stop/drain undo=1
post-rollback/one undo=0' "$(calls)"
    same '[true,{"pool":7}]' "$(jq -c '[.undo, .result]' "$OUT/stdin-pre-stop-drain-1")"
    has "$(jq -r .failure "$OUT/stdin-on-failure-tell-0")" "hook 'post-init/smoke' failed with exit code 4"
    same "$(grep -vE ' table (oms_normal_config|oms_audit|host) ' <<<"$before")" "$(site digest | grep -vE ' table (oms_normal_config|oms_audit|host) ')"
    same "$REPO:$OLD" "$(engine ps --format '{{.Image}}')"
}

@test "before anything is changed: exit code 1, and the world is as it was" {
    site snapshot >"$BATS_TEST_TMPDIR/before"
    hook pre-upgrade ask
    does pre-upgrade ask <<<'echo "{\"event\":\"error\",\"text\":\"there is a freeze until Monday\"}" >&3; exit 1'
    run -1 --separate-stderr omslaunch "${UP[@]}" --load "$CLI_DIR/new.tar"
    has "$stderr" "omslaunch: error: hook 'pre-upgrade/ask': there is a freeze until Monday"
    has "$stderr" "'oms_331': failed; nothing was changed"
    site snapshot | diff "$BATS_TEST_TMPDIR/before" -
}

@test "warn: the upgrade goes on and says so; after a success a failure is exit code 12, and resume tries again" {
    hook post-stop snapshot 'on-failure: warn'
    hook post-upgrade mail
    hook post-upgrade chat
    does post-stop snapshot <<<'exit 3'
    does post-upgrade mail <<<'[ -e '"$OUT"'/relay ] || exit 5'
    run -12 --separate-stderr omslaunch "${UP[@]}" --load "$CLI_DIR/new.tar"
    has "$stderr" "warning: post-stop/snapshot: hook 'post-stop/snapshot' failed with exit code 3"
    has "$stderr" "omslaunch: error: hook 'post-upgrade/mail' failed with exit code 5"
    has "$(calls)" 'post-upgrade/chat undo=0'
    touch "$OUT/relay"
    : >"$OUT/calls"
    run -0 --separate-stderr omslaunch resume "$(the_run)" --config "$HOOKS/c.yaml" "${AT[@]}"
    same 'post-upgrade/mail undo=0' "$(calls)"
}

@test "a secret that a hook prints is nowhere; a variable's value is in no plan" {
    hook pre-upgrade leak 'secrets: true' 'environment: {TOKEN: "tok-4711-value"}'
    does pre-upgrade leak <<<'cat "'"$OUT"'/stdin-pre-upgrade-leak-0" | jq -r .metadb.password; echo "$TOKEN" | sed "s/4711/0815/"'
    run -0 --separate-stderr omslaunch "${UP[@]}" --load "$CLI_DIR/new.tar"
    has "$stderr" 'tok-0815-value'
    same '' "$(site grep "$STATE")"
    same '' "$(grep -rl 'tok-4711' "$STATE" || true)"
    has "$(cat "$STATE/runs/$(the_run)/logs/hook/pre-upgrade-leak.log")" '***'
}

# own_backup TOOL KEY…: the shipped hook, as a site would have it.
own_backup() {
    local tool=$1 key
    shift
    cp "$CLI_SRC/../../contrib/hooks/$tool" "$HOOKS/$tool"
    printf '  backup:\n    - name: own\n      run: ["%s"]\n      secrets: true\n' "$HOOKS/$tool" >>"$HOOKS/c.yaml"
    for key; do printf '      %s\n' "$key" >>"$HOOKS/c.yaml"; done
}

init_fails() {
    omslaunch upgrade oms_331 --tag "$NEW" --image lab/init-fails --load "$CLI_DIR/init-fails.tar" \
        --config "$HOOKS/c.yaml" --yes "${AT[@]}"
}

@test "a backup of the site whose file is missing is no backup" {
    hook backup own
    does backup own <<<'echo "{\"event\":\"result\",\"result\":{\"files\":[\"$OMSLAUNCH_BACKUP_FOLDER/all.sql\"]}}" >&3'
    run -10 --separate-stderr omslaunch "${UP[@]}" --load "$CLI_DIR/new.tar"
    has "$stderr" "omslaunch: error: hook 'backup/own' names the file '$STATE/runs/$(the_run)/backup/all.sql', which cannot be opened: No such file or directory"
}

@test "a backup of the site by mysqldump, and its undo brings the databases back" {
    local run
    own_backup mysqldump "undo: [\"$HOOKS/mysqldump\"]"
    run -10 --separate-stderr init_fails
    run=$(the_run)
    has "$stderr" 'back up the MetaDB by hook backup/own …'
    has "$stderr" ': 3 files by hook backup/own'
    has "$stderr" ': restored by the undo of hook backup/own'
    has "$stderr" "'oms_331' is back on the old version, and healthy."
    same "$(printf '%s\n' "$STATE/runs/$run/backup/"{cm_331,cm_hb_331,rm_331}.sql)" "$(ls "$STATE/runs/$run/backup"/*)"
    same '' "$(ls "$STATE/backups" 2>/dev/null || true)"
    same '' "$(site grep "$STATE")"
}

@test "a backup of the site by mydumper: what it cannot save is no backup; its undo brings the databases back" {
    own_backup mydumper "undo: [\"$HOOKS/mydumper\"]"
    # It mistakes the name of one table for two.
    run -10 --separate-stderr init_fails
    has "$stderr" "omslaunch: error: hook 'backup/own': mydumper of rm_331 failed"
    lab lab_sql rm_331 -N -e 'select concat("drop table `", replace(table_name, "`", "``"), "`") from information_schema.tables
        where table_schema = "rm_331" and table_name like "odd %"' | lab lab_sql rm_331
    run -10 --separate-stderr init_fails
    has "$stderr" ' files by hook backup/own'
    has "$stderr" ': restored by the undo of hook backup/own'
    has "$stderr" "'oms_331' is back on the old version, and healthy."
    same '' "$(site grep "$STATE")"
}

@test "a backup of the site without an undo: a question, and the answer ends the run" {
    local run db
    own_backup mysqldump
    run -11 --separate-stderr init_fails
    run=$(the_run)
    has "$stderr" "omslaunch: error: the backup was made by hook 'backup/own', which has no 'undo': the databases are not restored"
    has "$stderr" "HINT: restore them by hand, then 'omslaunch resume $run --answer back_metadb=done'"
    for db in rm_331 cm_331 cm_hb_331; do
        lab lab_sql <"$STATE/runs/$run/backup/$db.sql"
    done
    run -10 --separate-stderr omslaunch resume "$run" --config "$HOOKS/c.yaml" --answer back_metadb=done "${AT[@]}"
    has "$stderr" "'oms_331' is back on the old version, and healthy."
}

@test "an init of the site runs in the place of docker_init.sh" {
    printf '  init:\n    - name: own\n      run: [sh, -c, "echo by $0 $1 >/root/own; bash /root/docker_init.sh", "a b", "c '\''d"]\n' >>"$HOOKS/c.yaml"
    run -0 --separate-stderr omslaunch "${UP[@]}" --load "$CLI_DIR/new.tar"
    has "$stderr" 'initialise by hook init/own …'
    same "by a b c 'd" "$(engine exec oms_331 cat /root/own)"
}

# killed_in POINT: an upgrade that is killed while the hook of this point runs.
killed_in() {
    "$PROGRAM" "${UP[@]}" --load "$CLI_DIR/new.tar" >"$BATS_TEST_TMPDIR/out" 2>&1 3>&- &
    until_true 60 grep -q "^$1/" "$OUT/calls"
    kill -KILL $!
    wait $! || true
    touch "$OUT/go"
}

@test "killed in the middle of a hook: it is not run twice, a person is asked" {
    local run
    hook pre-stop drain
    does pre-stop drain <<<"until [ -e '$OUT/go' ]; do sleep 0.1; done"
    killed_in pre-stop
    run=$(the_run)
    run -13 --separate-stderr omslaunch resume "$run" --config "$HOOKS/c.yaml" "${AT[@]}"
    has "$stderr" "omslaunch: error: hook 'pre-stop/drain' was begun, and nobody knows whether it has ended: did it do all it had to?"
    has "$stderr" "HINT: find out, then 'omslaunch resume $run --answer pre-stop/drain=done' (or =again), or go back with 'omslaunch rollback $run'"
    says 64 "--answer 'pre-stop/other=done' names no step" 'the question that it answers names the step' \
        resume "$run" --answer pre-stop/other=done "${AT[@]}"
    run -0 --separate-stderr omslaunch resume "$run" --config "$HOOKS/c.yaml" --answer pre-stop/drain=done "${AT[@]}"
    same 'pre-stop/drain undo=0' "$(calls)"
}

@test "killed in the middle of a hook that may run twice: it does" {
    hook pre-stop drain 'repeatable: true'
    does pre-stop drain <<<"until [ -e '$OUT/go' ]; do sleep 0.1; done"
    killed_in pre-stop
    run -0 --separate-stderr omslaunch resume "$(the_run)" --config "$HOOKS/c.yaml" "${AT[@]}"
    same $'pre-stop/drain undo=0\npre-stop/drain undo=0' "$(calls)"
}

@test "a program that was replaced since the plan does not run" {
    cp "$HOOKS/note" "$HOOKS/other"
    hook pre-upgrade wait
    hook pre-stop drain
    sed -i "s#run: \\[\"$HOOKS/note\"\\]#&#; /name: drain/{n;s#note#other#}" "$HOOKS/c.yaml"
    does pre-upgrade wait <<<"until [ -e '$OUT/go' ]; do sleep 0.1; done"
    "$PROGRAM" "${UP[@]}" --load "$CLI_DIR/new.tar" >"$BATS_TEST_TMPDIR/out" 2>&1 3>&- &
    until_true 60 grep -q '^pre-upgrade/' "$OUT/calls"
    echo >>"$HOOKS/other"
    touch "$OUT/go"
    local rc=0
    wait $! || rc=$?
    same 10 "$rc"
    has "$(cat "$BATS_TEST_TMPDIR/out")" "omslaunch: error: hook 'pre-stop/drain': '$HOOKS/other' is not the file that the plan was made with"
    same 'pre-upgrade/wait undo=0' "$(calls)"
}

@test "what no hook may be is refused by name" {
    hook on-failure tell 'on-failure: abort'
    run -78 --separate-stderr omslaunch "${UP[@]}"
    has "$stderr" "hooks, on-failure, hook 'tell': 'on-failure' is 'abort', and nothing stops the way back"
    printf 'hooks:\n' >"$HOOKS/c.yaml"
    hook post-stop inside 'kind: container' 'scope: node'
    run -78 --separate-stderr omslaunch "${UP[@]}"
    has "$stderr" "hooks, post-stop, hook 'inside': 'kind' is 'container', and OMS does not run then"
    printf 'hooks:\n' >"$HOOKS/c.yaml"
    hook pre-stop gone
    sed -i 's#note#none#' "$HOOKS/c.yaml"
    run -78 --separate-stderr omslaunch "${UP[@]}"
    has "$stderr" "omslaunch: error: hook 'pre-stop/gone': hook '$HOOKS/none' cannot be opened: No such file or directory"
    no_state
}
