/* What the platform shows of itself, and the changes to it; see emuplat_admin.h. */
#include "emuplat/emuplat_admin.h"

#include <stdlib.h>
#include <string.h>

#include "common/try.h"
#include "common/wipe.h"
#include "crypto/crypto.h"
#include "emuplat/emuplat_issue.h"
#include "emuplat/emuplat_store.h"
#include "emuplat/emuplat_x509.h"

#define SPKI_SIZE  91u
#define SPKI_POINT (SPKI_SIZE - CM_EMUPLAT_ROOT_KEY_SIZE)

struct cm_emuplat_bundle {
    struct cm_emuplat_info info;
    uint8_t *bytes; /* all that the spans of info point to */
};

/* What the bundle copies, and where the span goes; a chain is two parts in a row. */
struct copy {
    enum cm_emuplat_part part;
    enum cm_emuplat_part next; /* CM_EMUPLAT_PARTS: none */
    struct cm_span *out;
};

static enum cm_status copy_parts(const struct cm_emuplat_state *s, struct cm_emuplat_bundle *b)
{
    struct cm_emuplat_info *i = &b->info;
    const struct copy copies[] = {
        {CM_EMUPLAT_CERT_ROOT, CM_EMUPLAT_PARTS, &i->root},
        {CM_EMUPLAT_CERT_PCK, CM_EMUPLAT_PARTS, &i->pck},
        {CM_EMUPLAT_CERT_CA, CM_EMUPLAT_CERT_ROOT, &i->pck_ca},
        {CM_EMUPLAT_CERT_TCB, CM_EMUPLAT_CERT_ROOT, &i->tcb_chain},
        {CM_EMUPLAT_TCB_INFO, CM_EMUPLAT_PARTS, &i->tcb_info},
        {CM_EMUPLAT_TCB_INFO_V2, CM_EMUPLAT_PARTS, &i->tcb_info_v2},
        {CM_EMUPLAT_QE_IDENTITY, CM_EMUPLAT_PARTS, &i->qe_identity},
        {CM_EMUPLAT_CRL_ROOT, CM_EMUPLAT_PARTS, &i->root_crl},
        {CM_EMUPLAT_CRL_PCK, CM_EMUPLAT_PARTS, &i->pck_crl},
    };
    const size_t count = sizeof(copies) / sizeof(copies[0]);
    uint8_t *at = NULL;

    /* each part is bounded, so this is, too */
    b->bytes = malloc(2 * count * CM_EMUPLAT_MAX_PART);
    if (b->bytes == NULL) {
        return CM_ERR_NOMEM;
    }
    at = b->bytes;
    for (size_t k = 0; k < count; k++) {
        struct cm_span first = cm_emuplat_part_get(s, copies[k].part);
        struct cm_span second = {NULL, 0};

        if (copies[k].next != CM_EMUPLAT_PARTS) {
            second = cm_emuplat_part_get(s, copies[k].next);
        }
        *copies[k].out = cm_span_make(at, first.len + second.len);
        memcpy(at, first.ptr, first.len);
        at += first.len;
        if (second.len != 0) {
            memcpy(at, second.ptr, second.len);
            at += second.len;
        }
    }
    return CM_OK;
}

static enum cm_status root_spki(const struct cm_emuplat_state *s, uint8_t out[SPKI_SIZE])
{
    struct cm_privkey *key = NULL;
    struct cm_pubkey *pub = NULL;
    size_t len = 0;
    enum cm_status st = CM_OK;

    CM_TRY(cm_emuplat_key(s, CM_EMUPLAT_KEY_ROOT, &key));
    CM_TRY(cm_privkey_public(key, &pub));
    CM_TRY(cm_pubkey_spki(pub, out, SPKI_SIZE, &len));
    if (len != SPKI_SIZE || out[SPKI_POINT] != 4) {
        st = CM_ERR_CRYPTO;
    }
out:
    cm_pubkey_free(pub);
    cm_privkey_free(key);
    return st;
}

static enum cm_status fill(const struct cm_emuplat *e, struct cm_emuplat_bundle *b)
{
    const struct cm_emuplat_state *s = e->state;
    struct cm_emuplat_info *i = &b->info;
    uint8_t spki[SPKI_SIZE] = {0};
    enum cm_status st = CM_OK;

    memcpy(i->fmspc, cm_emuplat_fmspc, sizeof(i->fmspc));
    i->pcesvn = CM_EMUPLAT_PCESVN;
    memcpy(i->cpusvn, e->cpu.fuses.cpusvn, sizeof(i->cpusvn));
    memcpy(i->ppid, e->cpu.ppid, sizeof(i->ppid));
    memcpy(i->qe_id, e->cpu.qe_id, sizeof(i->qe_id));
    memcpy(i->instance_id, s->instance_id, sizeof(i->instance_id));
    memcpy(i->pck_serial, s->pck_serial, sizeof(i->pck_serial));
    i->tcb = s->tcb;
    i->pck_revoked = cm_emuplat_is_revoked(s);
    i->revoked_count = s->revoked_count;
    i->evaluation = s->evaluation;
    i->crl_number = s->crl_number;
    i->created = s->created;
    i->not_after = s->not_after;
    i->issued = s->issued;
    i->next_update = s->next_update;
    i->root_crl_uri = CM_EMUPLAT_ROOT_CRL_URI;
    i->pck_crl_uri = CM_EMUPLAT_PCK_CRL_URI;
    CM_TRY(root_spki(s, spki));
    CM_TRY(cm_sha256_of(cm_span_make(spki, sizeof(spki)), i->root_spki_sha256));
    CM_TRY(copy_parts(s, b));
out:
    return st;
}

enum cm_status cm_emuplat_collateral(struct cm_emuplat_bundle **out, struct cm_why *why)
{
    struct cm_emuplat e;
    struct cm_emuplat_bundle *b = NULL;
    enum cm_status st = CM_OK;

    memset(&e, 0, sizeof(e));
    if (out == NULL) {
        return CM_ERR_PARAM;
    }
    *out = NULL;
    CM_TRY(cm_emuplat_open(cm_emuplat_clock(), &e, why));
    b = calloc(1, sizeof(*b));
    if (b == NULL) {
        st = CM_ERR_NOMEM;
        goto out;
    }
    CM_TRY(fill(&e, b));
    *out = b;
    b = NULL;
out:
    cm_emuplat_bundle_free(b);
    cm_emuplat_close(&e);
    return st;
}

void cm_emuplat_bundle_free(struct cm_emuplat_bundle *bundle)
{
    if (bundle != NULL) {
        free(bundle->bytes);
        free(bundle);
    }
}

const struct cm_emuplat_info *cm_emuplat_bundle_info(const struct cm_emuplat_bundle *bundle)
{
    return &bundle->info;
}

struct cm_dcap_collateral cm_emuplat_bundle_view(const struct cm_emuplat_bundle *bundle)
{
    const struct cm_emuplat_info *i = &bundle->info;
    struct cm_dcap_collateral out = {.tcb_info = i->tcb_info,
                                     .tcb_info_chain = i->tcb_chain,
                                     .qe_identity = i->qe_identity,
                                     .qe_identity_chain = i->tcb_chain,
                                     .root_ca_crl = i->root_crl,
                                     .pck_crl = i->pck_crl};

    return out;
}

static enum cm_status current_spki(uint8_t out[SPKI_SIZE], struct cm_why *why)
{
    struct cm_emuplat e;
    enum cm_status st = CM_OK;

    memset(&e, 0, sizeof(e));
    CM_TRY(cm_emuplat_open(cm_emuplat_clock(), &e, why));
    CM_TRY(root_spki(e.state, out));
out:
    cm_emuplat_close(&e);
    return st;
}

enum cm_status cm_emuplat_root_key(uint8_t out[CM_EMUPLAT_ROOT_KEY_SIZE], struct cm_why *why)
{
    uint8_t spki[SPKI_SIZE] = {0};
    enum cm_status st = CM_OK;

    if (out == NULL) {
        return CM_ERR_PARAM;
    }
    CM_TRY(current_spki(spki, why));
    memcpy(out, spki + SPKI_POINT, CM_EMUPLAT_ROOT_KEY_SIZE);
out:
    return st;
}

enum cm_status cm_emuplat_trust_root(struct cm_trust_root *out, struct cm_why *why)
{
    struct cm_trust_root root = {
        .family = "sgx", .label = "Casemate EMULATED SGX Root CA", .emulated = true};
    uint8_t spki[SPKI_SIZE] = {0};
    enum cm_status st = CM_OK;

    if (out == NULL) {
        return CM_ERR_PARAM;
    }
    CM_TRY(current_spki(spki, why));
    CM_TRY(cm_sha256_of(cm_span_make(spki, sizeof(spki)), root.spki_sha256));
    *out = root;
out:
    return st;
}

enum cm_status cm_emuplat_set_tcb(enum cm_dcap_tcb tcb, struct cm_why *why)
{
    return cm_emuplat_apply(cm_emuplat_clock(), CM_EMUPLAT_SET_TCB, tcb, why);
}

enum cm_status cm_emuplat_revoke(struct cm_why *why)
{
    return cm_emuplat_apply(cm_emuplat_clock(), CM_EMUPLAT_REVOKE, CM_DCAP_UP_TO_DATE, why);
}

enum cm_status cm_emuplat_rotate(struct cm_why *why)
{
    return cm_emuplat_apply(cm_emuplat_clock(), CM_EMUPLAT_ROTATE, CM_DCAP_UP_TO_DATE, why);
}

enum cm_status cm_emuplat_reset(struct cm_why *why)
{
    struct cm_emuplat e;
    enum cm_status st = CM_OK;

    memset(&e, 0, sizeof(e));
    CM_TRY(cm_emuplat_discard(why));
    CM_TRY(cm_emuplat_open(cm_emuplat_clock(), &e, why));
out:
    cm_emuplat_close(&e);
    return st;
}
