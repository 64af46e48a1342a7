/*
 * A TPM's registers as the JSON claim that Azure Attestation's policies of version 1.2 query:
 * {"PCRs":[{"Index":0,"Digests":{"SHA256":"..."}}]}, digests in small hexadecimal digits.
 */
#include <stdlib.h>
#include <string.h>

#include "common/hex.h"
#include "common/try.h"
#include "policy/policy_azure.h"
#include "token/json.h"

#define PCRS    24u
#define BANKS   4u
#define MAX_HEX 128u
#define CAP     (PCRS * (BANKS * (MAX_HEX + 16) + 48) + 64)

static const struct {
    const char *ours;
    const char *azure;
} banks[BANKS] = {
    {"sha-1", "SHA1"}, {"sha-256", "SHA256"}, {"sha-384", "SHA384"}, {"sha-512", "SHA512"}};

/* A register's digests, by bank; NULL where it was not quoted. */
struct registers {
    const struct cm_claim *of[PCRS][BANKS];
    size_t count;
};

/* "pcr0" to "pcr23"; PCRS when it is no such label */
static unsigned index_of(const char *label)
{
    unsigned n = 0;

    if (strncmp(label, "pcr", 3) != 0 || label[3] == '\0' || strlen(label) > 5) {
        return PCRS;
    }
    for (label += 3; *label != '\0'; label++) {
        if (*label < '0' || *label > '9') {
            return PCRS;
        }
        n = 10 * n + (unsigned)(*label - '0');
    }
    return n < PCRS ? n : PCRS;
}

static void note(struct registers *r, const struct cm_claim *c)
{
    unsigned index = c->type == CM_CLAIM_TYPE_DIGEST ? index_of(c->text) : PCRS;

    for (size_t b = 0; index != PCRS && b < BANKS; b++) {
        if (strcmp(c->alg, banks[b].ours) == 0 && c->len <= MAX_HEX / 2) {
            r->count += r->of[index][b] == NULL ? 1 : 0;
            r->of[index][b] = c;
        }
    }
}

static void write_register(struct cm_json_wr *w, const struct registers *r, unsigned index)
{
    char hex[MAX_HEX + 1] = "";
    bool any = false;

    for (size_t b = 0; b < BANKS; b++) {
        const struct cm_claim *c = r->of[index][b];

        if (c == NULL) {
            continue;
        }
        if (!any) {
            cm_json_wr_object(w);
            cm_json_wr_name(w, "Index");
            cm_json_wr_u64(w, index);
            cm_json_wr_name(w, "Digests");
            cm_json_wr_object(w);
            any = true;
        }
        cm_hex_encode(cm_span_make(c->bytes, c->len), CM_HEX_LOWER, hex);
        cm_json_wr_name(w, banks[b].azure);
        cm_json_wr_str(w, hex);
    }
    if (any) {
        cm_json_wr_end(w);
        cm_json_wr_end(w);
    }
}

enum cm_status cm_policy_add_pcrs(struct cm_policy_claims *set, const char *name,
                                  const struct cm_evidence *ev, size_t submod,
                                  enum cm_authority least)
{
    struct registers r;
    const struct cm_claim *c = NULL;
    struct cm_json_wr w = {0};
    char *json = NULL;
    size_t len = 0;
    enum cm_status st = CM_OK;

    memset(&r, 0, sizeof(r));
    for (size_t i = 0; (c = cm_evidence_claim(ev, submod, i)) != NULL; i++) {
        if (c->authority >= least) {
            note(&r, c);
        }
    }
    if (r.count == 0) {
        return CM_OK;
    }
    json = malloc(CAP);
    if (json == NULL) {
        return CM_ERR_NOMEM;
    }
    w = cm_json_wr_init(json, CAP);
    cm_json_wr_object(&w);
    cm_json_wr_name(&w, "PCRs");
    cm_json_wr_array(&w);
    for (unsigned i = 0; i < PCRS; i++) {
        write_register(&w, &r, i);
    }
    cm_json_wr_end(&w);
    cm_json_wr_end(&w);
    CM_TRY(cm_json_wr_finish(&w, &len));
    CM_TRY(cm_policy_claims_json(set, name, cm_span_make(json, len), CM_POLICY_SERVICE));
out:
    free(json);
    return st;
}
