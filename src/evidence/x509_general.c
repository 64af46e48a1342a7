/* What CM_CERTS_GENERAL takes beyond DCAP's profile; see x509.h. Untrusted: every byte. */
#include <string.h>

#include "common/try.h"
#include "evidence/x509.h"

struct oid {
    uint8_t len;
    uint8_t bytes[9];
};

/* 1.2.840.113549.1.1.* (PKCS#1), 1.2.840.10045.4.3.* and .2.1 (X9.62) */
static const struct oid oid_pss = {9, {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a}};
static const struct oid oid_mgf1 = {9, {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x08}};
static const struct oid oid_rsa = {9, {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01}};
static const struct oid oid_ec = {7, {0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01}};

static bool is(struct cm_span s, const struct oid *oid)
{
    return s.len == oid->len && memcmp(s.ptr, oid->bytes, s.len) == 0;
}

static bool hash_of(struct cm_span oid, enum cm_hash_alg *out)
{
    static const struct {
        struct oid oid; /* 2.16.840.1.101.3.4.2.* */
        enum cm_hash_alg hash;
    } table[] = {
        {{9, {0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01}}, CM_HASH_SHA256},
        {{9, {0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02}}, CM_HASH_SHA384},
        {{9, {0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x03}}, CM_HASH_SHA512},
    };

    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        if (is(oid, &table[i].oid)) {
            *out = table[i].hash;
            return true;
        }
    }
    return false;
}

/* NULL, or nothing: RFC 4055 section 2.1 has both accepted */
static void skip_null(struct cm_rd *r)
{
    if (r->left != 0) {
        struct cm_span null = cm_der_take(r, CM_DER_NULL);

        r->bad = r->bad || null.len != 0;
    }
}

/* AlgorithmIdentifier of a hash, in the explicit tag of its place */
static bool read_hash(struct cm_rd *r, enum cm_hash_alg *out)
{
    struct cm_rd alg = cm_der_enter(r, CM_DER_SEQUENCE);
    struct cm_span oid = cm_der_oid(&alg);

    skip_null(&alg);
    r->bad = r->bad || cm_rd_finish(&alg) != CM_OK;
    return !r->bad && hash_of(oid, out);
}

/* RSASSA-PSS-params: the defaults are SHA-1's, so what is absent is refused (RFC 4055 section 3.1) */
static enum cm_status read_pss(struct cm_rd *alg, enum cm_hash_alg *out)
{
    struct cm_rd list = cm_der_enter(alg, CM_DER_SEQUENCE);
    struct cm_rd tag = cm_der_enter(&list, CM_DER_EXPLICIT(0));
    struct cm_rd mgf = {0};
    enum cm_hash_alg hash = CM_HASH_SHA1;
    enum cm_hash_alg mask = CM_HASH_SHA1;
    bool known = read_hash(&tag, &hash);
    uint64_t salt = 0;

    list.bad = list.bad || cm_rd_finish(&tag) != CM_OK;
    tag = cm_der_enter(&list, CM_DER_EXPLICIT(1));
    mgf = cm_der_enter(&tag, CM_DER_SEQUENCE);
    known = known && is(cm_der_oid(&mgf), &oid_mgf1) && read_hash(&mgf, &mask);
    list.bad = list.bad || cm_rd_finish(&mgf) != CM_OK || cm_rd_finish(&tag) != CM_OK;
    tag = cm_der_enter(&list, CM_DER_EXPLICIT(2));
    salt = cm_der_uint(&tag, CM_DER_INTEGER, UINT32_MAX);
    list.bad = list.bad || cm_rd_finish(&tag) != CM_OK;
    if (cm_der_next_is(&list, CM_DER_EXPLICIT(3))) { /* AMD writes the default trailer */
        tag = cm_der_enter(&list, CM_DER_EXPLICIT(3));
        known = cm_der_uint(&tag, CM_DER_INTEGER, UINT32_MAX) == 1 && known;
        list.bad = list.bad || cm_rd_finish(&tag) != CM_OK;
    }
    if (cm_rd_finish(&list) != CM_OK) {
        return CM_ERR_UNSUPPORTED; /* also defaults, which stand for SHA-1 */
    }
    if (!known || mask != hash || salt != cm_hash_size(hash)) {
        return CM_ERR_UNSUPPORTED;
    }
    *out = hash;
    return CM_OK;
}

enum cm_status cm_x509_algorithm(struct cm_span alg, enum cm_x509_scheme *scheme,
                                 enum cm_hash_alg *hash)
{
    static const struct {
        struct oid oid;
        enum cm_x509_scheme scheme;
        enum cm_hash_alg hash;
    } table[] = {
        {{8, {0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02}}, CM_X509_ECDSA, CM_HASH_SHA256},
        {{8, {0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x03}}, CM_X509_ECDSA, CM_HASH_SHA384},
        {{8, {0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x04}}, CM_X509_ECDSA, CM_HASH_SHA512},
        {{9, {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0b}},
         CM_X509_PKCS1,
         CM_HASH_SHA256},
        {{9, {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0c}},
         CM_X509_PKCS1,
         CM_HASH_SHA384},
        {{9, {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0d}},
         CM_X509_PKCS1,
         CM_HASH_SHA512},
    };
    struct cm_rd rd = cm_rd_init(alg);
    struct cm_rd list = cm_der_enter(&rd, CM_DER_SEQUENCE);
    struct cm_span oid = cm_der_oid(&list);
    enum cm_status st = CM_ERR_UNSUPPORTED;

    if (list.bad) {
        return CM_ERR_FORMAT;
    }
    if (is(oid, &oid_pss)) {
        *scheme = CM_X509_PSS;
        CM_TRY(read_pss(&list, hash));
        return cm_rd_finish(&list) == CM_OK ? CM_OK : CM_ERR_FORMAT;
    }
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        if (is(oid, &table[i].oid)) {
            *scheme = table[i].scheme;
            *hash = table[i].hash;
            if (table[i].scheme == CM_X509_PKCS1) {
                skip_null(&list);
            }
            return cm_rd_finish(&list) == CM_OK ? CM_OK : CM_ERR_FORMAT;
        }
    }
out:
    return st;
}

static bool curve_of(struct cm_span oid, enum cm_curve *curve, size_t *size)
{
    static const struct {
        struct oid oid;
        enum cm_curve curve;
        size_t size;
    } table[] = {
        {{8, {0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07}}, CM_CURVE_P256, 32},
        {{5, {0x2b, 0x81, 0x04, 0x00, 0x22}}, CM_CURVE_P384, 48},
        {{5, {0x2b, 0x81, 0x04, 0x00, 0x23}}, CM_CURVE_P521, 66},
    };

    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        if (is(oid, &table[i].oid)) {
            *curve = table[i].curve;
            *size = table[i].size;
            return true;
        }
    }
    return false;
}

static enum cm_status ec_key(struct cm_rd *alg, struct cm_rd *bits, struct cm_pubkey **out)
{
    enum cm_curve curve = CM_CURVE_P256;
    size_t size = 0;
    struct cm_span x = {NULL, 0};
    struct cm_span y = {NULL, 0};

    if (!cm_der_next_is(alg, CM_DER_OID)) {
        return CM_ERR_UNSUPPORTED; /* explicit parameters: somebody's own curve */
    }
    if (!curve_of(cm_der_oid(alg), &curve, &size) || cm_rd_finish(alg) != CM_OK ||
        cm_rd_u8(bits) != 4) {
        return CM_ERR_UNSUPPORTED; /* another curve; compressed */
    }
    x = cm_rd_take(bits, size);
    y = cm_rd_take(bits, size);
    return cm_rd_finish(bits) == CM_OK ? cm_pubkey_from_ec(curve, x, y, out) : CM_ERR_FORMAT;
}

/* A positive INTEGER without its sign byte. */
static struct cm_span unsigned_integer(struct cm_rd *r)
{
    struct cm_span s = cm_der_integer(r);

    if (s.len != 0 && (s.ptr[0] & 0x80) != 0) {
        r->bad = true;
    }
    if (s.len > 1 && s.ptr[0] == 0) {
        s.ptr++;
        s.len--;
    }
    return s;
}

static enum cm_status rsa_key(struct cm_rd *alg, struct cm_rd *bits, struct cm_pubkey **out)
{
    struct cm_rd pair = cm_der_enter(bits, CM_DER_SEQUENCE);
    struct cm_span n = unsigned_integer(&pair);
    struct cm_span e = unsigned_integer(&pair);

    skip_null(alg);
    if (cm_rd_finish(alg) != CM_OK || cm_rd_finish(&pair) != CM_OK || cm_rd_finish(bits) != CM_OK) {
        return CM_ERR_FORMAT;
    }
    return cm_pubkey_from_rsa(n, e, out);
}

enum cm_status cm_x509_key(struct cm_span spki, struct cm_pubkey **out)
{
    struct cm_rd rd = cm_rd_init(spki);
    struct cm_rd list = cm_der_enter(&rd, CM_DER_SEQUENCE);
    struct cm_rd alg = cm_der_enter(&list, CM_DER_SEQUENCE);
    struct cm_rd bits = cm_der_enter(&list, CM_DER_BITS);
    struct cm_span oid = cm_der_oid(&alg);

    *out = NULL;
    bits.bad = cm_rd_u8(&bits) != 0 || bits.bad; /* no unused bits */
    if (cm_rd_finish(&list) != CM_OK || cm_rd_finish(&rd) != CM_OK || bits.bad || alg.bad) {
        return CM_ERR_FORMAT;
    }
    if (is(oid, &oid_ec)) {
        return ec_key(&alg, &bits, out);
    }
    return is(oid, &oid_rsa) ? rsa_key(&alg, &bits, out) : CM_ERR_UNSUPPORTED;
}

static bool is_text(struct cm_rd *entry)
{
    /* UTF8, Numeric, Printable, Teletex, IA5, Visible, Universal and BMP strings */
    static const uint8_t tags[] = {0x0c, 0x12, 0x13, 0x14, 0x16, 0x1a, 0x1c, 0x1e};

    for (size_t i = 0; i < sizeof(tags); i++) {
        if (cm_der_next_is(entry, tags[i])) {
            return true;
        }
    }
    return false;
}

static bool ascii(struct cm_span s)
{
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] < 0x20 || s.ptr[i] > 0x7e) {
            return false;
        }
    }
    return s.len != 0;
}

enum cm_status cm_x509_name_general(struct cm_span name, struct cm_span *cn)
{
    static const struct oid oid_cn = {3, {0x55, 0x04, 0x03}};
    struct cm_rd rd = cm_rd_init(name);
    struct cm_rd places = cm_der_enter(&rd, CM_DER_SEQUENCE);
    unsigned found = 0;

    *cn = cm_span_make(NULL, 0);
    while (!places.bad && places.left != 0) {
        struct cm_rd place = cm_der_enter(&places, CM_DER_SET);

        do {
            struct cm_rd entry = cm_der_enter(&place, CM_DER_SEQUENCE);
            struct cm_span type = cm_der_oid(&entry);
            struct cm_span text = {NULL, 0};

            entry.bad = entry.bad || !is_text(&entry);
            text = cm_der_take(&entry, entry.left != 0 ? entry.ptr[0] : 0);
            if (cm_rd_finish(&entry) != CM_OK) {
                return CM_ERR_FORMAT;
            }
            if (is(type, &oid_cn)) {
                *cn = found == 0 && ascii(text) ? text : cm_span_make(NULL, 0);
                found++;
            }
        } while (!place.bad && place.left != 0);
        places.bad = places.bad || place.bad;
    }
    return cm_rd_finish(&places) == CM_OK && cm_rd_finish(&rd) == CM_OK ? CM_OK : CM_ERR_FORMAT;
}
