/*
 * `casemate doctor --hardware-selftest`: a program of its own tries the hardware (it may crash), and
 * what it says becomes part of a report. UNTRUSTED: what it prints, since libraries print, too.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <link.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cli/cli_diagnosis.h"
#include "cli/cli_text.h"
#include "common/try.h"
#include "evidence/timefmt.h"
#include "os/os.h"

#define HELPER     "selftest_host"
#define IMAGE      "selftest_enclave"
#define SAID_MAX   65536u
#define REPORT_CAP 262144u
#define NODES_MAX  4096u
#define PATIENCE_S 300 /* a service's timeouts, several times */

extern char **environ;

/* What the self-test's program said and how it ended. */
struct said {
    char text[SAID_MAX];
    size_t len;
    char ending[96]; /* "" it ended by itself and said what it should */
    bool passed;
};

struct report {
    const char *version;
    struct cm_machine machine;
    struct cm_diagnosis diagnosis;
    struct said said;
};

/* ------------------------------------------------------------------ running */

/* Installed in a folder of its own below lib, as built beside this tool. */
static enum cm_status find(const char *name, char *out, size_t cap)
{
    char installed[64] = "";

    (void)snprintf(installed, sizeof(installed), "casemate/%s", name);
    return cm_cli_find(installed, out, cap) == CM_OK ? CM_OK : cm_cli_find(name, out, cap);
}

/* All that the child says, until it ends or patience does; whether it ended. */
static bool listen_to(int fd, struct said *s)
{
    const time_t until = time(NULL) + PATIENCE_S;

    while (time(NULL) < until) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        char rest[512]; /* what is beyond the limit is read and dropped */
        const bool room = s->len < sizeof(s->text);
        ssize_t n = 0;

        if (poll(&p, 1, 1000) <= 0) {
            continue;
        }
        n = read(fd, room ? s->text + s->len : rest,
                 room ? sizeof(s->text) - s->len : sizeof(rest));
        if (n == 0 || (n < 0 && errno != EINTR)) {
            return true;
        }
        s->len += room && n > 0 ? (size_t)n : 0;
    }
    return false;
}

static void judge_end(pid_t child, bool ended, struct said *s)
{
    int status = 0;

    if (!ended) {
        (void)kill(child, SIGKILL);
    }
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    if (!ended) {
        (void)snprintf(s->ending, sizeof(s->ending), "not done after %d seconds", PATIENCE_S);
    } else if (WIFSIGNALED(status)) {
        (void)snprintf(s->ending, sizeof(s->ending), "ended by signal %d", WTERMSIG(status));
    } else if (!WIFEXITED(status) || WEXITSTATUS(status) > 1) {
        (void)snprintf(s->ending, sizeof(s->ending), "exit status %d", WEXITSTATUS(status));
    }
    s->passed = s->ending[0] == '\0' && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static enum cm_status run_helper(struct said *s, struct cm_why *why)
{
    char program[PATH_MAX] = "";
    char image[PATH_MAX] = "";
    char *argv[] = {program, image, NULL};
    posix_spawn_file_actions_t actions;
    int fds[2] = {-1, -1};
    pid_t child = 0;
    int error = 0;

    if (find(HELPER, program, sizeof(program)) != CM_OK ||
        find(IMAGE, image, sizeof(image)) != CM_OK) {
        cm_why_set(why, "the self-test is not installed: %s and %s are missing", HELPER, IMAGE);
        return CM_ERR_NOTFOUND;
    }
    if (pipe2(fds, O_CLOEXEC) != 0 || posix_spawn_file_actions_init(&actions) != 0) {
        cm_why_set(why, "the self-test cannot be started: %s", strerror(errno));
        return CM_ERR_IO;
    }
    error = posix_spawn_file_actions_adddup2(&actions, fds[1], STDOUT_FILENO);
    if (error == 0) {
        error = posix_spawn(&child, program, &actions, NULL, argv, environ);
    }
    (void)posix_spawn_file_actions_destroy(&actions);
    (void)close(fds[1]);
    if (error == 0) {
        judge_end(child, listen_to(fds[0], s), s);
    } else {
        cm_why_set(why, "%s: %s", program, strerror(error));
    }
    (void)close(fds[0]);
    return error == 0 ? CM_OK : CM_ERR_IO;
}

/* ---------------------------------------------------------------- reporting */

/* The file behind a library's name: its end is the version. Not where it is: that may name a user. */
static void library(struct cm_json_wr *w, const char *soname)
{
    void *handle = dlopen(soname, RTLD_LAZY | RTLD_LOCAL);
    const struct link_map *map = NULL;
    char path[PATH_MAX] = "";
    const char *file = "absent";

    if (handle != NULL) {
        file = "unknown file";
        if (dlinfo(handle, RTLD_DI_LINKMAP, (void *)&map) == 0 &&
            realpath(map->l_name, path) != NULL) {
            const char *slash = strrchr(path, '/');

            file = slash != NULL ? slash + 1 : path;
        }
    }
    cm_cli_json_str(w, soname, file);
    if (handle != NULL) {
        (void)dlclose(handle);
    }
}

static void libraries(struct cm_json_wr *w)
{
    static const char *const names[] = {
        "libsgx_dcap_ql.so.1", "libsgx_quote_ex.so.1",       "libdcap_quoteprov.so.1",
        "libsgx_urts.so.2",    "libsgx_enclave_common.so.1", "libcurl.so.4",
        "libcrypto.so.3"};

    cm_json_wr_name(w, "libraries");
    cm_json_wr_object(w);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        library(w, names[i]);
    }
    cm_json_wr_end(w);
}

/* The processor's microcode, which decides about its security version. */
static void microcode(struct cm_json_wr *w)
{
    FILE *f = fopen("/proc/cpuinfo", "re");
    char line[256] = "";
    char value[32] = "unknown";

    while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
        if (sscanf(line, "microcode : %31[0-9a-fx]", value) == 1) {
            break;
        }
    }
    if (f != NULL) {
        (void)fclose(f);
    }
    cm_cli_json_str(w, "microcode", value);
}

static const char *conclusion(const struct report *r)
{
    if (!r->diagnosis.hardware) {
        return "no usable SGX hardware here: nothing was tested on it";
    }
    return r->said.passed ? "passed on SGX hardware" : "failed on SGX hardware";
}

/* The program's own words, if they are one JSON object; else what became of it. */
static void selftest(struct cm_json_wr *w, const struct said *s)
{
    static struct cm_json_node nodes[NODES_MAX];
    struct cm_json doc;
    const struct cm_span text = cm_span_make(s->text, s->len);

    cm_cli_json_str(w, "ending", s->ending);
    cm_json_wr_name(w, "selftest");
    if (cm_json_parse(text, nodes, NODES_MAX, &doc, NULL) == CM_OK &&
        cm_json_is(cm_json_root(&doc), CM_JSON_OBJECT)) {
        cm_json_wr_raw(w, cm_json_bytes(cm_json_root(&doc)));
    } else {
        cm_json_wr_null(w);
    }
}

static void members(struct cm_json_wr *w, const void *subject)
{
    const struct report *r = subject;
    const time_t now = time(NULL);
    char when[24] = "";

    cm_time_text(now > 0 ? (uint64_t)now : 0, when);
    cm_cli_json_str(w, "report", "casemate doctor --hardware-selftest");
    cm_cli_json_str(w, "version", r->version);
    cm_cli_json_str(w, "time", when);
    cm_cli_json_str(w, "conclusion", conclusion(r));
    cm_json_wr_name(w, "machine");
    cm_json_wr_object(w);
    cm_diagnosis_members(w, &r->machine, &r->diagnosis);
    microcode(w);
    cm_json_wr_end(w);
    libraries(w);
    selftest(w, &r->said);
}

/* The address of a service that is not the whole world's may name a company's machines. */
static void hide_service(struct cm_machine *m)
{
    if (strstr(m->collateral, "://") != NULL &&
        strstr(m->collateral, "://api.trustedservices.intel.com") == NULL &&
        strstr(m->collateral, ".azure.net") == NULL) {
        (void)snprintf(m->collateral, sizeof(m->collateral), "a service of one's own");
    }
}

/* To a file, as a whole. */
static enum cm_status write_file(const struct report *r, const char *path, struct cm_why *why)
{
    char *text = NULL;
    size_t len = 0;
    FILE *memory = open_memstream(&text, &len);
    enum cm_status st = CM_ERR_NOMEM;

    if (memory != NULL) {
        st = cm_cli_json_print(members, r, REPORT_CAP, memory);
        if (fclose(memory) != 0 && st == CM_OK) {
            st = CM_ERR_NOMEM;
        }
    }
    if (st == CM_OK) {
        st = cm_file_write_atomic(path, cm_span_make(text, len), 0666, why);
    }
    free(text);
    return st;
}

enum cm_status cm_cli_selftest(const char *version, const char *output, FILE *out, bool *passed,
                               struct cm_why *why)
{
    struct report *r = calloc(1, sizeof(*r));
    enum cm_status st = CM_OK;

    *passed = false;
    if (r == NULL) {
        return CM_ERR_NOMEM;
    }
    r->version = version;
    cm_machine_probe(&r->machine);
    hide_service(&r->machine);
    cm_machine_diagnose(&r->machine, &r->diagnosis);
    CM_TRY(run_helper(&r->said, why));
    if (output != NULL) {
        CM_TRY(write_file(r, output, why));
        (void)fprintf(out, "%s\nThe report is in %s; it names neither you nor this platform.\n",
                      conclusion(r), output);
    } else {
        CM_TRY(cm_cli_json_print(members, r, REPORT_CAP, out));
    }
    *passed = r->diagnosis.hardware && r->said.passed;
out:
    free(r);
    return st;
}
