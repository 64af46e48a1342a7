/*
 * Keys of protected files inside an enclave. A header names the key request that its file's key is
 * wrapped under; it is the host's word, and some requests would give a key that somebody else has too.
 */
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include <casemate/pfs.h>
#include <openenclave/bits/keys.h>
#include <openenclave/enclave.h>

#include "common/wipe.h"
#include "pfs/pfs_info.h"
#include "pfs/pfs_mount.h"

enum { GIVEN_LEAST = 16 };

static long of_result(oe_result_t r)
{
    switch ((int)r) {
    case OE_OK:
        return 0;
    case OE_OUT_OF_MEMORY:
        return -ENOMEM;
    case OE_INVALID_CPUSVN:
    case OE_INVALID_ISVSVN:
        return -EKEYREJECTED; /* of a newer processor or enclave version */
    default:
        return -ENOTSUP;
    }
}

/* Takes a key of the runtime's over. */
static long take(uint8_t *key, size_t len, struct cm_pfs_base *out)
{
    const bool fits = len <= sizeof(out->bytes);

    if (fits) {
        memcpy(out->bytes, key, len);
        out->len = len;
    }
    oe_free_seal_key(key, NULL);
    return fits ? 0 : -ENOTSUP;
}

/* The seal key as of now, and its info. */
static long present_key(uint16_t kind, uint8_t info[CM_PFS_INFO], struct cm_pfs_base *out)
{
    uint8_t *key = NULL;
    uint8_t *made = NULL;
    size_t key_len = 0;
    size_t made_len = 0;
    oe_result_t r = oe_get_seal_key_by_policy_v2(
        kind == CM_PFS_KIND_ENCLAVE ? OE_SEAL_POLICY_UNIQUE : OE_SEAL_POLICY_PRODUCT, &key,
        &key_len, &made, &made_len);
    long e = of_result(r);

    if (e == 0) {
        e = take(key, key_len, out);
        if (made_len == CM_PFS_INFO) {
            memcpy(info, made, CM_PFS_INFO);
        } else {
            e = -ENOTSUP;
        }
        oe_free_seal_key(NULL, made);
    }
    return e;
}

long cm_pfs_source_make(const struct cm_pfs_options *options, struct cm_pfs_source *out)
{
    static const uint16_t kinds[] = {CM_PFS_KIND_SIGNER, CM_PFS_KIND_ENCLAVE, CM_PFS_KIND_GIVEN};
    struct cm_pfs_base key = {.len = 0};
    long r;

    if (options->key >= sizeof(kinds) / sizeof(kinds[0])) {
        return -EINVAL;
    }
    out->kind = kinds[options->key];
    if (out->kind != CM_PFS_KIND_GIVEN) {
        r = options->given != NULL || options->given_len != 0
                ? -EINVAL
                : present_key(out->kind, out->info, &key);
        cm_wipe(&key, sizeof(key));
        return r;
    }
    if (options->given == NULL || options->given_len < GIVEN_LEAST ||
        options->given_len > sizeof(out->given.bytes)) {
        return -EINVAL;
    }
    memcpy(out->given.bytes, options->given, options->given_len);
    out->given.len = options->given_len;
    return 0;
}

static long make(void *ctx, struct cm_pfs_head *head, struct cm_pfs_base *out)
{
    const struct cm_pfs_source *source = ctx;

    head->kind = source->kind;
    memset(head->info, 0, sizeof(head->info));
    if (source->kind == CM_PFS_KIND_GIVEN) {
        *out = source->given;
        return 0;
    }
    return present_key(source->kind, head->info, out);
}

static long find(void *ctx, const struct cm_pfs_head *head, struct cm_pfs_base *out)
{
    const struct cm_pfs_source *source = ctx;
    uint8_t *key = NULL;
    size_t len = 0;
    long r;

    if (!cm_pfs_info_lawful(head->info, source->info)) {
        return -EKEYREJECTED; /* that of another kind of key, too */
    }
    if (source->kind == CM_PFS_KIND_GIVEN) {
        *out = source->given;
        return 0;
    }
    r = of_result(oe_get_seal_key_v2(head->info, sizeof(head->info), &key, &len));
    return r != 0 ? r : take(key, len, out);
}

long cm_pfs_random(void *out, size_t n)
{
    return oe_random(out, n) == OE_OK ? 0 : -EIO;
}

const struct cm_pfs_keys cm_pfs_enclave_keys = {make, find, cm_pfs_random};
