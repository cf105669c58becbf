/* A small world to upgrade: an engine with an old OMS container and two images, a console that is
 * healthy when the version that runs fits the databases, and a MetaDB (world_metadb.h). Its state
 * changes as the real one's would, so that tests look at what became of it, and at the exact calls.
 * Any call can be made to go wrong, also by killing who made it. */
#ifndef OMSLAUNCH_TESTS_WORLD_H
#define OMSLAUNCH_TESTS_WORLD_H

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "launcher/base/clock.h"
#include "launcher/base/stop.h"
#include "launcher/upgrade/run.h"
#include "launcher/state/state.h"
#include "launcher/upgrade/survey.h"
#include "tests/unit/engine/tar_make.h"
#include "tests/unit/upgrade/world_metadb.h"

#define OLD_ID "0d00000000000000000000000000000000000000000000000000000000000000"
#define NEW_ID "fe00000000000000000000000000000000000000000000000000000000000000"
#define EXEC_MAX 8
#define RUN "r1"
#define OLD_IMAGE "r/oms:feature_3.3.1-ce"
#define NEW_IMAGE "r/oms:feature_4.0.0-ce"
#define OLD_IMAGE_ID "sha256:aaaa000000000000"
#define NEW_IMAGE_ID "sha256:bbbb000000000000"

enum { WORLD_OLD, WORLD_NEW, WORLD_CONTAINERS };

struct world_container {
    bool exists;
    char name[128];
    char status[16]; /* "created", "running", "exited" */
    int exit_code;
    char started[CLOCK_TEXT_MAX], finished[CLOCK_TEXT_MAX];
    json_t *config;
    json_t *host_config;
};

/* What becomes of docker_init.sh. */
enum init_kind {
    INIT_WELL,
    INIT_FAILS,     /* says so, after it changed the schema */
    INIT_CUT,       /* killed in the middle, the schema is changed */
    INIT_CUT_EARLY, /* killed before it changed anything */
    INIT_KIND_MAX
};

/* An exec runs once at most, as on a real engine; the script of each is docker_init.sh. */
struct world_exec {
    bool started;
    bool forgotten; /* the engine was started again */
    int exit_code;  /* -1: it has not ended */
};

/* A start that was on its way when who sent it was killed gets there: */
enum late_start {
    LATE_NOT,
    LATE_BEFORE_LOOK,  /* before the next one looks at the exec */
    LATE_BEFORE_START, /* after it has looked, and before it starts it too */
};

struct world {
    char folder[40];
    char endpoint[8 + sizeof(((struct sockaddr_un *)0)->sun_path)];
    char program[512]; /* this binary, as the MetaDB program */
    int engine_fd, console_fd;
    unsigned port;
    int stop[2];
    pthread_t thread;
    pid_t client;    /* who is killed; 0: this process */
    int exit_status; /* of the last client that was a child */
    struct world_container containers[WORLD_CONTAINERS];
    char *begun, *ended; /* docker_init.sh's markers */
    const char *host_ip; /* of the new container; NULL: the old one's */
    bool https;          /* of the new container */
    enum init_kind init;
    struct world_exec execs[EXEC_MAX]; /* IDs "ec0", "ec1", … */
    size_t exec_count;
    size_t exec_asked; /* the one that a call is about */
    enum late_start late;
    bool late_waits;                      /* it is on its way: execs[exec_asked] */
    unsigned init_runs;                   /* how often docker_init.sh began */
    bool init_goes_on;                    /* it does not come to its end */
    bool new_dies;                        /* its main process ends once docker_init.sh has run */
    bool never_healthy;                   /* the new version does not get well */
    const char *absent[WORLD_CONTAINERS]; /* a version without /oms/health: its status line */
    const char *old_comes_back_at;        /* somebody starts the old one right after this call */
    bool leftover;                        /* another container has the run's label */
    const char *images; /* the list of images, without the new one; NULL: it is there */
    bool ever_both;     /* old and new have run at the same time */
};

/* ---- answers ---- */

static void answer(int fd, const char *status, const char *headers, const char *body, size_t len)
{
    AUTO_STR struct str all = STR_INIT;

    str_appendf(&all, "HTTP/1.1 %s\r\nConnection: close\r\n%sContent-Length: %zu\r\n\r\n", status,
                headers, len);
    str_append_n(&all, body, len);
    for (size_t at = 0; at < all.len;) {
        ssize_t n = send(fd, all.data + at, all.len - at, MSG_NOSIGNAL);
        if (n <= 0) {
            return;
        }
        at += (size_t)n;
    }
}

static void answer_json(int fd, const char *status, json_t *body_take)
{
    AUTO_JSON json_t *body = body_take;
    AUTO_FREE char *text = json_compact(body);

    answer(fd, status, "Content-Type: application/json\r\n", text, strlen(text));
}

static void answer_problem(int fd, const char *status, const char *message)
{
    answer_json(fd, status, json_make("{s:s}", "message", message));
}

/* Quotes nothing: who parses it must not trust it. */
static void answer_words(int fd, const struct str *words)
{
    AUTO_STR struct str body = STR_INIT;

    str_append(&body, "{\"message\":\"");
    str_append_n(&body, words->data, words->len);
    str_append(&body, "\"}");
    answer(fd, "500 Internal Server Error", "Content-Type: application/json\r\n", body.data,
           body.len);
}

/* The output of a container, in a frame as long as it is. */
static void answer_output(const struct world *w, int fd, const char *usual)
{
    AUTO_STR struct str words = STR_INIT;
    AUTO_STR struct str frame = STR_INIT;

    words_read(w->folder, &words);
    if (words.len == 0) {
        str_append(&words, usual);
    }
    const unsigned char header[] = {1,
                                    0,
                                    0,
                                    0,
                                    (unsigned char)(words.len >> 24),
                                    (unsigned char)(words.len >> 16),
                                    (unsigned char)(words.len >> 8),
                                    (unsigned char)words.len};
    str_append_n(&frame, (const char *)header, sizeof(header));
    str_append_n(&frame, words.data, words.len);
    answer(fd, "200 OK", "Content-Type: application/vnd.docker.raw-stream\r\n", frame.data,
           frame.len);
}

/* ---- containers ---- */

static bool is_running(const struct world *w, int which)
{
    return w->containers[which].exists && str_eq(w->containers[which].status, "running");
}

static int find_container(const struct world *w, const char *id)
{
    static const char *const ids[] = {OLD_ID, NEW_ID};

    for (int i = 0; i < WORLD_CONTAINERS; i++) {
        if (w->containers[i].exists && (str_eq(id, ids[i]) || str_eq(id, w->containers[i].name))) {
            return i;
        }
    }
    return -1;
}

static json_t *mounts_of(const json_t *host_config)
{
    json_t *mounts = json_array();
    const json_t *binds = json_object_get(host_config, "Binds");

    for (size_t i = 0; i < json_array_size(binds); i++) {
        const char *bind = json_string_value(json_array_get(binds, i));
        const char *colon = strchr(bind, ':');
        AUTO_FREE char *source = mem_strndup(bind, (size_t)(colon - bind));
        json_add(mounts, json_make("{s:s,s:s,s:s,s:s,s:b,s:s}", "Type", "bind", "Source", source,
                                   "Destination", colon + 1, "Mode", "", "RW", 1, "Propagation",
                                   "rprivate"));
    }
    return mounts;
}

static json_t *inspect_of(const struct world *w, int which)
{
    const struct world_container *c = &w->containers[which];
    AUTO_FREE char *name = mem_printf("/%s", c->name);

    return json_make("{s:s,s:s,s:s,s:{s:s,s:b,s:b,s:i,s:s,s:s},s:O,s:O,s:o}", "Id",
                     which == WORLD_OLD ? OLD_ID : NEW_ID, "Name", name, "Image",
                     which == WORLD_OLD ? OLD_IMAGE_ID : NEW_IMAGE_ID, "State", "Status", c->status,
                     "Running", (int)str_eq(c->status, "running"), "Restarting", 0, "ExitCode",
                     c->exit_code, "StartedAt", c->started, "FinishedAt", c->finished, "Config",
                     c->config, "HostConfig", c->host_config, "Mounts", mounts_of(c->host_config));
}

static json_t *image_of(const char *path)
{
    bool is_new = strstr(path, NEW_IMAGE) != NULL || strstr(path, NEW_IMAGE_ID) != NULL;

    return json_make("{s:s,s:s,s:[s],s:{s:[s]}}", "Id", is_new ? NEW_IMAGE_ID : OLD_IMAGE_ID,
                     "Architecture", "amd64", "RepoTags", is_new ? NEW_IMAGE : OLD_IMAGE, "Config",
                     "Env", "PATH=/bin");
}

static void set_running(struct world *w, int which)
{
    (void)snprintf(w->containers[which].status, sizeof(w->containers[which].status), "running");
    clock_format(clock_wall_ms(), w->containers[which].started);
    w->ever_both = w->ever_both || (is_running(w, WORLD_OLD) && is_running(w, WORLD_NEW));
}

static void set_exited(struct world *w, int which)
{
    (void)snprintf(w->containers[which].status, sizeof(w->containers[which].status), "exited");
    clock_format(clock_wall_ms(), w->containers[which].finished);
    for (size_t i = 0; which == WORLD_NEW && i < w->exec_count; i++) {
        w->execs[i].forgotten = w->execs[i].forgotten || !w->execs[i].started;
        w->execs[i].exit_code = w->execs[i].exit_code < 0 ? 137 : w->execs[i].exit_code;
    }
}

/* ---- calls that change something ---- */

static void create(struct world *w, const char *name, const json_t *body)
{
    struct world_container *c = &w->containers[WORLD_NEW];

    *c = (struct world_container){.exists = true,
                                  .status = "created",
                                  .started = "0001-01-01T00:00:00Z",
                                  .finished = "0001-01-01T00:00:00Z"};
    (void)snprintf(c->name, sizeof(c->name), "%s", name);
    c->config = json_deep_copy(body);
    json_object_del(c->config, "HostConfig");
    json_add(json_object_get(c->config, "Env"), json_string("PATH=/bin"));
    c->host_config = json_deep_copy(json_object_get(body, "HostConfig"));
    /* As a real engine does. */
    json_put(c->host_config, "PidsLimit", json_null());
}

static void run_init(struct world *w)
{
    struct world_exec *x = &w->execs[w->exec_asked];

    if (x->started) {
        return;
    }
    x->started = true;
    x->exit_code = w->init_goes_on         ? -1
                   : w->init == INIT_WELL  ? 0
                   : w->init == INIT_FAILS ? 1
                                           : 137;
    w->init_runs++;
    free(TAKE(w->begun));
    free(TAKE(w->ended));
    w->begun = mem_strdup("7\n");
    if (w->init_goes_on) {
        return;
    }
    if (w->init != INIT_CUT_EARLY) {
        file_write(w->folder, "schema", "new");
    }
    if (w->init == INIT_WELL || w->init == INIT_FAILS) {
        w->ended = mem_strdup(w->init == INIT_WELL ? "0\n" : "1\n");
    }
    if (w->new_dies) {
        set_exited(w, WORLD_NEW);
        w->containers[WORLD_NEW].exit_code = 139;
    }
}

static void perform(struct world *w, int which, const char *verb, const char *value,
                    const json_t *body)
{
    struct world_container *c = &w->containers[which];

    if (str_eq(verb, "create")) {
        create(w, value, body);
    } else if (str_eq(verb, "start")) {
        set_running(w, which);
    } else if (str_eq(verb, "stop") && str_eq(c->status, "running")) {
        set_exited(w, which);
    } else if (str_eq(verb, "rename")) {
        (void)snprintf(c->name, sizeof(c->name), "%s", value);
    } else if (str_eq(verb, "policy")) {
        json_object_set(c->host_config, "RestartPolicy", json_object_get(body, "RestartPolicy"));
    } else if (str_eq(verb, "remove")) {
        c->exists = false;
        json_decref(c->config);
        json_decref(c->host_config);
        *c = (struct world_container){.exists = false};
    } else if (str_eq(verb, "exec")) {
        w->execs[w->exec_count++] = (struct world_exec){.exit_code = -1};
    } else if (str_eq(verb, "init")) {
        run_init(w);
    }
}

static void hit_client(const struct world *w, int signal_number)
{
    (void)kill(w->client != 0 ? w->client : getpid(), signal_number);
}

static void answer_made(int fd, size_t exec)
{
    AUTO_FREE char *id = mem_printf("ec%zu", exec);

    answer_json(fd, "201 Created", json_make("{s:s}", "Id", id));
}

/* One call: noted, done or not, answered or not. */
static void change(struct world *w, int fd, int which, const char *verb, const char *value,
                   const json_t *body)
{
    AUTO_FREE char *line = mem_printf("%s%s%s%s%s", verb, str_eq(verb, "create") ? "" : " ",
                                      str_eq(verb, "create") ? ""
                                      : which == WORLD_OLD   ? "old"
                                                             : "new",
                                      value[0] != '\0' ? " " : "", value);
    enum fault fault = note_call(w->folder, line);

    if (fault == FAULT_FAIL || fault == FAULT_UNREACHABLE) {
        AUTO_STR struct str words = STR_INIT;
        words_read(w->folder, &words);
        if (words.len > 0) {
            answer_words(fd, &words);
        } else {
            answer_problem(fd, "500 Internal Server Error", "as the test wanted it");
        }
        return;
    }
    if (fault == FAULT_DROP) {
        return;
    }
    if (fault == FAULT_KILL_BEFORE) {
        w->late_waits = w->late != LATE_NOT && str_eq(verb, "init");
        hit_client(w, SIGKILL);
        return;
    }
    if (fault == FAULT_TERM) {
        hit_client(w, SIGTERM);
        (void)usleep(50000);
    }
    perform(w, which, verb, value, body);
    if (str_eq(line, w->old_comes_back_at)) {
        set_running(w, WORLD_OLD);
    }
    if (fault == FAULT_KILL_AFTER) {
        hit_client(w, SIGKILL);
    }
    if (fault == FAULT_LOSE || fault == FAULT_KILL_AFTER) {
        return;
    }
    if (str_eq(verb, "create")) {
        answer_json(fd, "201 Created", json_make("{s:s,s:[]}", "Id", NEW_ID, "Warnings"));
    } else if (str_eq(verb, "exec")) {
        answer_made(fd, w->exec_count - 1);
    } else if (str_eq(verb, "init")) {
        answer_output(w, fd, "migrate");
    } else {
        answer_json(fd, "200 OK", json_object());
    }
}

/* ---- requests ---- */

static void answer_file(int fd, const char *text)
{
    AUTO_STR struct str tar = STR_INIT;

    if (text == NULL) {
        answer_problem(fd, "404 Not Found", "no such file");
        return;
    }
    tar_member(&tar, '0', "file", text);
    tar_end(&tar);
    answer(fd, "200 OK", "Content-Type: application/x-tar\r\n", tar.data, tar.len);
}

static void answer_archive(const struct world *w, int fd, bool head, const char *path)
{
    /* {"name":"x","size":123,"mode":420,…} and {…,"mode":2147484141,…} */
    static const char file[] = "X-Docker-Container-Path-Stat: "
                               "eyJuYW1lIjoieCIsInNpemUiOjEyMywibW9kZSI6NDIwLCJtdGltZSI6IjIwMDEtMD"
                               "ItMDNUMDQ6MDU6MDYuNVoiLCJsaW5rVGFyZ2V0IjoiIn0=\r\n";
    static const char folder[] = "X-Docker-Container-Path-Stat: "
                                 "eyJuYW1lIjoieCIsInNpemUiOjQwOTYsIm1vZGUiOjIxNDc0ODQxNDEsIm10aW1l"
                                 "IjoiMjAwMS0wMi0wM1QwNDowNTowNi41WiIsImxpbmtUYXJnZXQiOiIifQ==\r\n";
    AUTO_FREE char *config = NULL;

    if (head) {
        answer(fd, "200 OK", strstr(path, "config.yaml") != NULL ? file : folder, "", 0);
    } else if (strstr(path, "config.yaml") != NULL) {
        config = mem_printf("oms_meta_host: db\noms_meta_port: 3306\noms_meta_user: %s\n"
                            "oms_meta_password: s3cret\ndrc_rm_db: rm\ndrc_cm_db: cm\n"
                            "drc_cm_heartbeat_db: hb\nnginx_server_port: %u\n",
                            w->folder, w->port);
        answer_file(fd, config);
    } else {
        answer_file(fd, strstr(path, ".begun") != NULL   ? w->begun
                        : strstr(path, ".ended") != NULL ? w->ended
                                                         : NULL);
    }
}

static json_t *list_of(const struct world *w, const char *path)
{
    json_t *list = json_array();

    if (w->leftover) {
        json_add(list, parse("{\"Id\":\"1ef7\",\"Names\":[\"/left\"],\"State\":\"exited\"}"));
    }
    for (int i = 0; i < WORLD_CONTAINERS; i++) {
        const struct world_container *c = &w->containers[i];
        const json_t *label =
            json_object_get(json_object_get(c->config, "Labels"), "io.omslaunch.run");
        AUTO_FREE char *name = mem_printf("/%s", c->name);
        if (c->exists && (strstr(path, "filters=") == NULL || label != NULL)) {
            json_add(list, json_make("{s:s,s:[s],s:s}", "Id", i == WORLD_OLD ? OLD_ID : NEW_ID,
                                     "Names", name, "State", c->status));
        }
    }
    return list;
}

/* "/containers/ID/VERB?name=VALUE" */
static void answer_container(struct world *w, int fd, const char *method, const char *path,
                             const json_t *body)
{
    const char *rest = path + strlen("/containers/");
    size_t id_len = strcspn(rest, "/?");
    AUTO_FREE char *id = mem_strndup(rest, id_len);
    const char *verb = rest + id_len;
    const char *value = strchr(verb, '=');
    int which = find_container(w, id);

    if (str_eq(id, "json")) {
        answer_json(fd, "200 OK", list_of(w, path));
    } else if (str_eq(id, "create")) {
        change(w, fd, WORLD_NEW, "create", value + 1, body);
    } else if (which < 0) {
        answer_problem(fd, "404 Not Found", "No such container");
    } else if (str_starts_with(verb, "/json")) {
        answer_json(fd, "200 OK", inspect_of(w, which));
    } else if (str_starts_with(verb, "/archive")) {
        answer_archive(w, fd, str_eq(method, "HEAD"), verb);
    } else if (str_starts_with(verb, "/logs")) {
        answer(fd, "200 OK", "", "last words\r\n", 12);
    } else if (str_starts_with(verb, "/top")) {
        answer_json(fd, "200 OK", parse("{\"Processes\":[[\"1\",\"/sbin/init\"]]}"));
    } else if (str_starts_with(verb, "/exec")) {
        assert_true(w->exec_count < EXEC_MAX);
        change(w, fd, which, "exec", "", body);
    } else if (str_starts_with(verb, "/rename")) {
        change(w, fd, which, "rename", value + 1, body);
    } else if (str_starts_with(verb, "/update")) {
        change(w, fd, which, "policy", json_text(body, "RestartPolicy.Name", "?"), body);
    } else if (str_eq(method, "DELETE")) {
        change(w, fd, which, "remove", "", body);
    } else if (str_starts_with(verb, "/start")) {
        change(w, fd, which, "start", "", body);
    } else if (str_starts_with(verb, "/stop")) {
        change(w, fd, which, "stop", value + 1, body);
    } else {
        answer_problem(fd, "400 Bad Request", verb);
    }
}

/* "0/start", "0/json" */
static void answer_exec(struct world *w, int fd, const char *path, const json_t *body)
{
    const bool start = str_eq(path + 1, "/start");
    const size_t asked = (size_t)(path[0] - '0');
    const struct world_exec *x = &w->execs[asked];

    if (w->late_waits && start == (w->late == LATE_BEFORE_START)) {
        w->late_waits = false;
        run_init(w);
    }
    w->exec_asked = asked;
    if (asked >= w->exec_count || x->forgotten) {
        answer_problem(fd, "404 Not Found", "No such exec instance");
    } else if (start) {
        change(w, fd, WORLD_NEW, "init", "", body);
    } else {
        json_t *code = x->exit_code < 0 ? json_null() : json_integer(x->exit_code);
        answer_json(fd, "200 OK",
                    json_make("{s:b,s:o,s:i}", "Running", (int)(x->started && x->exit_code < 0),
                              "ExitCode", code, "Pid", x->started ? 9 : 0));
    }
}

static void answer_engine(struct world *w, int fd, const char *method, const char *path,
                          const json_t *body)
{
    if (str_starts_with(path, "/_ping")) {
        answer(fd, "200 OK", "Api-Version: 1.41\r\n", "OK", 2);
    } else if (str_starts_with(path, "/info")) {
        answer_json(fd, "200 OK",
                    parse("{\"Name\":\"far\",\"NCPU\":16,\"MemTotal\":64000000000,"
                          "\"ServerVersion\":\"20.10.24\",\"Architecture\":\"x86_64\"}"));
    } else if (w->images != NULL && str_eq(path, "/images/json")) {
        answer_json(fd, "200 OK", parse(w->images));
    } else if (w->images != NULL && strstr(path, NEW_IMAGE) != NULL) {
        answer_problem(fd, "404 Not Found", "No such image");
    } else if (str_starts_with(path, "/images/")) {
        answer_json(fd, "200 OK", image_of(path));
    } else if (str_starts_with(path, "/containers/")) {
        answer_container(w, fd, method, path, body);
    } else if (str_starts_with(path, "/exec/ec")) {
        answer_exec(w, fd, path + strlen("/exec/ec"), body);
    } else {
        answer_problem(fd, "400 Bad Request", path);
    }
}

/* Each version serves only databases of its own. */
static void answer_console(const struct world *w, int fd)
{
    AUTO_FREE char *schema = file_read(w->folder, "schema");
    const char *absent = w->absent[is_running(w, WORLD_NEW) ? WORLD_NEW : WORLD_OLD];

    if (absent != NULL) {
        answer(fd, absent, "", "<html>", 6);
        return;
    }
    bool well = (is_running(w, WORLD_OLD) && str_eq(schema, "old")) ||
                (is_running(w, WORLD_NEW) && str_eq(schema, "new") && !w->never_healthy);

    answer_json(fd, well ? "200 OK" : "503 Service Unavailable",
                json_make("{s:{s:b}}", "data", "healthy", (int)well));
}

static bool read_request(int fd, struct str *ret)
{
    char buf[65536];

    for (;;) {
        const char *end = strstr(str_get(ret), "\r\n\r\n");
        const char *length = strcasestr(str_get(ret), "\r\nContent-Length: ");
        size_t want = length != NULL ? (size_t)strtoul(length + 18, NULL, 10) : 0;
        if (end != NULL && ret->len >= (size_t)(end + 4 - ret->data) + want) {
            return true;
        }
        ssize_t n = read(fd, buf, sizeof(buf));
        if (n <= 0) {
            return false;
        }
        str_append_n(ret, buf, (size_t)n);
    }
}

static void serve(struct world *w, int fd, bool console)
{
    AUTO_STR struct str request = STR_INIT;
    AUTO_JSON json_t *body = NULL;

    if (!read_request(fd, &request)) {
        return;
    }
    const char *text = str_get(&request);
    AUTO_FREE char *method = mem_strndup(text, strcspn(text, " "));
    const char *path = text + strlen(method) + 1;
    AUTO_FREE char *target = mem_strndup(path, strcspn(path, " "));
    const char *content = strstr(text, "\r\n\r\n") + 4;
    if (content[0] == '{') {
        body = parse(content);
    }
    if (console) {
        answer_console(w, fd);
    } else {
        answer_engine(w, fd, method,
                      str_starts_with(target, "/v1.41") ? target + strlen("/v1.41") : target, body);
    }
}

static void *world_main(void *arg)
{
    struct world *w = arg;

    for (;;) {
        struct pollfd polled[] = {{.fd = w->stop[0], .events = POLLIN},
                                  {.fd = w->engine_fd, .events = POLLIN},
                                  {.fd = w->console_fd, .events = POLLIN}};
        if (poll(polled, ARRAY_LEN(polled), -1) < 0) {
            if (errno == EINTR) {
                continue;
            }
            return NULL;
        }
        if (polled[0].revents != 0) {
            return NULL;
        }
        for (size_t i = 1; i < ARRAY_LEN(polled); i++) {
            if (polled[i].revents == 0) {
                continue;
            }
            int fd = accept4(polled[i].fd, NULL, NULL, SOCK_CLOEXEC);
            serve(w, fd, i == 2);
            (void)close(fd);
        }
    }
}

/* ---- the world's life ---- */

static void make_old(struct world *w)
{
    struct world_container *c = &w->containers[WORLD_OLD];

    *c = (struct world_container){.exists = true,
                                  .name = "oms_331",
                                  .status = "running",
                                  .started = "0001-01-01T00:00:00Z",
                                  .finished = "0001-01-01T00:00:00Z"};
    c->config = parse("{\"Image\":\"" OLD_IMAGE "\",\"Tty\":true,\"OpenStdin\":true,\"Env\":"
                      "[\"OMS_HOST_IP=127.0.0.1\",\"PATH=/bin\",\"API_TOKEN=t0ken\"]}");
    c->host_config = parse(
        "{\"Binds\":[\"/d/config.yaml:/home/admin/conf/config.yaml\",\"/d/logs:/home/admin/logs\","
        "\"/d/store:/home/ds/store\",\"/d/run:/home/ds/run\"],\"NetworkMode\":\"host\","
        "\"Privileged\":true,\"PidsLimit\":null,\"RestartPolicy\":{\"Name\":\"always\","
        "\"MaximumRetryCount\":0},\"Ulimits\":[{\"Name\":\"nproc\",\"Hard\":65535,\"Soft\":65535}]"
        "}");
}

static void open_sockets(struct world *w)
{
    struct sockaddr_un engine = {.sun_family = AF_UNIX};
    struct sockaddr_in console = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof(console);

    (void)snprintf(engine.sun_path, sizeof(engine.sun_path), "%s/sock", w->folder);
    (void)snprintf(w->endpoint, sizeof(w->endpoint), "unix://%s", engine.sun_path);
    w->engine_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    w->console_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(w->engine_fd, (const struct sockaddr *)&engine, sizeof(engine)), 0);
    assert_int_equal(bind(w->console_fd, (const struct sockaddr *)&console, sizeof(console)), 0);
    assert_int_equal(listen(w->engine_fd, 16) | listen(w->console_fd, 16), 0);
    assert_int_equal(getsockname(w->console_fd, (struct sockaddr *)&console, &len), 0);
    w->port = ntohs(console.sin_port);
}

static void world_begin(struct world *w)
{
    memset(w, 0, sizeof(*w));
    /* In memory where that is to be had: each record of a journal is synced. */
    (void)snprintf(w->folder, sizeof(w->folder), "/dev/shm/omsl-world.XXXXXX");
    if (mkdtemp(w->folder) == NULL) {
        (void)snprintf(w->folder, sizeof(w->folder), "/tmp/omsl-world.XXXXXX");
        assert_non_null(mkdtemp(w->folder));
    }
    ssize_t len = readlink("/proc/self/exe", w->program, sizeof(w->program) - 1);
    assert_true(len > 0);
    file_write(w->folder, "log", "");
    file_write(w->folder, "ha", "{\"enable\":true,\"refetchStoreIntervalMin\":30,\"other\":5}");
    file_write(w->folder, "schema", "old");
    make_old(w);
    open_sockets(w);
    assert_int_equal(pipe(w->stop), 0);
    assert_int_equal(pthread_create(&w->thread, NULL, world_main, w), 0);
}

static void world_end(struct world *w)
{
    (void)close(w->stop[1]);
    assert_int_equal(pthread_join(w->thread, NULL), 0);
    (void)close(w->stop[0]);
    (void)close(w->engine_fd);
    (void)close(w->console_fd);
    for (int i = 0; i < WORLD_CONTAINERS; i++) {
        json_decref(w->containers[i].config);
        json_decref(w->containers[i].host_config);
    }
    free(w->begun);
    free(w->ended);
    AUTO_FREE char *command = mem_printf("rm -rf %s", w->folder);
    assert_int_equal(system(command), 0);
}
#define AUTO_WORLD CLEANUP(world_end)

/* The next call with that number, or with that line in the log, goes wrong. */
static inline void world_fault(const struct world *w, enum fault fault, const char *key)
{
    AUTO_FREE char *text = mem_printf("%s %s", fault_names[fault], key);

    file_write(w->folder, "fault", text);
}

/* ---- runs in it ---- */

static inline void world_survey(const struct world *w, const struct strv *set_env,
                                struct survey *ret)
{
    struct err err = ERR_INIT;
    char container[] = "oms_331";
    struct node_address address = {.endpoint = (char *)(uintptr_t)w->endpoint,
                                   .container = container,
                                   .host_ip = (char *)(uintptr_t)w->host_ip};
    const struct node_addresses nodes = {.items = &address, .count = 1};
    const struct survey_request request = {
        .nodes = &nodes,
        .tag = "feature_4.0.0-ce",
        .set_env = set_env,
        .https_crt = w->https ? "/d/crt" : NULL,
        .https_key = w->https ? "/d/key" : NULL,
        .version_table = "policy/version_paths.yaml",
        .metadb_program = w->program,
        .options = {.stop_timeout_ms = 300000,
                    .health_timeout_ms = 2000,
                    .refetch_reserve_min = 30},
    };

    assert_ok(survey_make(&request, ret, &err), &err);
    file_write(w->folder, "log", "");
}

/* Begins a run of `plan` with ID "r1", or takes it up again. */
static inline int world_execution(const struct world *w, const struct plan *plan, bool take_up,
                                  const struct strv *answers, const struct run_observer *observer,
                                  struct run **ret, struct err *err)
{
    AUTO_FREE char *state = fs_join(w->folder, "state");
    const struct run_request request = {
        .state = state,
        .run = RUN,
        .plan = plan,
        .metadb_program = w->program,
        .answers = answers,
        .observer = observer,
    };

    if (state_prepare(state, err) != 0) {
        return -1;
    }
    return take_up ? run_take_up(&request, ret, err) : run_begin(&request, ret, err);
}

/* A run in a child, which may be killed; w->exit_status says how it ended: enum run_end, or 99 when
 * it could not begin. */
static inline void world_run_in_child(struct world *w, const struct plan *plan, bool roll_back,
                                      const struct run_observer *observer)
{
    int known[2];
    char byte = 0;

    assert_int_equal(pipe(known), 0);
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        AUTO_RUN struct run *x = NULL;
        struct run_outcome outcome;
        struct err err = ERR_INIT;
        /* The engine must know whom to hit before it is asked for anything that counts. */
        if (read(known[0], &byte, 1) != 1 ||
            world_execution(w, plan, false, NULL, observer, &x, &err) != 0) {
            _exit(99);
        }
        run_to_end(x, roll_back, &outcome);
        _exit((int)outcome.end);
    }
    w->client = child;
    assert_int_equal(write(known[1], &byte, 1), 1);
    assert_int_equal(waitpid(child, &w->exit_status, 0), child);
    w->client = 0;
    (void)close(known[0]);
    (void)close(known[1]);
}

/* What stands where, in one line. */
static inline char *world_describe(const struct world *w)
{
    AUTO_STR struct str text = STR_INIT;
    AUTO_FREE char *schema = file_read(w->folder, "schema");
    AUTO_FREE char *ha = file_read(w->folder, "ha");

    for (int i = 0; i < WORLD_CONTAINERS; i++) {
        const struct world_container *c = &w->containers[i];
        if (c->exists) {
            str_appendf(&text, "%s %s %s %s; ", i == WORLD_OLD ? "old" : "new", c->name, c->status,
                        json_text(c->host_config, "RestartPolicy.Name", "none"));
        }
    }
    str_appendf(&text, "schema %s; ha %s%s", schema, ha, w->ever_both ? "; BOTH HAVE RUN" : "");
    return str_take(&text);
}

#define HA_BEFORE "{\"enable\":true,\"refetchStoreIntervalMin\":30,\"other\":5}"
#define HA_AFTER "{\"enable\":true,\"refetchStoreIntervalMin\":31,\"other\":5}"
#define HA_OFF "{\"enable\":false,\"refetchStoreIntervalMin\":30,\"other\":5}"
/* All the calls of an upgrade. */
#define FORWARD                                                                              \
    "create oms_331.new-r1\nmetadb trim\nmetadb prepare\n"                                   \
    "metadb ha-get\nmetadb ha-set {\"enable\":false}\npolicy old no\n"                       \
    "stop old 300\nmetadb dump\nrename old oms_331.old-r1\nrename new oms_331\n"             \
    "start new\nmetadb fingerprint\nexec new\ninit new\nmetadb servers\npolicy new always\n" \
    "metadb ha-get\nmetadb ha-set on, refetch\n"
/* The two good ends. */
#define NEW_SERVES                                                           \
    "old oms_331.old-r1 exited no; new oms_331 running always; schema new; " \
    "ha " HA_AFTER
#define OLD_SERVES "old oms_331 running always; schema old; ha " HA_BEFORE
#define OLD_SERVES_AFTER_OUTAGE "old oms_331 running always; schema old; ha " HA_AFTER
#define OLD_SERVES_AGAIN \
    "old oms_331 running always; new oms_331.failed-r1 exited no; schema old; ha " HA_AFTER

#define assert_world(w, expected)                 \
    do {                                          \
        AUTO_FREE char *now_ = world_describe(w); \
        assert_string_equal(now_, (expected));    \
    } while (0)

#define assert_log(w, expected)                               \
    do {                                                      \
        AUTO_FREE char *log_ = file_read((w)->folder, "log"); \
        assert_string_equal(log_, (expected));                \
    } while (0)

/* main() of a program with tests in a world: it is its own MetaDB program too. */
#define WORLD_MAIN(tests)                                                                    \
    int main(int argc, char **argv)                                                          \
    {                                                                                        \
        if (argc == 2)                                                                       \
            _exit(world_metadb_main(argv[1])); /* no search for leaks: it is called often */ \
        /* It keeps its databases in files beside the journal. */                            \
        setenv("OMSLAUNCH_METADB_SANDBOX", "none", 1);                                       \
        stop_catch_signals();                                                                \
        return cmocka_run_group_tests(tests, NULL, NULL);                                    \
    }

#endif
