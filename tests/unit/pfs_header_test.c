/* Headers of protected files: which pairs can be, and what the parser says of bytes that are none. */
#include "pfs_versions.h"

#include "pfs/pfs_info.h"

enum { HEADERS_MAX = 64, PAIRS_MAX = 128 };

static uint8_t *header_pool[HEADERS_MAX];
static size_t header_count;
static uint8_t *seen_pairs[PAIRS_MAX];
static size_t seen_count;

static bool pair_was_seen(const uint8_t *pair)
{
    for (size_t i = 0; i < seen_count; i++) {
        if (memcmp(seen_pairs[i], pair, 2 * CM_PFS_BLOCK) == 0) {
            return true;
        }
    }
    return false;
}

static uint8_t *kept(const uint8_t *bytes, size_t n)
{
    uint8_t *copy = malloc(n);

    memcpy(copy, bytes, n);
    return copy;
}

/* Two sessions with two commits each, of a file that exists; every header, and every pair that stood there. */
static void gather(struct memory *m, unsigned version)
{
    static uint8_t text[TEXT];
    struct cm_pfs_ground g = memory_ground(m, &key);
    struct memory then;

    memory_copy(m, &then);
    m->remembers = true;
    fill(text, version);
    for (unsigned session = 0; session < 2; session++) {
        struct cm_pfs_file *f = NULL;

        CHECK_EQ(cm_pfs_open(&g, home, CM_PFS_OPEN_WRITE, &f), 0);
        CHECK_EQ(cm_pfs_write(f, text, TEXT, 0), TEXT);
        CHECK_EQ(cm_pfs_commit(f), 0);
        CHECK_EQ(cm_pfs_write(f, text, 10, 0), 10);
        CHECK_EQ(cm_pfs_close(f), 0);
    }
    for (size_t i = 0; i <= m->count; i++) {
        if (i != 0 && m->steps[i - 1].act == MEMORY_WRITE) {
            memory_put(&then, m->steps[i - 1].bytes, m->steps[i - 1].n, m->steps[i - 1].at);
            if (m->steps[i - 1].at < 2 * CM_PFS_BLOCK && header_count < HEADERS_MAX) {
                header_pool[header_count++] = kept(m->steps[i - 1].bytes, CM_PFS_BLOCK);
            }
        }
        if (!pair_was_seen(then.bytes) && seen_count < PAIRS_MAX) {
            seen_pairs[seen_count++] = kept(then.bytes, 2 * CM_PFS_BLOCK);
        }
    }
    memory_free(&then);
}

/* headers of all times, of a life that a crash cut off, and of another file: what never was is refused */
TEST(every_pair_of_headers_there_ever_was)
{
    struct memory m;
    struct memory branch;
    struct memory other;
    unsigned accepted = 0;

    made(&m, 4);
    memory_copy(&m, &branch);
    made(&other, 4);
    gather(&m, 5);
    gather(&branch, 6);
    gather(&other, 7);
    CHECK(header_count >= 24 && header_count < HEADERS_MAX && seen_count < PAIRS_MAX);
    for (size_t a = 0; a < header_count; a++) {
        for (size_t b = 0; b < header_count; b++) {
            struct cm_pfs_ground g = memory_ground(&m, &key);
            struct cm_pfs_file *f = NULL;

            memory_put(&m, header_pool[a], CM_PFS_BLOCK, 0);
            memory_put(&m, header_pool[b], CM_PFS_BLOCK, CM_PFS_BLOCK);
            if (cm_pfs_open(&g, home, 0, &f) == 0) {
                accepted++;
                if (!pair_was_seen(m.bytes)) {
                    TEST_FAIL("headers %zu and %zu never were a pair", a, b);
                }
                (void)cm_pfs_close(f);
            }
        }
    }
    CHECK(accepted >= 12);
    for (size_t i = 0; i < header_count; i++) {
        free(header_pool[i]);
    }
    for (size_t i = 0; i < seen_count; i++) {
        free(seen_pairs[i]);
    }
    memory_free(&m);
    memory_free(&branch);
    memory_free(&other);
}

TEST(key_requests_of_the_hosts)
{
    uint8_t own[CM_PFS_INFO] = {4, 0, 2, 0, 9, 0};
    uint8_t info[CM_PFS_INFO];
    static const uint8_t none[CM_PFS_INFO];

    memcpy(info, own, sizeof(info));
    CHECK(cm_pfs_info_lawful(info, own));
    info[4] = 3;  /* an older enclave version */
    info[20] = 1; /* an older processor version */
    CHECK(cm_pfs_info_lawful(info, own));
    for (size_t i = 0; i < sizeof(info); i++) {
        const bool version = i == 4 || i == 5 || (i >= 8 && i < 24);

        info[i] ^= 1;
        CHECK_EQ(cm_pfs_info_lawful(info, own), version);
        CHECK_EQ(cm_pfs_info_lawful(info, none), false);
        info[i] ^= 1;
    }
    CHECK(cm_pfs_info_lawful(none, none));
    memcpy(info, none, sizeof(info));
    info[9] = 1;
    CHECK(!cm_pfs_info_lawful(info, none)); /* under a given key there is no request */
}

/* what the parser says of headers that are none, before any key is asked for */
TEST(headers_that_are_none)
{
    struct memory m;
    struct cm_pfs_head head;
    uint8_t block[CM_PFS_BLOCK];

    made(&m, 1);
    memcpy(block, m.bytes, sizeof(block));
    CHECK_EQ(cm_pfs_head_read(block, &head), CM_OK);
    block[0] ^= 1;
    CHECK_EQ(cm_pfs_head_read(block, &head), CM_ERR_FORMAT);
    block[0] ^= 1;
    block[8] = 2; /* another version */
    CHECK_EQ(cm_pfs_head_read(block, &head), CM_ERR_UNSUPPORTED);
    block[8] = 1;
    block[10] = 0; /* no kind of key */
    CHECK_EQ(cm_pfs_head_read(block, &head), CM_ERR_FORMAT);
    block[10] = 4;
    CHECK_EQ(cm_pfs_head_read(block, &head), CM_ERR_FORMAT);
    block[10] = 3;
    block[13] = 1; /* reserved */
    CHECK_EQ(cm_pfs_head_read(block, &head), CM_ERR_FORMAT);
    memory_free(&m);
}

TEST(bodies_that_are_none)
{
    static uint8_t bytes[CM_PFS_BLOCK - CM_PFS_BODY_AT];
    const struct cm_pfs_body good = {
        .version = 5, .revision = 5, .levels = 1, .size = 9, .blocks = 9};
    struct cm_pfs_body b = good;
    struct cm_pfs_body back;

#define BAD(change)                                              \
    do {                                                         \
        b = good;                                                \
        change;                                                  \
        cm_pfs_body_write(&b, bytes);                            \
        CHECK_EQ(cm_pfs_body_read(bytes, &back), CM_ERR_FORMAT); \
    } while (0)
    cm_pfs_body_write(&good, bytes);
    CHECK_EQ(cm_pfs_body_read(bytes, &back), CM_OK);
    BAD(b.version = 0);
    BAD(b.version = (uint64_t)CM_PFS_GEN_MAX + 1);
    BAD(b.revision = 6);
    BAD(b.size = CM_PFS_SIZE_MAX + 1);
    BAD(b.levels = 5);
    BAD(b.root.gen = 6);
    BAD(b.blocks = 1);
    BAD(b.blocks = UINT64_MAX / 2);
    cm_pfs_body_write(&good, bytes);
    bytes[16] = 2; /* flags */
    CHECK_EQ(cm_pfs_body_read(bytes, &back), CM_ERR_FORMAT);
    bytes[16] = 0;
    bytes[sizeof(bytes) - 1] = 1; /* reserved */
    CHECK_EQ(cm_pfs_body_read(bytes, &back), CM_ERR_FORMAT);
}

TEST_MAIN
