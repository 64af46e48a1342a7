/*
 * OP-TEE's attestation service; see arm.h and docs/evidence-optee.md. Untrusted: all of it.
 *
 * The service returns a SHA-256 digest and an RSA-PSS signature (MGF1-SHA-256, salt of 32 bytes) whose
 * message hash is SHA-256(nonce || digest): in other words PS256 over nonce || digest.
 */
#include <string.h>

#include "arm/arm.h"
#include "arm/arm_token.h"
#include "common/hex.h"
#include "common/try.h"
#include "crypto/crypto.h"
#include "evidence/enrolled.h"
#include "token/json.h"

#define TYPE       "optee-attestation"
#define MAX_TEXT   8192
#define MAX_NODES  64
#define MAX_NONCE  64
#define DIGEST     32
#define MAX_OUTPUT (DIGEST + 1024)
#define MAX_TARGET 64

/* Which question was asked; not signed, so it is the attester's word. */
static const struct {
    const char *command;
    const char *label; /* of the measurement */
    enum cm_measurement_role role;
} commands[] = {
    {"get-ta-shdr-digest", "ta-header", CM_ROLE_LAUNCH},
    {"hash-ta-memory", "ta-memory", CM_ROLE_RUNTIME},
    {"hash-tee-memory", "tee-memory", CM_ROLE_RUNTIME},
};
#define COMMAND_COUNT (sizeof(commands) / sizeof(commands[0]))

struct statement {
    size_t command;
    char target[MAX_TARGET + 1]; /* UUID of the TA; "" when there is none */
    uint8_t nonce[MAX_NONCE];
    size_t nonce_len;
    uint8_t output[MAX_OUTPUT]; /* digest, signature */
    size_t output_len;
};

static enum cm_status parse_text(struct cm_span text, struct cm_json_node nodes[MAX_NODES],
                                 struct cm_json *doc, struct cm_why *why)
{
    enum cm_status st = CM_ERR_LIMIT;

    if (text.len <= MAX_TEXT) {
        st = cm_json_parse(text, nodes, MAX_NODES, doc, why);
    }
    return st == CM_ERR_SYNTAX ? CM_ERR_FORMAT : st;
}

bool cm_optee_recognise(struct cm_span bytes)
{
    struct cm_json_node nodes[MAX_NODES];
    struct cm_json doc;

    return bytes.len != 0 && bytes.ptr[0] == '{' && parse_text(bytes, nodes, &doc, NULL) == CM_OK &&
           cm_json_equal(cm_json_get(cm_json_root(&doc), "type"), TYPE);
}

static enum cm_status hex_member(struct cm_json_value object, const char *name, uint8_t *out,
                                 size_t cap, size_t *len)
{
    struct cm_span text = {NULL, 0};

    if (cm_json_plain(cm_json_get(object, name), &text) != CM_OK || text.len / 2 > cap ||
        !cm_hex_decode(text, out, text.len / 2)) {
        return CM_ERR_FORMAT;
    }
    *len = text.len / 2;
    return CM_OK;
}

static enum cm_status parse(struct cm_span bytes, struct statement *s, struct cm_why *why)
{
    struct cm_json_node nodes[MAX_NODES];
    struct cm_json_value root = {NULL, 0};
    struct cm_json_value target = {NULL, 0};
    struct cm_json doc;
    enum cm_status st = CM_OK;

    CM_TRY(parse_text(bytes, nodes, &doc, why));
    root = cm_json_root(&doc);
    if (!cm_json_equal(cm_json_get(root, "type"), TYPE)) {
        cm_why_set(why, "not a statement of OP-TEE's attestation service");
        return CM_ERR_FORMAT;
    }
    while (s->command < COMMAND_COUNT &&
           !cm_json_equal(cm_json_get(root, "command"), commands[s->command].command)) {
        s->command++;
    }
    target = cm_json_get(root, "target");
    if (s->command == COMMAND_COUNT ||
        (target.doc != NULL &&
         cm_json_string(target, s->target, sizeof(s->target), NULL) != CM_OK)) {
        cm_why_set(why, "the command or its target is missing or unknown");
        return CM_ERR_FORMAT;
    }
    if (hex_member(root, "nonce", s->nonce, sizeof(s->nonce), &s->nonce_len) != CM_OK ||
        hex_member(root, "output", s->output, sizeof(s->output), &s->output_len) != CM_OK ||
        s->nonce_len == 0 || s->output_len <= DIGEST) {
        cm_why_set(why, "nonce or output is missing or malformed");
        st = CM_ERR_FORMAT;
    }
out:
    return st;
}

struct attempt {
    const struct statement *s;
    uint8_t *key_sha256;
};

static enum cm_status attempt(void *ctx, const struct cm_pubkey *key)
{
    const struct attempt *a = ctx;
    const struct statement *s = a->s;
    const struct cm_span parts[2] = {cm_span_make(s->nonce, s->nonce_len),
                                     cm_span_make(s->output, DIGEST)};
    uint8_t spki[2048] = {0};
    size_t len = 0;
    enum cm_status st = CM_OK;

    CM_TRY(cm_pubkey_verify(key, CM_SIG_PS256, parts, 2,
                            cm_span_make(s->output + DIGEST, s->output_len - DIGEST)));
    CM_TRY(cm_pubkey_spki(key, spki, sizeof(spki), &len));
    st = cm_sha256_of(cm_span_make(spki, len), a->key_sha256);
out:
    return st;
}

enum cm_status cm_optee_verify(const struct cm_verify_job *job, struct cm_evidence *ev,
                               size_t submod)
{
    const struct cm_enrolled_query nobody = {{NULL, 0}, {NULL, 0}, job->cert_cache};
    struct statement s = {0};
    struct cm_why why = {""};
    uint8_t key[32] = {0};
    struct attempt a = {&s, key};
    struct cm_digest digest = {.alg = "sha-256"};
    size_t mark = 0;
    enum cm_status first = CM_OK;
    enum cm_status st = parse(job->evidence, &s, &why);

    cm_check_status(ev, submod, "optee.format", st, "%s", why.text);
    if (st != CM_OK) {
        return st;
    }
    cm_claim_text(ev, submod, CM_CLAIM_TEE, "optee");
    cm_claim_text(ev, submod, CM_CLAIM_HWMODEL, "optee");
    /* nobody signs what was asked about what: these two stay self-asserted */
    cm_claim_text(ev, submod, "optee.command", commands[s.command].command);
    if (s.target[0] != '\0') {
        cm_claim_text(ev, submod, "optee.target", s.target);
    }
    mark = cm_evidence_mark(ev, submod);
    cm_claim_bytes(ev, submod, CM_CLAIM_NONCE, cm_span_make(s.nonce, s.nonce_len));
    digest.label = commands[s.command].label;
    digest.role = commands[s.command].role;
    digest.value = cm_span_make(s.output, DIGEST);
    cm_claim_digest(ev, submod, &digest);
    st = cm_enrolled_find(job->materials, job->material_count, &nobody, attempt, &a, &why);
    cm_check_status(ev, submod, "optee.signature", st, "%s", st == CM_OK ? "" : why.text);
    first = st;
    if (st == CM_OK) {
        cm_claim_bytes(ev, submod, CM_CLAIM_SIGNER_ROOT, cm_span_make(key, sizeof(key)));
        cm_evidence_raise(ev, submod, mark, CM_AUTHORITY_HARDWARE);
    }
    st = cm_check_nonce(job->in, ev, submod, cm_span_make(s.nonce, s.nonce_len), true);
    return first != CM_OK ? first : st;
}
