/* Runs a command and says what it took: wall clock, processor time of the command and all its
 * children, processor time of the database server meanwhile, the largest process's memory.
 *
 *   measure SERVER_PID COMMAND [ARGUMENT...]
 *
 * prints "WALL_MS CLIENT_MS SERVER_MS PEAK_KIB" on stdout; the command's own stdout goes to stderr.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static long wall_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000L + t.tv_nsec / 1000000L;
}

static long server_ms(const char *pid)
{
    char path[64], line[1024];
    unsigned long user = 0, system = 0;
    snprintf(path, sizeof(path), "/proc/%s/stat", pid);
    FILE *f = fopen(path, "r");
    if (f && fgets(line, sizeof(line), f)) {
        const char *p = strrchr(line, ')');
        if (p) {
            sscanf(p + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system);
        }
    }
    if (f) {
        fclose(f);
    }
    return (long)((user + system) * 1000 / (unsigned long)sysconf(_SC_CLK_TCK));
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        fputs("usage: measure SERVER_PID COMMAND [ARGUMENT...]\n", stderr);
        return 64;
    }
    long start = wall_ms(), server = server_ms(argv[1]);
    pid_t child = fork();
    if (child == 0) {
        dup2(STDERR_FILENO, STDOUT_FILENO);
        execvp(argv[2], argv + 2);
        perror(argv[2]);
        _exit(127);
    }
    int status = 0;
    waitpid(child, &status, 0);
    struct rusage u;
    getrusage(RUSAGE_CHILDREN, &u);
    long client = (u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000L +
                  (u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1000L;
    printf("%ld %ld %ld %ld\n", wall_ms() - start, client, server_ms(argv[1]) - server,
           u.ru_maxrss);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
