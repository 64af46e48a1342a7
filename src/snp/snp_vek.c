/*
 * VCEK and VLEK certificates (AMD 57230, 3.1): names and extensions; see snp.h. They are in a signed
 * certificate, but which one is UNTRUSTED: everything is held against the report by snp_verify.c.
 */
#include <string.h>

#include "common/reader.h"
#include "evidence/der.h"
#include "snp/snp.h"

#define HWID_OLD 64
#define HWID_NEW 8

/* 1.3.6.1.4.1.3704.1 */
static const uint8_t arc[] = {0x2b, 0x06, 0x01, 0x04, 0x01, 0x9c, 0x78, 0x01};

/* The extension arc.a or arc.a.b (b 0: none); {NULL, 0} when absent. */
static struct cm_span extension(const struct cm_cert *cert, uint8_t a, uint8_t b)
{
    uint8_t oid[sizeof(arc) + 2];

    memcpy(oid, arc, sizeof(arc));
    oid[sizeof(arc)] = a;
    oid[sizeof(arc) + 1] = b;
    return cm_cert_extension(cert, cm_span_make(oid, sizeof(arc) + (b == 0 ? 1 : 2)));
}

/* An INTEGER of at most 255, alone in its extension. */
static bool small(struct cm_span value, uint64_t *out)
{
    struct cm_rd rd = cm_rd_init(value);

    *out = cm_der_uint(&rd, CM_DER_INTEGER, 255);
    return cm_rd_finish(&rd) == CM_OK;
}

bool cm_snp_vek_kind(const struct cm_cert *cert, enum cm_snp_signer *out)
{
    if (cm_cert_name_is(cm_cert_cn(cert), "SEV-VCEK")) {
        *out = CM_SNP_VCEK;
        return true;
    }
    if (cm_cert_name_is(cm_cert_cn(cert), "SEV-VLEK")) {
        *out = CM_SNP_VLEK;
        return true;
    }
    return false;
}

/* "SEV-Milan" or "SEV-VLEK-Milan" */
static enum cm_snp_product issuer_product(struct cm_span cn, enum cm_snp_signer kind)
{
    const char *prefix = kind == CM_SNP_VCEK ? "SEV-" : "SEV-VLEK-";
    size_t n = strlen(prefix);

    if (cn.len <= n || memcmp(cn.ptr, prefix, n) != 0) {
        return CM_SNP_UNKNOWN;
    }
    return cm_snp_product_named(cm_span_make(cn.ptr + n, cn.len - n));
}

/* "Milan-B0", "Milan"; Bergamo and Siena are of Genoa's line */
static bool name_fits(struct cm_span name, enum cm_snp_product product)
{
    const uint8_t *dash = name.len == 0 ? NULL : memchr(name.ptr, '-', name.len);
    struct cm_span word = {name.ptr, dash == NULL ? name.len : (size_t)(dash - name.ptr)};

    if (product == CM_SNP_GENOA &&
        (cm_cert_name_is(word, "Bergamo") || cm_cert_name_is(word, "Siena"))) {
        return true;
    }
    return cm_cert_name_is(word, cm_snp_product_name(product));
}

/* The components, by their numbers under arc.3; what is reserved counts as 0 when absent. */
static bool read_tcb(const struct cm_cert *cert, bool new_layout, struct cm_snp_tcb *out)
{
    static const uint8_t places_old[10] = {0, 0, 1, 6, 2, 3, 4, 5, 7, 0};
    static const uint8_t places_new[10] = {0, 1, 2, 3, 0, 4, 5, 6, 7, 0};
    uint8_t bytes[8] = {0};

    for (uint8_t n = 1; n <= 9; n++) {
        struct cm_span e = extension(cert, 3, n);
        bool reserved = (n >= 5 && n <= 7) || (n == 4 && !new_layout);
        bool foreign = new_layout ? n == 4 : n == 9; /* of the other layout */
        uint64_t v = 0;

        if (e.ptr == NULL) {
            if (!reserved && !foreign) {
                return false;
            }
            continue;
        }
        if (!small(e, &v) || (foreign && v != 0)) {
            return false;
        }
        if (!foreign) {
            bytes[(new_layout ? places_new : places_old)[n]] = (uint8_t)v;
        }
    }
    *out = cm_snp_tcb_decode(cm_span_make(bytes, sizeof(bytes)), new_layout);
    return true;
}

/* Raw, or in an OCTET STRING: told apart by the exact length, since a raw one may begin with 04. */
static bool read_hwid(struct cm_span e, size_t size, struct cm_span *out)
{
    struct cm_rd rd = cm_rd_init(e);

    if (e.len == size) {
        *out = e;
        return true;
    }
    *out = cm_der_take(&rd, CM_DER_OCTETS);
    return cm_rd_finish(&rd) == CM_OK && out->len == size;
}

static bool read_text(struct cm_span e, struct cm_span *out)
{
    struct cm_rd rd = cm_rd_init(e);
    bool utf8 = cm_der_next_is(&rd, CM_DER_UTF8);
    bool printable = true;

    *out = cm_der_take(&rd, utf8 ? CM_DER_UTF8 : CM_DER_IA5);
    for (size_t i = 0; i < out->len; i++) {
        printable = printable && out->ptr[i] >= 0x20 && out->ptr[i] <= 0x7e;
    }
    return cm_rd_finish(&rd) == CM_OK && out->len != 0 && printable;
}

enum cm_status cm_snp_vek_read(const struct cm_cert *cert, struct cm_snp_vek *out,
                               struct cm_why *why)
{
    struct cm_snp_vek v = {0};
    struct cm_span hwid = extension(cert, 4, 0);
    struct cm_span csp = extension(cert, 5, 0);
    bool new_layout = false;

    if (cm_snp_vek_kind(cert, &v.kind)) {
        v.product = issuer_product(cm_cert_issuer_cn(cert), v.kind);
    }
    if (v.product == CM_SNP_UNKNOWN) {
        cm_why_set(why, "the names of subject and issuer are not those of an AMD key");
        return CM_ERR_MISMATCH;
    }
    new_layout = cm_snp_product_new_layout(v.product);
    if (!small(extension(cert, 1, 0), &v.struct_version) ||
        v.struct_version != (new_layout ? 1u : 0u)) {
        cm_why_set(why, "the structure's version is not that of %s",
                   cm_snp_product_name(v.product));
        return CM_ERR_FORMAT;
    }
    if (!read_text(extension(cert, 2, 0), &v.product_name) ||
        !name_fits(v.product_name, v.product)) {
        cm_why_set(why, "the product's name is not %s", cm_snp_product_name(v.product));
        return CM_ERR_FORMAT;
    }
    if (!read_tcb(cert, new_layout, &v.tcb)) {
        cm_why_set(why, "a TCB component is malformed, missing or of another layout");
        return CM_ERR_FORMAT;
    }
    if ((hwid.ptr != NULL) != (v.kind == CM_SNP_VCEK) ||
        (csp.ptr != NULL) != (v.kind == CM_SNP_VLEK) ||
        (hwid.ptr != NULL && !read_hwid(hwid, new_layout ? HWID_NEW : HWID_OLD, &v.hwid)) ||
        (csp.ptr != NULL && !read_text(csp, &v.csp_id))) {
        cm_why_set(why, "the hardware id or the provider's name is malformed or out of place");
        return CM_ERR_FORMAT;
    }
    *out = v;
    return CM_OK;
}
