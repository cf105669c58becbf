#include "launcher/base/mem.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* abort() and not exit(): an exit code would claim to know what state we leave behind. */
static void __attribute__((noreturn)) out_of_memory(void)
{
    static const char text[] = "out of memory\nHINT: free some memory and run the command again\n";
    if (write(STDERR_FILENO, text, sizeof(text) - 1) < 0) {
        abort();
    }
    abort();
}

void *mem_alloc(size_t size)
{
    void *p = calloc(1, size ? size : 1);
    if (!p) {
        out_of_memory();
    }
    return p;
}

void *mem_grow(void *ptr, size_t count, size_t size)
{
    void *p = count && size ? reallocarray(ptr, count, size) : realloc(ptr, 1);
    if (!p) {
        out_of_memory();
    }
    return p;
}

char *mem_strdup(const char *s)
{
    return mem_strndup(s, strlen(s));
}

char *mem_strndup(const char *s, size_t n)
{
    size_t len = strnlen(s, n);
    char *copy = mem_alloc(len + 1);
    memcpy(copy, s, len);
    return copy;
}

char *mem_printf(const char *fmt, ...)
{
    char *text = NULL;
    va_list ap;
    va_start(ap, fmt);
    int len = vasprintf(&text, fmt, ap);
    va_end(ap);
    if (len < 0) {
        out_of_memory();
    }
    return text;
}

void mem_free_ptr(void *address_of_ptr)
{
    void **p = address_of_ptr;
    free(*p);
    *p = NULL;
}

void fd_close_ptr(const int *fd)
{
    if (*fd >= 0) {
        close(*fd);
    }
}
