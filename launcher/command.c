#include "launcher/command.h"

#include "launcher/base/mem.h"

static const struct command commands[] = {
    {
        .name = "upgrade",
        .bit = CMD_UPGRADE,
        .arguments = "NAME",
        .min_arguments = 1,
        .max_arguments = 1,
        .mutates = true,
        .summary = "upgrade the OMS that runs in container NAME",
        .text =
            "Finds out everything from the container NAME, its config.yaml and the MetaDB; judges "
            "the upgrade by the rules of 'omslaunch check'; shows the plan; and carries it out: "
            "have the image, create the new container and compare it with the plan, turn HA off, "
            "stop the old container, clear old heartbeats, back up the MetaDB, start the new "
            "container, run docker_init.sh, wait until OMS is healthy, turn HA on.\n\n"
            "Each step is written to a journal before it begins and after it ended. The old "
            "container is kept, stopped, as NAME.old-RUN; the backup is kept in the state folder. "
            "Nothing is ever deleted.\n\n"
            "When a step fails, nothing more is changed, and omslaunch says what runs, where the "
            "backup is, and what to do next.",
        .run = command_upgrade,
    },
    {
        .name = "plan",
        .bit = CMD_PLAN,
        .arguments = "NAME",
        .min_arguments = 1,
        .max_arguments = 1,
        .summary = "show what 'upgrade' would do, and change nothing",
        .text = "Makes the same plan as 'upgrade' with the same code: what becomes different in "
                "the new container, and the steps in their order. With --output json it is one "
                "document with a digest; the same work has the same digest.",
        .run = command_plan,
    },
    {
        .name = "check",
        .bit = CMD_CHECK,
        .arguments = "NAME",
        .min_arguments = 1,
        .max_arguments = 1,
        .summary = "judge an upgrade by all rules, and change nothing",
        .text = "Prints each rule with its verdict. Exits with 0 when nothing forbids the upgrade, "
                "with 65 when a rule does.",
        .run = command_check,
    },
    {
        .name = "inspect",
        .bit = CMD_INSPECT,
        .arguments = "NAME",
        .min_arguments = 1,
        .max_arguments = 1,
        .summary = "show what omslaunch knows of the OMS in container NAME",
        .text = "Version, mounts, addresses, MetaDB and databases, as found out from the container "
                "and its config.yaml. Passwords are never shown.",
        .run = command_inspect,
    },
    {
        .name = "status",
        .bit = CMD_STATUS,
        .arguments = "[RUN]",
        .max_arguments = 1,
        .summary = "show what became of a run, the newest by default",
        .text = "Shows each step of the run and what became of it, and the next safe command.",
        .run = command_status,
    },
    {
        .name = "runs",
        .bit = CMD_RUNS,
        .arguments = "",
        .summary = "list all runs in the state folder",
        .text = "One line a run: when, what, and how it ended.",
        .run = command_runs,
    },
};

const struct command *command_table(size_t *ret_count)
{
    *ret_count = ARRAY_LEN(commands);
    return commands;
}

const struct command *command_find(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
        if (str_eq(commands[i].name, name)) {
            return &commands[i];
        }
    }
    return NULL;
}
