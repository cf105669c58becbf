# drop-old: what a restore has moved aside goes only when it is still that, and nothing stands on it.

# Names that have to be quoted, a foreign key over databases, a sequence and a default from it, a table
# without transactions, views on views, a trigger.
setup() {
    . "$METADB_SRC/common.bash"
    export DATABASES='o_`rm o_cm o_hb' USER_NAME=chief USER_PASSWORD=c
    drop_like 'o\_%'
    lab_sql <<SQL
create or replace user chief@'%' identified by 'c'; grant all on *.* to chief@'%';
create database \`o_\`\`rm\`; create database o_cm; create database o_hb;
create table o_cm.parent (id int primary key); insert into o_cm.parent values (1);
create table o_hb.beat (id int primary key);
use \`o_\`\`rm\`;
create table \`a\`\`b\` (id int primary key, p int, constraint far foreign key (p) references o_cm.parent (id)); insert into \`a\`\`b\` values (1, 1);
create table old_engine (id int) engine=MyISAM;
$(has_sequences && echo 'create sequence numbers;
create table numbered (id bigint primary key default nextval(numbers));')
create view \`v\`\`1\` as select id from \`a\`\`b\`; create view v2 as select * from \`v\`\`1\`;
create trigger t before insert on old_engine for each row set new.id = 1;
SQL
    BACKUP=$BATS_TEST_TMPDIR/backup
    ok dump '{"folder": "'"$BACKUP"'"}'
    ok restore '{"folder": "'"$BACKUP"'"}'
    OLD_RM='o_`rm__old_'$RUN OLD_CM=o_cm__old_$RUN OLD_HB=o_hb__old_$RUN
    real=$(digests 'o_`rm' o_cm o_hb)
}

teardown() {
    drop_like 'o\_%'
    drop_like 'else%'
}

# all [+ MORE]: parameters that name the three.
all() {
    jq -nc --arg run "$RUN" "{databases: [\"$OLD_RM\", \"$OLD_CM\", \"$OLD_HB\" | {name: ., run: \$run}]} $*"
}

# states: of the answer, and why.
states() {
    field '.result.databases[] | .state + (if .why then ": " + .why else "" end)'
}

# left WHY…: each of the three is left alone, or not; the answer is the same without the dry run, and
# who is left is as it was.
left() {
    local expected
    expected=$(printf '%s\n' "$@")
    ok drop-old "$(all '+ {dry_run: true}')"
    same "$expected" "$(states)"
    ok drop-old "$(all)"
    # shellcheck disable=SC2001
    same "$(sed 's/^there$/dropped/' <<<"$expected")" "$(states)"
    same "$real" "$(digests 'o_`rm' o_cm o_hb)"
}

@test "told first, then dropped; a second time there is nothing" {
    before=$(databases_like 'o\_%')
    ok drop-old "$(all '+ {dry_run: true}')"
    same 'there there there' "$(states | xargs)"
    same "$OLD_RM $RUN $(has_sequences && echo 4 || echo 2) $OLD_CM $RUN 1 $OLD_HB $RUN 1" "$(field '[.result.databases[] | .name, .run, .tables] | join(" ")')"
    [ "$(field '.result.databases[0].bytes')" -gt 16000 ]
    same "$before" "$(databases_like 'o\_%')"
    ok drop-old "$(all)"
    same 'dropped dropped dropped' "$(states | xargs)"
    same 'o_cm
o_hb
o_`rm' "$(databases_like 'o\_%')"
    same "$real" "$(digests 'o_`rm' o_cm o_hb)"
    ok drop-old "$(all)"
    same 'gone gone gone' "$(states | xargs)"
}

@test "a name alone is no reason" {
    lab_sql -e "create database o_mine__old_1; create table o_mine__old_1.t (id int)"
    ok drop-old '{"databases": [{"name": "o_mine__old_1", "run": "1"}]}'
    same 'left: it does not tell what was put there' "$(states)"
    lab_sql -e "create table o_mine__old_1.omslaunch_definitions like \`$OLD_CM\`.omslaunch_definitions"
    ok drop-old '{"databases": [{"name": "o_mine__old_1", "run": "1"}]}'
    same 'left: it does not tell what was put there' "$(states)"
    ok drop-old '{"databases": [{"name": "'"$OLD_CM"'", "run": "1"}]}'
    same "left: it is of run $RUN" "$(states)"
    refused usage "'o_cm' is no name that a restore gives" drop-old '{"databases": [{"name": "o_cm", "run": "1"}]}'
    DATABASES="o_rm $OLD_CM o_hb" refused usage "'$OLD_CM' is no name that a restore gives" drop-old "$(all)"
    refused usage "'' is no name that a restore gives" drop-old '{"databases": [{}]}'
    same "$OLD_CM
o_mine__old_1" "$(databases_like 'o\_%c%m%old%'; databases_like 'o\_mine%')"
}

@test "somebody's table, or one that is missing: left alone" {
    lab_sql -e "create table \`$OLD_CM\`.mine (id int); drop table \`$OLD_HB\`.beat"
    lab_sql -e "create view $(lab_sql_name "$OLD_RM").mine as select 1"
    left "left: it holds the view 'mine', which no restore has put there" \
        "left: it holds the table 'mine', which no restore has put there" \
        "left: the table 'beat', which was put there, is not in it any more"
}

@test "somebody's function, or event: left alone" {
    lab_sql -e "create function \`$OLD_CM\`.f() returns int return 1; create event \`$OLD_HB\`.e on schedule every 1 day do set @x = 1"
    left there "left: it holds the function 'f', which no restore has put there" \
        "left: it holds the event 'e', which no restore has put there"
}

@test "somebody's table refers to it: left alone, and so is what that one refers to" {
    # A copy whose foreign key leads to the table that has moved.
    lab_sql -e "create database elsewhere; create table elsewhere.mine (id int primary key, foreign key (id) references $(lab_sql_name "$OLD_RM").\`a\`\`b\` (id))"
    left "left: the table 'elsewhere.mine' refers to it" "left: the table '$OLD_RM.a\`b' refers to it" there
    same 1 "$(lab_sql -e "select id from \`$OLD_CM\`.parent")"
}

@test "somebody's view reads it: left alone" {
    lab_sql -e "create database elsewhere; create view elsewhere.mine as select id from $(lab_sql_name "$OLD_RM").\`a\`\`b\`"
    left "left: the view 'elsewhere.mine' reads it" "left: the table '$OLD_RM.a\`b' refers to it" there
}

@test "called again, a restore tells what it had kept before" {
    same '[] [] []' "$(field '.result.databases[].earlier | tojson' | xargs)"
    ok restore '{"folder": "'"$BACKUP"'"}'
    same "${OLD_RM}_2 $OLD_RM" "$(field '.result.databases[0] | [.quarantine, .earlier[]] | join(" ")')"
    ok drop-old "$(all | jq -c '.databases |= map(., .name += "_2")')"
    same 'dropped 6' "$(states | sort | uniq -c | awk '{ print $2, $1 }')"
    same "$real" "$(digests 'o_`rm' o_cm o_hb)"
}

@test "killed around every statement, then called again: all gone, and nothing else" {
    local total at when tried=0
    KILL_COUNT=$BATS_TEST_TMPDIR/count LD_PRELOAD=$METADB_DIR/kill_at.so ok drop-old "$(all)"
    total=$(cat "$BATS_TEST_TMPDIR/count")
    [ "$total" -gt 20 ]
    for ((at = 1; at <= total; at += ${KILL_STEP:-3})); do
        for when in before after; do
            ok restore '{"folder": "'"$BACKUP"'"}'
            KILL_AT=$at KILL_WHEN=$when LD_PRELOAD=$METADB_DIR/kill_at.so metadb drop-old "$(all)"
            same 137 "$code"
            ok drop-old "$(all)"
            if states | grep -vxE 'gone|dropped' || ! same 'o_cm o_hb o_`rm' "$(databases_like 'o\_%' | paste -sd ' ')"; then
                echo "after a kill $when statement $at of $total" >&2
                return 1
            fi
            tried=$((tried + 1))
        done
    done
    same "$real" "$(digests 'o_`rm' o_cm o_hb)"
    echo "# killed at $tried points of $total statements" >&3
}

@test "no permission: said so, and what is left stays known" {
    lab_sql -e "create or replace user looker@'%' identified by 'l'; grant select, insert, delete on *.* to looker@'%'"
    USER_NAME=looker USER_PASSWORD=l refused permission "dropping the database '$OLD_RM': " drop-old "$(all)"
    ok drop-old "$(all)"
    same 'dropped dropped dropped' "$(states | xargs)"
}
