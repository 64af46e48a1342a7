/*
 * Console output: through the ocall oe_write_ocall where the enclave's EDL imports it, so that the
 * host program may replace it; else through the runtime's built-in one. The EDL type is a C string,
 * so a zero byte in the text cannot be told to the host and is left out.
 */
#include "libc/inside_console.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

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

static int write_chunk(int device, const char *text, size_t len)
{
    char copy[CHUNK + 1];

    memcpy(copy, text, len);
    copy[len] = '\0';
    return oe_write_ocall(device, copy, len) == OE_OK_CODE ? 0 : -EIO;
}

long cm_console_write(int fd, const char *text, size_t len)
{
    int device = fd == 1 ? 0 : 1;
    size_t at = 0;

    while (at < len) {
        size_t left = len - at < CHUNK ? len - at : CHUNK;
        size_t n = strnlen(text + at, left);

        if (n != 0 && write_chunk(device, text + at, n) != 0) {
            return at != 0 ? (long)at : -EIO;
        }
        at += n;
        while (at < len && text[at] == '\0') {
            at++;
        }
    }
    return (long)len;
}
