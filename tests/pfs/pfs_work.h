/* Work that is done inside and outside, beside that of tests/syscall. */
#ifndef CM_TESTS_PFS_WORK_H
#define CM_TESTS_PFS_WORK_H

#include "syscall_work.h"

void work_protected(const char *folder, struct work_log *log);
void work_protected_paths(const char *folder, struct work_log *log);

/* Does the work of that name; false: no such work. */
static inline bool pfs_work_do(const char *name, const char *folder, struct work_log *log)
{
    log->text[0] = '\0';
    if (__builtin_strcmp(name, "protected") == 0) {
        work_protected(folder, log);
    } else if (__builtin_strcmp(name, "paths") == 0) {
        work_protected_paths(folder, log);
    } else if (__builtin_strcmp(name, "streams") == 0) {
        work_streams(folder, log);
    } else if (__builtin_strcmp(name, "folders") == 0) {
        work_folders(folder, log);
    } else {
        return false;
    }
    return true;
}

#endif
