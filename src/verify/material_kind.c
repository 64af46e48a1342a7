/* See material_kind.h. Untrusted: every byte. */
#include "verify/material_kind.h"

#include <string.h>

#include "common/reader.h"
#include "snp/snp.h"

#define DER_SEQUENCE 0x30
#define DER_INTEGER  0x02
#define DER_VERSION  0xa0 /* [0]: certificates of version 2 and 3 */

static const char *const words[] = {
    [CM_MATERIAL_CERTS] = "certs",
    [CM_MATERIAL_CRL] = "crl",
    [CM_MATERIAL_SIGNATURE] = "signature",
    [CM_MATERIAL_PCRS] = "pcrs",
    [CM_MATERIAL_EVENT_LOG] = "event-log",
    [CM_MATERIAL_TPM_PUBLIC] = "tpm-public",
    [CM_MATERIAL_QUOTE] = "quote",
    [CM_MATERIAL_REQUEST] = "request",
    [CM_MATERIAL_KEY] = "key",
    [CM_MATERIAL_REFERENCE] = "reference",
    [CM_MATERIAL_FIRMWARE] = "firmware",
};

#define WORDS           (sizeof(words) / sizeof(words[0]))
#define SECOND_SPELLING "eventlog"

/* A new kind is nobody's to bring before it stands here. */
static const bool brought[WORDS] = {
    [CM_MATERIAL_CERTS] = true, [CM_MATERIAL_CRL] = true,       [CM_MATERIAL_SIGNATURE] = true,
    [CM_MATERIAL_PCRS] = true,  [CM_MATERIAL_EVENT_LOG] = true, [CM_MATERIAL_TPM_PUBLIC] = true,
    [CM_MATERIAL_QUOTE] = true, [CM_MATERIAL_REQUEST] = true,
};

const char *cm_material_word(enum cm_material_kind kind)
{
    return (size_t)kind < WORDS ? words[kind] : NULL;
}

bool cm_material_named(const char *word, size_t len, enum cm_material_kind *out)
{
    for (size_t i = 1; i < WORDS; i++) {
        if (strlen(words[i]) == len && memcmp(words[i], word, len) == 0) {
            *out = (enum cm_material_kind)i;
            return true;
        }
    }
    if (len == strlen(SECOND_SPELLING) && memcmp(SECOND_SPELLING, word, len) == 0) {
        *out = CM_MATERIAL_EVENT_LOG;
        return true;
    }
    return false;
}

bool cm_material_brought(const char *word, size_t len, enum cm_material_kind *out)
{
    enum cm_material_kind kind = CM_MATERIAL_KEY;

    if (!cm_material_named(word, len, &kind) || !brought[kind]) {
        return false;
    }
    *out = kind;
    return true;
}

static bool begins(struct cm_span s, const char *text)
{
    return s.len >= strlen(text) && memcmp(s.ptr, text, strlen(text)) == 0;
}

/* PEM: what its first block says. */
static bool pem_kind(struct cm_span bytes, enum cm_material_kind *out)
{
    static const struct {
        const char *begin;
        enum cm_material_kind kind;
    } blocks[] = {
        {"-----BEGIN CERTIFICATE-----", CM_MATERIAL_CERTS},
        {"-----BEGIN X509 CRL-----", CM_MATERIAL_CRL},
        {"-----BEGIN PUBLIC KEY-----", CM_MATERIAL_KEY},
        {"-----BEGIN RSA PUBLIC KEY-----", CM_MATERIAL_KEY},
    };

    for (size_t i = 0; i < sizeof(blocks) / sizeof(blocks[0]); i++) {
        if (begins(bytes, blocks[i].begin)) {
            *out = blocks[i].kind;
            return true;
        }
    }
    return false;
}

/* A DER element's tag and content; the reader goes on behind its head. */
static bool der_head(struct cm_rd *r, uint8_t tag, size_t *len)
{
    uint8_t first = 0;

    if (cm_rd_u8(r) != tag) {
        return false;
    }
    first = cm_rd_u8(r);
    *len = first;
    if (first == 0x81) {
        *len = cm_rd_u8(r);
    } else if (first == 0x82) {
        *len = cm_rd_u16be(r);
    } else if (first > 0x82) {
        return false;
    }
    return !r->bad;
}

/* One DER element as a whole: certificate, revocation list, public key or signature. */
static bool der_kind(struct cm_span bytes, enum cm_material_kind *out)
{
    struct cm_rd r = cm_rd_init(bytes);
    size_t len = 0;
    uint8_t next = 0;

    if (!der_head(&r, DER_SEQUENCE, &len) || len == 0 || len > r.left) {
        return false;
    }
    if (*r.ptr == DER_INTEGER) {
        *out = CM_MATERIAL_SIGNATURE;
        return len == r.left;
    }
    if (!der_head(&r, DER_SEQUENCE, &len) || len == 0 || len > r.left) {
        return false;
    }
    next = *r.ptr;
    if (next == DER_VERSION) {
        *out = CM_MATERIAL_CERTS; /* of several, one behind the other, this is the first */
        return true;
    }
    *out = next == DER_INTEGER ? CM_MATERIAL_CRL : CM_MATERIAL_KEY;
    return next == DER_INTEGER || next == 0x06; /* an object identifier: the key's algorithm */
}

static bool has(struct cm_span bytes, const char *word)
{
    return memmem(bytes.ptr, bytes.len, word, strlen(word)) != NULL;
}

/* What Azure's THIM service says of a machine's certificates. */
static bool thim_json(struct cm_span bytes)
{
    return bytes.ptr[0] == '{' && has(bytes, "\"vcekCert\"");
}

/* A vTPM's quote in the JSON of azure-cvm-tooling. */
static bool quote_json(struct cm_span bytes)
{
    return bytes.ptr[0] == '{' && has(bytes, "\"message\"") && has(bytes, "\"signature\"") &&
           has(bytes, "\"pcrs\"");
}

static bool tpm_hash(uint16_t alg)
{
    return alg == 0x0004 || (alg >= 0x000b && alg <= 0x000d);
}

/* TPMT_SIGNATURE: RSASSA, RSAPSS or ECDSA, every byte accounted for. */
static bool tpmt_signature(struct cm_span bytes)
{
    struct cm_rd r = cm_rd_init(bytes);
    uint16_t alg = cm_rd_u16be(&r);
    bool known = tpm_hash(cm_rd_u16be(&r)) && (alg == 0x14 || alg == 0x16 || alg == 0x18);

    (void)cm_rd_take(&r, cm_rd_u16be(&r));
    if (alg == 0x18) {
        (void)cm_rd_take(&r, cm_rd_u16be(&r));
    }
    return known && cm_rd_finish(&r) == CM_OK;
}

/* TPMT_PUBLIC of an RSA or ECC key, or the same in a TPM2B. */
static bool tpm_public(struct cm_span bytes)
{
    struct cm_rd r = cm_rd_init(bytes);
    uint16_t type = cm_rd_u16be(&r);

    if (bytes.len >= 2 && type == bytes.len - 2) {
        type = cm_rd_u16be(&r);
    }
    return (type == 0x0001 || type == 0x0023) && tpm_hash(cm_rd_u16be(&r)) &&
           cm_rd_u32be(&r) != 0 && !r.bad && r.left >= 8;
}

/* The values of PCRs as tpm2-tools write them: a TPML_PCR_SELECTION of the host's byte order first. */
static bool tpm2_tools_pcrs(struct cm_span bytes)
{
    struct cm_rd r = cm_rd_init(bytes);
    uint32_t banks = cm_rd_u32le(&r);
    bool known = banks >= 1 && banks <= 16 && tpm_hash(cm_rd_u16le(&r));
    uint8_t size = cm_rd_u8(&r);

    return known && size >= 1 && size <= 4 && !r.bad && r.left > 120;
}

/* A TCG log: its first event names the format, or all of it is events of SHA-1 to the last byte. */
static bool event_log(struct cm_span bytes)
{
    static const uint8_t zero[20];
    struct cm_rd r = cm_rd_init(bytes);
    size_t events = 0;

    while (!r.bad && r.left != 0) {
        uint32_t pcr = cm_rd_u32le(&r);
        uint32_t type = cm_rd_u32le(&r);
        struct cm_span digest = cm_rd_take(&r, 20);
        struct cm_span data = cm_rd_take(&r, cm_rd_u32le(&r));

        if (r.bad || pcr > 23) {
            return false;
        }
        if (events == 0 && type == 3 && memcmp(digest.ptr, zero, 20) == 0 &&
            begins(data, "Spec ID Event")) {
            return true;
        }
        events++;
    }
    return events >= 2 && !r.bad;
}

/* Reference values: JSON of docs/evidence.md, XML of a RIM, or CoRIM by its tag. */
static bool reference(struct cm_span bytes)
{
    size_t at = 0;

    while (at < bytes.len && (bytes.ptr[at] == ' ' || bytes.ptr[at] == '\t' ||
                              bytes.ptr[at] == '\r' || bytes.ptr[at] == '\n')) {
        at++;
    }
    if (at < bytes.len && (bytes.ptr[at] == '{' || bytes.ptr[at] == '<')) {
        return true;
    }
    return begins(bytes, "\xd9\x01\xf5") || begins(bytes, "\xd9\x01\xf4") ||
           begins(bytes, "\xd9\x01\xf6");
}

bool cm_material_recognise(struct cm_span bytes, enum cm_material_kind *out)
{
    const struct {
        bool (*looks)(struct cm_span);
        enum cm_material_kind kind;
    } looks[] = {
        {cm_snp_table_recognise, CM_MATERIAL_CERTS},
        {thim_json, CM_MATERIAL_CERTS},
        {quote_json, CM_MATERIAL_QUOTE},
        {event_log, CM_MATERIAL_EVENT_LOG},
        {tpmt_signature, CM_MATERIAL_SIGNATURE},
        {tpm_public, CM_MATERIAL_TPM_PUBLIC},
        {tpm2_tools_pcrs, CM_MATERIAL_PCRS},
        {reference, CM_MATERIAL_REFERENCE},
    };
    enum cm_format format = CM_FORMAT_ANY;

    if (bytes.len == 0) {
        return false;
    }
    if (pem_kind(bytes, out) || der_kind(bytes, out)) {
        return true;
    }
    if (bytes.len == 37 && begins(bytes, "\x11\xe0")) {
        *out = CM_MATERIAL_REQUEST; /* SPDM 1.1 GET_MEASUREMENTS */
        return true;
    }
    for (size_t i = 0; i < sizeof(looks) / sizeof(looks[0]); i++) {
        if (looks[i].looks(bytes)) {
            *out = looks[i].kind;
            return true;
        }
    }
    format = cm_verify_recognise(bytes);
    *out = CM_MATERIAL_QUOTE;
    return format == CM_FORMAT_DCAP || format == CM_FORMAT_SNP || format == CM_FORMAT_TPM;
}
