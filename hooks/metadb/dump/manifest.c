/* What the manifest says of a backup that was just written: docs/metadb.md, "The manifest". */
#include "hooks/metadb/backup/backup.h"
#include "hooks/metadb/model/definition.h"
#include "hooks/metadb/dump/state.h"
#include "launcher/base/clock.h"

static const struct dump_table *find_table(const struct dump *d, const struct schema_table *t)
{
    for (size_t i = 0; i < d->table_count; i++) {
        if (d->tables[i].table == t) {
            return &d->tables[i];
        }
    }
    return NULL;
}

static json_t *table_entry(const struct dump *d, const struct schema_table *t)
{
    const struct dump_table *written = find_table(d, t);
    json_t *entry = json_make("{s:s, s:s}", "name", t->name, "type", schema_type_name(t->type));
    if (written) {
        AUTO_FREE char *hash = mem_printf("%016llx", (unsigned long long)written->hash);
        json_put(entry, "rows", json_integer((json_int_t)written->rows));
        json_put_text(entry, "checksum", hash);
    }
    if (t->where) {
        json_put_text(entry, "where", t->where);
    }
    if (t->broken) {
        json_put(entry, "broken", json_true());
    }
    json_put(entry, "create", definition_to_json(t->create));
    return entry;
}

static json_t *database_entry(const struct dump *d, size_t i)
{
    const struct schema *s = d->schemas[i];
    const struct frame_file *f = d->files[i];
    json_t *tables = json_array();
    for (size_t k = 0; k < s->table_count; k++) {
        json_add(tables, table_entry(d, &s->tables[k]));
    }
    return json_make("{s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:O, s:o, s:O}", "name", s->name, "file",
                     f->name, "charset", s->charset, "collation", s->collation, "create", s->create,
                     "bytes", (json_int_t)f->size, "raw_bytes", (json_int_t)f->raw_size, "frames",
                     f->frames, "tables", tables, "triggers", s->triggers);
}

json_t *dump_manifest(struct dump *d)
{
    char time[CLOCK_TEXT_MAX];
    json_t *databases = json_array();
    for (size_t i = 0; i < d->database_count; i++) {
        json_add(databases, database_entry(d, i));
    }
    return json_make(
        "{s:i, s:s, s:s?, s:O?, s:s, s:I, s:I, s:{s:s, s:s, s:s, s:i, s:I}, s:{s:s, s:i, s:O?},"
        " s:{s:s, s:b, s:b, s:b, s:s}, s:o}",
        "schema", BACKUP_SCHEMA, "tool", "omslaunch " OMSLAUNCH_VERSION, "run", d->request->run,
        /* The caller's own words about the backup: whose it is. */
        "labels", json_object_get(d->request->parameters, "labels"), "created",
        clock_format(d->started_wall_ms, time), "created_ms", (json_int_t)d->started_wall_ms,
        "duration_ms", (json_int_t)(clock_mono_ms() - d->started_ms), "server", "version",
        d->server.version, "flavor", conn_flavor_name(d->server.flavor), "host", d->request->host,
        "port", (int)d->request->port, "max_allowed_packet", (json_int_t)d->server.packet_max,
        "snapshot", "method", dump_snapshot_name(d->snapshot), "workers", (int)d->options.workers,
        "position", d->position, "options", "compress", d->options.compress, "triggers",
        d->options.triggers, "routines", d->options.routines, "events", d->options.events,
        "sequence", d->options.newest_only ? "newest" : "all", "databases", databases);
}
