/* See work_kit.h. */
#include "work_kit.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool kit_folder(char *path)
{
    (void)snprintf(path, 64, "%s", "/tmp/cm-work-XXXXXX");
    return mkdtemp(path) != NULL;
}

static int remove_one(const char *path, const struct stat *s, int type, struct FTW *ftw)
{
    (void)s;
    (void)type;
    (void)ftw;
    return remove(path);
}

void kit_remove(const char *path)
{
    (void)nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

void kit_print_difference(const char *a, const char *b)
{
    while (*a != '\0' && *b != '\0') {
        size_t n = strcspn(a, "\n");
        size_t m = strcspn(b, "\n");

        if (n != m || memcmp(a, b, n) != 0) {
            (void)printf("    outside %.*s\n    inside  %.*s\n", (int)n, a, (int)m, b);
        }
        a += n + (a[n] != '\0');
        b += m + (b[m] != '\0');
    }
}
