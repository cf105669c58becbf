# One lab for the whole suite. tests/cli/run names CLI_DIR, and removes it whatever happens here.
setup_suite() {
    bats_require_minimum_version 1.7.0
    CLI_SRC=$(cd "$BATS_TEST_DIRNAME" && pwd)
    CLI_BUILD=$(cd "${OMSLAUNCH_BUILD:-$CLI_SRC/../../build}" && pwd)
    : "${CLI_DIR:=$(mktemp -d /tmp/omslcli.XXXXXX)}"
    export CLI_SRC CLI_BUILD CLI_DIR
    # Other users pass through it, and see nothing.
    chmod 711 "$CLI_DIR"
    mkdir -m 755 "$CLI_DIR/bin"
    cp "$CLI_BUILD/omslaunch" "$CLI_BUILD/omslaunch-metadb" "$CLI_BUILD"/{version_paths,rule_defaults}.yaml \
        "$CLI_DIR/bin/"
    chmod 755 "$CLI_DIR"/bin/omslaunch*
    chmod 644 "$CLI_DIR/bin"/*.yaml
    LAB_QUIET=1 "$CLI_SRC/site.sh" up "$CLI_DIR" >"$CLI_DIR/up.log" 2>&1 3>&- || {
        cat "$CLI_DIR/up.log" >&2
        return 1
    }
}

teardown_suite() {
    "$CLI_SRC/site.sh" down "$CLI_DIR" >/dev/null 2>&1 3>&- || return 1
    rm -rf --one-file-system "$CLI_DIR"
}
