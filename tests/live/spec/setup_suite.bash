# One engine for all files, without a MetaDB: what a container is, the engine alone says.
setup_suite() {
    bats_require_minimum_version 1.7.0
    SPEC_SRC=$(cd "$BATS_TEST_DIRNAME" && pwd)
    : "${SPEC_DIR:?tests/live/spec/run sets it}"
    export SPEC_SRC
    "$SPEC_SRC/site.sh" up "$SPEC_DIR" >"$SPEC_DIR/up.log" 2>&1 3>&- || {
        cat "$SPEC_DIR/up.log" >&2
        return 1
    }
}

teardown_suite() {
    "$SPEC_SRC/site.sh" down "$SPEC_DIR" >/dev/null 2>&1 3>&-
}
