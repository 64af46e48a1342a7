/*
 * Console output: through the ocall oe_write_ocall where the enclave's EDL imports it, so that the
 * host program may replace it; else through the runtime's built-in one. The EDL type is a C string,
 * so a zero byte in the text cannot be told to the host and is left out.
 */
#include "libc/inside_console.h"

#include <errno.h>
#include <limits.h>
#include <stdint.h>

#include "libc/inside_runtime.h"

#define CHUNK      1024u
#define OE_OK_CODE 0u

/* Defined by the generated code of an enclave that imports openenclave/edl/logging.edl. */
uint32_t oe_write_ocall(int device, const char *str, size_t maxlen);

__attribute__((weak)) uint32_t oe_write_ocall(int device, const char *str, size_t maxlen)
{
    cm_host_write(device, str, maxlen);
    return OE_OK_CODE;
}

/* Text on its way out: as much as fits goes out in one call. */
struct chunk {
    int device;
    int error;
    size_t len;
    char text[CHUNK + 1];
};

static void flush(struct chunk *c)
{
    if (c->len != 0 && c->error == 0) {
        c->text[c->len] = '\0';
        c->error = oe_write_ocall(c->device, c->text, c->len) == OE_OK_CODE ? 0 : EIO;
    }
    c->len = 0;
}

static void add(struct chunk *c, const char *text, size_t len)
{
    size_t i;

    for (i = 0; i < len; i++) {
        if (text[i] == '\0') {
            continue;
        }
        if (c->len == CHUNK) {
            flush(c);
        }
        c->text[c->len++] = text[i];
    }
}

long cm_console_write(int fd, const struct iovec *parts, size_t count)
{
    struct chunk c;
    long total = 0;
    size_t i;

    c.device = fd == 1 ? 0 : 1;
    c.error = 0;
    c.len = 0;
    for (i = 0; i < count; i++) {
        if (parts[i].iov_len > (size_t)(LONG_MAX - total)) {
            return -EINVAL;
        }
        add(&c, parts[i].iov_base, parts[i].iov_len);
        total += (long)parts[i].iov_len;
    }
    flush(&c);
    return c.error == 0 ? total : -c.error;
}
