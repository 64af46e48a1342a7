/* Who signed a CoRIM file, and the keys that it gives; see corim.h. */
#include "common/same.h"
#include "common/try.h"
#include "corim/corim_rules.h"

struct signer {
    const struct cm_cose_sign1 *sign1;
};

static enum cm_status verify_with(void *ctx, const struct cm_pubkey *key)
{
    const struct signer *s = ctx;
    const struct cm_span none = {NULL, 0};

    return cm_cose_sign1_verify(s->sign1, key, s->sign1->alg, none, none);
}

enum cm_status cm_corim_trusted(const struct cm_corim *c, const struct cm_verify_job *job,
                                struct cm_why *why)
{
    const struct cm_enrolled_query nobody = {{NULL, 0}, {NULL, 0}, job->cert_cache};
    struct signer signer = {&c->sign1};
    enum cm_status st = CM_OK;

    if (c->is_signed) {
        CM_TRY(cm_enrolled_find(job->materials, job->material_count, &nobody, verify_with, &signer,
                                why));
    }
    if ((c->has_not_before && job->in->now < c->not_before) ||
        (c->has_not_after && job->in->now > c->not_after)) {
        cm_why_set(why, "CoRIM: outside its period of validity");
        st = CM_ERR_EXPIRED;
    }
out:
    return st;
}

static bool same(struct cm_span a, struct cm_span b)
{
    return a.ptr != NULL && b.ptr != NULL && cm_span_same(a, b);
}

/* The bytes of an identity, whatever kind of identity its tag says. */
static struct cm_span identity(struct cm_cbor_value v)
{
    struct cm_span s = cm_corim_tagged(v, TAG_BYTES);

    if (s.ptr == NULL) {
        s = cm_corim_tagged(v, TAG_UEID);
    }
    return s.ptr != NULL ? s : cm_corim_tagged(v, TAG_IMPL_ID);
}

/* Whether a triple is about this very device, or about its make as a whole. */
static bool is_about(struct cm_cbor_value env, const struct cm_enrolled_query *q)
{
    struct cm_cbor_value instance = cm_cbor_get(env, ENV_INSTANCE);
    struct cm_cbor_value class_id = cm_cbor_get(cm_cbor_get(env, ENV_CLASS), CLASS_ID);

    if (class_id.doc != NULL && !same(identity(class_id), q->implementation_id)) {
        return false;
    }
    if (instance.doc != NULL) {
        return same(identity(instance), q->instance_id);
    }
    return class_id.doc != NULL;
}

/* A key of a file: the forms of cm_enrolled_find(), and a SubjectPublicKeyInfo in base64. */
static enum cm_status try_key_item(struct cm_cbor_value k, struct cm_cert_cache *cache,
                                   cm_enrolled_try try_key, void *ctx, struct cm_why *why)
{
    const struct cm_enrolled_query nobody = {{NULL, 0}, {NULL, 0}, cache};
    struct cm_cbor_value pem = cm_corim_untag(k, TAG_PKIX_KEY);
    struct cm_cbor_value cose = cm_corim_untag(k, TAG_COSE_KEY);
    struct cm_span bytes = {NULL, 0};

    if (pem.doc == NULL && cose.doc == NULL) {
        pem = cm_cbor_get(k, KEY_TEXT);
    }
    if (pem.doc != NULL && cm_cbor_text(pem, &bytes) == CM_OK) {
        static const char begin[] = "-----BEGIN PUBLIC KEY-----\n";
        static const char end[] = "\n-----END PUBLIC KEY-----";
        uint8_t text[4096] = {0};
        struct cm_wr w = cm_wr_init(text, sizeof(text));

        if (bytes.len != 0 && bytes.ptr[0] == '-') {
            return cm_enrolled_find_in(bytes, &nobody, try_key, ctx, why);
        }
        cm_wr_bytes(&w, begin, sizeof(begin) - 1);
        cm_wr_bytes(&w, bytes.ptr, bytes.len);
        cm_wr_bytes(&w, end, sizeof(end) - 1);
        return cm_wr_finish(&w) != CM_OK
                   ? CM_ERR_LIMIT
                   : cm_enrolled_find_in(cm_span_make(text, w.used), &nobody, try_key, ctx, why);
    }
    if (cose.doc != NULL) {
        if (cm_cbor_bytes(cose, &bytes) != CM_OK) {
            bytes = cm_cbor_encoding(cose);
        }
        return cm_enrolled_find_in(bytes, &nobody, try_key, ctx, why);
    }
    return CM_ERR_NOTFOUND; /* a certificate, a path, a thumbprint: no key */
}

static enum cm_status keys_of_mid(struct cm_cbor_value mid, const struct cm_enrolled_query *q,
                                  cm_enrolled_try try_key, void *ctx, struct cm_why *why)
{
    struct cm_cbor_value inner = cm_corim_untag(mid, 506);
    struct cm_cbor_value triples =
        cm_cbor_get(cm_cbor_get(inner.doc != NULL ? inner : mid, MID_TRIPLES), TRIPLES_ATTEST_KEY);
    enum cm_status last = CM_ERR_NOTFOUND;

    for (struct cm_cbor_value t = cm_cbor_first(triples); t.doc != NULL; t = cm_cbor_next(t)) {
        struct cm_cbor_value env = cm_cbor_first(t);
        struct cm_cbor_value keys = cm_cbor_next(env);

        /* keys under conditions are not taken: nothing here could check the conditions */
        if (cm_cbor_count(t) != 2 || !is_about(env, q)) {
            continue;
        }
        for (struct cm_cbor_value k = cm_cbor_first(keys); k.doc != NULL; k = cm_cbor_next(k)) {
            enum cm_status st = try_key_item(k, q->cache, try_key, ctx, why);

            if (st == CM_OK) {
                return CM_OK;
            }
            last = st == CM_ERR_NOTFOUND ? last : st;
        }
    }
    return last;
}

static enum cm_status keys_of_file(struct cm_span bytes, const struct cm_verify_job *job,
                                   const struct cm_enrolled_query *q, cm_enrolled_try try_key,
                                   void *ctx, struct cm_why *why)
{
    struct cm_corim file;
    enum cm_status last = CM_ERR_NOTFOUND;
    enum cm_status st = CM_OK;

    CM_TRY(cm_corim_parse(bytes, &file, why));
    CM_TRY(cm_corim_trusted(&file, job, why));
    for (size_t i = 0; i < file.tag_count && last != CM_OK; i++) {
        st = keys_of_mid(cm_cbor_root(&file.tags[i].doc), q, try_key, ctx, why);
        last = st == CM_ERR_NOTFOUND ? last : st;
    }
    st = last;
out:
    cm_corim_free(&file);
    return st;
}

enum cm_status cm_corim_find_key(const struct cm_verify_job *job,
                                 const struct cm_enrolled_query *query, cm_enrolled_try try_key,
                                 void *ctx, struct cm_why *why)
{
    enum cm_status last = CM_ERR_NOTFOUND;

    for (size_t i = 0; i < job->material_count; i++) {
        const struct cm_material *m = &job->materials[i];
        enum cm_status st = CM_OK;

        if (m->kind != CM_MATERIAL_REFERENCE || !cm_corim_recognise(m->bytes)) {
            continue;
        }
        st = keys_of_file(m->bytes, job, query, try_key, ctx, why);
        if (st == CM_OK) {
            return CM_OK;
        }
        last = st == CM_ERR_NOTFOUND ? last : st;
    }
    return last;
}
