/* ID blocks and who signed them; see snp_idblock.h. Untrusted: every byte. */
#include "snp/snp_idblock.h"

#include "common/reader.h"
#include "common/try.h"
#include "common/wipe.h"
#include "crypto/pubkey.h"
#include "evidence/material.h"

#define ALGO_P384  1u
#define CURVE_P384 2u

enum cm_status cm_snp_id_block_parse(struct cm_span bytes, struct cm_snp_id_block *out)
{
    struct cm_snp_id_block b = {.bytes = bytes};
    struct cm_rd rd = cm_rd_init(bytes);

    b.measurement = cm_rd_take(&rd, 48);
    b.family_id = cm_rd_take(&rd, 16);
    b.image_id = cm_rd_take(&rd, 16);
    b.version = cm_rd_u32le(&rd);
    b.guest_svn = cm_rd_u32le(&rd);
    b.policy = cm_rd_u64le(&rd);
    if (cm_rd_finish(&rd) != CM_OK) {
        return CM_ERR_FORMAT;
    }
    if (b.version != 1) {
        return CM_ERR_UNSUPPORTED;
    }
    *out = b;
    return CM_OK;
}

static void read_signature(struct cm_rd *rd, uint8_t out[96])
{
    cm_snp_read_number(rd, out);
    cm_snp_read_number(rd, out + 48);
    cm_rd_zero(rd, 512 - 144);
}

enum cm_status cm_snp_id_auth_parse(struct cm_span bytes, struct cm_snp_id_auth *out)
{
    struct cm_snp_id_auth a = {0};
    struct cm_rd rd = cm_rd_init(bytes);
    uint32_t id_algo = cm_rd_u32le(&rd);
    uint32_t author_algo = cm_rd_u32le(&rd);

    cm_rd_zero(&rd, 0x40 - 8);
    read_signature(&rd, a.block_signature);
    a.id_key = cm_rd_take(&rd, CM_SNP_ID_KEY_SIZE);
    cm_rd_zero(&rd, 0x680 - 0x240 - CM_SNP_ID_KEY_SIZE);
    read_signature(&rd, a.key_signature);
    a.author_key = cm_rd_take(&rd, CM_SNP_ID_KEY_SIZE);
    cm_rd_zero(&rd, CM_SNP_ID_AUTH_SIZE - 0x880 - CM_SNP_ID_KEY_SIZE);
    if (cm_rd_finish(&rd) != CM_OK) {
        return CM_ERR_FORMAT;
    }
    if (id_algo != ALGO_P384 || (author_algo != ALGO_P384 && author_algo != 0)) {
        return CM_ERR_UNSUPPORTED;
    }
    a.has_author = author_algo == ALGO_P384;
    *out = a;
    return CM_OK;
}

enum cm_status cm_snp_id_key_digest(struct cm_span key, uint8_t out[48])
{
    return cm_hash(CM_HASH_SHA384, key, out);
}

static enum cm_status key_of(struct cm_span bytes, struct cm_pubkey **out)
{
    struct cm_rd rd = cm_rd_init(bytes);
    uint32_t curve = cm_rd_u32le(&rd);
    uint8_t x[48] = {0};
    uint8_t y[48] = {0};

    *out = NULL;
    cm_snp_read_number(&rd, x);
    cm_snp_read_number(&rd, y);
    cm_rd_zero(&rd, CM_SNP_ID_KEY_SIZE - 4 - 144);
    if (cm_rd_finish(&rd) != CM_OK) {
        return CM_ERR_FORMAT;
    }
    if (curve != CURVE_P384) {
        return CM_ERR_UNSUPPORTED;
    }
    return cm_pubkey_from_ec(CM_CURVE_P384, cm_span_make(x, 48), cm_span_make(y, 48), out);
}

/* That the key is the one with this digest, and signed these bytes. */
static enum cm_status signed_by(struct cm_span key, struct cm_span digest, struct cm_span data,
                                const uint8_t signature[96])
{
    struct cm_pubkey *pub = NULL;
    uint8_t own[48] = {0};
    enum cm_status st = CM_OK;

    CM_TRY(cm_snp_id_key_digest(key, own));
    if (!cm_ct_equal(own, digest.ptr, sizeof(own))) {
        return CM_ERR_MISMATCH;
    }
    CM_TRY(key_of(key, &pub));
    CM_TRY(cm_pubkey_verify(pub, CM_SIG_ES384, &data, 1, cm_span_make(signature, 96)));
out:
    cm_pubkey_free(pub);
    return st;
}

/* The block that goes with this report says the same as it. */
static enum cm_status check_block(const struct cm_snp_id_block *b, const struct cm_snp_report *r)
{
    bool same = cm_ct_equal(b->measurement.ptr, r->measurement.ptr, 48) &&
                cm_ct_equal(b->family_id.ptr, r->family_id.ptr, 16) &&
                cm_ct_equal(b->image_id.ptr, r->image_id.ptr, 16) && b->guest_svn == r->guest_svn &&
                b->policy == r->policy;

    return same ? CM_OK : CM_ERR_MISMATCH;
}

struct given {
    struct cm_span block;
    struct cm_span auth;
    bool other; /* a file that is neither */
};

static struct given find(const struct cm_verify_job *job)
{
    struct given g = {{NULL, 0}, {NULL, 0}, false};
    const struct cm_material *m = NULL;

    for (size_t i = 0; (m = cm_material(job, CM_MATERIAL_SIGNATURE, i)) != NULL; i++) {
        struct cm_rd rd = cm_rd_init(m->bytes);

        if (m->bytes.len == CM_SNP_ID_BLOCK_SIZE ||
            m->bytes.len == CM_SNP_ID_BLOCK_SIZE + CM_SNP_ID_AUTH_SIZE) {
            g.block = cm_rd_take(&rd, CM_SNP_ID_BLOCK_SIZE);
        }
        if (rd.left == CM_SNP_ID_AUTH_SIZE) {
            g.auth = cm_rd_take(&rd, CM_SNP_ID_AUTH_SIZE);
        }
        /* below a virtual TPM its quote's signature stands beside it, too */
        g.other = g.other || (job->format == CM_FORMAT_SNP && (rd.left != 0 || m->bytes.len == 0));
    }
    return g;
}

static enum cm_status check_auth(const struct given *g, const struct cm_snp_report *r,
                                 struct cm_evidence *ev, size_t submod)
{
    struct cm_snp_id_auth a = {0};
    enum cm_status st = cm_snp_id_auth_parse(g->auth, &a);
    enum cm_status author = CM_OK;

    if (st == CM_OK && g->block.ptr == NULL) {
        st = CM_ERR_NOTFOUND;
    }
    if (st == CM_OK) {
        st = signed_by(a.id_key, r->id_key_digest, g->block, a.block_signature);
    }
    cm_check_status(ev, submod, "snp.id_key", st, "%s",
                    st == CM_OK              ? ""
                    : st == CM_ERR_NOTFOUND  ? "the ID block that it is for was not given"
                    : st == CM_ERR_MISMATCH  ? "the report has another ID key's digest"
                    : st == CM_ERR_SIGNATURE ? "the ID key did not sign the ID block"
                                             : "the ID authentication is malformed");
    if (st != CM_OK) {
        return st;
    }
    if (r->author_key_en) {
        author = a.has_author
                     ? signed_by(a.author_key, r->author_key_digest, a.id_key, a.key_signature)
                     : CM_ERR_NOTFOUND;
        cm_check_status(ev, submod, "snp.author_key", author, "%s",
                        author == CM_OK ? "" : "the author's key did not sign the ID key");
    }
    return author;
}

enum cm_status cm_snp_id_check(const struct cm_verify_job *job, const struct cm_snp_report *r,
                               struct cm_evidence *ev, size_t submod)
{
    const struct given g = find(job);
    struct cm_snp_id_block b = {0};
    enum cm_status st = CM_OK;

    if (g.other) {
        cm_check_status(ev, submod, "snp.id_block", CM_ERR_FORMAT, "%s",
                        "neither an ID block nor an ID authentication");
        return CM_ERR_FORMAT;
    }
    if (g.block.ptr != NULL) {
        st = cm_snp_id_block_parse(g.block, &b);
        if (st == CM_OK) {
            st = check_block(&b, r);
        }
        cm_check_status(ev, submod, "snp.id_block", st, "%s",
                        st == CM_OK ? "" : "the ID block does not say what the report says");
    }
    if (g.auth.ptr != NULL) {
        enum cm_status auth = check_auth(&g, r, ev, submod);

        st = st == CM_OK ? auth : st;
    }
    return st;
}
