/* Jansson with errors that name the thing. Everything here borrows unless it says otherwise. */
#ifndef OMSLAUNCH_BASE_JSON_H
#define OMSLAUNCH_BASE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "launcher/base/err.h"
#include "launcher/base/mem.h"
#include "launcher/base/str.h"

#define AUTO_JSON CLEANUP(json_decref_ptr)
void json_decref_ptr(json_t **j);

/* `what` names the text in the error ("answer of the engine to GET /info"), which gives line and
 * column and quotes nothing (it could be a secret). Duplicate keys are refused, and a top that is
 * neither object nor array. ERR_FAILED. Caller owns *ret. */
int json_parse(const char *text, size_t len, const char *what, json_t **ret,
               struct err *err) MUST_USE;

/* Walks "A.B.C"; NULL if anything on the way is missing or null. */
json_t *json_walk(const json_t *j, const char *path);
/* The text at `path`, or `otherwise` when it is missing or of another type. */
const char *json_text(const json_t *j, const char *path, const char *otherwise);
int64_t json_int(const json_t *j, const char *path, int64_t otherwise);
bool json_bool(const json_t *j, const char *path, bool otherwise);
/* The same, but missing or of another type is an error that names `what` and the path. */
int json_need_text(const json_t *j, const char *path, const char *what, const char **ret,
                   struct err *err) MUST_USE;

/* One line, keys in insertion order. Caller frees. */
char *json_compact(const json_t *j);
/* Sorted keys, no spaces: the form that digests are made of. Caller frees. */
char *json_canonical(const json_t *j);
/* Indented, for people. Caller frees. */
char *json_pretty(const json_t *j);
/* A JSON string; bytes that are no UTF-8 become U+FFFD, NULL becomes null. Caller owns. */
json_t *json_from_text(const char *text);
/* The same of bytes that need not end with NUL; one inside becomes U+FFFD too. */
json_t *json_from_bytes(const char *bytes, size_t len);
/* json_pack() with "{}[]sbiIoOn" that no text and no NULL makes fail: "s" is json_from_text(), a
 * NULL value is null. A wrong format is a bug and aborts. Caller owns. */
json_t *json_make(const char *fmt, ...);
/* For what jansson refuses for want of memory, or because we used it wrongly. */
void json_broken(const char *what) __attribute__((noreturn));
/* object_set_new that aborts on failure; NULL values are stored as null. Steals `value`. */
void json_put(json_t *object, const char *key, json_t *value_take);
void json_put_text(json_t *object, const char *key, const char *text); /* NULL → null */
void json_add(json_t *array, json_t *value_take);

#endif
