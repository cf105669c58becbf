#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "launcher/answer.h"
#include "launcher/base/fold.h"
#include "launcher/base/log.h"
#include "launcher/base/near.h"
#include "launcher/base/stop.h"
#include "launcher/base/str.h"
#include "launcher/command.h"
#include "launcher/deployment_file.h"
#include "launcher/exit_code.h"
#include "launcher/help.h"
#include "launcher/options.h"
#include "launcher/plugin.h"
#include "launcher/print.h"

#define STDOUT_BUFFER ((size_t)64 * 1024)

/* `omslaunch generate man|bash|zsh|fish`: used by the build, and by who packages. */
static int generate(const struct options *o)
{
    AUTO_STR struct str text = STR_INIT;
    const char *what = o->arguments.count == 2 ? o->arguments.items[1] : "";
    if (str_eq(what, "man")) {
        help_man(&text);
    } else if (help_completion(what, &text) != 0) {
        struct err err;
        err_fail(&err, ERR_USAGE, "cannot generate '%s'\nHINT: man, bash, zsh or fish", what);
        return answer_fail(o, &err);
    }
    print_text(str_get(&text));
    return EXIT_DONE;
}

static int show_help(const struct command *command)
{
    AUTO_STR struct str text = STR_INIT;
    size_t columns = fold_terminal_width(STDOUT_FILENO);
    size_t width = columns == 0 || columns > HELP_WIDTH ? HELP_WIDTH : columns;
    if (command != NULL) {
        help_command(command, width, &text);
    } else {
        help_overview(width, &text);
    }
    print_text(str_get(&text));
    return EXIT_DONE;
}

static void complain_unknown(const char *name, struct err *err)
{
    size_t count;
    const struct command *commands = command_table(&count);
    AUTO_FREE const char **names = mem_grow(NULL, count, sizeof(*names));
    for (size_t i = 0; i < count; i++) {
        names[i] = commands[i].name;
    }
    const char *near = near_find(name, names, count);
    if (near != NULL) {
        err_fail(err, ERR_USAGE, "unknown command '%s'\nHINT: did you mean '%s'?", name, near);
    } else {
        err_fail(err, ERR_USAGE,
                 "unknown command '%s'\nHINT: 'omslaunch --help' lists the commands", name);
    }
}

static int check_arguments(const struct command *command, const struct options *o, struct err *err)
{
    size_t given = o->arguments.count - 1;
    if (given < command->min_arguments) {
        return err_fail(err, ERR_USAGE, "'omslaunch %s' needs %s\nHINT: omslaunch %s %s [OPTIONS]",
                        command->name, command->arguments, command->name, command->arguments);
    }
    if (given > command->max_arguments) {
        return err_fail(err, ERR_USAGE,
                        "'omslaunch %s' does not know what to do with '%s'\n"
                        "HINT: omslaunch %s %s%s[OPTIONS]",
                        command->name, o->arguments.items[command->max_arguments + 1],
                        command->name, command->arguments,
                        command->arguments[0] != '\0' ? " " : "");
    }
    return 0;
}

static int dispatch(int argc, char *const *argv, const struct options *o)
{
    struct err err = ERR_INIT;
    bool help = o->arguments.count > 0 && str_eq(o->arguments.items[0], "help");
    size_t at = help ? 1 : 0;
    const char *name = o->arguments.count > at ? o->arguments.items[at] : NULL;
    const struct command *command = name == NULL ? NULL : command_find(name);
    if (o->version) {
        print_line("omslaunch %s", OMSLAUNCH_VERSION);
        return EXIT_DONE;
    }
    if ((help || o->help) && (name == NULL || command != NULL)) {
        return show_help(command);
    }
    if (str_eq(name, "generate")) {
        return generate(o);
    }
    if (name == NULL) {
        err_fail(&err, ERR_USAGE,
                 "no command was given\nHINT: 'omslaunch --help' lists the commands");
        return answer_fail(o, &err);
    }
    if (command == NULL) {
        complain_unknown(name, &err);
        return answer_fail(o, &err);
    }
    if (options_check_command(argc, argv, command->bit, command->name, &err) != 0 ||
        check_arguments(command, o, &err) != 0) {
        return answer_fail(o, &err);
    }
    if (str_eq(o->output, "junit") && command->bit != CMD_CHECK) {
        err_fail(&err, ERR_USAGE,
                 "'%s' does not print junit\nHINT: 'omslaunch check' does; here --output takes "
                 "text|json",
                 command->name);
        return answer_fail(o, &err);
    }
    return command->run(o);
}

/* --deployment FILE stands for NAME: commands find the name where it always is. */
static void put_name_in(struct options *o)
{
    const struct command *command =
        o->arguments.count > 0 ? command_find(o->arguments.items[0]) : NULL;
    if (o->deployment == NULL || command == NULL || !str_starts_with(command->arguments, "NAME")) {
        return;
    }
    AUTO_FREE char *name = deployment_file_name(o->deployment);
    strv_add(&o->arguments, name);
    char *last = o->arguments.items[o->arguments.count - 1];
    for (size_t i = o->arguments.count - 1; i > 1; i--) {
        o->arguments.items[i] = o->arguments.items[i - 1];
    }
    o->arguments.items[1] = last;
}

/* Whether a command has changed something by ending well. */
static bool has_changed(const struct options *o)
{
    const struct command *command =
        o->arguments.count > 0 ? command_find(o->arguments.items[0]) : NULL;
    return command != NULL && command->mutates && !o->dry_run && !o->help && !o->version;
}

/* As in `omslaunch check … | head`: who read has read enough. */
static bool reader_has_left(void)
{
    struct pollfd out = {.fd = STDOUT_FILENO, .events = POLLOUT};
    return poll(&out, 1, 0) == 1 && (out.revents & POLLERR) != 0;
}

/* What was done is done, also when nobody can read of it. */
static int check_printed(const struct options *o, int code)
{
    struct err err = ERR_INIT;
    const char *why = fflush(stdout) != 0 ? strerror(errno) : "a part of it is missing";
    if (code != EXIT_DONE || !ferror(stdout) || reader_has_left()) {
        return code;
    }
    if (!has_changed(o)) {
        err_fail(&err, ERR_FAILED,
                 "cannot write to stdout: %s\nHINT: is the disk full that it leads to?", why);
        log_err(&err);
        return EXIT_FAILED;
    }
    err_fail(&err, ERR_FAILED,
             "'%s' is done, but what it has to say cannot be written to stdout: %s\n"
             "HINT: 'omslaunch status', 'runs' and 'backups' tell what was done; do not repeat it",
             o->arguments.items[0], why);
    log_err(&err);
    return EXIT_UPGRADED_WITH_FAULT;
}

int main(int argc, char **argv)
{
    AUTO_OPTIONS struct options options = {.output = NULL};
    struct err err = ERR_INIT;
    AUTO_STRV struct strv plugin_argv = STRV_INIT;
    secret_protect_process();
    /* Written at the end, where a failure still has its reason. libc heeds the size only with a
     * buffer, which must live until its flush at exit. */
    static char printed[STDOUT_BUFFER];
    (void)!setvbuf(stdout, printed, _IOFBF, sizeof(printed));
    umask(077);
    if (plugin_answer_metadata(argc, argv)) {
        return EXIT_DONE;
    }
    if (plugin_is_called(argv[0])) {
        plugin_arguments(argc, argv, &plugin_argv);
        argc = (int)plugin_argv.count;
        argv = plugin_argv.items;
    }
    log_init(&(struct log_options){.level = LOG_INFO, .program = "omslaunch"});
    if (options_parse(argc - 1, argv + 1, &options, &err) != 0) {
        return answer_fail(&options, &err);
    }
    int level = options.quiet ? LOG_WARN : log_level_from_name(options.log_level);
    log_init(&(struct log_options){.level = (enum log_level)level,
                                   .program = "omslaunch",
                                   .json = str_eq(options.log_format, "json")});
    put_name_in(&options);
    stop_catch_signals();
    plugin_watch_socket();
    return check_printed(&options, dispatch(argc - 1, argv + 1, &options));
}
