/* Ownership helpers. Running out of memory ends the program: there is nothing useful left to do. */
#ifndef OMSLAUNCH_BASE_MEM_H
#define OMSLAUNCH_BASE_MEM_H

#include <stddef.h>

#define CLEANUP(fn) __attribute__((cleanup(fn)))
#define MUST_USE __attribute__((warn_unused_result))
#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/* Takes the pointer out of a variable that would otherwise be cleaned up. */
#define TAKE(ptr)                          \
    __extension__({                        \
        __typeof__(ptr) take_tmp_ = (ptr); \
        (ptr) = NULL;                      \
        take_tmp_;                         \
    })

void *mem_alloc(size_t size) __attribute__((malloc, returns_nonnull)); /* zeroed */
void *mem_grow(void *ptr, size_t count, size_t size) __attribute__((returns_nonnull));
char *mem_strdup(const char *s) __attribute__((malloc, returns_nonnull, nonnull));
char *mem_strndup(const char *s, size_t n) __attribute__((malloc, returns_nonnull, nonnull));
char *mem_printf(const char *fmt, ...) __attribute__((format(printf, 1, 2), returns_nonnull));

/* For CLEANUP(): argument is the address of the variable. */
void mem_free_ptr(void *address_of_ptr);
void fd_close_ptr(const int *fd); /* closes unless negative */

#define AUTO_FREE CLEANUP(mem_free_ptr)
#define AUTO_FD CLEANUP(fd_close_ptr)

#endif
