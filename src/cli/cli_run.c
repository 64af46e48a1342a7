/*
 * `casemate run PROGRAM`: the program as it is, with the environment that it needs here. Without
 * --profile this process becomes the program; with it, it waits and prints the table.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/cli_program.h"
#include "common/try.h"
#include "os/os.h"

#define PROFILE_MAX     (1U << 22)
#define EXIT_SIGNAL     128
#define PRELOAD_LIBRARY "libcasemate-sgxemu.so"

static enum cm_status set(const char *name, const char *value)
{
    return setenv(name, value, 1) == 0 ? CM_OK : CM_ERR_NOMEM;
}

/* our library in front of what is preloaded already */
static enum cm_status set_preload(struct cm_why *why)
{
    char path[4096];
    char value[8192];
    const char *old = getenv("LD_PRELOAD");
    int n = 0;

    if (cm_cli_find(PRELOAD_LIBRARY, path, sizeof(path)) != CM_OK) {
        cm_why_set(why,
                   "%s is not there: install Casemate whole (make install), or run "
                   "casemate doctor",
                   PRELOAD_LIBRARY);
        return CM_ERR_NOTFOUND;
    }
    n = snprintf(value, sizeof(value), "%s%s%s", path, old != NULL ? ":" : "",
                 old != NULL ? old : "");
    if (n < 0 || (size_t)n >= sizeof(value)) {
        cm_why_set(why, "LD_PRELOAD is too long");
        return CM_ERR_LIMIT;
    }
    return set("LD_PRELOAD", value);
}

static enum cm_status set_environment(const struct cm_run *r, struct cm_why *why)
{
    enum cm_status st = CM_OK;

    if (r->hardware) {
        if (unsetenv("OE_SIMULATION") != 0) {
            return CM_ERR_PARAM;
        }
    } else if (getenv("OE_SIMULATION") == NULL) {
        CM_TRY(set("OE_SIMULATION", "1"));
    }
    if (r->preload) {
        CM_TRY(set_preload(why));
    }
out:
    return st;
}

static enum cm_status become(const struct cm_run *r, int *exit_code, struct cm_why *why)
{
    (void)execvp(r->argv[0], r->argv);
    *exit_code = errno == ENOENT ? CM_EXIT_NOT_FOUND : CM_EXIT_NO_START;
    if (errno == ENOENT) {
        /* the file has been found, so it is what the file asks for */
        cm_why_set(why, "%s: its interpreter is not there", r->argv[0]);
        return CM_ERR_NOTFOUND;
    }
    cm_why_set(why, "%s: %s", r->argv[0], strerror(errno));
    return CM_ERR_IO;
}

/* run as a child and wait; the terminal's signals are the child's to act on */
static enum cm_status run_child(const struct cm_run *r, int *exit_code, struct cm_why *why)
{
    int status = 0;
    pid_t child = fork();

    if (child < 0) {
        cm_why_set(why, "no new process: %s", strerror(errno));
        return CM_ERR_IO;
    }
    if (child == 0) {
        struct cm_why reason = {{0}};
        int code = CM_EXIT_NO_START;

        (void)become(r, &code, &reason);
        (void)fprintf(stderr, "casemate: %s\n", reason.text);
        _exit(code);
    }
    (void)signal(SIGINT, SIG_IGN);
    (void)signal(SIGQUIT, SIG_IGN);
    while (waitpid(child, &status, 0) < 0) {
        if (errno != EINTR) {
            cm_why_set(why, "waiting for %s: %s", r->argv[0], strerror(errno));
            return CM_ERR_IO;
        }
    }
    *exit_code = WIFSIGNALED(status) ? EXIT_SIGNAL + WTERMSIG(status) : WEXITSTATUS(status);
    return CM_OK;
}

static enum cm_status print_profile(const struct cm_run *r, const char *file, struct cm_why *why)
{
    enum cm_status st = CM_OK;
    uint8_t *text = NULL;
    size_t len = 0;
    FILE *out = stderr;

    CM_TRY(cm_file_read(file, PROFILE_MAX, &text, &len, why));
    if (r->output != NULL) {
        out = fopen(r->output, "we");
        if (out == NULL) {
            cm_why_set(why, "%s: %s", r->output, strerror(errno));
            st = CM_ERR_IO;
            goto out;
        }
    }
    st = cm_cli_profile((const char *)text, len, r->json, out, why);
    if (out != stderr && fclose(out) != 0 && st == CM_OK) {
        cm_why_set(why, "%s: %s", r->output, strerror(errno));
        st = CM_ERR_IO;
    }
out:
    free(text);
    return st;
}

static enum cm_status run_profiled(const struct cm_run *r, int *exit_code, struct cm_why *why)
{
    char file[] = "/tmp/casemate-profile-XXXXXX";
    int fd = mkstemp(file);
    enum cm_status st = CM_OK;

    if (fd < 0) {
        cm_why_set(why, "%s: %s", file, strerror(errno));
        return CM_ERR_IO;
    }
    (void)close(fd);
    CM_TRY(set("CASEMATE_PROFILE", file));
    CM_TRY(run_child(r, exit_code, why));
    CM_TRY(print_profile(r, file, why));
out:
    (void)unlink(file);
    return st;
}

enum cm_status cm_cli_run(const struct cm_run *r, int *exit_code, struct cm_why *why)
{
    enum cm_status st = cm_cli_program_check(r->argv[0], r->preload, exit_code, why);

    if (st != CM_OK) {
        return st;
    }
    *exit_code = CM_EXIT_OURS;
    st = set_environment(r, why);
    if (st == CM_OK && !r->profile) {
        return become(r, exit_code, why);
    }
    if (st == CM_OK) {
        st = run_profiled(r, exit_code, why);
    }
    if (st != CM_OK) {
        *exit_code = CM_EXIT_OURS; /* whatever the program itself has said */
    }
    return st;
}
