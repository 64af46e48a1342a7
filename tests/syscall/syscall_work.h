/*
 * Pieces of work that are done twice, inside the enclave and by the host program itself, and must see
 * the same. Each writes a line for each thing that it did.
 */
#ifndef CM_TESTS_SYSCALL_WORK_H
#define CM_TESTS_SYSCALL_WORK_H

#include <stdbool.h>
#include <stddef.h>

struct work_log {
    char *text;
    size_t size;
    size_t used;
};

/* "name: value" and errno, when the value is -1 */
void work_note(struct work_log *log, const char *name, long value);
void work_text(struct work_log *log, const char *name, const char *text);

/* The path of a name in a folder; good for three calls more. */
const char *work_path(const char *folder, const char *name);

/* Does the work of that name in the folder, which exists and is empty; false: no such work. */
bool work_do(const char *name, const char *folder, struct work_log *log);

void work_descriptors(const char *folder, struct work_log *log);
void work_paths(const char *folder, struct work_log *log);
void work_streams(const char *folder, struct work_log *log);
void work_reopen(const char *folder, struct work_log *log);
void work_folders(const char *folder, struct work_log *log);
void work_meta(const char *folder, struct work_log *log);
void work_memory(const char *folder, struct work_log *log);
void work_sockets(const char *folder, struct work_log *log);
void work_events(const char *folder, struct work_log *log);
void work_names(const char *folder, struct work_log *log);
void work_identity(const char *folder, struct work_log *log);

#endif
