/* The bank sample's envelope: what a host in between may try with sealed files. */
#include "bank/common/bank_seal.h"

#include "bank/common/bank_agreement.h"
#include "harness.h"

#define TOTAL      (2U * BANK_CHUNK_SIZE + 1000U)
#define MAX_CHUNKS 3U

struct world {
    struct bank_agreement agreement;
    struct bank_signer *signers[2];
    struct bank_key *key;
    uint8_t enclave_key[BANK_KEY_SIZE];
};

/* one file, sealed */
struct sealed {
    uint8_t header[BANK_HEADER_SIZE];
    uint8_t chunks[MAX_CHUNKS][BANK_CHUNK_SIZE + BANK_TAG_SIZE];
    size_t sizes[MAX_CHUNKS];
};

static uint8_t plain[TOTAL];
static uint8_t opened[BANK_CHUNK_SIZE];

static void world_make(struct world *w)
{
    memset(w, 0, sizeof(*w));
    w->agreement = (struct bank_agreement){.bank_count = 2,
                                           .min_length = 3,
                                           .max_length = 5,
                                           .window_seconds = 3600,
                                           .keep_percent = 90,
                                           .names = {"north", "south"}};
    CHECK_EQ(bank_signer_new(&w->signers[0], w->agreement.signers[0]), BANK_OK);
    CHECK_EQ(bank_signer_new(&w->signers[1], w->agreement.signers[1]), BANK_OK);
    CHECK_EQ(bank_key_new(&w->key, w->enclave_key), BANK_OK);
    for (size_t i = 0; i < sizeof(plain); i++) {
        plain[i] = (uint8_t)(i * 7 + i / 251);
    }
}

static void world_free(struct world *w)
{
    bank_signer_free(w->signers[0]);
    bank_signer_free(w->signers[1]);
    bank_key_free(w->key);
}

static void seal(const struct world *w, uint32_t bank, struct sealed *out)
{
    struct bank_envelope e = {&w->agreement, bank, w->enclave_key, NULL};
    struct bank_sealer *s = NULL;
    size_t left = TOTAL;

    REQUIRE(bank_sealer_new(&e, w->signers[bank], TOTAL, &s, out->header) == BANK_OK);
    for (size_t i = 0; i < MAX_CHUNKS; i++) {
        size_t n = left < BANK_CHUNK_SIZE ? left : BANK_CHUNK_SIZE;

        CHECK_EQ(bank_sealer_chunk(s, plain + (TOTAL - left), n, out->chunks[i]), BANK_OK);
        out->sizes[i] = n + BANK_TAG_SIZE;
        left -= n;
    }
    bank_sealer_free(s);
}

static enum bank_status begin(const struct world *w, uint32_t bank, const struct sealed *f,
                              struct bank_opener **o)
{
    struct bank_envelope e = {&w->agreement, bank, w->enclave_key, NULL};
    struct bank_why why = {{0}};
    enum bank_status st = bank_opener_new(&e, w->key, f->header, o, &why);

    CHECK(st == BANK_OK || why.text[0] != '\0');
    return st;
}

/* the chunks in this order, ended by -1; then the end */
static enum bank_status open_in_order(const struct world *w, const struct sealed *f,
                                      const int *order)
{
    struct bank_opener *o = NULL;
    struct bank_why why = {{0}};
    enum bank_status st = begin(w, 0, f, &o);

    for (; st == BANK_OK && *order >= 0; order++) {
        st = bank_opener_chunk(o, f->chunks[*order], f->sizes[*order], opened, &why);
    }
    if (st == BANK_OK) {
        st = bank_opener_end(o, &why);
    }
    CHECK(st == BANK_OK || why.text[0] != '\0');
    bank_opener_free(o);
    return st;
}

TEST(opens_what_was_sealed)
{
    static struct sealed f;
    struct world w;
    struct bank_opener *o = NULL;
    size_t at = 0;

    world_make(&w);
    seal(&w, 0, &f);
    REQUIRE(begin(&w, 0, &f, &o) == BANK_OK);
    for (size_t i = 0; i < MAX_CHUNKS; i++) {
        CHECK_EQ(bank_opener_chunk(o, f.chunks[i], f.sizes[i], opened, NULL), BANK_OK);
        CHECK_MEM(opened, plain + at, f.sizes[i] - BANK_TAG_SIZE);
        at += f.sizes[i] - BANK_TAG_SIZE;
    }
    CHECK_EQ(bank_opener_end(o, NULL), BANK_OK);
    bank_opener_free(o);
    world_free(&w);
}

TEST(refuses_a_file_cut_short)
{
    static struct sealed f;
    struct world w;

    world_make(&w);
    seal(&w, 0, &f);
    CHECK_EQ(open_in_order(&w, &f, (const int[]){0, 1, 2, -1}), BANK_OK);
    CHECK_EQ(open_in_order(&w, &f, (const int[]){0, 1, -1}), BANK_REFUSED);
    CHECK_EQ(open_in_order(&w, &f, (const int[]){0, -1}), BANK_REFUSED);
    CHECK_EQ(open_in_order(&w, &f, (const int[]){-1}), BANK_REFUSED);
    world_free(&w);
}

TEST(refuses_chunks_out_of_order)
{
    static struct sealed f;
    struct world w;

    world_make(&w);
    seal(&w, 0, &f);
    CHECK_EQ(open_in_order(&w, &f, (const int[]){1, 0, 2, -1}), BANK_REFUSED);
    CHECK_EQ(open_in_order(&w, &f, (const int[]){0, 0, 2, -1}), BANK_REFUSED);
    CHECK_EQ(open_in_order(&w, &f, (const int[]){0, 2, -1}), BANK_REFUSED);
    CHECK_EQ(open_in_order(&w, &f, (const int[]){0, 1, 2, 2, -1}), BANK_REFUSED);
    world_free(&w);
}

TEST(refuses_every_changed_header_byte)
{
    static struct sealed f;
    struct world w;
    struct bank_opener *o = NULL;

    world_make(&w);
    seal(&w, 0, &f);
    for (size_t i = 0; i < sizeof(f.header); i++) {
        f.header[i] ^= 0x20;
        CHECK_EQ(begin(&w, 0, &f, &o), BANK_REFUSED);
        f.header[i] ^= 0x20;
    }
    CHECK(o == NULL);
    world_free(&w);
}

TEST(refuses_a_changed_chunk_and_stays_refusing)
{
    static struct sealed f;
    struct world w;
    struct bank_opener *o = NULL;
    static const uint8_t zero[BANK_CHUNK_SIZE];

    world_make(&w);
    seal(&w, 0, &f);
    for (size_t i = 0; i < f.sizes[0]; i += 997) {
        REQUIRE(begin(&w, 0, &f, &o) == BANK_OK);
        f.chunks[0][i] ^= 1;
        CHECK_EQ(bank_opener_chunk(o, f.chunks[0], f.sizes[0], opened, NULL), BANK_REFUSED);
        CHECK_MEM(opened, zero, BANK_CHUNK_SIZE); /* nothing unauthenticated is left */
        f.chunks[0][i] ^= 1;
        CHECK_EQ(bank_opener_chunk(o, f.chunks[0], f.sizes[0], opened, NULL), BANK_REFUSED);
        bank_opener_free(o);
        o = NULL;
    }
    world_free(&w);
}

TEST(refuses_another_place_key_or_agreement)
{
    static struct sealed f;
    struct world w;
    struct world other;
    struct bank_opener *o = NULL;

    world_make(&w);
    world_make(&other);
    seal(&w, 0, &f);
    CHECK_EQ(begin(&w, 1, &f, &o), BANK_REFUSED);     /* as the other bank's file */
    CHECK_EQ(begin(&other, 0, &f, &o), BANK_REFUSED); /* another enclave, other banks' keys */
    other.agreement = w.agreement;
    CHECK_EQ(begin(&other, 0, &f, &o), BANK_REFUSED); /* another enclave */
    w.agreement.max_length = 8;
    CHECK_EQ(begin(&w, 0, &f, &o), BANK_REFUSED); /* more than what was agreed on */
    w.agreement.max_length = 5;
    CHECK_EQ(begin(&w, 0, &f, &o), BANK_OK);
    bank_opener_free(o);
    world_free(&w);
    world_free(&other);
}

TEST(refuses_chunks_of_another_file_of_the_same_bank)
{
    static struct sealed f;
    static struct sealed g;
    struct world w;

    world_make(&w);
    seal(&w, 0, &f);
    seal(&w, 0, &g);
    memcpy(f.chunks[1], g.chunks[1], sizeof(f.chunks[1]));
    CHECK_EQ(open_in_order(&w, &f, (const int[]){0, 1, 2, -1}), BANK_REFUSED);
    world_free(&w);
}

TEST(a_stranger_cannot_send_for_a_bank)
{
    struct world w;
    struct bank_envelope e = {&w.agreement, 0, w.enclave_key, NULL};
    static struct sealed f;
    struct bank_signer *stranger = NULL;
    uint8_t public_key[BANK_SIGNER_SIZE];
    struct bank_sealer *s = NULL;
    struct bank_opener *o = NULL;

    world_make(&w);
    REQUIRE(bank_signer_new(&stranger, public_key) == BANK_OK);
    REQUIRE(bank_sealer_new(&e, stranger, TOTAL, &s, f.header) == BANK_OK);
    CHECK_EQ(begin(&w, 0, &f, &o), BANK_REFUSED);
    bank_sealer_free(s);
    bank_signer_free(stranger);
    world_free(&w);
}

TEST(refuses_a_key_that_is_no_point)
{
    struct world w;
    struct bank_envelope e = {&w.agreement, 0, w.enclave_key, NULL};
    struct bank_sealer *s = NULL;
    uint8_t header[BANK_HEADER_SIZE];

    world_make(&w);
    w.enclave_key[40] ^= 1;
    CHECK_EQ(bank_sealer_new(&e, w.signers[0], TOTAL, &s, header), BANK_REFUSED);
    memset(w.enclave_key, 0, sizeof(w.enclave_key)); /* the point at infinity, padded */
    CHECK_EQ(bank_sealer_new(&e, w.signers[0], TOTAL, &s, header), BANK_REFUSED);
    CHECK(s == NULL);
    world_free(&w);
}

TEST(keys_are_fresh)
{
    static struct sealed f;
    static struct sealed g;
    struct world w;

    world_make(&w);
    seal(&w, 0, &f);
    seal(&w, 0, &g);
    CHECK(memcmp(f.header, g.header, sizeof(f.header)) != 0);
    CHECK(memcmp(f.chunks[0], g.chunks[0], sizeof(f.chunks[0])) != 0);
    world_free(&w);
}

TEST(agreement_text_says_what_the_hash_covers)
{
    struct world w;
    uint8_t a[32];
    uint8_t b[32];
    char text[BANK_AGREEMENT_TEXT_MAX];

    world_make(&w);
    CHECK_EQ(bank_agreement_hash(&w.agreement, a), BANK_OK);
    bank_agreement_text(&w.agreement, text);
    CHECK(strstr(text, "3 to 5 accounts") != NULL);
    CHECK(strstr(text, "Bank 2: south, signing with ed25519 ") != NULL);
    w.agreement.window_seconds++;
    CHECK_EQ(bank_agreement_hash(&w.agreement, b), BANK_OK);
    CHECK(memcmp(a, b, 32) != 0);
    world_free(&w);
}

TEST_MAIN
