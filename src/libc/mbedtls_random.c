/*
 * mbedTLS's sources of entropy inside an enclave, in place of Debian's members that ask the kernel and
 * that count on the jitter of RDTSC (HAVEGE), which an enclave cannot execute and a host could steer:
 * each is the enclave's own source of random bytes.
 */
#include <stddef.h>
#include <sys/random.h>
#include <unistd.h>

#include <mbedtls/entropy.h>
#include <mbedtls/entropy_poll.h>
#include <mbedtls/havege.h>

#include <string.h>

enum { ENTROPY_AT_ONCE = 256 }; /* what getentropy gives in one call */

static int fill(unsigned char *out, size_t len)
{
    while (len != 0) {
        size_t n = len < ENTROPY_AT_ONCE ? len : ENTROPY_AT_ONCE;

        if (getentropy(out, n) != 0) {
            return MBEDTLS_ERR_ENTROPY_SOURCE_FAILED;
        }
        out += n;
        len -= n;
    }
    return 0;
}

static int poll(unsigned char *out, size_t len, size_t *out_len)
{
    int result = fill(out, len);

    *out_len = result == 0 ? len : 0;
    return result;
}

int mbedtls_platform_entropy_poll(void *data, unsigned char *output, size_t len, size_t *olen)
{
    (void)data;
    return poll(output, len, olen);
}

int mbedtls_hardclock_poll(void *data, unsigned char *output, size_t len, size_t *olen)
{
    (void)data;
    return poll(output, len, olen);
}

int mbedtls_havege_poll(void *data, unsigned char *output, size_t len, size_t *olen)
{
    (void)data;
    return poll(output, len, olen);
}

void mbedtls_havege_init(mbedtls_havege_state *hs)
{
    memset(hs, 0, sizeof(*hs));
}

void mbedtls_havege_free(mbedtls_havege_state *hs)
{
    (void)hs; /* it holds nothing */
}

int mbedtls_havege_random(void *p_rng, unsigned char *output, size_t len)
{
    (void)p_rng;
    return fill(output, len);
}
