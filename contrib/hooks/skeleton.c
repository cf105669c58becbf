/* A hook to begin with, in C: cc -o skeleton skeleton.c -ljansson. The same in shell and Python
 * beside it. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int fail(const char *why)
{
    fprintf(stderr, "%s\n", why);
    return EXIT_FAILURE;
}

int main(void)
{
    json_error_t error;
    json_t *state = json_loadf(stdin, 0, &error);
    FILE *events = fdopen(3, "w");
    const char *point, *hook, *run, *mode = getenv("MODE");
    int attempt, undo;
    if (events == NULL || state == NULL) {
        return fail("no descriptor 3, or no state document on stdin");
    }
    if (json_unpack(state, "{s:s, s:s, s:s, s:i, s:b}", "point", &point, "hook", &hook, "run", &run,
                    "attempt", &attempt, "undo", &undo) != 0) {
        return fail("the state document has another form");
    }
    /* For people; shown and kept. */
    printf("%s/%s, attempt %d\n", point, hook, attempt);
    fprintf(events, "{\"event\":\"progress\",\"text\":\"looking around\"}\n");
    if (mode != NULL && strcmp(mode, "again") == 0 && attempt == 1) {
        return 75; /* not yet: omslaunch waits, and tries again */
    }
    if (mode != NULL && strcmp(mode, "error") == 0) {
        fprintf(events,
                "{\"event\":\"error\",\"text\":\"the balancer does not know this host\"}\n");
        return EXIT_FAILURE;
    }
    /* What its undo gets back. */
    fprintf(events, "{\"event\":\"result\",\"result\":{\"run\":\"%s\",\"undo\":%s}}\n", run,
            undo ? "true" : "false");
    json_decref(state);
    return fclose(events) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
