/* The user's state folder; see os.h. */
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/os.h"

#define PASSWD_MAX (1u << 16) /* bytes that one passwd entry may take */

static const char *absolute(const char *name)
{
    const char *value = getenv(name);

    return value != NULL && value[0] == '/' ? value : NULL;
}

/* The home folder that the system has for this user; malloc'd, or NULL. */
static char *passwd_home(void)
{
    char *buf = malloc(PASSWD_MAX);
    struct passwd entry;
    struct passwd *found = NULL;
    char *home = NULL;

    if (buf != NULL && getpwuid_r(geteuid(), &entry, buf, PASSWD_MAX, &found) == 0 &&
        found != NULL && found->pw_dir != NULL && found->pw_dir[0] == '/') {
        home = strdup(found->pw_dir);
    }
    free(buf);
    return home;
}

static enum cm_status fill(char *out, size_t cap, const char *folder, const char *below,
                           struct cm_why *why)
{
    int n = snprintf(out, cap, "%s%s", folder, below);

    if (n < 0 || (size_t)n >= cap) {
        cm_why_set(why, "the path of the state folder is too long");
        return CM_ERR_LIMIT;
    }
    return CM_OK;
}

/*
 * Only absolute paths: one that depends on where a program was started would give each folder a
 * platform of its own, and what was sealed under one could not be opened from the next.
 */
static enum cm_status compose(char *out, size_t cap, struct cm_why *why)
{
    static const char below_home[] = "/.local/state/casemate";
    const char *own = getenv("CASEMATE_STATE_DIR");
    const char *xdg = absolute("XDG_STATE_HOME");
    const char *home = absolute("HOME");
    char *system = NULL;
    enum cm_status st = CM_ERR_NOTFOUND;

    if (own != NULL && own[0] != '\0' && own[0] != '/') {
        cm_why_set(why, "CASEMATE_STATE_DIR must be an absolute path (begin with /)");
        return CM_ERR_PARAM;
    }
    if (own != NULL && own[0] != '\0') {
        return fill(out, cap, own, "", why);
    }
    if (xdg != NULL) {
        return fill(out, cap, xdg, "/casemate", why);
    }
    if (home != NULL) {
        return fill(out, cap, home, below_home, why);
    }
    system = passwd_home(); /* services and containers often have no HOME */
    if (system == NULL) {
        cm_why_set(why,
                   "no place for state, and this user has no home folder: set CASEMATE_STATE_DIR");
        return st;
    }
    st = fill(out, cap, system, below_home, why);
    free(system);
    return st;
}

/* Create every missing folder of the path, each private to the user. */
static int make_path(char *path)
{
    for (char *p = path + 1; *p != '\0'; p++) {
        if (*p == '/') {
            *p = '\0';
            if (mkdir(path, 0700) != 0 && errno != EEXIST) {
                *p = '/';
                return -1;
            }
            *p = '/';
        }
    }
    return (mkdir(path, 0700) != 0 && errno != EEXIST) ? -1 : 0;
}

enum cm_status cm_state_dir(char *out, size_t cap, struct cm_why *why)
{
    struct stat sb;
    enum cm_status st = compose(out, cap, why);

    if (st != CM_OK) {
        return st;
    }
    if (make_path(out) != 0 || stat(out, &sb) != 0) {
        cm_why_set(why, "%s: %s", out, strerror(errno));
        return CM_ERR_IO;
    }
    if (!S_ISDIR(sb.st_mode) || sb.st_uid != geteuid() || (sb.st_mode & 022) != 0) {
        cm_why_set(why, "%s: must be a folder of yours that nobody else can write to", out);
        return CM_ERR_DENIED;
    }
    return CM_OK;
}
