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
            "have the image, create the new container and compare it with the plan, clear old "
            "heartbeats, prepare the backup, turn HA off, stop the old container, back up the "
            "MetaDB, start the new container, run docker_init.sh, wait until OMS is healthy, turn "
            "HA on.\n\n"
            "Each step is written to a journal before it begins and after it ended. The old "
            "container is kept, stopped, as NAME.old-RUN; the backup is kept in the state folder. "
            "Nothing is ever deleted.\n\n"
            "When a step fails, everything goes back: the new container is stopped and kept as "
            "NAME.failed-RUN, the databases are restored if the new version ever ran, the old "
            "container starts under its own name, and the same health checks are passed "
            "(--on-failure hold stops instead).",
        .run = command_upgrade,
    },
    {
        .name = "resume",
        .bit = CMD_RESUME,
        .arguments = "[RUN]",
        .max_arguments = 1,
        .mutates = true,
        .summary = "go on with a run that was killed or held, the newest by default",
        .text = "Carries out the stored plan from where its journal stands: what has an outcome is "
                "skipped, what was begun is looked at in the world itself. Where the world does "
                "not tell, it stops with the exact question, and --answer gives your word. A run "
                "whose rollback was begun goes on going back.",
        .run = command_resume,
    },
    {
        .name = "rollback",
        .bit = CMD_ROLLBACK,
        .arguments = "[RUN]",
        .max_arguments = 1,
        .mutates = true,
        .summary = "go back to the version before a run, the newest by default",
        .text = "Undoes what the run did: stops the new container and keeps it as NAME.failed-RUN "
                "with its log, moves the databases aside (DB__old_RUN, until 'omslaunch prune "
                "--databases') and restores the backup, gives the old container its name and "
                "restart policy back, "
                "starts it, waits until it is healthy, and turns HA on.\n\n"
                "After a successful upgrade this also works, as long as the old container and the "
                "backup are kept; the backup is then older than the data, and the command says by "
                "how much and needs --yes-lose-changes-since.",
        .run = command_rollback,
    },
    {
        .name = "abandon",
        .bit = CMD_ABANDON,
        .arguments = "RUN",
        .min_arguments = 1,
        .max_arguments = 1,
        .mutates = true,
        .summary = "give a run up that neither resume nor rollback can end",
        .text = "Writes an end with your --reason into the run's journal and touches nothing else. "
                "Says what is left as it is: which container runs, HA, databases and backup, and "
                "the commands to finish by hand. Afterwards the deployment can be upgraded again; "
                "resume and rollback of this run are over. Also ends a run whose journal is "
                "damaged, which is then kept aside.",
        .run = command_abandon,
    },
    {
        .name = "plan",
        .bit = CMD_PLAN,
        .arguments = "NAME",
        .min_arguments = 1,
        .max_arguments = 1,
        .summary = "show what 'upgrade' would do, and change nothing",
        .text = "Makes the same plan as 'upgrade' with the same code: what becomes different in "
                "the new container, and the steps in their order. The same work has the same "
                "digest.\n\n"
                "With --out FILE the plan is written down, for somebody to approve; 'upgrade NAME "
                "--plan FILE' then carries out that plan, or refuses and says what has become "
                "different.",
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
        .name = "discover",
        .bit = CMD_DISCOVER,
        .arguments = "NAME",
        .min_arguments = 1,
        .max_arguments = 1,
        .summary = "list all nodes of the deployment of container NAME, as a file",
        .text = "From one node to all: the addresses come from its config.yaml and the MetaDB's "
                "server list, and each engine is asked for its OMS container. What it prints is a "
                "deployment file: put it into /etc/omslaunch/deployments/NAME.yaml, and 'omslaunch "
                "upgrade NAME' upgrades all of them. A node that does not answer is listed all "
                "the same, with a warning.",
        .run = command_discover,
    },
    {
        .name = "spec",
        .bit = CMD_SPEC,
        .arguments = "NAME",
        .min_arguments = 1,
        .max_arguments = 1,
        .summary = "print how the new container would be made, for other tools",
        .text = "The new container, complete, as the body of the engine's create call; with "
                "--format docker-run as the command line that a person would type, to be pasted "
                "into a shell; with --format compose as a compose.yaml. Nothing is judged and "
                "nothing is changed.\n\n"
                "What looks like a secret is not printed: a variable stands for it, and the "
                "command line refuses to run while that is not set. What a form has no word for "
                "is refused by name.",
        .run = command_spec,
    },
    {
        .name = "backup",
        .bit = CMD_BACKUP,
        .arguments = "NAME",
        .min_arguments = 1,
        .max_arguments = 1,
        .mutates = true,
        .summary = "back up the MetaDB of the OMS in container NAME",
        .text =
            "All databases of the deployment at one moment, while OMS runs: one SQL file a "
            "database, "
            "compressed, and a manifest with a digest of each piece. Restores with 'omslaunch "
            "restore', "
            "or with nothing of ours: zstd -dc DB.sql.zst | mysql DB.\n\n"
            "Made for cron: --quiet says nothing on success, a second one at the same time waits "
            "(--lock-wait) or ends with 75, 'omslaunch prune' keeps the newest.",
        .run = command_backup,
    },
    {
        .name = "backups",
        .bit = CMD_BACKUPS,
        .arguments = "",
        .summary = "list all backups in the state folder",
        .text = "One line a backup, the oldest first: of what, how large, and how it was verified.",
        .run = command_backups,
    },
    {
        .name = "verify",
        .bit = CMD_VERIFY,
        .arguments = "BACKUP",
        .min_arguments = 1,
        .max_arguments = 1,
        .summary = "prove that a backup is good",
        .text =
            "Compares every byte with the manifest. With --against live also rows and checksums "
            "with the MetaDB as it is now; with --rehearse by a restore into scratch databases, "
            "which are dropped afterwards. Anything found is an error. BACKUP is an ID of "
            "'omslaunch backups', a folder, or 'last'.",
        .run = command_verify,
    },
    {
        .name = "restore",
        .bit = CMD_RESTORE,
        .arguments = "BACKUP",
        .min_arguments = 1,
        .max_arguments = 1,
        .mutates = true,
        .summary = "put the databases back as they were at a backup",
        .text =
            "Restores into staging databases, compares them with the manifest, moves what is there "
            "now aside (DB__old_RUN, until 'omslaunch prune --databases'), and moves the restored "
            "tables in. OMS must be stopped. With --into DB=OTHER a database is restored beside "
            "the "
            "living ones, with --only DB in place; then nothing that is not named is touched.",
        .run = command_restore,
    },
    {
        .name = "prune",
        .bit = CMD_PRUNE,
        .arguments = "",
        .mutates = true,
        .summary = "delete old backups, containers, databases: the only command that deletes",
        .text =
            "Of each deployment the newest --keep backups stay, the newest verified one stays, and "
            "those of runs that are not over. A run whose backup is gone cannot be undone any "
            "more: --containers removes what it kept for that.\n\n"
            "--databases drops what rollbacks and restores have moved aside in the MetaDB: the "
            "databases DB__old_RUN whose names the run has written down, once it is over and a "
            "later one of the same deployment has restored; --databases-of RUN drops those of the "
            "newest too. One that does not hold just what was put there, or that something else "
            "refers to, is left alone.\n\n"
            "--dry-run shows what would go. While somebody works on one of the deployments nothing "
            "is deleted (75).",
        .run = command_prune,
    },
    {
        .name = "ha",
        .bit = CMD_HA,
        .arguments = "NAME on|off|show",
        .min_arguments = 2,
        .max_arguments = 2,
        .mutates = true,
        .summary = "turn OMS's HA on or off, or show its settings",
        .text = "Changes 'enable' in ha.config and no other byte of it.",
        .run = command_ha,
    },
    {
        .name = "hooks",
        .bit = CMD_HOOKS,
        .arguments = "list|show|test|trace [WHAT...]",
        .min_arguments = 1,
        .max_arguments = 64,
        .summary = "list, show, test and trace the hooks of your site",
        .text =
            "With 'list' it shows all hooks, with 'show [POINT[/HOOK]]' everything about them and "
            "whether "
            "their files are to be trusted.\n\n"
            "With 'test POINT[/HOOK]' it runs those of kind host once, in their sandbox, with a "
            "sample "
            "of the state document that they will get in an upgrade; nothing else happens.\n\n"
            "With 'trace PROGRAM [ARGUMENT...]' it runs a program with such a sample, lets it do "
            "everything that its user may, and says which system calls the sandbox would not "
            "have allowed. Put -- before arguments that begin with a dash.",
        .run = command_hooks,
    },
    {
        .name = "status",
        .bit = CMD_STATUS,
        .arguments = "[RUN|NAME]",
        .max_arguments = 1,
        .summary = "show what became of a run, the newest by default",
        .text = "Shows each step of the run, what became of it and how long it took, and the next "
                "safe command. A container's name stands for the newest run on it.",
        .run = command_status,
    },
    {
        .name = "runs",
        .bit = CMD_RUNS,
        .arguments = "",
        .summary = "list what was done from here",
        .text = "Upgrades, backups, restores and changes of HA that are known in the state folder, "
                "the oldest first: when, on which container, from which version to which, and how "
                "it ended.",
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
