/* The PCK certificate's SGX extension; see pck_ext.h. Untrusted: every byte. */
#include "evidence/pck_ext.h"

#include <string.h>

#include "evidence/der.h"

/* 1.2.840.113741.1.13.1; members append one arc, TCB components two */
static const uint8_t base_oid[] = {0x2a, 0x86, 0x48, 0x86, 0xf8, 0x4d, 0x01, 0x0d, 0x01};

struct cm_span cm_pck_extension_of(const struct cm_cert *cert)
{
    return cm_cert_extension(cert, cm_span_make(base_oid, sizeof(base_oid)));
}

/* The arc that an OID appends to prefix; 0 (which never occurs) when it is another OID. */
static unsigned arc_of(struct cm_span oid, const uint8_t *prefix, size_t prefix_len)
{
    if (oid.len != prefix_len + 1 || memcmp(oid.ptr, prefix, prefix_len) != 0) {
        return 0;
    }
    return oid.ptr[prefix_len]; /* a whole arc, so below 0x80 */
}

static void octets(struct cm_rd *r, uint8_t *out, size_t n)
{
    struct cm_span s = cm_der_take(r, CM_DER_OCTETS);

    if (s.len != n) {
        r->bad = true;
    }
    if (!r->bad) {
        memcpy(out, s.ptr, n);
    }
}

/* Take over the reader's verdict: everything read, and nothing left. */
static void finish(struct cm_rd *outer, const struct cm_rd *inner)
{
    if (cm_rd_finish(inner) != CM_OK) {
        outer->bad = true;
    }
}

static void parse_tcb(struct cm_rd *r, struct cm_pck_ext *out)
{
    struct cm_rd list = cm_der_enter(r, CM_DER_SEQUENCE);
    uint8_t prefix[sizeof(base_oid) + 1];
    uint32_t seen = 0;

    memcpy(prefix, base_oid, sizeof(base_oid));
    prefix[sizeof(base_oid)] = 2;
    while (!list.bad && list.left != 0) {
        struct cm_rd entry = cm_der_enter(&list, CM_DER_SEQUENCE);
        unsigned arc = arc_of(cm_der_oid(&entry), prefix, sizeof(prefix));

        if (arc >= 1 && arc <= 16) {
            out->comp_svn[arc - 1] = (uint8_t)cm_der_uint(&entry, CM_DER_INTEGER, 255);
        } else if (arc == 17) {
            out->pcesvn = (uint16_t)cm_der_uint(&entry, CM_DER_INTEGER, 65535);
        } else if (arc == 18) {
            octets(&entry, out->cpusvn, 16);
        } else {
            list.bad = true;
            break;
        }
        list.bad = list.bad || (seen & (1u << arc)) != 0;
        seen |= 1u << arc;
        finish(&list, &entry);
    }
    if (seen != 0x7fffeu) { /* 1 to 18, each once */
        list.bad = true;
    }
    finish(r, &list);
}

static void parse_configuration(struct cm_rd *r, struct cm_pck_ext *out)
{
    struct cm_rd list = cm_der_enter(r, CM_DER_SEQUENCE);
    uint8_t prefix[sizeof(base_oid) + 1];
    unsigned seen = 0;

    memcpy(prefix, base_oid, sizeof(base_oid));
    prefix[sizeof(base_oid)] = 7;
    while (!list.bad && list.left != 0) {
        struct cm_rd entry = cm_der_enter(&list, CM_DER_SEQUENCE);
        unsigned arc = arc_of(cm_der_oid(&entry), prefix, sizeof(prefix));
        bool value = cm_der_bool(&entry);

        if (arc < 1 || arc > 3 || (seen & (1u << arc)) != 0) {
            list.bad = true;
            break;
        }
        seen |= 1u << arc;
        if (arc == 1) {
            out->dynamic_platform = value;
        } else if (arc == 2) {
            out->cached_keys = value;
        } else {
            out->smt_enabled = value;
        }
        finish(&list, &entry);
    }
    finish(r, &list);
}

static void parse_member(struct cm_rd *entry, unsigned arc, struct cm_pck_ext *out)
{
    switch (arc) {
    case 1:
        octets(entry, out->ppid, 16);
        break;
    case 2:
        parse_tcb(entry, out);
        break;
    case 3:
        octets(entry, out->pceid, 2);
        break;
    case 4:
        octets(entry, out->fmspc, 6);
        break;
    case 5:
        out->sgx_type = (uint8_t)cm_der_uint(entry, CM_DER_ENUM, 2);
        break;
    case 6:
        octets(entry, out->platform_instance_id, 16);
        break;
    case 7:
        parse_configuration(entry, out);
        break;
    default:
        entry->bad = true;
        break;
    }
}

enum cm_status cm_pck_ext_parse(struct cm_span value, struct cm_pck_ext *out)
{
    struct cm_rd rd = cm_rd_init(value);
    struct cm_rd list = cm_der_enter(&rd, CM_DER_SEQUENCE);
    struct cm_pck_ext ext;
    unsigned seen = 0;

    memset(&ext, 0, sizeof(ext));
    while (!list.bad && list.left != 0) {
        struct cm_rd entry = cm_der_enter(&list, CM_DER_SEQUENCE);
        unsigned arc = arc_of(cm_der_oid(&entry), base_oid, sizeof(base_oid));

        if (arc > 7 || (seen & (1u << arc)) != 0) {
            return CM_ERR_FORMAT;
        }
        seen |= 1u << arc;
        parse_member(&entry, arc, &ext);
        finish(&list, &entry);
    }
    finish(&rd, &list);
    if (cm_rd_finish(&rd) != CM_OK || (seen != 0x3eu && seen != 0xfeu)) { /* 1-5, or 1-7 */
        return CM_ERR_FORMAT;
    }
    ext.platform = seen == 0xfeu;
    *out = ext;
    return CM_OK;
}
