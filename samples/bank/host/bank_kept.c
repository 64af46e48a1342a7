/* See bank_kept.h. */
#include "bank_kept.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../common/bank_text.h"

enum bank_status bank_kept_write(struct bank_link *l, const char *path, struct bank_why *why)
{
    uint8_t sealed[BANK_SEALED_MAX];
    char part[4096];
    size_t len = 0;
    int fd = -1;
    bool written = false;
    enum bank_status st = bank_link_seal(l, sealed, &len, why);

    if (st != BANK_OK) {
        return st;
    }
    if (len > sizeof(sealed) ||
        snprintf(part, sizeof(part), "%s.part", path) >= (int)sizeof(part)) {
        return bank_fail(why, BANK_IO, "%s: path too long", path);
    }
    fd = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd >= 0) {
        written = write(fd, sealed, len) == (ssize_t)len && fsync(fd) == 0;
        written = close(fd) == 0 && written && rename(part, path) == 0;
    }
    if (!written) {
        const int error = errno;

        (void)unlink(part);
        return bank_fail(why, BANK_IO, "%s: %s", path, strerror(error));
    }
    return BANK_OK;
}

enum bank_status bank_kept_read(struct bank_link *l, const char *path, struct bank_result *out,
                                struct bank_why *why)
{
    uint8_t sealed[BANK_SEALED_MAX];
    FILE *f = fopen(path, "rb");
    size_t len = 0;
    bool whole = false;

    if (f == NULL) {
        return bank_fail(why, BANK_IO, "%s: %s", path, strerror(errno));
    }
    len = fread(sealed, 1, sizeof(sealed), f);
    whole = ferror(f) == 0 && fgetc(f) == EOF;
    (void)fclose(f);
    if (!whole || len == 0) {
        return bank_fail(why, BANK_REFUSED, "%s: no sealed result", path);
    }
    return bank_link_unseal(l, sealed, len, out, why);
}
