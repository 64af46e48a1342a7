/* See syscall_kit.h. */
#include "syscall_kit.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

oe_enclave_t *kit_enclave(void)
{
    static oe_enclave_t *e;
    int line = -1;

    if (e != NULL) {
        return e;
    }
    if (oe_create_syscall_enclave(IMAGES "/syscall_enclave.signed", OE_ENCLAVE_TYPE_SGX,
                                  OE_ENCLAVE_FLAG_SIMULATE | OE_ENCLAVE_FLAG_DEBUG, NULL, 0,
                                  &e) != OE_OK ||
        enc_setup(e, &line) != OE_OK || line != 0) {
        (void)printf("  the enclave cannot be created or set up (line %d)\n", line);
        return NULL;
    }
    return e;
}

bool kit_folder(char *path)
{
    (void)snprintf(path, 64, "%s", "/tmp/cm-syscall-XXXXXX");
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
