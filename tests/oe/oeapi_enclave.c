/* The enclave of oe_api_test. */
#include <openenclave/attestation/sgx/report.h>
#include <openenclave/bits/sgx/sgxtypes.h>
#include <openenclave/corelibc/errno.h>
#include <openenclave/edger8r/enclave.h>
#include <openenclave/enclave.h>

#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "oeapi_t.h"

#define EXPECT(cond)         \
    do {                     \
        if (!(cond)) {       \
            return __LINE__; \
        }                    \
    } while (0)

int api_host_copy(uint8_t *host, size_t size)
{
    uint8_t own[64];
    uint8_t *mine = own;

    EXPECT(size >= 16);
    EXPECT(oe_copy_from_host(own, host, 16) == OE_OK);
    oe_lfence(); /* for what follows a check of one's own */
    for (int i = 0; i < 16; i++) {
        EXPECT(own[i] == i);
        own[i] = (uint8_t)(100 + i);
    }
    EXPECT(oe_copy_to_host(host, own, 16) == OE_OK);
    /* what is not wholly the host's */
    EXPECT(oe_copy_from_host(own, mine, 16) == OE_INVALID_PARAMETER);
    EXPECT(oe_copy_to_host(mine, own + 32, 16) == OE_INVALID_PARAMETER);
    EXPECT(oe_copy_from_host(own, host, SIZE_MAX - 8) == OE_INVALID_PARAMETER);
    EXPECT(oe_copy_to_host(NULL, own, 16) == OE_INVALID_PARAMETER);
    return 0;
}

int api_barriers(uint8_t *host, size_t size)
{
    uint8_t own[64];
    uint8_t other[64];

    EXPECT(size >= 64 && oe_is_outside_enclave(host, size));
    memset(own, 1, sizeof(own));
    EXPECT(oe_memcpy_with_barrier(host + 1, own, 40) == host + 1);
    EXPECT(oe_memcpy_aligned(other, host, 64) == other);
    EXPECT(memcmp(other + 1, own, 40) == 0);
    EXPECT(oe_memmove_with_barrier(host + 3, host + 1, 40) == host + 3);
    EXPECT(oe_memset_with_barrier(host + 50, 7, 5) == host + 50);
    EXPECT(oe_memcpy_s_with_barrier(host, 8, own, 9) == OE_OUT_OF_BOUNDS);
    EXPECT(oe_memcpy_s_with_barrier(NULL, 8, own, 8) == OE_INVALID_PARAMETER);
    EXPECT(oe_memcpy_s_with_barrier(host, 64, host + 4, 8) == OE_OVERLAPPED_COPY);
    EXPECT(oe_memmove_s_with_barrier(host, 64, host + 4, 8) == OE_OK);
    EXPECT(oe_memset_s_with_barrier(host + 60, 4, 9, 5) == OE_OUT_OF_BOUNDS);
    EXPECT(oe_memset_s_with_barrier(host + 60, 4, 9, 4) == OE_OK);
    OE_WRITE_VALUE_WITH_BARRIER((uint32_t *)(void *)(host + 56), 0x01020304u);
    return 0;
}

int api_errno(void)
{
    errno = 5;
    EXPECT(oe_errno == 5 && &errno == __oe_errno_location());
    oe_errno = OE_ENOENT;
    EXPECT(errno == ENOENT);
    return 0;
}

uint64_t api_product(uint32_t first, uint32_t second)
{
    return (uint64_t)first * second;
}

static pthread_key_t key;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void tell(void *value)
{
    (void)api_note((int)(intptr_t)value);
}

static void make_key(void)
{
    (void)pthread_key_create(&key, tell);
}

int api_object_of_thread(int value)
{
    EXPECT(pthread_once(&once, make_key) == 0);
    EXPECT(pthread_getspecific(key) == NULL); /* each outermost ecall is a thread of its own */
    EXPECT(pthread_setspecific(key, (void *)(intptr_t)value) == 0);
    return 0;
}

/* what a report for nobody in particular says of us */
int api_kss(uint8_t *family, uint8_t *product, uint8_t *config, uint16_t *svn)
{
    uint8_t *report = NULL;
    size_t size = 0;
    sgx_report_t body;

    EXPECT(oe_get_report(0, NULL, 0, NULL, 0, &report, &size) == OE_OK);
    EXPECT(size == 16 + sizeof(body));
    memcpy(&body, report + 16, sizeof(body)); /* behind oe_report_header_t */
    oe_free_report(report);
    memcpy(family, body.body.isvfamilyid, 16);
    memcpy(product, body.body.isvextprodid, 16);
    memcpy(config, body.body.configid, 64);
    *svn = body.body.configsvn;
    return 0;
}

OE_SET_ENCLAVE_SGX2(7, 3, ({1, 2, 3}), ({9, 8, 7}), 1, 1, 1, 0, 0, 256, 16, 2);
