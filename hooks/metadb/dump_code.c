/* Triggers, routines and events: left out as in the runbook unless asked for. */
#include "hooks/metadb/dump.h"

int dump_write_code(struct dump *d, size_t database, struct frame_writer *w, struct err *err)
{
    (void)d;
    (void)database;
    (void)w;
    (void)err;
    return 0;
}
