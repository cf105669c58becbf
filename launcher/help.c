#include "launcher/help.h"

#include <string.h>

#include "launcher/base/fold.h"
#include "launcher/exit_code.h"

#define OPTION_INDENT 29
#define COMMAND_INDENT 25
#define CODE_INDENT 6
#define NARROW 60 /* below that, texts stand under what they explain */
#define NARROW_INDENT 6

/* "  left      text", folded; what does not fit beside `left` goes below. */
static void append_entry(struct str *s, const char *left, const char *text, size_t indent,
                         size_t width)
{
    if (width < NARROW && indent > CODE_INDENT) {
        str_append(s, left);
        str_appendf(s, "\n%*s", NARROW_INDENT, "");
        fold_paragraph(s, text, width, NARROW_INDENT, NARROW_INDENT);
    } else {
        str_appendf(s, "%-*s", (int)indent, left);
        if (strlen(left) >= indent) {
            str_appendf(s, "\n%*s", (int)indent, "");
        }
        fold_paragraph(s, text, width, indent, indent);
    }
    str_append_c(s, '\n');
}

static void help_options(unsigned commands, size_t width, struct str *s)
{
    size_t count;
    const struct option_row *rows = option_table(&count);
    for (size_t i = 0; i < count; i++) {
        if ((rows[i].commands & commands) == 0) {
            continue;
        }
        AUTO_STR struct str left = STR_INIT;
        str_appendf(&left, rows[i].letter != '\0' ? "  -%c, " : "      ", rows[i].letter);
        str_appendf(&left, "--%s%s%s", rows[i].name, rows[i].value != NULL ? " " : "",
                    rows[i].value != NULL ? rows[i].value : "");
        append_entry(s, str_get(&left), rows[i].help, OPTION_INDENT, width);
    }
}

static void append_paragraph(struct str *s, const char *text, size_t width)
{
    fold_paragraph(s, text, width, 0, 0);
    str_append(s, "\n\n");
}

void help_overview(size_t width, struct str *s)
{
    size_t count;
    const struct command *commands = command_table(&count);
    append_paragraph(s, "Usage: omslaunch COMMAND [OPTIONS]", width);
    append_paragraph(s,
                     "Upgrades OceanBase Migration Service (OMS) where it runs: one command, the "
                     "databases backed up, nothing ever deleted.",
                     width);
    str_append(s, "Commands:\n");
    for (size_t i = 0; i < count; i++) {
        AUTO_FREE char *left = mem_printf("  %s %s", commands[i].name, commands[i].arguments);
        append_entry(s, left, commands[i].summary, COMMAND_INDENT, width);
    }
    str_append(s, "\nOptions of every command:\n");
    help_options(CMD_RUNS, width, s);
    str_append(s, "\nExit codes:\n");
    const struct exit_code_row *codes = exit_code_table(&count);
    for (size_t i = 0; i < count; i++) {
        AUTO_FREE char *left = mem_printf("  %s", codes[i].codes);
        append_entry(s, left, codes[i].meaning, CODE_INDENT, width);
    }
    str_append(s, "\nExample:\n");
    fold_paragraph(s, "  omslaunch upgrade oms_331 --tag feature_4.0.0-ce --load oms_4.0.0.tar",
                   width, 0, 4);
    str_append(s, "\n\n");
    fold_paragraph(s,
                   "'omslaunch COMMAND --help' says more of a command; 'man omslaunch' says all.",
                   width, 0, 0);
    str_append_c(s, '\n');
}

void help_command(const struct command *command, size_t width, struct str *s)
{
    AUTO_FREE char *usage =
        mem_printf("Usage: omslaunch %s %s%s[OPTIONS]", command->name, command->arguments,
                   command->arguments[0] != '\0' ? " " : "");
    append_paragraph(s, usage, width);
    append_paragraph(s, command->text, width);
    str_append(s, "Options:\n");
    help_options(command->bit, width, s);
}

/* ---- man page ---- */

/* Backslashes and dashes mean something to man; so do dots and quotes at the start of a line. */
static void man_text(struct str *s, const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '-') {
            str_append(s, "\\-");
        } else if (*text == '\\') {
            str_append(s, "\\e");
        } else if (*text == '\n' && text[1] == '\n') {
            str_append(s, "\n.PP\n");
            text++;
        } else {
            str_append_c(s, *text);
        }
    }
}

static void man_options(unsigned commands, unsigned without, struct str *s)
{
    size_t count;
    const struct option_row *rows = option_table(&count);
    for (size_t i = 0; i < count; i++) {
        if ((rows[i].commands & commands) == 0 || rows[i].commands == without) {
            continue;
        }
        str_append(s, ".TP\n");
        if (rows[i].letter != '\0') {
            str_appendf(s, "\\fB\\-%c\\fR, ", rows[i].letter);
        }
        str_append(s, "\\fB\\-\\-");
        man_text(s, rows[i].name);
        str_append(s, "\\fR");
        if (rows[i].value != NULL) {
            str_appendf(s, " \\fI%s\\fR", rows[i].value);
        }
        str_append_c(s, '\n');
        man_text(s, rows[i].help);
        str_append_c(s, '\n');
    }
}

void help_man(struct str *s)
{
    size_t count;
    const struct command *commands = command_table(&count);
    str_append(s, ".TH OMSLAUNCH 1 \"\" \"omslaunch " OMSLAUNCH_VERSION "\"\n"
                  ".SH NAME\nomslaunch \\- upgrade OceanBase Migration Service where it runs\n"
                  ".SH SYNOPSIS\n.B omslaunch\n.I COMMAND\n[\\fIOPTIONS\\fR]\n.SH DESCRIPTION\n"
                  "Upgrades an OMS container to another version: by the Docker Engine API, with "
                  "the MetaDB backed up, with a journal of each step, and without deleting "
                  "anything.\n.SH COMMANDS\n");
    for (size_t i = 0; i < count; i++) {
        str_appendf(s, ".SS omslaunch %s %s\n", commands[i].name, commands[i].arguments);
        man_text(s, commands[i].text);
        str_append_c(s, '\n');
        man_options(commands[i].bit, CMD_ALL, s);
    }
    str_append(s, ".SH OPTIONS OF EVERY COMMAND\n");
    man_options(CMD_RUNS, 0, s);
    str_append(s, ".SH EXIT STATUS\n");
    const struct exit_code_row *codes = exit_code_table(&count);
    for (size_t i = 0; i < count; i++) {
        str_appendf(s, ".TP\n.B %s\n%s\n", codes[i].codes, codes[i].meaning);
    }
    str_append(
        s,
        ".SH ENVIRONMENT\n.TP\n.B DOCKER_HOST\nThe Docker Engine to talk to, unless \\-\\-context "
        "or \\-\\-host says so.\n.TP\n.B DOCKER_CONTEXT\nThe docker context whose engine is "
        "meant, unless one of those does.\n.TP\n.BR DOCKER_TLS_VERIFY \", \" "
        "DOCKER_CERT_PATH\nTLS to a tcp:// engine, and the folder of ca.pem, cert.pem and "
        "key.pem.\n.TP\n.B DOCKER_API_VERSION\nThe version of the engine's API to speak.\n"
        ".TP\n.B DOCKER_CONFIG\nThe folder of the docker CLI's config.json and contexts.\n"
        ".TP\n.B NO_COLOR\nNo colours.\n.TP\n.B XDG_STATE_HOME\nWhere a user who is "
        "not root keeps state.\n"
        ".SH FILES\n.TP\n.I /var/lib/omslaunch/runs/RUN\nplan, journal and logs of a run\n"
        ".TP\n.I /var/lib/omslaunch/backups/RUN\nits backup of the MetaDB\n"
        ".TP\n.I /var/lib/omslaunch/restores/RUN.json\nwhat a restore has moved aside\n"
        ".TP\n.I /etc/omslaunch/config.yaml\nthe policy of the site: severities of rules, and "
        "waivers\n"
        ".SH SEE ALSO\n.BR docker (1),\n.BR zstd (1)\n");
}

/* ---- completions ---- */

static void complete_bash(struct str *s)
{
    size_t command_count;
    size_t option_count;
    const struct command *commands = command_table(&command_count);
    const struct option_row *rows = option_table(&option_count);
    str_append(s, "# bash completion for omslaunch\n_omslaunch()\n{\n"
                  "    local cur=${COMP_WORDS[COMP_CWORD]} words=\n"
                  "    case ${COMP_WORDS[1]} in\n");
    for (size_t i = 0; i < command_count; i++) {
        str_appendf(s, "    %s) words='", commands[i].name);
        for (size_t k = 0; k < option_count; k++) {
            if ((rows[k].commands & commands[i].bit) != 0) {
                str_appendf(s, " --%s", rows[k].name);
            }
        }
        str_append(s, "' ;;\n");
    }
    str_append(s, "    esac\n    if [ \"$COMP_CWORD\" -eq 1 ]; then\n        words='");
    for (size_t i = 0; i < command_count; i++) {
        str_appendf(s, "%s%s", i > 0 ? " " : "", commands[i].name);
    }
    str_append(s,
               "'\n    elif [[ $cur != -* ]]; then\n        mapfile -t COMPREPLY < <(compgen -f -- "
               "\"$cur\")\n        return\n    fi\n    mapfile -t COMPREPLY < <(compgen -W "
               "\"$words\" -- \"$cur\")\n}\ncomplete -F _omslaunch omslaunch\n");
}

static void complete_zsh(struct str *s)
{
    size_t command_count;
    size_t option_count;
    const struct command *commands = command_table(&command_count);
    const struct option_row *rows = option_table(&option_count);
    str_append(s, "#compdef omslaunch\nlocal -a words\nif (( CURRENT == 2 )); then\n    words=(\n");
    for (size_t i = 0; i < command_count; i++) {
        str_appendf(s, "        \"%s:%s\"\n", commands[i].name, commands[i].summary);
    }
    str_append(s, "    )\n    _describe command words\n    return\nfi\ncase $words[2] in\n");
    for (size_t i = 0; i < command_count; i++) {
        str_appendf(s, "%s) words=(", commands[i].name);
        for (size_t k = 0; k < option_count; k++) {
            if ((rows[k].commands & commands[i].bit) != 0) {
                str_appendf(s, " --%s", rows[k].name);
            }
        }
        str_append(s, ") ;;\n");
    }
    str_append(s, "esac\ncompadd -a words\n_files\n");
}

static void complete_fish(struct str *s)
{
    size_t command_count;
    size_t option_count;
    const struct command *commands = command_table(&command_count);
    const struct option_row *rows = option_table(&option_count);
    str_append(s, "# fish completion for omslaunch\n");
    for (size_t i = 0; i < command_count; i++) {
        str_appendf(s, "complete -c omslaunch -n __fish_use_subcommand -a %s -d \"%s\"\n",
                    commands[i].name, commands[i].summary);
        for (size_t k = 0; k < option_count; k++) {
            if ((rows[k].commands & commands[i].bit) != 0) {
                str_appendf(
                    s, "complete -c omslaunch -n '__fish_seen_subcommand_from %s' -l %s%s\n",
                    commands[i].name, rows[k].name, rows[k].kind == OPTION_FLAG ? "" : " -r");
            }
        }
    }
}

int help_completion(const char *shell, struct str *ret)
{
    if (str_eq(shell, "bash")) {
        complete_bash(ret);
    } else if (str_eq(shell, "zsh")) {
        complete_zsh(ret);
    } else if (str_eq(shell, "fish")) {
        complete_fish(ret);
    } else {
        return -1;
    }
    return 0;
}
