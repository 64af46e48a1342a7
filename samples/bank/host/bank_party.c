/* See bank_party.h. */
#include "bank_party.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "../common/bank_pack.h"
#include "../common/bank_text.h"

/* plain and sealed form of one chunk */
struct chunk {
    uint8_t plain[BANK_CHUNK_SIZE];
    uint8_t sealed[BANK_CHUNK_SIZE + BANK_TAG_SIZE];
};

enum bank_status bank_party_new(const char *path, struct bank_party *out, struct bank_why *why)
{
    const char *base = strrchr(path, '/');
    size_t n = 0;
    struct stat info;
    enum bank_status st = BANK_OK;

    memset(out, 0, sizeof(*out));
    base = base != NULL ? base + 1 : path;
    n = strlen(base);
    if (n < 5 || strcmp(base + n - 4, ".csv") != 0 || n - 4 >= BANK_NAME_SIZE) {
        return bank_fail(why, BANK_SYNTAX, "%s: a bank's file is called NAME.csv", path);
    }
    memcpy(out->name, base, n - 4);
    if (stat(path, &info) != 0) {
        return bank_fail(why, BANK_IO, "%s: %s", path, strerror(errno));
    }
    if (!S_ISREG(info.st_mode)) { /* it is read after its size was told, so a pipe cannot serve */
        return bank_fail(why, BANK_IO, "%s: not a regular file", path);
    }
    out->size = (uint64_t)info.st_size;
    if (out->size > BANK_MAX_FILE) {
        return bank_fail(why, BANK_LIMIT, "%s: larger than 4 GiB", path);
    }
    out->path = strdup(path);
    st = out->path == NULL ? BANK_NO_MEMORY : bank_signer_new(&out->signer, out->signer_key);
    if (st != BANK_OK) {
        bank_party_free(out);
        return bank_fail(why, st, "%s: %s", path, bank_status_text(st));
    }
    return BANK_OK;
}

void bank_party_free(struct bank_party *p)
{
    bank_signer_free(p->signer);
    free(p->path);
    bank_wipe(p, sizeof(*p));
}

/* seconds that nobody can set back */
static uint64_t now(void)
{
    struct timespec t = {0};

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec;
}

enum bank_status bank_party_ask(struct bank_party *p, struct bank_why *why)
{
    p->verified = false;
    p->asked = bank_pack_random(p->nonce, sizeof(p->nonce));
    p->asked_at = now();
    return p->asked ? BANK_OK : bank_fail(why, BANK_CRYPTO, "%s: no random numbers", p->name);
}

enum bank_status bank_party_answer(struct bank_party *p, const struct bank_policy *policy,
                                   const uint8_t *evidence, size_t size, struct bank_why *why)
{
    struct bank_answer answer = {p->nonce, now() - p->asked_at, evidence, size};
    enum bank_status st = BANK_OK;

    if (!p->asked) {
        return bank_fail(why, BANK_REFUSED, "stale quote: %s has not asked for it", p->name);
    }
    p->asked = false;
    st = bank_verify(policy, &answer, &p->verdict, why);
    p->verified = st == BANK_OK;
    return st;
}

static enum bank_status send_chunks(const struct bank_party *p, FILE *f, struct bank_sealer *sealer,
                                    const struct bank_sink *sink, struct bank_why *why)
{
    struct chunk *c = malloc(sizeof(*c));
    uint64_t left = p->size;
    enum bank_status st = BANK_OK;

    if (c == NULL) {
        return bank_fail(why, BANK_NO_MEMORY, "%s: no memory for one chunk", p->name);
    }
    while (left != 0 && st == BANK_OK) {
        size_t n = left < BANK_CHUNK_SIZE ? (size_t)left : BANK_CHUNK_SIZE;

        if (fread(c->plain, 1, n, f) != n) {
            st = bank_fail(why, BANK_IO, "%s: became shorter, or cannot be read", p->path);
            break;
        }
        st = bank_sealer_chunk(sealer, c->plain, n, c->sealed);
        if (st == BANK_OK) {
            st = sink->chunk(sink->ctx, c->sealed, n + BANK_TAG_SIZE, why);
        }
        left -= n;
    }
    bank_wipe_free(c, sizeof(*c));
    return st;
}

enum bank_status bank_party_send(const struct bank_party *p, const struct bank_agreement *a,
                                 uint32_t place, const struct bank_sink *sink, struct bank_why *why)
{
    struct bank_envelope e = {a, place, p->verified ? p->verdict.key : NULL,
                              p->deposited ? p->released_key : NULL};
    struct bank_sealer *sealer = NULL;
    uint8_t header[BANK_HEADER_SIZE];
    FILE *f = NULL;
    enum bank_status st = BANK_OK;

    if (!p->verified && !p->deposited) {
        return bank_fail(why, BANK_REFUSED, "%s: no enclave is verified, so no key is released",
                         p->name);
    }
    f = fopen(p->path, "rb");
    if (f == NULL) {
        return bank_fail(why, BANK_IO, "%s: %s", p->path, strerror(errno));
    }
    (void)setvbuf(f, NULL, _IONBF, 0); /* no second copy of the rows */
    st = bank_sealer_new(&e, p->signer, p->size, &sealer, header);
    if (st == BANK_OK) {
        st = sink->header(sink->ctx, header, why);
    }
    if (st == BANK_OK) {
        st = send_chunks(p, f, sealer, sink, why);
    }
    bank_sealer_free(sealer);
    (void)fclose(f);
    return st == BANK_OK ? st : bank_fail(why, st, "%s: %s", p->path, bank_status_text(st));
}
