# What the tests share.

OLD=feature_3.3.1-ce
NEW=feature_4.0.0-ce
IMAGE=lab/oms:$OLD
SOCKET=$SPEC_DIR/lab/e1/docker.sock
HOST=unix://$SOCKET
# Never this machine's own engine and state.
unset DOCKER_HOST XDG_STATE_HOME

engine() {
    DOCKER_CONFIG=$SPEC_DIR/cli docker -H "$HOST" "$@" 3>&-
}

# api METHOD PATH [CURL_ARGUMENT…]: what the docker program cannot ask for.
api() {
    curl -sS --fail-with-body --unix-socket "$SOCKET" -X "$1" "http://engine$2" "${@:3}" 3>&-
}

# A site of its own for each test: config.yaml and the three disks.
setup_site() {
    S=$BATS_TEST_TMPDIR/site
    NAME=oms_$BATS_TEST_NUMBER
    mkdir -p "$S"/{logs,store,run}
    cat >"$S/config.yaml" <<'YAML'
oms_meta_host: 127.0.0.1
oms_meta_port: 1
oms_meta_user: oms
oms_meta_password: secret
drc_rm_db: rm
drc_cm_db: cm
drc_cm_heartbeat_db: hb
cm_url: http://127.0.0.11:8088
cm_location: 0
cm_region: cn-lab
cm_is_default: true
cm_nodes:
 - 127.0.0.11
YAML
    BINDS=(-v "$S/config.yaml:/home/admin/conf/config.yaml" -v "$S/logs:/home/admin/logs"
        -v "$S/store:/home/ds/store" -v "$S/run:/home/ds/run")
    RUNBOOK=(-it --net host --privileged=true --pids-limit -1 --ulimit nproc=65535:65535
        -e OMS_HOST_IP=127.0.0.11)
}

remove_containers() {
    local -a ids
    mapfile -t ids < <(engine ps -aq --no-trunc)
    [ "${#ids[@]}" -eq 0 ] || engine rm -fv "${ids[@]}" >/dev/null
    engine volume prune -f >/dev/null
}

# old [DOCKER_ARGUMENT…] [-- IMAGE [COMMAND…]]: the old container, with the runbook's binds and
# options before what is special about it. It need not run to be compared.
old() {
    local -a arguments=() image=("$IMAGE")
    while [ "$#" -gt 0 ]; do
        if [ "$1" = -- ]; then
            shift
            image=("$@")
            break
        fi
        arguments+=("$1")
        shift
    done
    engine create --pull never --name "$NAME" "${RUNBOOK[@]}" "${BINDS[@]}" "${arguments[@]}" \
        "${image[@]}" >/dev/null
}

# created [TAG]: what an upgrade would start. Sets PLAN, BEFORE and AFTER (answers of inspect).
create_new() {
    local result
    result=$("$SPEC_BUILD/tests/live/spec/create" "$HOST" "$NAME" "${1:-$NEW}" /nonexistent \
        "$SPEC_BUILD/version_paths.yaml" 3>&-) || return 1
    PLAN=$(jq .plan <<<"$result")
    BEFORE=$(engine inspect "$NAME")
    AFTER=$(engine inspect "$(jq -r .id <<<"$result")")
}

# Changes of the plan in the form of diff.jq; what looks like a secret is masked in it.
planned() {
    jq -S 'def nothing: . == false or . == 0 or . == "" or . == [] or . == {};
        def blank: if nothing then null else . end;
        def member: if . == {} then true else blank end;
        [.nodes[0].changes[] | if .field == "HostConfig.PidsLimit" and .new < 0 then .new = null else . end
            | if .field | test("^Config\\.(ExposedPorts|Volumes)\\.") then {field, old: (.old | member), new: (.new | member)}
            else {field, old: (.old | blank), new: (.new | blank)} end] | sort_by(.field)' <<<"$PLAN"
}

observed() {
    jq -S -s 'add' <<<"$BEFORE$AFTER" | jq -S -f "$SPEC_SRC/diff.jq" |
        jq -S 'map(if .field | test("^Config\\.Env\\..*(PASSWORD|TOKEN|SECRET)") then
            .old |= (if . == null then . else "***" end) | .new |= (if . == null then . else "***" end)
            else . end | .old |= (if . == "" then null else . end) | .new |= (if . == "" then null else . end)) | sort_by(.field)'
}

# The heart of it: old and new differ in what the plan says, and in nothing else.
differs_as_planned() {
    create_new "$@" || return 1
    diff <(planned) <(observed) >&2 || {
        printf -- '<: what the plan says; >: what docker inspect says\n' >&2
        return 1
    }
}

# changes LINE…: exactly these rows of the plan come from omslaunch, not from the image.
changes() {
    local got
    got=$(jq -r '.nodes[0].changes[] | select(.by == "omslaunch") |
        "\(.field): \(.old | tojson) → \(.new | tojson)"' <<<"$PLAN" | sort)
    [ "$(printf '%s\n' "$@" | sort)" = "$got" ] && return 0
    diff <(printf '%s\n' "$@" | sort) <(printf '%s\n' "$got") >&2
}

# What every upgrade from a container of the runbook changes.
IMAGE_ROW='Config.Image: "lab/oms:feature_3.3.1-ce" → "lab/oms:feature_4.0.0-ce"'
UPGRADE_ROW='Config.Env.IS_UPGRADE: null → "true"'

# after JQ_FILTER EXPECTED: of the created container.
after() {
    local got
    got=$(jq -c ".[0] | $1" <<<"$AFTER")
    [ "$got" = "$2" ] && return 0
    printf '%s\n--- expected\n%s\n--- got\n%s\n' "$1" "$2" "$got" >&2
    return 1
}

# only_usual: nothing but image and IS_UPGRADE changes.
only_usual() {
    differs_as_planned && changes "$IMAGE_ROW" "$UPGRADE_ROW"
}
