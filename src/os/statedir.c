/* The user's state folder; see os.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/os.h"

static enum cm_status compose(char *out, size_t cap)
{
    const char *own = getenv("CASEMATE_STATE_DIR");
    const char *xdg = getenv("XDG_STATE_HOME");
    const char *home = getenv("HOME");
    int n = -1;

    if (own != NULL && own[0] != '\0') {
        n = snprintf(out, cap, "%s", own);
    } else if (xdg != NULL && xdg[0] == '/') {
        n = snprintf(out, cap, "%s/casemate", xdg);
    } else if (home != NULL && home[0] == '/') {
        n = snprintf(out, cap, "%s/.local/state/casemate", home);
    }
    return (n > 0 && (size_t)n < cap) ? CM_OK : CM_ERR_NOTFOUND;
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

    if (compose(out, cap) != CM_OK) {
        cm_why_set(why, "no place for state: set CASEMATE_STATE_DIR or HOME");
        return CM_ERR_NOTFOUND;
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
