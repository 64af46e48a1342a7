/* A platform's chains and collateral; see dcap_platform.h. Untrusted: every byte. */
#include "evidence/dcap_platform.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/try.h"
#include "crypto/pubkey.h"

enum { KEY_NONE, KEY_WRITING, KEY_SET };

static void record(struct cm_platform *p, const char *name, enum cm_status st,
                   const struct cm_why *why)
{
    struct cm_platform_check *c = &p->checks[p->check_count];

    if (p->check_count < CM_PLATFORM_MAX_CHECKS) {
        c->name = name;
        c->status = st;
        (void)snprintf(c->detail, sizeof(c->detail), "%.127s", why->text);
        p->check_count++;
    }
}

static void add_period(struct cm_platform *p, const char *what, struct cm_period period)
{
    if (p->period_count < CM_PLATFORM_MAX_PERIODS) {
        p->periods[p->period_count].what = what;
        p->periods[p->period_count].period = period;
        p->period_count++;
    }
}

/* Which of a PCK chain's certificates is which: order differs in the wild, so by what they are. */
static enum cm_status sort_chain(struct cm_platform *p,
                                 const struct cm_cert *chain[CM_CERTS_MAX_CHAIN], size_t count,
                                 struct cm_why *why)
{
    if (count != 3) {
        cm_why_set(why, "the PCK chain has %zu certificates, not 3", count);
        return CM_ERR_FORMAT;
    }
    for (size_t i = 0; i < count; i++) {
        const struct cm_cert **place = &p->pck_ca;

        if (cm_cert_self_issued(chain[i])) {
            place = &p->root;
        } else if (cm_pck_extension_of(chain[i]).len != 0) {
            place = &p->pck;
        }
        if (*place != NULL) {
            cm_why_set(why, "the PCK chain is not leaf, intermediate and root");
            return CM_ERR_FORMAT;
        }
        *place = chain[i];
    }
    return CM_OK;
}

static enum cm_status check_names(const struct cm_platform *p, struct cm_why *why)
{
    if (!cm_cert_cn_contains(p->root, "SGX Root CA") || !cm_cert_cn_contains(p->pck_ca, "CA") ||
        !cm_cert_cn_contains(p->pck, "SGX PCK Certificate")) {
        cm_why_set(why, "the PCK chain's certificates do not have the names of their places");
        return CM_ERR_MISMATCH;
    }
    return CM_OK;
}

static enum cm_status pck_chain(struct cm_platform *p, struct cm_span pem, struct cm_why *why)
{
    const struct cm_cert *chain[CM_CERTS_MAX_CHAIN] = {NULL};
    size_t count = 0;
    enum cm_status st = CM_OK;

    CM_TRY(cm_certs_pem(p->certs, pem, chain, &count));
    CM_TRY(sort_chain(p, chain, count, why));
    CM_TRY(check_names(p, why));
    CM_TRY(cm_cert_verify(p->root, p->root, CM_CERT_ROOT, why));
    CM_TRY(cm_cert_verify(p->pck_ca, p->root, CM_CERT_CA, why));
    CM_TRY(cm_cert_verify(p->pck, p->pck_ca, CM_CERT_SIGNER, why));
    CM_TRY(cm_pck_ext_parse(cm_pck_extension_of(p->pck), &p->ext));
    p->has_ext = true;
    add_period(p, "root certificate", cm_cert_period(p->root));
    add_period(p, "PCK CA certificate", cm_cert_period(p->pck_ca));
    add_period(p, "PCK certificate", cm_cert_period(p->pck));
out:
    if (st == CM_ERR_FORMAT) {
        cm_why_set(why, "the PCK chain or its SGX extension is malformed");
    }
    return st;
}

/* A signer directly under a root: the chain of TCB info and of identities. */
static enum cm_status signer_chain(struct cm_platform *p, struct cm_span pem,
                                   const struct cm_cert **signer, const struct cm_cert **root,
                                   struct cm_why *why)
{
    const struct cm_cert *chain[CM_CERTS_MAX_CHAIN] = {NULL};
    size_t count = 0;
    enum cm_status st = CM_OK;

    CM_TRY(cm_certs_pem(p->certs, pem, chain, &count));
    if (count != 2 || cm_cert_self_issued(chain[0]) == cm_cert_self_issued(chain[1])) {
        cm_why_set(why, "the chain is not a signer and its root");
        return CM_ERR_FORMAT;
    }
    *root = cm_cert_self_issued(chain[0]) ? chain[0] : chain[1];
    *signer = cm_cert_self_issued(chain[0]) ? chain[1] : chain[0];
    if (!cm_cert_cn_contains(*signer, "SGX TCB Signing")) {
        cm_why_set(why, "the signer is not a TCB signing certificate");
        return CM_ERR_MISMATCH;
    }
    if (*root != p->root) { /* the same bytes were verified with the PCK chain */
        CM_TRY(cm_cert_verify(*root, *root, CM_CERT_ROOT, why));
        add_period(p, "root certificate of the collateral", cm_cert_period(*root));
    }
    if (*signer != p->tcb_signer || *root != p->tcb_root) { /* both chains mostly have the same */
        CM_TRY(cm_cert_verify(*signer, *root, CM_CERT_SIGNER, why));
        add_period(p, "TCB signing certificate", cm_cert_period(*signer));
    }
    if (p->root_crl == NULL) {
        cm_why_set(why, "without the root's revocation list the signer cannot be judged");
        return CM_ERR_NOTFOUND;
    }
    if (cm_crl_revokes(p->root_crl, *signer)) {
        cm_why_set(why, "the TCB signing certificate is revoked");
        return CM_ERR_REVOKED;
    }
out:
    return st;
}

static enum cm_status crl(struct cm_span text, const struct cm_cert *issuer, struct cm_crl **out,
                          struct cm_why *why)
{
    struct cm_crl *made = NULL;
    enum cm_status st = CM_OK;

    if (issuer == NULL) {
        cm_why_set(why, "its issuer's certificate could not be had");
        return CM_ERR_NOTFOUND;
    }
    CM_TRY(cm_crl_parse(text, &made));
    CM_TRY(cm_crl_verify(made, issuer, why));
    *out = made;
    made = NULL;
out:
    cm_crl_free(made);
    return st;
}

static enum cm_status revocation(const struct cm_platform *p, struct cm_why *why)
{
    if (p->root_crl == NULL || p->pck_crl == NULL || p->pck == NULL) {
        cm_why_set(why, "a certificate or a revocation list is missing");
        return CM_ERR_NOTFOUND;
    }
    if (cm_crl_revokes(p->root_crl, p->pck_ca)) {
        cm_why_set(why, "the PCK CA certificate is revoked");
        return CM_ERR_REVOKED;
    }
    if (cm_crl_revokes(p->pck_crl, p->pck)) {
        cm_why_set(why, "the PCK certificate is revoked");
        return CM_ERR_REVOKED;
    }
    return CM_OK;
}

static enum cm_status signed_by(const struct cm_signed_json *json, const struct cm_cert *signer,
                                struct cm_why *why)
{
    enum cm_status st = cm_cert_check_signature(
        signer, json->signed_bytes, cm_span_make(json->signature, sizeof(json->signature)));

    if (st != CM_OK) {
        cm_why_set(why, "the signature over the JSON object's bytes does not verify");
    }
    return st;
}

static void add_collateral_period(struct cm_platform *p, const char *what,
                                  const struct cm_collateral_dates *d)
{
    struct cm_period period = {d->issue_date, d->next_update};

    add_period(p, what, period);
}

static void make_tcb_info(struct cm_platform *p, const struct cm_dcap_collateral *col)
{
    const struct cm_cert *signer = NULL;
    struct cm_why why = {{0}};
    enum cm_status st = signer_chain(p, col->tcb_info_chain, &signer, &p->tcb_root, &why);

    record(p, "tcb_info.chain", st, &why);
    why.text[0] = '\0';
    p->tcb_signer = st == CM_OK ? signer : NULL;
    if (st == CM_OK) {
        st = cm_tcb_info_parse(col->tcb_info, &p->tcb, &why);
    }
    if (st == CM_OK) {
        st = signed_by(&p->tcb.json, signer, &why);
    }
    p->has_tcb = st == CM_OK;
    if (p->has_tcb) {
        add_collateral_period(p, "TCB info", &p->tcb.dates);
    }
    record(p, "tcb_info.signature", st, &why);
}

static void make_qe_identity(struct cm_platform *p, const struct cm_dcap_collateral *col)
{
    const struct cm_cert *signer = NULL;
    struct cm_why why = {{0}};
    enum cm_status st = signer_chain(p, col->qe_identity_chain, &signer, &p->qe_root, &why);

    record(p, "qe_identity.chain", st, &why);
    why.text[0] = '\0';
    if (st == CM_OK) {
        st = cm_qe_identity_parse(col->qe_identity, &p->qe, &why);
    }
    if (st == CM_OK) {
        st = signed_by(&p->qe.json, signer, &why);
    }
    p->has_qe = st == CM_OK;
    if (p->has_qe) {
        add_collateral_period(p, "QE identity", &p->qe.dates);
    }
    record(p, "qe_identity.signature", st, &why);
}

static void make_crls(struct cm_platform *p, const struct cm_dcap_collateral *col)
{
    struct cm_why why = {{0}};
    bool chain_ok = p->has_ext;
    enum cm_status st = crl(col->root_ca_crl, chain_ok ? p->root : NULL, &p->root_crl, &why);

    record(p, "root_crl", st, &why);
    why.text[0] = '\0';
    st = crl(col->pck_crl, chain_ok ? p->pck_ca : NULL, &p->pck_crl, &why);
    record(p, "pck_crl", st, &why);
    why.text[0] = '\0';
    if (p->root_crl != NULL) {
        add_period(p, "root CA's revocation list", cm_crl_period(p->root_crl));
    }
    if (p->pck_crl != NULL) {
        add_period(p, "PCK CA's revocation list", cm_crl_period(p->pck_crl));
    }
    st = revocation(p, &why);
    record(p, "pck.revocation", st, &why);
}

enum cm_status cm_platform_make(struct cm_span chain, const struct cm_dcap_collateral *col,
                                struct cm_platform **out)
{
    struct cm_platform *p = calloc(1, sizeof(*p));
    struct cm_why why = {{0}};
    enum cm_status st = CM_OK;

    *out = NULL;
    if (p == NULL) {
        return CM_ERR_NOMEM;
    }
    CM_TRY(cm_certs_create(&p->certs));
    record(p, "pck.chain", pck_chain(p, chain, &why), &why);
    make_crls(p, col);
    make_tcb_info(p, col);
    make_qe_identity(p, col);
    for (size_t i = 0; i < p->check_count; i++) {
        if (p->checks[i].status == CM_ERR_NOMEM) {
            st = CM_ERR_NOMEM; /* not a verdict about the platform, so not to be kept as one */
            goto out;
        }
    }
    *out = p;
    p = NULL;
out:
    cm_platform_free(p);
    return st;
}

enum cm_status cm_platform_key(const struct cm_platform *p, struct cm_span point,
                               struct cm_pubkey **out, bool *own)
{
    *own = atomic_load(&p->key.state) != KEY_SET ||
           memcmp(p->key.point, point.ptr, sizeof(p->key.point)) != 0;
    if (!*own) {
        *out = p->key.pub;
        return CM_OK;
    }
    return cm_pubkey_from_ec(CM_CURVE_P256, cm_span_make(point.ptr, 32),
                             cm_span_make(point.ptr + 32, 32), out);
}

void cm_platform_keep_key(const struct cm_platform *p, struct cm_span point, struct cm_pubkey *pub)
{
    /* NOLINTNEXTLINE(performance-no-int-to-ptr): the one way around const that compilers let pass */
    struct cm_platform_key *key = (struct cm_platform_key *)(uintptr_t)&p->key;
    int none = KEY_NONE;

    if (!atomic_compare_exchange_strong(&key->state, &none, KEY_WRITING)) {
        cm_pubkey_free(pub);
        return;
    }
    memcpy(key->point, point.ptr, sizeof(key->point));
    key->pub = pub;
    atomic_store(&key->state, KEY_SET);
}

void cm_platform_free(struct cm_platform *p)
{
    if (p == NULL) {
        return;
    }
    cm_pubkey_free(p->key.pub);
    cm_certs_free(p->certs);
    cm_crl_free(p->root_crl);
    cm_crl_free(p->pck_crl);
    cm_tcb_info_free(&p->tcb);
    cm_qe_identity_free(&p->qe);
    free(p);
}
