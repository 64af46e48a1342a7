/* See syscall_work.h: the log, and the work by name. */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "syscall_work.h"

static void put(struct work_log *log, const char *line)
{
    size_t n = strlen(line);

    if (n < log->size - log->used) {
        memcpy(log->text + log->used, line, n + 1);
        log->used += n;
    }
}

void work_note(struct work_log *log, const char *name, long value)
{
    char line[128];

    if (value == -1) {
        (void)snprintf(line, sizeof(line), "%s: errno %d\n", name, errno);
    } else {
        (void)snprintf(line, sizeof(line), "%s: %ld\n", name, value);
    }
    put(log, line);
}

void work_text(struct work_log *log, const char *name, const char *text)
{
    char line[512];

    (void)snprintf(line, sizeof(line), "%s: \"%s\"\n", name, text == NULL ? "(null)" : text);
    put(log, line);
}

bool work_do(const char *name, const char *folder, struct work_log *log)
{
    static const struct {
        const char *name;
        void (*work)(const char *folder, struct work_log *log);
    } all[] = {
        {"descriptors", work_descriptors},
        {"paths", work_paths},
        {"streams", work_streams},
        {"reopen", work_reopen},
        {"folders", work_folders},
        {"sockets", work_sockets},
        {"names", work_names},
        {"meta", work_meta},
        {"memory", work_memory},
        {"events", work_events},
        {"identity", work_identity},
    };
    size_t i;

    log->text[0] = '\0';
    for (i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        if (strcmp(all[i].name, name) == 0) {
            all[i].work(folder, log);
            return true;
        }
    }
    return false;
}

const char *work_path(const char *folder, const char *name)
{
    static char paths[4][1024];
    static unsigned turn;
    char *p = paths[turn++ % 4];

    (void)snprintf(p, sizeof(paths[0]), "%s/%s", folder, name);
    return p;
}
