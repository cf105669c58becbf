#!/bin/bash
# What two databases of one server differ in, one line each; nothing when they are the same. It asks
# the server alone (CHECKSUM TABLE, SHOW CREATE, information_schema, values side by side) and knows
# nothing of how a dump is made.
#
#   compare.sh "MYSQL COMMAND" DATABASE_A DATABASE_B
set -euo pipefail
read -ra mysql <<<"$1"
a=$2 b=$3

ask() { "${mysql[@]}" --batch --skip-column-names --default-character-set=utf8mb4 -e "SET time_zone='+00:00'; $1"; }
quote() { printf '`%s`' "${1//\`/\`\`}"; }
text() { local t=${1//\\/\\\\}; printf "'%s'" "${t//\'/\'\'}"; }
# Its own name, as a database and inside definitions, is the one thing in which they may differ.
plain() { sed -e "s/\`${1//./\\.}\`/\`DB\`/g"; }

differ() { # WHAT: compares stdin of two files prepared by the caller
    if ! cmp -s "$dir/a" "$dir/b"; then
        printf '%s\n' "$1"
        if [ -n "${COMPARE_VERBOSE:-}" ]; then diff -a "$dir/a" "$dir/b" | head -n 20 || true; fi
    fi
}

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
for side in a b; do
    db=${!side}
    ask "SELECT default_character_set_name, default_collation_name FROM information_schema.schemata WHERE schema_name = $(text "$db")" >"$dir/$side"
done
differ "database: character set or collation"
for side in a b; do
    db=${!side}
    ask "SELECT table_name, table_type FROM information_schema.tables WHERE table_schema = $(text "$db") ORDER BY BINARY table_name" >"$dir/$side"
done
differ "database: tables"
ask "SELECT table_name FROM information_schema.tables WHERE table_schema = $(text "$a") AND table_type = 'VIEW'" >"$dir/views"

while IFS= read -r view <&3; do
    for side in a b; do
        db=${!side}
        # MySQL does not show one whose columns are gone.
        { ask "USE $(quote "$db"); SHOW CREATE VIEW $(quote "$view")" 2>/dev/null ||
            ask "SELECT view_definition, check_option, definer, security_type, character_set_client, collation_connection
                FROM information_schema.views WHERE table_schema = $(text "$db") AND table_name = $(text "$view")"; } |
            plain "$db" >"$dir/$side"
    done
    differ "view $view: definition"
done 3<"$dir/views"

ask "SELECT table_name FROM information_schema.tables WHERE table_schema = $(text "$a") AND table_type <> 'VIEW'" >"$dir/tables"
while IFS= read -r table <&3; do
    # --batch writes backslashes twice.
    name=$(printf '%b' "$table")
    for side in a b; do
        db=${!side}
        ask "SHOW CREATE TABLE $(quote "$db").$(quote "$name")" 2>&1 | plain "$db" >"$dir/$side" || true
    done
    differ "table $name: definition"
    for side in a b; do
        db=${!side}
        ask "CHECKSUM TABLE $(quote "$db").$(quote "$name") EXTENDED" 2>&1 | cut -f2 >"$dir/$side"
    done
    differ "table $name: checksum"
    for side in a b; do
        db=${!side}
        # A checksum of no columns says nothing.
        ask "SELECT COUNT(*) FROM $(quote "$db").$(quote "$name")" >"$dir/$side" 2>&1
    done
    differ "table $name: number of rows"
done 3<"$dir/tables"
