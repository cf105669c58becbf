# One deployment for all files: it takes twenty seconds.
setup_suite() {
    bats_require_minimum_version 1.7.0
    NODES_SRC=$(cd "$BATS_TEST_DIRNAME" && pwd)
    : "${NODES_DIR:?tests/live/nodes/run sets it}"
    export NODES_SRC
    LAB_QUIET=1 "$NODES_SRC/site.sh" up "$NODES_DIR" >"$NODES_DIR/up.log" 2>&1 3>&- || {
        cat "$NODES_DIR/up.log" >&2
        return 1
    }
}

teardown_suite() {
    "$NODES_SRC/site.sh" down "$NODES_DIR" >/dev/null 2>&1 3>&-
}
