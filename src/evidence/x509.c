/* The common DER of certificates and revocation lists; see x509.h. Untrusted: every byte. */
#include "evidence/x509.h"

#include <stdio.h>
#include <string.h>

#include "evidence/timefmt.h"
#include "token/base64.h"

/* SEQUENCE { OID 1.2.840.10045.4.3.2 }: ECDSA with SHA-256, no parameters (RFC 5758) */
static const uint8_t ecdsa_sha256[] = {0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86,
                                       0x48, 0xce, 0x3d, 0x04, 0x03, 0x02};

/* The algorithm and the signature in the general profile. ECDSA: two positive numbers, minimal. */
static enum cm_status split_general(struct cm_rd *bits, struct cm_x509_signed *out)
{
    enum cm_status st = cm_x509_algorithm(out->alg, &out->scheme, &out->hash);

    if (st != CM_OK) {
        return st;
    }
    bits->bad = cm_rd_u8(bits) != 0 || bits->bad; /* no unused bits */
    out->sealed = cm_rd_rest(bits);
    if (out->scheme == CM_X509_ECDSA) {
        struct cm_rd rd = cm_rd_init(out->sealed);
        struct cm_rd pair = cm_der_enter(&rd, CM_DER_SEQUENCE);
        uint8_t number[66] = {0}; /* of P-521 */

        cm_der_positive(&pair, number, sizeof(number));
        cm_der_positive(&pair, number, sizeof(number));
        bits->bad = bits->bad || cm_rd_finish(&pair) != CM_OK || cm_rd_finish(&rd) != CM_OK;
    }
    return cm_rd_finish(bits) == CM_OK && out->sealed.len != 0 ? CM_OK : CM_ERR_FORMAT;
}

enum cm_status cm_x509_check(const struct cm_x509_signed *outer, const struct cm_pubkey *key,
                             enum cm_cert_profile profile)
{
    if (profile == CM_CERTS_GENERAL) {
        return cm_pubkey_verify_x509(key, outer->scheme, outer->hash, outer->tbs, outer->sealed);
    }
    return cm_pubkey_verify(key, CM_SIG_ES256, &outer->tbs, 1, cm_span_make(outer->signature, 64));
}

enum cm_status cm_x509_split(struct cm_span der, enum cm_cert_profile profile,
                             struct cm_x509_signed *out)
{
    struct cm_rd rd = cm_rd_init(der);
    struct cm_rd list = cm_der_enter(&rd, CM_DER_SEQUENCE);
    struct cm_rd bits = {0};
    struct cm_rd pair = {0};

    out->tbs = cm_der_element(&list, CM_DER_SEQUENCE);
    out->alg = cm_der_element(&list, CM_DER_SEQUENCE);
    bits = cm_der_enter(&list, CM_DER_BITS);
    if (cm_rd_finish(&list) != CM_OK || cm_rd_finish(&rd) != CM_OK) {
        return CM_ERR_FORMAT;
    }
    if (profile == CM_CERTS_GENERAL) {
        return split_general(&bits, out);
    }
    if (out->alg.len != sizeof(ecdsa_sha256) ||
        memcmp(out->alg.ptr, ecdsa_sha256, sizeof(ecdsa_sha256)) != 0) {
        return CM_ERR_UNSUPPORTED;
    }
    bits.bad = cm_rd_u8(&bits) != 0 || bits.bad; /* no unused bits */
    pair = cm_der_enter(&bits, CM_DER_SEQUENCE);
    cm_der_positive(&pair, out->signature, 32);
    cm_der_positive(&pair, out->signature + 32, 32);
    return cm_rd_finish(&pair) == CM_OK && cm_rd_finish(&bits) == CM_OK ? CM_OK : CM_ERR_FORMAT;
}

uint64_t cm_x509_time(struct cm_rd *r)
{
    bool utc = cm_der_next_is(r, CM_DER_UTC_TIME);
    struct cm_span s = cm_der_take(r, utc ? CM_DER_UTC_TIME : CM_DER_TIME);
    uint64_t t = 0;

    if (r->bad || cm_time_parse_der(s, utc, &t) != CM_OK) {
        r->bad = true;
    }
    return t;
}

static bool printable(struct cm_span s)
{
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] < 0x20 || s.ptr[i] > 0x7e) {
            return false;
        }
    }
    return s.len != 0;
}

enum cm_status cm_x509_name(struct cm_span name, struct cm_span *cn)
{
    static const uint8_t oid[] = {0x55, 0x04, 0x03};
    struct cm_rd rd = cm_rd_init(name);
    struct cm_rd places = cm_der_enter(&rd, CM_DER_SEQUENCE);
    unsigned found = 0;

    *cn = cm_span_make(NULL, 0);
    while (!places.bad && places.left != 0) {
        struct cm_rd place = cm_der_enter(&places, CM_DER_SET);
        struct cm_rd entry = cm_der_enter(&place, CM_DER_SEQUENCE);
        struct cm_span type = cm_der_oid(&entry);
        bool utf8 = cm_der_next_is(&entry, CM_DER_UTF8);
        bool ia5 = cm_der_next_is(&entry, CM_DER_IA5);
        struct cm_span text =
            cm_der_take(&entry, utf8 ? CM_DER_UTF8 : (ia5 ? CM_DER_IA5 : CM_DER_PRINTABLE));

        if (cm_rd_finish(&entry) != CM_OK || cm_rd_finish(&place) != CM_OK || !printable(text)) {
            return CM_ERR_FORMAT;
        }
        if (type.len == sizeof(oid) && memcmp(type.ptr, oid, sizeof(oid)) == 0) {
            *cn = found == 0 ? text : cm_span_make(NULL, 0);
            found++;
        }
    }
    return cm_rd_finish(&places) == CM_OK && cm_rd_finish(&rd) == CM_OK ? CM_OK : CM_ERR_FORMAT;
}

static size_t extensions(struct cm_rd *r, bool general,
                         struct cm_x509_ext out[CM_X509_MAX_EXTENSIONS])
{
    struct cm_rd list = cm_der_enter(r, CM_DER_SEQUENCE);
    size_t count = 0;

    while (!list.bad && list.left != 0) {
        struct cm_rd entry = cm_der_enter(&list, CM_DER_SEQUENCE);
        struct cm_x509_ext e = {{NULL, 0}, false, {NULL, 0}};

        e.oid = cm_der_oid(&entry);
        if (cm_der_next_is(&entry, CM_DER_BOOLEAN)) {
            e.critical = cm_der_bool(&entry);
            /* FALSE is the default, so never written */
            entry.bad = entry.bad || (!general && !e.critical);
        }
        e.value = cm_der_take(&entry, CM_DER_OCTETS);
        if (cm_rd_finish(&entry) != CM_OK || count == CM_X509_MAX_EXTENSIONS ||
            cm_x509_find(out, count, e.oid.ptr, e.oid.len) != NULL) {
            list.bad = true;
            break;
        }
        out[count++] = e;
    }
    r->bad = r->bad || list.bad || count == 0;
    return count;
}

size_t cm_x509_extensions(struct cm_rd *r, struct cm_x509_ext out[CM_X509_MAX_EXTENSIONS])
{
    return extensions(r, false, out);
}

size_t cm_x509_extensions_general(struct cm_rd *r, struct cm_x509_ext out[CM_X509_MAX_EXTENSIONS])
{
    return extensions(r, true, out);
}

const struct cm_x509_ext *cm_x509_find(const struct cm_x509_ext *exts, size_t count,
                                       const void *oid, size_t oid_len)
{
    for (size_t i = 0; i < count; i++) {
        if (exts[i].oid.len == oid_len && memcmp(exts[i].oid.ptr, oid, oid_len) == 0) {
            return &exts[i];
        }
    }
    return NULL;
}

static enum cm_status read_aki(struct cm_span value, bool general, struct cm_span *out)
{
    struct cm_rd rd = cm_rd_init(value);
    struct cm_rd list = cm_der_enter(&rd, CM_DER_SEQUENCE);

    *out = cm_span_make(NULL, 0);
    if (cm_der_next_is(&list, CM_DER_CONTEXT(0))) {
        *out = cm_der_take(&list, CM_DER_CONTEXT(0));
        if (out->len == 0) { /* an empty identifier fits everything (H4) */
            return CM_ERR_FORMAT;
        }
    }
    if (general) { /* [1] issuer and [2] serial number: only together */
        if (cm_der_next_is(&list, CM_DER_EXPLICIT(1))) {
            (void)cm_der_take(&list, CM_DER_EXPLICIT(1));
            (void)cm_der_take(&list, CM_DER_CONTEXT(2));
        }
    }
    /* nothing else: an issuer's name and serial number would be a second way to say who it is */
    return cm_rd_finish(&list) == CM_OK && cm_rd_finish(&rd) == CM_OK ? CM_OK : CM_ERR_FORMAT;
}

enum cm_status cm_x509_aki(struct cm_span value, struct cm_span *out)
{
    return read_aki(value, false, out);
}

enum cm_status cm_x509_aki_general(struct cm_span value, struct cm_span *out)
{
    return read_aki(value, true, out);
}

static bool space(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == 0;
}

/* The line "-----BEGIN label-----" or its END at the start of the text: steps over it. */
static bool pem_mark(struct cm_span *rest, const char *kind, const char *label)
{
    const char *const parts[] = {kind, label, "-----"};
    struct cm_span at = *rest;

    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        const size_t len = strlen(parts[i]);

        if (at.len < len || memcmp(at.ptr, parts[i], len) != 0) {
            return false;
        }
        at.ptr += len;
        at.len -= len;
    }
    *rest = at;
    return true;
}

/* The characters up to the next '-' without white space between them; false: more than cap. */
static bool pem_text(struct cm_span *rest, uint8_t *out, size_t cap, size_t *len)
{
    size_t n = 0;

    while (rest->len != 0 && rest->ptr[0] != '-') {
        size_t run = 0;

        while (run < rest->len && rest->ptr[run] != '-' && !space(rest->ptr[run])) {
            run++;
        }
        if (run > cap - n) {
            return false;
        }
        memcpy(out + n, rest->ptr, run);
        n += run;
        while (run < rest->len && space(rest->ptr[run])) {
            run++;
        }
        rest->ptr += run;
        rest->len -= run;
    }
    *len = n;
    return true;
}

enum cm_status cm_pem_next(struct cm_span *rest, const char *label, uint8_t *der, size_t cap,
                           size_t *len)
{
    size_t n = 0;

    while (rest->len != 0 && space(rest->ptr[0])) {
        rest->ptr++;
        rest->len--;
    }
    if (rest->len == 0) {
        *len = 0;
        return CM_OK;
    }
    if (!pem_mark(rest, "-----BEGIN ", label) || !pem_text(rest, der, cap, &n) ||
        !pem_mark(rest, "-----END ", label)) {
        return CM_ERR_FORMAT;
    }
    /* in place: three bytes never overtake the four characters that they come from */
    if (cm_base64_decode(cm_span_make(der, n), der, cap, len) != CM_OK || *len == 0) {
        return CM_ERR_FORMAT;
    }
    return CM_OK;
}
