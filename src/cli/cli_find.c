/* Where the files of this installation are: found from where the running program is. */
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"

/* the folders to look in, from the folder of the program: installed, then as built */
static const char *const places[] = {"../lib", "../lib/openenclave/host", "..", "../src/sgxemu",
                                     "."};

enum cm_status cm_cli_find(const char *relative, char *out, size_t cap)
{
    char self[4096];
    ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
    char *slash = NULL;

    if (n <= 0) {
        return CM_ERR_NOTFOUND;
    }
    self[n] = '\0';
    slash = strrchr(self, '/');
    if (slash == NULL) {
        return CM_ERR_NOTFOUND;
    }
    *slash = '\0';
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        int len = snprintf(out, cap, "%s/%s/%s", self, places[i], relative);

        if (len > 0 && (size_t)len < cap && access(out, R_OK) == 0) {
            return CM_OK;
        }
    }
    return CM_ERR_NOTFOUND;
}
