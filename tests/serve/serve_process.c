/* See serve_process.h. */
#include "serve_process.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "service_kit.h"
#include "store/db.h"

#define MAX_ARGS 32

static void need(bool good, const char *what)
{
    if (!good) {
        (void)printf("serve process: %s\n", what);
        (void)fflush(stdout);
        abort();
    }
}

static char *text_of(const char *path)
{
    FILE *f = fopen(path, "r");
    char *out = calloc(1, 1 << 20);

    need(out != NULL, "memory");
    if (f != NULL) {
        (void)!fread(out, 1, (1 << 20) - 1, f);
        (void)fclose(f);
    }
    return out;
}

static void nap(void)
{
    const struct timespec t = {0, 10000000};

    (void)nanosleep(&t, NULL);
}

static void empty(const char *where)
{
    static const char *const statements[] = {"DROP SCHEMA public CASCADE", "CREATE SCHEMA public"};
    struct cm_db *db = NULL;

    need(cm_db_open(where, &db, NULL) == CM_OK, "no store");
    for (size_t i = 0; i < 2; i++) {
        need(cm_db_run(db, statements[i], cm_db_none(), cm_db_nowhere(), NULL) == CM_OK,
             "no store");
    }
    cm_db_close(db);
}

void served_init(struct served *s, const char *program)
{
    const char *given = getenv("CM_TEST_STORE");

    memset(s, 0, sizeof(*s));
    (void)signal(SIGPIPE, SIG_IGN);
    s->program = program;
    (void)snprintf(s->folder, sizeof(s->folder), "/tmp/cm-served.XXXXXX");
    need(mkdtemp(s->folder) != NULL, "no folder");
    (void)snprintf(s->state, sizeof(s->state), "%s/state", s->folder);
    (void)snprintf(s->ca_file, sizeof(s->ca_file), "%s/ca.pem", s->state);
    if (given != NULL) {
        (void)snprintf(s->store, sizeof(s->store), "%s", given);
        empty(given);
    } else {
        (void)snprintf(s->store, sizeof(s->store), "sqlite:%s/store.db", s->state);
    }
}

static _Noreturn void become(struct served *s, const char *const *more)
{
    const char *args[MAX_ARGS] = {s->program, "serve",       "--dev",   "--listen", "127.0.0.1:0",
                                  "--state",  s->state,      "--store", s->store,   "--log",
                                  "json",     "--log-level", "warning"};
    char path[96] = "";
    size_t n = 13;
    int out = -1;
    int log = -1;

    for (; more != NULL && *more != NULL; more++) {
        args[n++] = *more;
    }
    (void)snprintf(path, sizeof(path), "%s/out", s->folder);
    out = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    (void)snprintf(path, sizeof(path), "%s/log", s->folder);
    log = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that is ended leaves nothing behind */
    if (out < 0 || log < 0 || dup2(out, 1) < 0 || dup2(log, 2) < 0) {
        _exit(126);
    }
    if (s->before != NULL) {
        s->before();
    }
    (void)execv(s->program, (char *const *)(const void *)args);
    _exit(127);
}

static bool read_url(struct served *s)
{
    static const char lead[] = "casemate: serving at ";
    char path[96] = "";
    char *text = NULL;
    const char *at = NULL;
    bool whole = false;

    (void)snprintf(path, sizeof(path), "%s/out", s->folder);
    text = text_of(path);
    at = strstr(text, lead);
    whole = at != NULL && strstr(at, "NODE_EXTRA_CA_CERTS") != NULL; /* the last of what it says */
    if (whole) {
        at += strlen(lead);
        (void)snprintf(s->url, sizeof(s->url), "%.*s", (int)strcspn(at, "\n"), at);
    }
    free(text);
    return whole;
}

bool served_start(struct served *s, const char *const *more)
{
    char path[96] = "";
    char *token = NULL;

    (void)snprintf(path, sizeof(path), "%s/out", s->folder);
    (void)unlink(path);
    s->pid = fork();
    need(s->pid >= 0, "no process");
    if (s->pid == 0) {
        become(s, more);
    }
    while (!read_url(s)) {
        if (waitpid(s->pid, NULL, WNOHANG) == s->pid) {
            s->pid = 0;
            return false;
        }
        nap();
    }
    (void)snprintf(path, sizeof(path), "%s/dev-token", s->state);
    token = text_of(path);
    (void)snprintf(s->token, sizeof(s->token), "%s", token);
    free(token);
    kit_attach(s->url, s->ca_file);
    return true;
}

int served_end(struct served *s, int sig)
{
    int status = 0;

    if (s->pid != 0) {
        (void)kill(s->pid, sig);
        (void)waitpid(s->pid, &status, 0);
        s->pid = 0;
    }
    kit_attach(NULL, NULL);
    return status;
}

char *served_log(const struct served *s)
{
    char path[96] = "";

    (void)snprintf(path, sizeof(path), "%s/log", s->folder);
    return text_of(path);
}

bool served_logs(const struct served *s, const char *text)
{
    for (int i = 0; i < 1000; i++) {
        char *log = served_log(s);
        const bool found = strstr(log, text) != NULL;

        free(log);
        if (found) {
            return true;
        }
        nap();
    }
    return false;
}

void served_free(struct served *s)
{
    char command[128] = "";

    (void)served_end(s, SIGKILL);
    (void)snprintf(command, sizeof(command), "rm -rf '%s'",
                   s->folder); /* our own name, by mkdtemp() */
    (void)!system(command);
}
