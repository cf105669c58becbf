/* Makes one system call and says what became of it: probe native|i386|x32 NUMBER [ARGUMENT...]
 * Small and static, because the sandbox is tried with hundreds of them. `probe hold` waits. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static long call_i386(long number, const long a[6])
{
#ifdef __x86_64__
    long result;
    __asm__ volatile("int $0x80"
                     : "=a"(result)
                     : "a"(number), "b"(a[0]), "c"(a[1]), "d"(a[2]), "S"(a[3]), "D"(a[4])
                     : "memory", "r8", "r9", "r10", "r11");
    return result;
#else
    (void)a;
    return -number;
#endif
}

static long call_native(long number, const long a[6])
{
    long result = syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
    return result == -1 ? -errno : result;
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        return 64;
    }
    long number = strtol(argv[2], NULL, 0);
    long arguments[6] = {-1, -1, -1, -1, -1, -1};
    for (int i = 0; i < 6 && i + 3 < argc; i++) {
        arguments[i] = (long)strtoul(argv[i + 3], NULL, 0);
    }
    long result;
    if (strcmp(argv[1], "i386") == 0) {
        result = call_i386(number, arguments);
    } else {
        result = call_native(strcmp(argv[1], "x32") == 0 ? number | 0x40000000 : number, arguments);
    }
    char text[64];
    int len = snprintf(text, sizeof(text), "%ld\n", result);
    return write(1, text, (size_t)len) == len ? 0 : 1;
}
