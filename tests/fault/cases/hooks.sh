# shellcheck shell=bash
# kill -9 at each record of an upgrade that has hooks of the site: none of them runs twice unless it may, none is
# forgotten, and what was done is undone on the way back.

# What stands where, in the order of the plan; each has an intent and an outcome.
HOOK_STEPS=(pre-upgrade/once load_image create_new trim_heartbeats prepare_backup ha_off pre-stop/drain stop_old
    backup_metadb swap_names start_new post-start/inside init_metadata post-init/once wait_healthy keep_running ha_on
    post-upgrade/once)

hooks_cases() {
    local i n
    for i in "${!HOOK_STEPS[@]}"; do
        n=$((2 * i + 2))
        if [ "${OMSLAUNCH_FAULT:-}" = full ]; then
            printf 'hooks_upgrade after %d %s\n' $n resume $n rollback $((n + 1)) resume $((n + 1)) rollback
            printf 'hooks_upgrade torn %d %s\n' $((n + 1)) resume $((n + 1)) rollback
        elif [[ ${HOOK_STEPS[i]} == */* ]]; then
            printf 'hooks_upgrade after %d resume\nhooks_upgrade torn %d rollback\n' $n $((n + 1))
        fi
    done
}

# Its folders are trusted; nothing below /tmp is. world_tidy() removes it.
hooks_site() {
    HOOKS=$(mktemp -d /root/.omslaunch-fault-XXXXXX)
    printf '%s\n' "$HOOKS" >"$W/hooks.folder"
    mkdir "$HOOKS/out"
    printf '#!/bin/sh\ncat >/dev/null\necho "$OMSLAUNCH_POINT/$OMSLAUNCH_HOOK $OMSLAUNCH_UNDO" >>"%s/out/calls"\n' \
        "$HOOKS" >"$HOOKS/note"
    chmod 755 "$HOOKS/note"
    local note="run: [$HOOKS/note], sandbox: {write: [$HOOKS/out]}"
    cat >"$HOOKS/c.yaml" <<SITE
hooks:
  pre-upgrade: [{name: once, $note}]
  pre-stop: [{name: drain, $note, undo: [$HOOKS/note], repeatable: true}]
  post-start: [{name: inside, kind: container, scope: node, run: [sh, -c, 'echo x >>/root/hook']}]
  post-init: [{name: once, $note}]
  post-upgrade: [{name: once, $note}]
SITE
}

# ran HOOK UNDO: how often.
ran() {
    sort "$HOOKS/out/calls" 2>/dev/null | grep -cx "$1 $2" || true
}

# Who is asked says what is true: the file tells whether the hook ran.
hooks_answer() {
    local hook word=again
    hook=$(sed -n "s/.*--answer \([a-z-]*\/[a-z]*\)=done.*/\1/p" "$W/said")
    [ -n "$hook" ] || fail 'a question without a hook'
    [ "$(ran "$hook" 0)" = 0 ] || word='done'
    om resume --config "$HOOKS/c.yaml" --answer "$hook=$word"
}

hooks_upgrade() {
    local when=$1 n=$2 go=$3 hook
    hooks_site
    OM_ENV=(OMSL_FAULT="$when:$n")
    upgrade --config "$HOOKS/c.yaml"
    is_rc 137
    OM_ENV=()
    om "$go" --config "$HOOKS/c.yaml"
    case $go:$RC in
    resume:13 | resume:12) hooks_answer ;;
    rollback:64) accept_losses ;;
    esac
    is_rc 0
    expect_end "$go"
    for hook in pre-upgrade/once post-init/once post-upgrade/once; do
        [ "$(ran $hook 0)" -le 1 ] || fail "$hook ran twice"
        [ "$go" != resume ] || [ "$(ran $hook 0)" = 1 ] || fail "$hook did not run"
    done
    if [ "$go" = resume ]; then
        [ "$(ran pre-stop/drain 0)" -ge 1 ] || fail 'pre-stop/drain did not run'
        [ "$(lab_docker e1 exec "$NAME" cat /root/hook)" = x ] || fail 'the hook in the container did not run once'
    elif [ "$(ran pre-stop/drain 0)" -ge 1 ]; then
        [ "$(ran pre-stop/drain 1)" = 1 ] || fail 'pre-stop/drain was not undone once'
    fi
}
