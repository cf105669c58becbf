/* A fuzz target is one function in tests/fuzz/ROOM/fuzz_NAME.c, with seeds in
 * tests/fuzz/corpus/NAME/. With clang, `make fuzz` runs it under libFuzzer; in `make unit` it runs
 * over its seeds, so a file that once broke it goes there. */
#ifndef OMSLAUNCH_TESTS_FUZZ_H
#define OMSLAUNCH_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* assert() that no flag turns off. */
#define fuzz_need(condition)                                                              \
    do {                                                                                  \
        if (!(condition)) {                                                               \
            (void)fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition); \
            abort();                                                                      \
        }                                                                                 \
    } while (0)

#endif
