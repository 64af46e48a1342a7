/* See bank_run.h. */
#include "bank_run.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../common/bank_agreement.h"
#include "../common/bank_text.h"

#define SEARCH_STEP 20000U /* transfers a call: some milliseconds */

static int is_csv(const struct dirent *d)
{
    size_t n = strlen(d->d_name);

    return n > 4 && strcmp(d->d_name + n - 4, ".csv") == 0;
}

/* byte order, so that the agreement does not depend on anybody's locale */
static int by_name(const struct dirent **left, const struct dirent **right)
{
    return strcmp((*left)->d_name, (*right)->d_name);
}

static enum bank_status add_party(const char *dir, const char *file, struct bank_parties *out,
                                  struct bank_why *why)
{
    char path[4096];
    enum bank_status st = BANK_OK;

    if (out->count == BANK_MAX_BANKS) {
        return bank_fail(why, BANK_LIMIT, "%s: more than %u banks", dir, BANK_MAX_BANKS);
    }
    if (snprintf(path, sizeof(path), "%s/%s", dir, file) >= (int)sizeof(path)) {
        return bank_fail(why, BANK_IO, "%s: path too long", dir);
    }
    st = bank_party_new(path, &out->list[out->count], why);
    out->count += st == BANK_OK ? 1 : 0;
    return st;
}

enum bank_status bank_parties_find(const char *dir, struct bank_parties *out, struct bank_why *why)
{
    struct dirent **found = NULL;
    enum bank_status st = BANK_OK;
    int n = 0;

    memset(out, 0, sizeof(*out));
    n = scandir(dir, &found, is_csv, by_name);
    if (n < 0) {
        return bank_fail(why, BANK_IO, "%s: %s", dir, strerror(errno));
    }
    for (int i = 0; i < n; i++) {
        if (st == BANK_OK) {
            st = add_party(dir, found[i]->d_name, out, why);
        }
        free(found[i]);
    }
    free(found);
    if (st == BANK_OK && out->count < BANK_MIN_BANKS) {
        st = bank_fail(why, BANK_SYNTAX, "%s: %u files NAME.csv; at least %u banks are needed", dir,
                       out->count, BANK_MIN_BANKS);
    }
    if (st != BANK_OK) {
        bank_parties_free(out);
    }
    return st;
}

void bank_parties_free(struct bank_parties *p)
{
    for (uint32_t i = 0; i < p->count; i++) {
        bank_party_free(&p->list[i]);
    }
    p->count = 0;
}

enum bank_status bank_agree(const struct bank_parties *p, const struct bank_rules *rules,
                            struct bank_agreement *out, struct bank_why *why)
{
    memset(out, 0, sizeof(*out));
    out->bank_count = p->count;
    out->min_length = rules->min_length;
    out->max_length = rules->max_length;
    out->window_seconds = rules->window_seconds;
    out->keep_percent = rules->keep_percent;
    for (uint32_t i = 0; i < p->count; i++) {
        memcpy(out->names[i], p->list[i].name, BANK_NAME_SIZE);
        memcpy(out->signers[i], p->list[i].signer_key, BANK_SIGNER_SIZE);
    }
    return bank_agreement_check(out, why);
}

static enum bank_status verify_one(struct bank_link *l, struct bank_party *party,
                                   const struct bank_policy *policy, enum bank_attack attack,
                                   struct bank_why *why)
{
    struct bank_evidence evidence;
    enum bank_status st = bank_party_ask(party, why);

    if (st == BANK_OK) {
        st = bank_attack_carry(l, attack, policy->max_age, party->nonce, &evidence, why);
    }
    if (st == BANK_OK) {
        st = bank_party_answer(party, policy, evidence.data, evidence.size, why);
    }
    return st;
}

enum bank_status bank_verify_all(struct bank_link *l, struct bank_parties *p,
                                 const struct bank_policy *policy, enum bank_attack attack,
                                 struct bank_progress *progress, struct bank_why *why)
{
    for (uint32_t i = 0; i < p->count; i++) {
        struct bank_party *party = &p->list[i];
        struct bank_why because = {{0}};
        enum bank_status st = BANK_OK;
        char what[80];

        bank_progress_begin(progress, party->name);
        st = verify_one(l, party, policy, attack, &because);
        if (st != BANK_OK) {
            bank_progress_drop(progress);
            return bank_fail(why, st, "%s releases no key: %s", party->name, because.text);
        }
        (void)snprintf(what, sizeof(what), "verified: enclave, nonce, %s%s",
                       bank_policy_status_name(party->verdict.status),
                       party->verdict.emulated ? ", EMULATED" : "");
        bank_progress_end(progress, what);
    }
    return BANK_OK;
}

/* the host's part of the transport: it hands sealed bytes on */
struct carrier {
    struct bank_link *link;
    uint32_t bank;
    uint64_t passed;
    uint64_t size;
    struct bank_progress *progress;
};

static enum bank_status carry_header(void *ctx, const uint8_t header[BANK_HEADER_SIZE],
                                     struct bank_why *why)
{
    struct carrier *c = ctx;

    return bank_link_begin(c->link, c->bank, header, why);
}

static enum bank_status carry_chunk(void *ctx, const uint8_t *sealed, size_t len,
                                    struct bank_why *why)
{
    struct carrier *c = ctx;

    c->passed += len - BANK_TAG_SIZE;
    bank_progress_at(c->progress, c->passed, c->size);
    return bank_link_chunk(c->link, c->bank, sealed, len, why);
}

/* The enclave knows the bank's name only; a person wants to open the file: DIR/NAME.csv:LINE: rule. */
static void name_the_file(const struct bank_party *p, struct bank_why *why)
{
    const size_t name = strlen(p->name) + sizeof(".csv") - 1;
    const size_t path = strlen(p->path);
    const size_t said = strlen(why->text);

    if (strncmp(why->text, p->name, strlen(p->name)) == 0 && said > name &&
        strncmp(why->text + strlen(p->name), ".csv:", 5) == 0 &&
        path + said - name < sizeof(why->text)) {
        memmove(why->text + path, why->text + name, said - name + 1);
        memcpy(why->text, p->path, path);
    }
}

static enum bank_status send_one(struct bank_link *l, const struct bank_party *party,
                                 const struct bank_agreement *a, struct carrier *c,
                                 struct bank_why *why)
{
    struct bank_sink sink = {carry_header, carry_chunk, c};
    enum bank_status st = bank_party_send(party, a, c->bank, &sink, why);
    char what[80];

    if (st == BANK_OK) {
        st = bank_link_end(l, c->bank, why);
    }
    if (st != BANK_OK) {
        bank_progress_drop(c->progress);
        name_the_file(party, why);
        return st;
    }
    (void)snprintf(what, sizeof(what), "%.1f MB sealed, sent and read inside",
                   (double)party->size / 1e6);
    bank_progress_end(c->progress, what);
    return BANK_OK;
}

enum bank_status bank_send_all(struct bank_link *l, const struct bank_parties *p,
                               const struct bank_agreement *a, struct bank_progress *progress,
                               struct bank_why *why)
{
    enum bank_status st = BANK_OK;

    for (uint32_t i = 0; i < p->count && st == BANK_OK; i++) {
        struct carrier c = {l, i, 0, p->list[i].size, progress};

        bank_progress_begin(progress, p->list[i].name);
        st = send_one(l, &p->list[i], a, &c, why);
    }
    return st;
}

enum bank_status bank_find_circles(struct bank_link *l, struct bank_progress *progress,
                                   struct bank_summary *out, struct bank_why *why)
{
    uint64_t done = 0;
    uint64_t total = 1;
    enum bank_status st = BANK_OK;

    bank_progress_begin(progress, "join");
    st = bank_link_join(l, why);
    if (st != BANK_OK) {
        bank_progress_drop(progress);
        return st;
    }
    bank_progress_end(progress, "files joined inside the enclave");
    bank_progress_begin(progress, "search");
    while (done < total && st == BANK_OK) {
        st = bank_link_search(l, SEARCH_STEP, &done, &total, why);
        bank_progress_at(progress, done, total);
    }
    if (st != BANK_OK) {
        bank_progress_drop(progress);
        return st;
    }
    bank_progress_end(progress, "money followed inside the enclave");
    return bank_link_summary(l, out, why);
}
