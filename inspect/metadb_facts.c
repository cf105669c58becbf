#include "inspect/metadb_facts.h"

#include <stdlib.h>

#define WHAT "facts of the MetaDB"

void metadb_facts_free(struct metadb_facts *f)
{
    if (!f) {
        return;
    }
    for (size_t i = 0; i < f->database_count; i++) {
        free(f->databases[i].role);
        free(f->databases[i].name);
    }
    for (size_t i = 0; i < f->region_count; i++) {
        free(f->regions[i].region);
        free(f->regions[i].cm_url);
    }
    for (size_t i = 0; i < f->host_count; i++) {
        free(f->hosts[i].ip);
        free(f->hosts[i].status);
        free(f->hosts[i].region);
    }
    for (size_t i = 0; i < f->missing_count; i++) {
        free(f->missing[i].database);
        free(f->missing[i].pattern);
        free(f->missing[i].privileges);
    }
    free(f->missing);
    free(f->account);
    free(f->snapshot);
    free(f->server_version);
    free(f->flavor);
    free(f->character_set);
    free(f->databases);
    free(f->ha_config);
    free(f->regions);
    free(f->hosts);
    strv_free(&f->duplicate_names);
    strv_free(&f->not_restorable);
    free(f->not_tried);
    *f = (struct metadb_facts){0};
}

static char *dup_or_null(const char *text)
{
    return text ? mem_strdup(text) : NULL;
}

static int need_u64(const json_t *j, const char *path, uint64_t *ret, struct err *err)
{
    const json_t *value = json_walk(j, path);

    if (!json_is_integer(value) || json_integer_value(value) < 0) {
        return err_fail(err, ERR_FAILED, WHAT ": '%s' is missing or no number", path);
    }
    *ret = (uint64_t)json_integer_value(value);
    return 0;
}

static int need_copy(const json_t *j, const char *path, char **ret, struct err *err)
{
    const char *text;

    if (json_need_text(j, path, WHAT, &text, err)) {
        return -1;
    }
    *ret = mem_strdup(text);
    return 0;
}

static int read_server(const json_t *j, struct metadb_facts *f, struct err *err)
{
    if (need_copy(j, "server.version", &f->server_version, err) ||
        need_copy(j, "server.flavor", &f->flavor, err) ||
        need_u64(j, "server.now_ms", &f->now_ms, err) ||
        need_u64(j, "server.max_allowed_packet", &f->max_allowed_packet, err) ||
        need_copy(j, "server.character_set", &f->character_set, err)) {
        return -1;
    }
    return 0;
}

static int read_database(const json_t *j, struct metadb_database *d, struct err *err)
{
    if (need_copy(j, "role", &d->role, err) || need_copy(j, "name", &d->name, err)) {
        return -1;
    }
    if (!json_is_boolean(json_walk(j, "exists"))) {
        return err_fail(err, ERR_FAILED, WHAT ": database '%s' has no 'exists'", d->name);
    }
    d->exists = json_bool(j, "exists", false);
    /* Of a database that does not exist there is nothing to count. */
    if (!d->exists) {
        return 0;
    }
    if (need_u64(j, "tables", &d->tables, err) || need_u64(j, "data_bytes", &d->data_bytes, err)) {
        return err_wrap(err, "database '%s'", d->name);
    }
    return 0;
}

static int read_databases(const json_t *j, struct metadb_facts *f, struct err *err)
{
    const json_t *array = json_walk(j, "databases");
    const size_t count = json_array_size(array);

    if (count == 0) {
        return err_fail(err, ERR_FAILED, WHAT ": 'databases' is missing or empty");
    }
    f->databases = mem_alloc(count * sizeof(*f->databases));
    f->database_count = count;
    for (size_t i = 0; i < count; i++) {
        if (read_database(json_array_get(array, i), &f->databases[i], err)) {
            return -1;
        }
    }
    return 0;
}

static int read_regions(const json_t *array, struct metadb_facts *f, struct err *err)
{
    const size_t count = json_array_size(array);

    f->has_regions = json_is_array(array);
    if (count == 0) {
        return 0;
    }
    f->regions = mem_alloc(count * sizeof(*f->regions));
    f->region_count = count;
    for (size_t i = 0; i < count; i++) {
        const json_t *j = json_array_get(array, i);
        uint64_t code = 0;

        if (need_u64(j, "code", &code, err)) {
            return err_wrap(err, "region %zu", i + 1);
        }
        f->regions[i].code = (unsigned)code;
        f->regions[i].region = mem_strdup(json_text(j, "region", ""));
        f->regions[i].cm_url = dup_or_null(json_text(j, "cm_url", NULL));
        f->regions[i].is_default = json_bool(j, "default", false);
    }
    return 0;
}

static int read_hosts(const json_t *array, struct metadb_facts *f, struct err *err)
{
    const size_t count = json_array_size(array);

    f->has_hosts = json_is_array(array);
    if (count == 0) {
        return 0;
    }
    f->hosts = mem_alloc(count * sizeof(*f->hosts));
    f->host_count = count;
    for (size_t i = 0; i < count; i++) {
        const json_t *j = json_array_get(array, i);

        if (need_copy(j, "ip", &f->hosts[i].ip, err)) {
            return err_wrap(err, "host %zu", i + 1);
        }
        f->hosts[i].status = mem_strdup(json_text(j, "status", ""));
        f->hosts[i].region = dup_or_null(json_text(j, "region", NULL));
    }
    return 0;
}

static int read_projects(const json_t *j, struct metadb_facts *f, struct err *err)
{
    const json_t *names = json_walk(j, "duplicate_names");

    if (!json_is_object(j)) {
        return 0;
    }
    if (need_u64(j, "total", &f->projects_total, err) ||
        need_u64(j, "running", &f->projects_running, err)) {
        return err_wrap(err, "projects");
    }
    f->has_projects = true;
    for (size_t i = 0; i < json_array_size(names); i++) {
        if (json_is_string(json_array_get(names, i))) {
            strv_add(&f->duplicate_names, json_string_value(json_array_get(names, i)));
        }
    }
    return 0;
}

static int read_privileges(const json_t *j, struct metadb_facts *f, struct err *err)
{
    const json_t *missing = json_walk(j, "missing");
    const size_t count = json_array_size(missing);

    if (!json_bool(j, "known", false)) {
        return 0;
    }
    f->has_privileges = true;
    f->snapshot = dup_or_null(json_text(j, "snapshot", NULL));
    if (need_copy(j, "account", &f->account, err)) {
        return err_wrap(err, "privileges");
    }
    if (count == 0) {
        return 0;
    }
    f->missing = mem_alloc(count * sizeof(*f->missing));
    f->missing_count = count;
    for (size_t i = 0; i < count; i++) {
        const json_t *item = json_array_get(missing, i);

        if (need_copy(item, "database", &f->missing[i].database, err) ||
            need_copy(item, "pattern", &f->missing[i].pattern, err) ||
            need_copy(item, "privileges", &f->missing[i].privileges, err)) {
            return err_wrap(err, "missing privilege %zu", i + 1);
        }
    }
    return 0;
}

int metadb_facts_from_json(const json_t *result, struct metadb_facts *ret, struct err *err)
{
    AUTO_METADB_FACTS struct metadb_facts f = {0};

    if (read_server(result, &f, err) || read_databases(result, &f, err) ||
        read_regions(json_walk(result, "regions"), &f, err) ||
        read_hosts(json_walk(result, "hosts"), &f, err) ||
        read_projects(json_walk(result, "projects"), &f, err) ||
        read_privileges(json_walk(result, "privileges"), &f, err)) {
        return -1;
    }
    f.ha_config = dup_or_null(json_text(result, "ha_config", NULL));
    *ret = f;
    f = (struct metadb_facts){0};
    return 0;
}

void metadb_facts_add_probe(const json_t *result, struct metadb_facts *f)
{
    const json_t *findings = json_walk(result, "findings");

    f->tried = true;
    for (size_t i = 0; i < json_array_size(findings); i++) {
        if (json_is_string(json_array_get(findings, i))) {
            strv_add(&f->not_restorable, json_string_value(json_array_get(findings, i)));
        }
    }
}

const struct metadb_database *metadb_facts_database(const struct metadb_facts *f, const char *role)
{
    for (size_t i = 0; i < f->database_count; i++) {
        if (str_eq(f->databases[i].role, role)) {
            return &f->databases[i];
        }
    }
    return NULL;
}

uint64_t metadb_facts_bytes(const struct metadb_facts *f)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < f->database_count; i++) {
        sum += f->databases[i].data_bytes;
    }
    return sum;
}
