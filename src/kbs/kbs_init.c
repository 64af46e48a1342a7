/*
 * Init-data: a document that the host gave the guest at its launch, whose hash stands in the evidence; see
 * kbs_private.h. Untrusted: the document, until the evidence vouches for it.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/hex.h"
#include "common/try.h"
#include "kbs/kbs_private.h"

#define FIELD_MAX 64

static bool hash_from(const char *name, enum cm_hash_alg *out)
{
    static const struct {
        const char *name;
        enum cm_hash_alg hash;
    } all[] = {{"sha256", CM_HASH_SHA256}, {"sha-256", CM_HASH_SHA256},
               {"sha384", CM_HASH_SHA384}, {"sha-384", CM_HASH_SHA384},
               {"sha512", CM_HASH_SHA512}, {"sha-512", CM_HASH_SHA512}};

    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        if (strcasecmp(all[i].name, name) == 0) {
            *out = all[i].hash;
            return true;
        }
    }
    return false;
}

/* VALUE of a line `algorithm = "VALUE"`, in either kind of quotes. */
static bool line_algorithm(const char *line, char *out, size_t cap)
{
    static const char name[] = "algorithm";
    const char *at = line + sizeof(name) - 1;
    size_t n = 0;

    if (strncmp(line, name, sizeof(name) - 1) != 0) {
        return false;
    }
    at += strspn(at, " \t");
    if (*at != '=') {
        return false;
    }
    at++;
    at += strspn(at, " \t");
    n = *at == '"' || *at == '\'' ? strcspn(at + 1, "\"'\n") : 0;
    if (n == 0 || n >= cap || at[1 + n] != at[0]) {
        return false;
    }
    memcpy(out, at + 1, n);
    out[n] = '\0';
    return true;
}

/*
 * The value of `algorithm` before the first table of a TOML document. Nothing else of it is read: whatever a
 * liar makes us take for the algorithm, the hash of the whole document must be what the evidence says.
 */
static bool toml_algorithm(const char *text, char *out, size_t cap)
{
    bool found = false;

    while (*text != '\0' && !found) {
        const char *line = text + strspn(text, " \t");

        if (*line == '[') {
            break;
        }
        found = line_algorithm(line, out, cap);
        text += strcspn(text, "\n");
        text += *text == '\n' ? 1 : 0;
    }
    return found;
}

static bool json_algorithm(const char *text, size_t len, char *out, size_t cap)
{
    json_t *doc = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);
    const char *name = json_string_value(json_object_get(doc, "algorithm"));
    bool found = name != NULL && strlen(name) < cap;

    if (found) {
        memcpy(out, name, strlen(name) + 1);
    }
    json_decref(doc);
    return found;
}

/* The claim that holds it, by kind of evidence. */
static const char *field_name(const struct cm_kbs_tee *tee)
{
    static const struct {
        const char *tee;
        const char *claim;
    } fields[] = {{"sgx", "sgx.configid"},
                  {"tdx", "tdx.mrconfigid"},
                  {"snp", "snp.host_data"},
                  {"cca", "cca.personalization_value"}};

    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        if (strcmp(tee->name, fields[i].tee) == 0) {
            return fields[i].claim;
        }
    }
    return NULL;
}

static const struct cm_claim *field_of(const struct cm_kbs_tee *tee, const struct cm_evidence *ev)
{
    const char *name = field_name(tee);

    for (size_t s = 0; name != NULL && s < cm_evidence_submods(ev); s++) {
        const struct cm_claim *c = cm_evidence_find(ev, s, name, 0);

        if (c != NULL && c->type == CM_CLAIM_TYPE_BYTES && cm_evidence_genuine(ev, s)) {
            return c;
        }
    }
    return NULL;
}

/* Register 8 of a TPM, which the guest has extended once. */
static const struct cm_claim *register_of(const struct cm_evidence *ev)
{
    for (size_t s = 0; s < cm_evidence_submods(ev); s++) {
        const struct cm_claim *c = NULL;

        for (size_t i = 0; (c = cm_evidence_claim(ev, s, i)) != NULL; i++) {
            if (c->type == CM_CLAIM_TYPE_DIGEST && strcmp(c->text, "pcr8") == 0 &&
                strcmp(c->alg, "sha-256") == 0 && cm_evidence_genuine(ev, s) &&
                c->authority != CM_AUTHORITY_SELF) {
                return c;
            }
        }
    }
    return NULL;
}

/* Whether evidence holds a digest: in a field, cut or with zeros behind it, or in a register. */
static enum cm_status held(const struct cm_kbs_tee *tee, const struct cm_evidence *ev,
                           const uint8_t *digest, size_t len)
{
    const struct cm_claim *field = field_of(tee, ev);
    const struct cm_claim *pcr = field == NULL ? register_of(ev) : NULL;
    uint8_t wanted[FIELD_MAX] = {0};
    uint8_t extended[CM_HASH_MAX_SIZE] = {0};
    const struct cm_span parts[] = {{wanted, 32}, {digest, 32}};

    if (field != NULL && field->len <= FIELD_MAX) {
        memcpy(wanted, digest, len < field->len ? len : field->len);
        return memcmp(wanted, field->bytes, field->len) == 0 ? CM_OK : CM_ERR_MISMATCH;
    }
    if (pcr == NULL || pcr->len != 32) {
        return CM_ERR_UNSUPPORTED;
    }
    if (len < 32 || cm_hash_parts(CM_HASH_SHA256, parts, 2, extended) != CM_OK) {
        return CM_ERR_MISMATCH;
    }
    return memcmp(extended, pcr->bytes, 32) == 0 ? CM_OK : CM_ERR_MISMATCH;
}

static enum cm_status algorithm_of(struct cm_json_value format, const char *text, size_t len,
                                   enum cm_hash_alg *out)
{
    char name[16] = "";
    bool found = false;

    if (strlen(text) != len) {
        return CM_ERR_FORMAT;
    }
    found = cm_json_equal(format, "json")   ? json_algorithm(text, len, name, sizeof(name))
            : cm_json_equal(format, "toml") ? toml_algorithm(text, name, sizeof(name))
                                            : false;
    return found && hash_from(name, out) ? CM_OK : CM_ERR_FORMAT;
}

enum cm_status cm_kbs_init_data(struct cm_json_value init_data, const struct cm_kbs_tee *tee,
                                const struct cm_evidence *ev, json_t **digest, struct cm_why *why)
{
    struct cm_json_value body = cm_json_get(init_data, "body");
    size_t cap = cm_json_bytes(body).len + 1;
    uint8_t hash[CM_HASH_MAX_SIZE] = {0};
    char hex[2 * CM_HASH_MAX_SIZE + 1] = "";
    enum cm_hash_alg alg = CM_HASH_SHA256;
    char *text = malloc(cap);
    size_t len = 0;
    enum cm_status st = CM_OK;

    *digest = NULL;
    if (text == NULL) {
        return CM_ERR_NOMEM;
    }
    st = cm_json_string(body, text, cap, &len);
    if (st != CM_OK || algorithm_of(cm_json_get(init_data, "format"), text, len, &alg) != CM_OK) {
        cm_why_set(why, "init-data is not a TOML or JSON document that names its algorithm");
        st = CM_ERR_FORMAT;
        goto out;
    }
    CM_TRY(cm_hash(alg, cm_span_make(text, len), hash));
    st = held(tee, ev, hash, cm_hash_size(alg));
    if (st != CM_OK) {
        cm_why_set(why, st == CM_ERR_MISMATCH
                            ? "init-data is not the document whose hash the evidence holds"
                            : "the evidence has no place that holds the hash of init-data");
        goto out;
    }
    cm_hex_encode(cm_span_make(hash, cm_hash_size(alg)), CM_HEX_LOWER, hex);
    *digest = json_string(hex);
    st = *digest == NULL ? CM_ERR_NOMEM : CM_OK;
out:
    free(text);
    return st;
}
