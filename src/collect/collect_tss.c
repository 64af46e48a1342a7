/* A TPM through libtss2-esys; see collect_tss.h. UNTRUSTED: what the TPM answers. */
#include "collect/collect_tss.h"

#include <stdlib.h>
#include <string.h>
#include <tss2/tss2_esys.h>
#include <tss2/tss2_mu.h>
#include <tss2/tss2_tctildr.h>

#include "common/try.h"
#include "os/os.h"
#include "tpm/tpm.h"

#define QUOTE_TRIES 5
#define NV_CHUNK    512 /* every TPM takes that much at once */
#define NO_SESSION  ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE
#define PASSWORD    ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE

/* the functions that are used, each with its type from tss2's own headers */
#define ESYS_FUNCTIONS(X)    \
    X(Esys_Initialize)       \
    X(Esys_Finalize)         \
    X(Esys_Free)             \
    X(Esys_TR_FromTPMPublic) \
    X(Esys_CreatePrimary)    \
    X(Esys_ReadPublic)       \
    X(Esys_FlushContext)     \
    X(Esys_Quote)            \
    X(Esys_PCR_Read)         \
    X(Esys_NV_ReadPublic)    \
    X(Esys_NV_Read)          \
    X(Esys_NV_Write)         \
    X(Esys_NV_DefineSpace)

/* NOLINTNEXTLINE(bugprone-macro-parentheses): the argument is a name to declare */
#define DECLARE(name) static __typeof__(&name) p_##name;
ESYS_FUNCTIONS(DECLARE)
DECLARE(Tss2_TctiLdr_Initialize)
DECLARE(Tss2_TctiLdr_Finalize)
DECLARE(Tss2_MU_TPM2B_PUBLIC_Marshal)
DECLARE(Tss2_MU_TPMT_SIGNATURE_Marshal)

struct cm_tss {
    TSS2_TCTI_CONTEXT *tcti;
    ESYS_CONTEXT *esys;
    ESYS_TR key;
    bool key_loaded; /* to be flushed */
};

static enum cm_status load(struct cm_why *why)
{
#define SYMBOL(name) {#name, &p_##name, true},
    static const struct cm_library_symbol esys[] = {ESYS_FUNCTIONS(SYMBOL)};
    static const struct cm_library_symbol ldr[] = {SYMBOL(Tss2_TctiLdr_Initialize)
                                                       SYMBOL(Tss2_TctiLdr_Finalize)};
    static const struct cm_library_symbol mu[] = {SYMBOL(Tss2_MU_TPM2B_PUBLIC_Marshal)
                                                      SYMBOL(Tss2_MU_TPMT_SIGNATURE_Marshal)};
    enum cm_status st = CM_OK;

    (void)setenv("TSS2_LOG", "all+none", 0); /* it would write to standard error beside our why */
    CM_TRY(cm_library_load("libtss2-esys.so.0", "libtss2-esys-3.0.2-0", esys,
                           sizeof(esys) / sizeof(esys[0]), why));
    CM_TRY(cm_library_load("libtss2-tctildr.so.0", "libtss2-tctildr0", ldr, 2, why));
    CM_TRY(cm_library_load("libtss2-mu.so.0", "libtss2-mu0", mu, 2, why));
out:
    return st;
}

static enum cm_status failed(TSS2_RC rc, const char *what, struct cm_why *why)
{
    const TSS2_RC code = rc & 0xFFFF;

    if (rc == TSS2_RC_SUCCESS) {
        return CM_OK;
    }
    cm_why_set(why, "TPM: %s failed with 0x%08x", what, rc);
    if (rc == TSS2_BASE_RC_IO_ERROR || code == TSS2_BASE_RC_IO_ERROR) {
        return CM_ERR_IO;
    }
    /* TPM_RC_HANDLE, whichever handle it is about */
    return (code & 0xBF) == TPM2_RC_HANDLE || (code & 0x8F) == (TPM2_RC_HANDLE & 0x8F)
               ? CM_ERR_NOTFOUND
               : CM_ERR_PLATFORM;
}

enum cm_status cm_tss_open(const char *tcti, struct cm_tss **out, struct cm_why *why)
{
    struct cm_tss *t = NULL;
    enum cm_status st = CM_OK;

    *out = NULL;
    CM_TRY(load(why));
    t = calloc(1, sizeof(*t));
    if (t == NULL) {
        return CM_ERR_NOMEM;
    }
    t->key = ESYS_TR_NONE;
    if (p_Tss2_TctiLdr_Initialize(tcti, &t->tcti) != TSS2_RC_SUCCESS) {
        cm_why_set(why, "there is no TPM at %.120s", tcti);
        st = CM_ERR_NOTFOUND;
        goto out;
    }
    CM_TRY(failed(p_Esys_Initialize(&t->esys, t->tcti, NULL), "the beginning", why));
    *out = t;
    t = NULL;
out:
    cm_tss_close(t);
    return st;
}

void cm_tss_close(struct cm_tss *tss)
{
    if (tss == NULL) {
        return;
    }
    if (tss->key_loaded) {
        (void)p_Esys_FlushContext(tss->esys, tss->key);
    }
    if (tss->esys != NULL) {
        p_Esys_Finalize(&tss->esys);
    }
    if (tss->tcti != NULL) {
        p_Tss2_TctiLdr_Finalize(&tss->tcti);
    }
    free(tss);
}

/* A restricted signing key from the endorsement seed: the same each time, so it need not be kept. */
static enum cm_status make_key(struct cm_tss *t, struct cm_why *why)
{
    static const TPM2B_SENSITIVE_CREATE no_secret = {.size = 0};
    static const TPM2B_DATA no_data = {.size = 0};
    static const TPML_PCR_SELECTION no_pcrs = {.count = 0};
    static const char label[] = "casemate attestation key";
    TPM2B_PUBLIC want = {
        .publicArea = {
            .type = TPM2_ALG_ECC,
            .nameAlg = TPM2_ALG_SHA256,
            .objectAttributes = TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT |
                                TPMA_OBJECT_SENSITIVEDATAORIGIN | TPMA_OBJECT_USERWITHAUTH |
                                TPMA_OBJECT_NODA | TPMA_OBJECT_RESTRICTED |
                                TPMA_OBJECT_SIGN_ENCRYPT,
            .parameters.eccDetail = {
                .symmetric.algorithm = TPM2_ALG_NULL,
                .scheme = {.scheme = TPM2_ALG_ECDSA, .details.ecdsa.hashAlg = TPM2_ALG_SHA256},
                .curveID = TPM2_ECC_NIST_P256,
                .kdf.scheme = TPM2_ALG_NULL}}};
    TPM2B_PUBLIC *made = NULL;
    TPM2B_CREATION_DATA *data = NULL;
    TPM2B_DIGEST *hash = NULL;
    TPMT_TK_CREATION *ticket = NULL;
    enum cm_status st = CM_OK;

    want.publicArea.unique.ecc.x.size = sizeof(label) - 1;
    memcpy(want.publicArea.unique.ecc.x.buffer, label, sizeof(label) - 1);
    st = failed(p_Esys_CreatePrimary(t->esys, ESYS_TR_RH_ENDORSEMENT, PASSWORD, &no_secret, &want,
                                     &no_data, &no_pcrs, &t->key, &made, &data, &hash, &ticket),
                "making the attestation key", why);
    t->key_loaded = st == CM_OK;
    p_Esys_Free(made);
    p_Esys_Free(data);
    p_Esys_Free(hash);
    p_Esys_Free(ticket);
    return st;
}

enum cm_status cm_tss_use_key(struct cm_tss *tss, uint32_t handle, struct cm_why *why)
{
    struct cm_why said = {{0}};
    enum cm_status st = CM_OK;

    if (handle == 0) {
        return make_key(tss, why);
    }
    st =
        failed(p_Esys_TR_FromTPMPublic(tss->esys, handle, NO_SESSION, &tss->key), "the key", &said);
    if (st == CM_ERR_NOTFOUND) {
        cm_why_set(why, "the TPM has no key at 0x%08x", handle);
    } else if (st != CM_OK) {
        cm_why_set(why, "%s", said.text);
    }
    return st;
}

/* The values of PCR 0 to 23, which come eight at a time at the most. */
static enum cm_status read_pcrs(struct cm_tss *t, uint8_t out[24 * 32], struct cm_why *why)
{
    uint32_t left = 0xFFFFFF;

    for (unsigned round = 0; left != 0 && round < 24; round++) {
        TPML_PCR_SELECTION want = {
            .count = 1,
            .pcrSelections = {
                {TPM2_ALG_SHA256, 3, {(BYTE)left, (BYTE)(left >> 8), (BYTE)(left >> 16), 0}}}};
        TPML_PCR_SELECTION *got = NULL;
        TPML_DIGEST *values = NULL;
        UINT32 counter = 0;
        UINT32 at = 0;
        uint32_t mask = 0;
        enum cm_status st =
            failed(p_Esys_PCR_Read(t->esys, NO_SESSION, &want, &counter, &got, &values),
                   "reading PCRs", why);

        if (st != CM_OK) {
            return st;
        }
        for (unsigned i = 0; got->count == 1 && i < got->pcrSelections[0].sizeofSelect && i < 3;
             i++) {
            mask |= (uint32_t)got->pcrSelections[0].pcrSelect[i] << (8 * i);
        }
        mask &= left;
        for (unsigned i = 0; i < 24; i++) {
            if ((mask >> i & 1) != 0 && at < values->count && values->digests[at].size == 32) {
                memcpy(out + (size_t)32 * i, values->digests[at++].buffer, 32);
                left &= ~(1u << i);
            }
        }
        p_Esys_Free(got);
        p_Esys_Free(values);
        if (at == 0) {
            cm_why_set(why, "the TPM has no SHA-256 bank");
            return CM_ERR_UNSUPPORTED;
        }
    }
    return left == 0 ? CM_OK : CM_ERR_PLATFORM;
}

/* One quote, as bytes. */
static enum cm_status quote_once(struct cm_tss *t, struct cm_span nonce, struct cm_tss_quote *out,
                                 struct cm_why *why)
{
    static const TPMT_SIG_SCHEME own = {.scheme = TPM2_ALG_NULL}; /* the key's */
    static const TPML_PCR_SELECTION all = {
        .count = 1, .pcrSelections = {{TPM2_ALG_SHA256, 3, {0xff, 0xff, 0xff, 0}}}};
    TPM2B_DATA data = {.size = (UINT16)nonce.len};
    TPM2B_ATTEST *attest = NULL;
    TPMT_SIGNATURE *signature = NULL;
    enum cm_status st = CM_OK;

    memcpy(data.buffer, nonce.ptr, nonce.len);
    CM_TRY(failed(p_Esys_Quote(t->esys, t->key, PASSWORD, &data, &own, &all, &attest, &signature),
                  "the quote", why));
    if (attest->size > sizeof(out->attest)) {
        st = CM_ERR_LIMIT;
        goto out;
    }
    memcpy(out->attest, attest->attestationData, attest->size);
    out->attest_len = attest->size;
    out->signature_len = 0;
    st = failed(p_Tss2_MU_TPMT_SIGNATURE_Marshal(signature, out->signature, sizeof(out->signature),
                                                 &out->signature_len),
                "the signature", why);
out:
    p_Esys_Free(attest);
    p_Esys_Free(signature);
    return st;
}

/* Whether these are the values that were quoted. */
static enum cm_status check_values(const struct cm_tss_quote *q, struct cm_why *why)
{
    struct cm_tpm_pcrs *pcrs = malloc(sizeof(*pcrs));
    struct cm_tpm_attest att;
    struct cm_tpm_signature sig;
    enum cm_status st = CM_OK;

    if (pcrs == NULL) {
        return CM_ERR_NOMEM;
    }
    CM_TRY(cm_tpm_attest_parse(cm_span_make(q->attest, q->attest_len), &att, why));
    CM_TRY(cm_tpm_signature_parse(cm_span_make(q->signature, q->signature_len), false, &sig, why));
    CM_TRY(cm_tpm_pcrs_read(cm_span_make(q->pcrs, sizeof(q->pcrs)), &att, pcrs, why));
    st = cm_tpm_pcrs_check(pcrs, &att, sig.hash);
    st = st == CM_ERR_MISMATCH ? CM_ERR_BUSY : st;
out:
    free(pcrs);
    return st;
}

enum cm_status cm_tss_quote(struct cm_tss *tss, struct cm_span nonce, struct cm_tss_quote *out,
                            struct cm_why *why)
{
    TPM2B_PUBLIC *area = NULL;
    TPM2B_NAME *name = NULL;
    TPM2B_NAME *qualified = NULL;
    enum cm_status st = CM_ERR_BUSY;

    if (nonce.len > CM_COLLECT_MAX_NONCE) {
        return CM_ERR_PARAM;
    }
    for (unsigned i = 0; i < QUOTE_TRIES && st == CM_ERR_BUSY; i++) {
        st = read_pcrs(tss, out->pcrs, why);
        if (st == CM_OK) {
            st = quote_once(tss, nonce, out, why);
        }
        if (st == CM_OK) {
            st = check_values(out, why); /* something was measured in between: again */
        }
    }
    if (st != CM_OK) {
        cm_why_set(why, "the TPM's registers changed at every try");
        return st;
    }
    st = failed(p_Esys_ReadPublic(tss->esys, tss->key, NO_SESSION, &area, &name, &qualified),
                "reading the key", why);
    out->area_len = 0;
    if (st == CM_OK) {
        st = failed(
            p_Tss2_MU_TPM2B_PUBLIC_Marshal(area, out->area, sizeof(out->area), &out->area_len),
            "the key's public area", why);
    }
    p_Esys_Free(area);
    p_Esys_Free(name);
    p_Esys_Free(qualified);
    return st;
}

/* -------------------------------------------------------------- NV indices */

static enum cm_status nv_open(struct cm_tss *t, uint32_t index, ESYS_TR *nv, size_t *size,
                              TPMA_NV *attributes, struct cm_why *why)
{
    TPM2B_NV_PUBLIC *area = NULL;
    TPM2B_NAME *name = NULL;
    enum cm_status st =
        failed(p_Esys_TR_FromTPMPublic(t->esys, index, NO_SESSION, nv), "an NV index", why);

    if (st != CM_OK) {
        return st;
    }
    st = failed(p_Esys_NV_ReadPublic(t->esys, *nv, NO_SESSION, &area, &name), "an NV index", why);
    if (st == CM_OK) {
        *size = area->nvPublic.dataSize;
        *attributes = area->nvPublic.attributes;
    }
    p_Esys_Free(area);
    p_Esys_Free(name);
    return st;
}

enum cm_status cm_tss_nv_read(struct cm_tss *tss, uint32_t index, uint8_t *out, size_t cap,
                              size_t *len, struct cm_why *why)
{
    ESYS_TR nv = ESYS_TR_NONE;
    TPMA_NV attributes = 0;
    size_t size = 0;
    enum cm_status st = nv_open(tss, index, &nv, &size, &attributes, why);

    if (st != CM_OK) {
        return st;
    }
    if (size > cap) {
        cm_why_set(why, "NV index 0x%08x has %zu bytes", index, size);
        return CM_ERR_SPACE;
    }
    *len = 0;
    while (st == CM_OK && *len < size) {
        const size_t n = size - *len < NV_CHUNK ? size - *len : NV_CHUNK;
        const ESYS_TR auth = (attributes & TPMA_NV_OWNERREAD) != 0 ? ESYS_TR_RH_OWNER : nv;
        TPM2B_MAX_NV_BUFFER *chunk = NULL;

        st = failed(p_Esys_NV_Read(tss->esys, auth, nv, PASSWORD, (UINT16)n, (UINT16)*len, &chunk),
                    "reading an NV index", why);
        if (st == CM_OK && chunk->size != n) {
            st = CM_ERR_PLATFORM;
        }
        if (st == CM_OK) {
            memcpy(out + *len, chunk->buffer, n);
            *len += n;
        }
        p_Esys_Free(chunk);
    }
    return st;
}

static enum cm_status nv_define(struct cm_tss *t, uint32_t index, size_t size, struct cm_why *why)
{
    static const TPM2B_AUTH no_auth = {.size = 0};
    const TPM2B_NV_PUBLIC area = {.nvPublic = {.nvIndex = index,
                                               .nameAlg = TPM2_ALG_SHA256,
                                               .attributes = TPMA_NV_OWNERWRITE |
                                                             TPMA_NV_AUTHWRITE | TPMA_NV_OWNERREAD |
                                                             TPMA_NV_AUTHREAD,
                                               .dataSize = (UINT16)size}};
    ESYS_TR nv = ESYS_TR_NONE;

    return failed(p_Esys_NV_DefineSpace(t->esys, ESYS_TR_RH_OWNER, PASSWORD, &no_auth, &area, &nv),
                  "defining an NV index", why);
}

enum cm_status cm_tss_nv_write(struct cm_tss *tss, uint32_t index, struct cm_span bytes,
                               struct cm_why *why)
{
    TPM2B_MAX_NV_BUFFER chunk = {.size = (UINT16)bytes.len};
    struct cm_why absent = {{0}};
    ESYS_TR nv = ESYS_TR_NONE;
    TPMA_NV attributes = 0;
    size_t size = 0;
    enum cm_status st = nv_open(tss, index, &nv, &size, &attributes, &absent);

    if (bytes.len > NV_CHUNK) {
        return CM_ERR_PARAM;
    }
    if (st == CM_ERR_NOTFOUND) {
        CM_TRY(nv_define(tss, index, bytes.len, why));
        st = nv_open(tss, index, &nv, &size, &attributes, why);
    } else if (st != CM_OK) {
        cm_why_set(why, "%s", absent.text);
    }
    CM_TRY(st);
    memcpy(chunk.buffer, bytes.ptr, bytes.len);
    st = failed(p_Esys_NV_Write(tss->esys,
                                (attributes & TPMA_NV_OWNERWRITE) != 0 ? ESYS_TR_RH_OWNER : nv, nv,
                                PASSWORD, &chunk, 0),
                "writing an NV index", why);
out:
    return st;
}
