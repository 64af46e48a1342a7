/* casemate-service as a process of its own, which a test starts, kills and starts again. */
#ifndef CM_TESTS_SERVE_PROCESS_H
#define CM_TESTS_SERVE_PROCESS_H

#include <stdbool.h>
#include <sys/types.h>

struct served {
    const char *program; /* casemate-service */
    char folder[64];     /* of the test: state and output */
    char state[80];
    char store[256];
    char ca_file[96];
    char url[128];
    char token[96]; /* an admin's */
    pid_t pid;
    /** In the child, before it becomes the service; NULL: nothing. */
    void (*before)(void);
};

/** A folder, and no process yet. The store is CM_TEST_STORE, emptied, or a file of SQLite. */
void served_init(struct served *s, const char *program);

/**
 * Start it for development on a free port with more options (NULL-terminated; NULL: none), and let the kit's
 * client ask it. @return false: it ended by itself; why is in its log (served_log())
 */
bool served_start(struct served *s, const char *const *more);
/** Send it a signal and wait for its end: the status of waitpid(). */
int served_end(struct served *s, int signal);
/** Everything that it has logged; malloc'd. */
char *served_log(const struct served *s);
/** Whether a text comes up in the log, within 10 s. */
bool served_logs(const struct served *s, const char *text);
/** Kill it, and remove the folder. */
void served_free(struct served *s);

#endif
