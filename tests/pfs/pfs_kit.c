/* See pfs_kit.h. */
#include "pfs_kit.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NO_ECALL = -99999 };

oe_enclave_t *kit_enclave(bool other)
{
    static oe_enclave_t *enclaves[2];
    const char *path = other ? IMAGES "/pfs_other_enclave.signed" : IMAGES "/pfs_enclave.signed";

    if (enclaves[other] == NULL &&
        oe_create_pfs_enclave(path, OE_ENCLAVE_TYPE_SGX,
                              OE_ENCLAVE_FLAG_SIMULATE | OE_ENCLAVE_FLAG_DEBUG, NULL, 0,
                              &enclaves[other]) != OE_OK) {
        (void)printf("  %s cannot be created\n", path);
    }
    return enclaves[other];
}

uint8_t *kit_load(const char *path, size_t *size)
{
    FILE *f = fopen(path, "rb");
    uint8_t *bytes = NULL;
    long n;

    if (f == NULL) {
        return NULL;
    }
    if (fseek(f, 0, SEEK_END) == 0 && (n = ftell(f)) >= 0 && fseek(f, 0, SEEK_SET) == 0) {
        bytes = malloc((size_t)n + 1);
        *size = bytes == NULL ? 0 : fread(bytes, 1, (size_t)n, f);
    }
    (void)fclose(f);
    return bytes;
}

bool kit_store(const char *path, const uint8_t *bytes, size_t size)
{
    FILE *f = fopen(path, "wb");
    bool good = f != NULL && fwrite(bytes, 1, size, f) == size;

    return f != NULL && fclose(f) == 0 && good;
}

int64_t kit_mount(oe_enclave_t *e, const char *folder, uint32_t key, uint8_t given,
                  const char *label, uint32_t flags)
{
    struct pfs_choice choice = {.key = key, .flags = flags, .given = given};
    int r = 0;

    choice.given_len = given != 0 ? 32 : 0;
    (void)snprintf(choice.label, sizeof(choice.label), "%s", label);
    return pfs_mount_at(e, &r, folder, &choice) == OE_OK ? r : NO_ECALL;
}

int64_t kit_put(oe_enclave_t *e, const char *path, const char *text)
{
    int64_t r = 0;

    return pfs_put(e, &r, path, O_RDWR | O_CREAT, (const uint8_t *)text, strlen(text), 0) == OE_OK
               ? r
               : NO_ECALL;
}

int64_t kit_get(oe_enclave_t *e, const char *path, char *text, size_t size)
{
    int64_t r = 0;

    memset(text, 0, size);
    return pfs_get(e, &r, path, (uint8_t *)text, size - 1, 0) == OE_OK ? r : NO_ECALL;
}

int64_t kit_call(oe_enclave_t *e, const char *name, const char *path, const char *other)
{
    int64_t r = 0;

    return pfs_call(e, &r, name, path, other, 0) == OE_OK ? r : NO_ECALL;
}
