/* Making and renewing what is signed; see emuplat_issue.h. */
#include "emuplat/emuplat_issue.h"

#include <openssl/rand.h>
#include <string.h>

#include "common/try.h"
#include "common/wipe.h"
#include "emuplat/emuplat_x509.h"

const uint8_t cm_emuplat_fmspc[6] = {0xca, 0x5e, 0x3a, 0x7e, 0x00, 0x00};

/* clocks of machines that share a quote differ by some minutes */
#define SLACK 3600u
/* and a verifier may have read its own a moment before it asked for collateral */
#define MOMENT 60u

static enum cm_status new_key(struct cm_emuplat_state *s, enum cm_emuplat_part part)
{
    struct cm_privkey *key = NULL;
    char pem[512] = "";
    enum cm_status st = CM_OK;

    CM_TRY(cm_privkey_generate(CM_CURVE_P256, 0, &key));
    CM_TRY(cm_privkey_pem(key, pem, sizeof(pem)));
    CM_TRY(cm_emuplat_part_set(s, part, cm_span_make(pem, strlen(pem))));
out:
    cm_wipe(pem, sizeof(pem));
    cm_privkey_free(key);
    return st;
}

enum cm_status cm_emuplat_key(const struct cm_emuplat_state *s, enum cm_emuplat_part part,
                              struct cm_privkey **out)
{
    enum cm_status st = cm_privkey_from_pem(cm_emuplat_part_get(s, part), out);

    /* the state is authentic, so the key is well formed: it was memory, or the library */
    return st == CM_ERR_FORMAT ? CM_ERR_CRYPTO : st;
}

/* A certificate for one of the state's keys, by another or itself; the PCK's serial is kept. */
static enum cm_status make_cert(struct cm_emuplat_cert *c, enum cm_emuplat_part key,
                                enum cm_emuplat_part signer, struct cm_emuplat_state *s,
                                enum cm_emuplat_part part)
{
    struct cm_privkey *own = NULL;
    struct cm_privkey *by = NULL;
    enum cm_status st = CM_OK;

    CM_TRY(cm_emuplat_key(s, key, &own));
    CM_TRY(cm_emuplat_key(s, signer, &by));
    c->key = own;
    c->signer = by;
    CM_TRY(cm_emuplat_cert_make(c, s, part));
    if (part == CM_EMUPLAT_CERT_PCK) {
        CM_TRY(cm_emuplat_serial(own, s->pck_serial));
    }
out:
    cm_privkey_free(own);
    cm_privkey_free(by);
    return st;
}

/* Certificates of the two CAs. */
static enum cm_status make_cas(struct cm_emuplat_state *s)
{
    struct cm_emuplat_cert c = {.cn = CM_EMUPLAT_ROOT_CN,
                                .issuer = CM_EMUPLAT_ROOT_CN,
                                .pathlen = 1,
                                .crl = CM_EMUPLAT_ROOT_CRL_URI,
                                .not_before = s->created,
                                .not_after = s->not_after};
    enum cm_status st = CM_OK;

    CM_TRY(make_cert(&c, CM_EMUPLAT_KEY_ROOT, CM_EMUPLAT_KEY_ROOT, s, CM_EMUPLAT_CERT_ROOT));
    c.cn = CM_EMUPLAT_CA_CN;
    c.pathlen = 0;
    CM_TRY(make_cert(&c, CM_EMUPLAT_KEY_CA, CM_EMUPLAT_KEY_ROOT, s, CM_EMUPLAT_CERT_CA));
out:
    return st;
}

static enum cm_status make_pck(const struct cm_emuplat_cpu *cpu, uint64_t from,
                               struct cm_emuplat_state *s)
{
    const struct cm_emuplat_ext e = {.ppid = cpu->ppid,
                                     .cpusvn = cpu->fuses.cpusvn,
                                     .pcesvn = CM_EMUPLAT_PCESVN,
                                     .fmspc = cm_emuplat_fmspc,
                                     .instance_id = s->instance_id};
    struct cm_emuplat_cert c = {.cn = CM_EMUPLAT_PCK_CN,
                                .issuer = CM_EMUPLAT_CA_CN,
                                .pathlen = -1,
                                .crl = CM_EMUPLAT_PCK_CRL_URI,
                                .not_before = from,
                                .not_after = s->not_after};
    uint8_t ext[CM_EMUPLAT_EXT_MAX];
    size_t len = 0;
    enum cm_status st = CM_OK;

    CM_TRY(cm_emuplat_ext_write(&e, ext, &len));
    c.sgx = cm_span_make(ext, len);
    CM_TRY(make_cert(&c, CM_EMUPLAT_KEY_PCK, CM_EMUPLAT_KEY_CA, s, CM_EMUPLAT_CERT_PCK));
out:
    return st;
}

static enum cm_status make_tcb_signer(uint64_t from, struct cm_emuplat_state *s)
{
    struct cm_emuplat_cert c = {.cn = CM_EMUPLAT_TCB_CN,
                                .issuer = CM_EMUPLAT_ROOT_CN,
                                .pathlen = -1,
                                .crl = CM_EMUPLAT_ROOT_CRL_URI,
                                .not_before = from,
                                .not_after = s->not_after};

    return make_cert(&c, CM_EMUPLAT_KEY_TCB, CM_EMUPLAT_KEY_ROOT, s, CM_EMUPLAT_CERT_TCB);
}

enum cm_status cm_emuplat_rekey(const struct cm_emuplat_cpu *cpu, uint64_t now,
                                struct cm_emuplat_state *s)
{
    /* never before the CAs' own time, which a clock set back would give */
    uint64_t from = now < s->created + SLACK ? s->created : now - SLACK;
    enum cm_status st = CM_OK;

    CM_TRY(new_key(s, CM_EMUPLAT_KEY_PCK));
    CM_TRY(new_key(s, CM_EMUPLAT_KEY_TCB));
    CM_TRY(new_key(s, CM_EMUPLAT_KEY_ATT));
    CM_TRY(make_pck(cpu, from, s));
    CM_TRY(make_tcb_signer(from, s));
out:
    return st;
}

static enum cm_status make_lists(struct cm_emuplat_state *s)
{
    struct cm_privkey *root = NULL;
    struct cm_privkey *ca = NULL;
    struct cm_emuplat_crl c = {.issuer = CM_EMUPLAT_ROOT_CN, .revoked = false};
    enum cm_status st = CM_OK;

    CM_TRY(cm_emuplat_key(s, CM_EMUPLAT_KEY_ROOT, &root));
    CM_TRY(cm_emuplat_key(s, CM_EMUPLAT_KEY_CA, &ca));
    c.signer = root;
    CM_TRY(cm_emuplat_crl_make(&c, s, CM_EMUPLAT_CRL_ROOT));
    c.issuer = CM_EMUPLAT_CA_CN;
    c.signer = ca;
    c.revoked = true;
    CM_TRY(cm_emuplat_crl_make(&c, s, CM_EMUPLAT_CRL_PCK));
out:
    cm_privkey_free(root);
    cm_privkey_free(ca);
    return st;
}

enum cm_status cm_emuplat_issue(const struct cm_emuplat_cpu *cpu, uint64_t now,
                                struct cm_emuplat_state *s)
{
    struct cm_privkey *signer = NULL;
    uint64_t from = now > MOMENT ? now - MOMENT : 0;
    enum cm_status st = CM_OK;

    /* a verifier that keeps floors must never see a date or a number go back */
    s->issued = from > s->issued ? from : s->issued;
    s->next_update = s->issued + CM_EMUPLAT_PERIOD;
    if (s->crl_number == UINT32_MAX) {
        return CM_ERR_LIMIT;
    }
    s->crl_number++;
    CM_TRY(make_lists(s));
    CM_TRY(cm_emuplat_key(s, CM_EMUPLAT_KEY_TCB, &signer));
    CM_TRY(cm_emuplat_documents(cpu, signer, s));
out:
    cm_privkey_free(signer);
    return st;
}

enum cm_status cm_emuplat_make(const struct cm_emuplat_cpu *cpu, uint64_t now,
                               struct cm_emuplat_state **out)
{
    struct cm_emuplat_state *s = cm_emuplat_state_new();
    enum cm_status st = CM_OK;

    *out = NULL;
    if (s == NULL) {
        return CM_ERR_NOMEM;
    }
    s->created = now > SLACK ? now - SLACK : 0;
    s->not_after = s->created + CM_EMUPLAT_CERT_LIFE;
    s->tcb_changed = s->created;
    s->evaluation = 1;
    s->tcb = CM_DCAP_UP_TO_DATE;
    if (RAND_bytes(s->instance_id, sizeof(s->instance_id)) != 1) {
        st = CM_ERR_CRYPTO;
        goto out;
    }
    CM_TRY(new_key(s, CM_EMUPLAT_KEY_ROOT));
    CM_TRY(new_key(s, CM_EMUPLAT_KEY_CA));
    CM_TRY(make_cas(s));
    CM_TRY(cm_emuplat_rekey(cpu, now, s));
    CM_TRY(cm_emuplat_issue(cpu, now, s));
    *out = s;
    s = NULL;
out:
    cm_emuplat_state_free(s);
    return st;
}
