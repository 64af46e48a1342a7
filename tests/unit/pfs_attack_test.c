/*
 * A host that changes, swaps, cuts, extends and mixes what it stores for a protected file. What is read
 * afterwards is what was written, all of it of one time, or the file is refused.
 */
#include "pfs_versions.h"

#include "pfs/pfs_inner.h"

static uint8_t away[CM_PFS_NAME] = "away";

/* The version that is read, or the error. A text of no version at all is -99, a piece of one -98. */
static long version_of(struct memory *m, const uint8_t *name, unsigned flags)
{
    static uint8_t text[TEXT];
    static uint8_t got[TEXT];
    struct cm_pfs_ground g = memory_ground(m, &key);
    struct cm_pfs_file *f = NULL;
    long r = cm_pfs_open(&g, name, flags, &f);
    long n;

    if (r != 0) {
        return r;
    }
    memset(got, 0, sizeof(got));
    n = cm_pfs_read(f, got, TEXT, 0);
    (void)cm_pfs_close(f);
    if (n == 0) {
        return 0;
    }
    if (n < 0) {
        for (size_t i = 0; i < TEXT; i++) {
            if (got[i] != 0) {
                return -97; /* bytes came out of a read that failed */
            }
        }
        return n;
    }
    for (unsigned v = 1; v < 8 && n == TEXT; v++) {
        fill(text, v);
        if (memcmp(text, got, TEXT) == 0) {
            return v;
        }
    }
    return n == TEXT ? -99 : -98;
}

static bool refused(long r)
{
    return r == -EBADMSG || r == -EUCLEAN || r == -EKEYREJECTED || r == -EOPNOTSUPP;
}

TEST(the_file_of_these_tests_is_what_they_think)
{
    struct memory m;

    made(&m, 1);
    CHECK_EQ(version_of(&m, home, 0), 1);
    CHECK_EQ(m.len, (DATA_AT + BLOCKS) * CM_PFS_BLOCK);
    memory_free(&m);
    made(&m, 5);
    CHECK_EQ(version_of(&m, home, 0), 5);
    memory_free(&m);
}

TEST(every_bit_of_both_headers)
{
    struct memory m;

    made(&m, 2);
    for (size_t i = 0; i < 2 * CM_PFS_BLOCK && test_failed_checks < 5; i++) {
        /* all bits where the bytes mean something each, one of each byte in what is encrypted */
        for (unsigned bit = 0; bit < (i % CM_PFS_BLOCK < CM_PFS_BODY_AT + 128 ? 8 : 1); bit++) {
            const uint8_t mask = (uint8_t)(1u << (bit == 0 ? i % 8 : (i + bit) % 8));

            m.bytes[i] ^= mask;
            if (!refused(version_of(&m, home, 0))) {
                TEST_FAIL("bit %02x of byte %zu goes unnoticed", mask, i);
            }
            m.bytes[i] ^= mask;
        }
    }
    CHECK_EQ(version_of(&m, home, 0), 2);
    memory_free(&m);
}

TEST(every_byte_of_every_other_block)
{
    struct memory m;

    made(&m, 1);
    for (size_t i = 2 * CM_PFS_BLOCK; i < m.len && test_failed_checks < 5; i++) {
        const size_t block = i / CM_PFS_BLOCK;
        const bool used = block == LEAF_AT || block >= DATA_AT;
        long r;

        if (!used && i % 64 != 0) {
            continue;
        }
        m.bytes[i] ^= (uint8_t)(1u << i % 8);
        r = version_of(&m, home, 0);
        if (r != (used ? -EBADMSG : 1)) {
            TEST_FAIL("byte %zu of block %zu: %ld", i % CM_PFS_BLOCK, block, r);
        }
        m.bytes[i] ^= (uint8_t)(1u << i % 8);
    }
    memory_free(&m);
}

TEST(every_truncation)
{
    struct memory m;
    size_t whole;

    made(&m, 1);
    whole = m.len;
    for (size_t len = 0; len < whole && test_failed_checks < 5; len++) {
        m.len = len;
        if (version_of(&m, home, 0) != -EBADMSG ||
            (len % 512 == 0 && version_of(&m, home, CM_PFS_OPEN_RECOVER) != -EBADMSG)) {
            TEST_FAIL("cut to %zu bytes goes unnoticed", len);
        }
    }
    m.len = whole;
    CHECK_EQ(version_of(&m, home, 0), 1);
    memory_free(&m);
}

TEST(every_extension)
{
    static const size_t more[] = {1, 511, 4096, 100000};
    struct memory m;

    made(&m, 1);
    for (size_t i = 0; i < sizeof(more) / sizeof(more[0]); i++) {
        const size_t whole = m.len;

        CHECK_EQ(memory_resize_to(&m, whole + more[i]), 0);
        CHECK_EQ(version_of(&m, home, 0), -EBADMSG);
        m.len = whole;
    }
    CHECK_EQ(version_of(&m, home, 0), 1);
    memory_free(&m);
}

static void exchange(struct memory *m, size_t a, size_t b)
{
    uint8_t *x = m->bytes + a * CM_PFS_BLOCK;
    uint8_t *y = m->bytes + b * CM_PFS_BLOCK;

    for (size_t i = 0; i < CM_PFS_BLOCK; i++) {
        const uint8_t byte = x[i];

        x[i] = y[i];
        y[i] = byte;
    }
}

TEST(every_two_blocks_exchanged)
{
    struct memory m;
    size_t blocks;

    made(&m, 2);
    blocks = m.len / CM_PFS_BLOCK;
    for (size_t a = 0; a < blocks && test_failed_checks < 5; a++) {
        for (size_t b = a + 1; b < blocks; b++) {
            const bool same =
                memcmp(m.bytes + a * CM_PFS_BLOCK, m.bytes + b * CM_PFS_BLOCK, CM_PFS_BLOCK) == 0;
            long r;

            exchange(&m, a, b);
            r = version_of(&m, home, 0);
            /* the places of the version before are not read; the two headers of a closed file are one */
            if (r != 2 && !refused(r)) {
                TEST_FAIL("blocks %zu and %zu exchanged: %ld", a, b, r);
            }
            if (a < 2 && b >= 2 && r == 2 && !same) {
                TEST_FAIL("header %zu exchanged with block %zu", a, b);
            }
            exchange(&m, a, b);
        }
    }
    memory_free(&m);
}

TEST(blocks_of_another_file)
{
    struct memory m;
    struct memory other;

    made(&m, 1);
    made(&other, 1);
    for (size_t b = 0; b < m.len / CM_PFS_BLOCK; b++) {
        const bool used = b <= LEAF_AT || b >= DATA_AT;
        long r;

        for (size_t i = 0; i < CM_PFS_BLOCK; i++) {
            const size_t at = b * CM_PFS_BLOCK + i;
            const uint8_t byte = m.bytes[at];

            m.bytes[at] = other.bytes[at];
            other.bytes[at] = byte;
        }
        r = version_of(&m, home, 0);
        CHECK(used ? refused(r) : r == 1);
        for (size_t i = 0; i < CM_PFS_BLOCK; i++) {
            const size_t at = b * CM_PFS_BLOCK + i;
            const uint8_t byte = m.bytes[at];

            m.bytes[at] = other.bytes[at];
            other.bytes[at] = byte;
        }
    }
    memory_free(&m);
    memory_free(&other);
}

/* any choice of blocks from two times of the file: one of the two, whole, or nothing */
static void mixed(unsigned first, unsigned second)
{
    struct memory old;
    struct memory now;
    struct memory mix;
    size_t differ[64];
    size_t count = 0;
    unsigned seen[2] = {0, 0};

    made(&old, first);
    memory_copy(&old, &now);
    for (unsigned v = first + 1; v <= second; v++) {
        write_version(&now, v);
    }
    CHECK_EQ(memory_resize_to(&old, now.len > old.len ? now.len : old.len), 0);
    for (size_t b = 0; b < old.len / CM_PFS_BLOCK && b < now.len / CM_PFS_BLOCK; b++) {
        if (memcmp(old.bytes + b * CM_PFS_BLOCK, now.bytes + b * CM_PFS_BLOCK, CM_PFS_BLOCK) != 0) {
            differ[count++] = b;
        }
    }
    REQUIRE(count >= 6 && count < 14);
    for (unsigned long mask = 0; mask < 1ul << count && test_failed_checks < 5; mask++) {
        const bool headers_old = (mask & 3) == 0;
        const bool headers_new = (mask & 3) == 3;
        long r;

        memory_copy(&old, &mix);
        for (size_t i = 0; i < count; i++) {
            if ((mask >> i & 1) != 0) {
                memcpy(mix.bytes + differ[i] * CM_PFS_BLOCK, now.bytes + differ[i] * CM_PFS_BLOCK,
                       CM_PFS_BLOCK);
            }
        }
        r = version_of(&mix, home, 0);
        if (!(r == -EBADMSG || (r == first && headers_old) || (r == second && headers_new))) {
            TEST_FAIL("mix %lx of %u and %u: %ld", mask, first, second, r);
        }
        seen[0] += r == first;
        seen[1] += r == second;
        memory_free(&mix);
    }
    CHECK(seen[1] != 0);
    memory_free(&old);
    memory_free(&now);
}

TEST(two_versions_mixed)
{
    mixed(1, 2);
    mixed(1, 3);
    mixed(2, 4);
}

/* an old header with the new file, as an old block with the new headers, is no version */
TEST(one_block_rolled_back)
{
    struct memory old;
    struct memory now;
    size_t count = 0;

    made(&old, 1);
    memory_copy(&old, &now);
    write_version(&now, 2);
    write_version(&now, 3); /* in the places that version 1 had */
    for (size_t b = 0; b < old.len / CM_PFS_BLOCK; b++) {
        const bool live = b <= LEAF_AT || b >= DATA_AT;
        uint8_t kept[CM_PFS_BLOCK];
        long r;

        if (memcmp(old.bytes + b * CM_PFS_BLOCK, now.bytes + b * CM_PFS_BLOCK, CM_PFS_BLOCK) == 0) {
            continue;
        }
        memcpy(kept, now.bytes + b * CM_PFS_BLOCK, CM_PFS_BLOCK);
        memcpy(now.bytes + b * CM_PFS_BLOCK, old.bytes + b * CM_PFS_BLOCK, CM_PFS_BLOCK);
        r = version_of(&now, home, 0);
        CHECK(live ? refused(r) : r == 3);
        count += live;
        memcpy(now.bytes + b * CM_PFS_BLOCK, kept, CM_PFS_BLOCK);
    }
    CHECK_EQ(count, 2 + 1 + BLOCKS);
    CHECK_EQ(version_of(&now, home, 0), 3);
    memory_free(&old);
    memory_free(&now);
}

TEST(a_file_at_another_name)
{
    struct memory m;

    made(&m, 1);
    CHECK_EQ(version_of(&m, away, 0), -EBADMSG);
    CHECK_EQ(version_of(&m, (const uint8_t[CM_PFS_NAME]){0}, 0), -EBADMSG);
    memory_free(&m);
}

TEST(a_file_under_another_key)
{
    struct memory m;

    made(&m, 1);
    key = 8;
    CHECK_EQ(version_of(&m, home, 0), -EBADMSG);
    key = 7;
    CHECK_EQ(version_of(&m, home, 0), 1);
    memory_free(&m);
}

/* a move has both names until it ends, and then one */
TEST(a_move)
{
    struct memory m;
    struct memory during;
    struct cm_pfs_ground g = memory_ground(&m, &key);
    struct cm_pfs_file *f = NULL;

    made(&m, 1);
    CHECK_EQ(cm_pfs_open(&g, home, CM_PFS_OPEN_WRITE, &f), 0);
    CHECK_EQ(cm_pfs_move_begin(f, away), 0);
    memory_copy(&m, &during);
    CHECK_EQ(cm_pfs_move_end(f, away), 0);
    CHECK_EQ(cm_pfs_close(f), 0);
    CHECK_EQ(version_of(&during, home, 0), 1);
    CHECK_EQ(version_of(&during, away, 0), 1);
    CHECK_EQ(version_of(&m, home, 0), -EBADMSG);
    CHECK_EQ(version_of(&m, away, 0), 1);
    memory_free(&m);
    memory_free(&during);
}

/*
 * An older copy of the whole file is the one thing that is not noticed by itself; who keeps the state
 * elsewhere can tell. Opening and closing do not change it, writing does.
 */
TEST(the_whole_file_rolled_back_shows_in_its_state)
{
    struct memory m;
    struct memory old;
    struct cm_pfs_ground g = memory_ground(&m, &key);
    struct cm_pfs_ground g_old = memory_ground(&old, &key);
    struct cm_pfs_state now = {0};
    struct cm_pfs_state again = {0};
    struct cm_pfs_state then = {0};
    struct cm_pfs_file *f = NULL;

    made(&m, 1);
    memory_copy(&m, &old);
    CHECK_EQ(cm_pfs_open(&g, home, CM_PFS_OPEN_WRITE, &f), 0);
    CHECK_EQ(cm_pfs_write(f, "!", 1, 5), 1);
    CHECK_EQ(cm_pfs_state_of(f, &now), 0);
    CHECK_EQ(cm_pfs_close(f), 0);
    CHECK_EQ(cm_pfs_open(&g, home, CM_PFS_OPEN_WRITE, &f), 0);
    CHECK_EQ(cm_pfs_state_of(f, &again), 0);
    CHECK_EQ(cm_pfs_close(f), 0);
    CHECK_EQ(now.revision, again.revision);
    CHECK_MEM(now.digest, again.digest, sizeof(now.digest));
    CHECK_EQ(cm_pfs_open(&g_old, home, 0, &f), 0);
    CHECK_EQ(cm_pfs_state_of(f, &then), 0);
    CHECK_EQ(cm_pfs_close(f), 0);
    CHECK(then.revision < now.revision);
    CHECK(memcmp(now.digest, then.digest, sizeof(now.digest)) != 0);
    memory_free(&m);
    memory_free(&old);
}

/* a block is sealed as the one that it is, whatever its parent says */
TEST(a_block_elsewhere_in_the_tree)
{
    static uint8_t plain[CM_PFS_BLOCK];
    static uint8_t sealed[CM_PFS_BLOCK];
    struct memory m;
    struct cm_pfs_ground g = memory_ground(&m, &key);
    struct cm_pfs_entry entry = {.gen = 5, .slot = 0};
    struct cm_pfs_file *f = NULL;

    made(&m, 1);
    CHECK_EQ(cm_pfs_open(&g, home, 0, &f), 0);
    CHECK_EQ(cm_pfs_seal_block(f, 1, 7, plain, &entry, sealed), 0);
    CHECK_EQ(cm_pfs_open_block(f, 1, 7, &entry, sealed, plain), 0);
    CHECK_EQ(cm_pfs_open_block(f, 1, 8, &entry, sealed, plain), -EBADMSG);
    CHECK_EQ(cm_pfs_open_block(f, 0, 7, &entry, sealed, plain), -EBADMSG);
    CHECK_EQ(cm_pfs_open_block(f, CM_PFS_DATA, 7, &entry, sealed, plain), -EBADMSG);
    entry.gen = 6;
    CHECK_EQ(cm_pfs_open_block(f, 1, 7, &entry, sealed, plain), -EBADMSG);
    CHECK_EQ(cm_pfs_close(f), 0);
    memory_free(&m);
}

TEST_MAIN
