/* Notes, a line each, in a protected file below a folder that the host lends. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>

#include <casemate/pfs.h>
#include <openenclave/enclave.h>

#include "notes_t.h"

enum { LINE = 256 };

int notes_open(const char *folder)
{
    /* by default, files are for enclaves of this signer and product */
    if (cm_load_module_protected_file_system() != OE_OK) {
        return ENOMEM;
    }
    return mount(folder, "/notes", CM_PROTECTED_FILE_SYSTEM, 0, NULL) == 0 ? 0 : errno;
}

/* A stream of the notes of that name; the name is the host's, and one component. */
static FILE *open_notes(const char *name, const char *mode)
{
    char path[LINE];

    if (name[0] == '\0' || strchr(name, '/') != NULL ||
        snprintf(path, sizeof(path), "/notes/%s", name) >= (int)sizeof(path)) {
        errno = EINVAL;
        return NULL;
    }
    return fopen(path, mode);
}

int notes_add(const char *name, const char *text)
{
    FILE *f;
    int written;

    if (strchr(text, '\n') != NULL || strlen(text) >= LINE - 1) {
        return EINVAL;
    }
    f = open_notes(name, "a");
    if (f == NULL) {
        return errno;
    }
    written = fprintf(f, "%s\n", text);
    /* closing commits: what it says decides */
    return fclose(f) == 0 && written > 0 ? 0 : errno;
}

int notes_list(const char *name, uint32_t *count)
{
    char line[LINE];
    FILE *f = open_notes(name, "r");
    int error;

    *count = 0;
    if (f == NULL) {
        return errno;
    }
    while (fgets(line, sizeof(line), f) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        if (notes_show(++*count, line) != OE_OK) {
            break;
        }
    }
    error = ferror(f) != 0 ? errno : 0;
    (void)fclose(f);
    return error;
}

/* product 1, version 1, debugging allowed; heap and stack in pages of 4 KiB, one thread */
OE_SET_ENCLAVE_SGX(1, 1, true, 512, 32, 1);
