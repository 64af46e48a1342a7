/* Protected files do what files do: beside a model in plain memory, with failures of storage and memory. */
#include "pfs_memory.h"

#include "openssl_memory.h"
#include "pfs/pfs_inner.h"

static int key = 7;
static uint8_t home[CM_PFS_NAME] = "home";

static struct cm_pfs_file *opened(struct memory *m, unsigned flags)
{
    struct cm_pfs_ground g = memory_ground(m, &key);
    struct cm_pfs_file *f = NULL;

    CHECK_EQ(cm_pfs_open(&g, home, flags, &f), 0);
    return f;
}

static void created(struct memory *m)
{
    struct cm_pfs_ground g = memory_ground(m, &key);

    *m = (struct memory){.bytes = NULL};
    CHECK_EQ(cm_pfs_create(&g, home), 0);
}

TEST(an_empty_file)
{
    struct memory m;
    struct cm_pfs_file *f;
    char c = 'x';

    created(&m);
    CHECK_EQ(m.len, 2 * CM_PFS_BLOCK);
    f = opened(&m, 0);
    REQUIRE(f != NULL);
    CHECK_EQ(cm_pfs_size(f), 0);
    CHECK_EQ(cm_pfs_read(f, &c, 1, 0), 0);
    CHECK_EQ(cm_pfs_write(f, &c, 1, 0), -EBADF);
    CHECK_EQ(cm_pfs_resize(f, 5), -EBADF);
    CHECK_EQ(cm_pfs_close(f), 0);
    CHECK_EQ(m.len, 2 * CM_PFS_BLOCK);
    memory_free(&m);
}

TEST(reading_writes_nothing)
{
    struct memory m;
    struct memory before;
    struct cm_pfs_file *f;
    char text[8];

    created(&m);
    f = opened(&m, CM_PFS_OPEN_WRITE);
    CHECK_EQ(cm_pfs_write(f, "text", 4, 0), 4);
    CHECK_EQ(cm_pfs_close(f), 0);
    memory_copy(&m, &before);
    f = opened(&m, CM_PFS_OPEN_WRITE);
    CHECK_EQ(cm_pfs_read(f, text, sizeof(text), 0), 4);
    CHECK_MEM(text, "text", 4);
    CHECK_EQ(cm_pfs_commit(f), 0);
    CHECK_EQ(cm_pfs_close(f), 0);
    CHECK_EQ(m.len, before.len);
    CHECK_MEM(m.bytes, before.bytes, m.len);
    memory_free(&m);
    memory_free(&before);
}

/* neither text nor key nor name is in what the host sees; equal texts do not look equal */
TEST(nothing_readable_is_stored)
{
    static const char secret[] = "a secret that nobody but the enclave may read";
    uint8_t block[CM_PFS_BLOCK];
    struct memory m;
    struct cm_pfs_file *f;

    created(&m);
    f = opened(&m, CM_PFS_OPEN_WRITE);
    memset(block, 0x11, sizeof(block));
    for (unsigned i = 0; i < 8; i++) {
        CHECK_EQ(cm_pfs_write(f, block, sizeof(block), (uint64_t)i * sizeof(block)), CM_PFS_BLOCK);
    }
    CHECK_EQ(cm_pfs_write(f, secret, sizeof(secret), 100), sizeof(secret));
    CHECK_EQ(cm_pfs_close(f), 0);
    CHECK(memmem(m.bytes, m.len, secret, 8) == NULL);
    CHECK(memmem(m.bytes, m.len, "home", 4) == NULL);
    memset(block, key, sizeof(block));
    CHECK(memmem(m.bytes, m.len, block, 16) == NULL);
    for (size_t i = 8; i < m.len / CM_PFS_BLOCK; i++) {
        for (size_t k = 7; k < i; k++) {
            const uint8_t *a = m.bytes + i * CM_PFS_BLOCK;

            CHECK(a[0] == 0 || memcmp(a, m.bytes + k * CM_PFS_BLOCK, CM_PFS_BLOCK) != 0);
        }
    }
    memory_free(&m);
}

/* ------------------------------------------------------------------------------ the model */

enum { MODEL_MAX = 3 << 20 };

static uint8_t model[MODEL_MAX];
static uint8_t scratch[MODEL_MAX];
static size_t model_len;
static uint64_t seed;

static uint64_t roll(uint64_t below)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (seed >> 33) % below;
}

static void model_write(size_t at, size_t n)
{
    if (at > model_len) {
        memset(model + model_len, 0, at - model_len);
    }
    memcpy(model + at, scratch, n);
    model_len = at + n > model_len ? at + n : model_len;
}

static void same_as_model(struct cm_pfs_file *f, size_t at, size_t n)
{
    const size_t want = at >= model_len ? 0 : n < model_len - at ? n : model_len - at;

    CHECK_EQ(cm_pfs_size(f), model_len);
    CHECK_EQ(cm_pfs_read(f, scratch, n, at), want);
    CHECK(memcmp(scratch, model + at, want) == 0);
}

static void random_step(struct memory *m, struct cm_pfs_file **f, size_t most)
{
    const size_t at = roll(3) == 0 ? roll(most / CM_PFS_BLOCK) * CM_PFS_BLOCK : roll(most);
    const size_t longest = roll(4) == 0 ? 200000 : roll(2) == 0 ? 100 : 9000;
    size_t n = roll(longest < most - at ? longest + 1 : most - at + 1);

    switch (roll(10)) {
    case 0:
    case 1:
    case 2:
    case 3:
        for (size_t i = 0; i < n; i++) {
            scratch[i] = (uint8_t)roll(256);
        }
        CHECK_EQ(cm_pfs_write(*f, scratch, n, at), n);
        if (n != 0) {
            model_write(at, n);
        }
        break;
    case 4:
        CHECK_EQ(cm_pfs_resize(*f, at), 0);
        if (at > model_len) {
            memset(model + model_len, 0, at - model_len);
        }
        model_len = at;
        break;
    case 5:
        CHECK_EQ(cm_pfs_commit(*f), 0);
        break;
    case 6:
        CHECK_EQ(cm_pfs_close(*f), 0);
        *f = opened(m, CM_PFS_OPEN_WRITE);
        break;
    default:
        same_as_model(*f, at, n);
        break;
    }
}

static void beside_the_model(uint64_t with_seed, size_t most, int steps)
{
    struct memory m;
    struct cm_pfs_file *f;

    seed = with_seed;
    model_len = 0;
    created(&m);
    f = opened(&m, CM_PFS_OPEN_WRITE);
    for (int i = 0; i < steps && f != NULL && test_failed_checks == 0; i++) {
        random_step(&m, &f, most);
    }
    REQUIRE(f != NULL);
    same_as_model(f, 0, most);
    CHECK_EQ(cm_pfs_close(f), 0);
    f = opened(&m, 0);
    REQUIRE(f != NULL);
    same_as_model(f, 0, most);
    CHECK_EQ(cm_pfs_close(f), 0);
    memory_free(&m);
}

TEST(a_small_file_is_as_its_model)
{
    for (uint64_t s = 1; s <= 12; s++) {
        beside_the_model(s, 20000, 400);
    }
}

TEST(a_file_of_many_leaves_is_as_its_model)
{
    for (uint64_t s = 21; s <= 24; s++) {
        beside_the_model(s, MODEL_MAX, 300);
    }
}

/* more nodes than stay in memory, and as many levels as there are: over storage that is mostly holes */
enum { FAR = 4096, FAR_BLOCKS = 4096 };

static struct {
    uint64_t number;
    uint8_t bytes[CM_PFS_BLOCK];
} far_blocks[FAR_BLOCKS];
static size_t far_count;
static uint64_t far_len;

static uint8_t *far_block(uint64_t number)
{
    for (size_t i = 0; i < far_count; i++) {
        if (far_blocks[i].number == number) {
            return far_blocks[i].bytes;
        }
    }
    if (far_count == FAR_BLOCKS) {
        return NULL;
    }
    far_blocks[far_count].number = number;
    memset(far_blocks[far_count].bytes, 0, CM_PFS_BLOCK);
    return far_blocks[far_count++].bytes;
}

static long far_move(void *buf, const void *from, size_t n, uint64_t at)
{
    for (size_t done = 0; done < n; done += CM_PFS_BLOCK) {
        uint8_t *block = far_block((at + done) / CM_PFS_BLOCK);

        if (block == NULL) {
            return -ENOSPC;
        }
        if (from != NULL) {
            memcpy(block, (const uint8_t *)from + done, CM_PFS_BLOCK);
        } else {
            memcpy((uint8_t *)buf + done, block, CM_PFS_BLOCK);
        }
    }
    return 0;
}

static long far_read(void *ctx, void *buf, size_t n, uint64_t at)
{
    (void)ctx;
    return at + n > far_len ? -EBADMSG : far_move(buf, NULL, n, at);
}

static long far_write(void *ctx, const void *buf, size_t n, uint64_t at)
{
    (void)ctx;
    far_len = at + n > far_len ? at + n : far_len;
    return far_move(NULL, buf, n, at);
}

static long far_resize(void *ctx, uint64_t len)
{
    (void)ctx;
    far_len = len;
    return 0;
}

static long far_length(void *ctx, uint64_t *len)
{
    (void)ctx;
    *len = far_len;
    return 0;
}

TEST(a_sparse_file_of_a_tebibyte)
{
    static const struct cm_pfs_under under = {far_read, far_write, far_resize, memory_sync,
                                              far_length};
    struct memory unused = {.bytes = NULL};
    struct cm_pfs_ground g = {&under, &unused, &memory_keys, &key};
    struct cm_pfs_file *f = NULL;
    uint64_t at[200];
    char text[16];
    char back[16];

    seed = 5;
    CHECK_EQ(cm_pfs_create(&g, home), 0);
    CHECK_EQ(cm_pfs_open(&g, home, CM_PFS_OPEN_WRITE, &f), 0);
    for (unsigned i = 0; i < 200; i++) {
        at[i] = (roll(1 << 30) << 10 | roll(1 << 10)) % (CM_PFS_SIZE_MAX - 20);
        (void)snprintf(text, sizeof(text), "number %u", i);
        CHECK_EQ(cm_pfs_write(f, text, sizeof(text), at[i]), sizeof(text));
    }
    CHECK_EQ(cm_pfs_write(f, "end", 3, CM_PFS_SIZE_MAX - 3), 3);
    CHECK_EQ(cm_pfs_write(f, "end", 3, CM_PFS_SIZE_MAX - 2), -EFBIG);
    CHECK_EQ(cm_pfs_resize(f, CM_PFS_SIZE_MAX + 1), -EFBIG);
    CHECK_EQ(cm_pfs_close(f), 0);
    CHECK_EQ(cm_pfs_open(&g, home, CM_PFS_OPEN_WRITE, &f), 0);
    CHECK_EQ(cm_pfs_size(f), CM_PFS_SIZE_MAX);
    for (unsigned i = 0; i < 200; i++) {
        (void)snprintf(text, sizeof(text), "number %u", i);
        CHECK_EQ(cm_pfs_read(f, back, sizeof(back), at[i]), sizeof(back));
        CHECK_STR(back, text);
    }
    CHECK_EQ(cm_pfs_read(f, back, sizeof(back), CM_PFS_SIZE_MAX - 3), 3);
    CHECK_MEM(back, "end", 3);
    /* what is cut off does not come back */
    CHECK_EQ(cm_pfs_resize(f, 100), 0);
    CHECK_EQ(cm_pfs_resize(f, CM_PFS_SIZE_MAX), 0);
    for (unsigned i = 0; i < 200; i++) {
        memset(back, 1, sizeof(back));
        CHECK_EQ(cm_pfs_read(f, back, sizeof(back), at[i]), sizeof(back));
        CHECK(back[0] == 0 && memcmp(back, back + 1, sizeof(back) - 1) == 0);
    }
    CHECK_EQ(cm_pfs_close(f), 0);
    CHECK(far_count < FAR_BLOCKS);
}

/* ------------------------------------------------------------------------------ failures */

/* storage that fails: what was committed before stays, and nothing is claimed that is not so */
TEST(storage_that_fails)
{
    static uint8_t bytes[300000];
    struct memory m;
    struct cm_pfs_file *f;
    char text[8];

    created(&m);
    f = opened(&m, CM_PFS_OPEN_WRITE);
    CHECK_EQ(cm_pfs_write(f, "first", 5, 0), 5);
    CHECK_EQ(cm_pfs_commit(f), 0);
    m.fail = -ENOSPC;
    CHECK_EQ(cm_pfs_write(f, bytes, sizeof(bytes), 4096), -ENOSPC);
    CHECK_EQ(cm_pfs_size(f), 5);
    m.fail = 0;
    CHECK_EQ(cm_pfs_write(f, "again", 5, 4096), 5);
    m.fail = -EIO;
    CHECK_EQ(cm_pfs_commit(f), -EIO);
    m.fail = 0;
    CHECK_EQ(cm_pfs_commit(f), 0);
    CHECK_EQ(cm_pfs_write(f, "third", 5, 0), 5);
    m.fail = -EIO;
    CHECK_EQ(cm_pfs_close(f), -EIO);
    m.fail = 0;
    f = opened(&m, 0);
    CHECK_EQ(cm_pfs_size(f), 4101);
    CHECK_EQ(cm_pfs_read(f, text, 5, 0), 5);
    CHECK_MEM(text, "first", 5);
    CHECK_EQ(cm_pfs_close(f), 0);
    memory_free(&m);
}

/* a header that could not be written may stand there all the same: nothing is written after it */
TEST(a_commit_that_failed_is_the_last)
{
    struct memory m;
    struct cm_pfs_file *f;

    created(&m);
    f = opened(&m, CM_PFS_OPEN_WRITE);
    m.fail = -EIO;
    CHECK_EQ(cm_pfs_write(f, "text", 4, 0), -EIO);
    m.fail = 0;
    CHECK_EQ(cm_pfs_write(f, "text", 4, 0), -EIO);
    CHECK_EQ(cm_pfs_commit(f), -EIO);
    CHECK_EQ(cm_pfs_resize(f, 9), -EIO);
    CHECK_EQ(cm_pfs_close(f), -EIO);
    f = opened(&m, 0);
    CHECK_EQ(cm_pfs_size(f), 0);
    CHECK_EQ(cm_pfs_close(f), 0);
    memory_free(&m);
}

TEST(a_later_commit_that_failed_is_the_last)
{
    struct memory m;
    struct cm_pfs_file *f;
    char text[8];

    created(&m);
    f = opened(&m, CM_PFS_OPEN_WRITE);
    CHECK_EQ(cm_pfs_write(f, "first", 5, 0), 5);
    CHECK_EQ(cm_pfs_commit(f), 0);
    CHECK_EQ(cm_pfs_write(f, "second", 6, 0), 6);
    m.fail = -EIO;
    m.fail_end = 2 * CM_PFS_BLOCK; /* of the headers alone */
    CHECK_EQ(cm_pfs_commit(f), -EIO);
    m.fail = 0;
    CHECK_EQ(cm_pfs_commit(f), -EIO);
    CHECK_EQ(cm_pfs_write(f, "third", 5, 0), -EIO);
    CHECK_EQ(cm_pfs_close(f), -EIO);
    f = opened(&m, 0);
    CHECK_EQ(cm_pfs_read(f, text, sizeof(text), 0), 5);
    CHECK_MEM(text, "first", 5);
    CHECK_EQ(cm_pfs_close(f), 0);
    memory_free(&m);
}

/* generations do not begin anew: what a block's place is decided by would be of two times */
TEST(no_commit_after_the_last_generation)
{
    struct memory m;
    struct cm_pfs_file *f;

    created(&m);
    f = opened(&m, CM_PFS_OPEN_WRITE);
    f->body.version = CM_PFS_GEN_MAX - 1;
    CHECK_EQ(cm_pfs_write(f, "text", 4, 0), 4);
    CHECK_EQ(f->body.version, CM_PFS_GEN_MAX);
    CHECK_EQ(cm_pfs_commit(f), -EFBIG);
    CHECK_EQ(cm_pfs_close(f), -EFBIG);
    memory_free(&m);
}

static long all_of_it(struct memory *m)
{
    static uint8_t bytes[600000];
    struct cm_pfs_ground g = memory_ground(m, &key);
    struct cm_pfs_file *f = NULL;
    long r = cm_pfs_open(&g, home, CM_PFS_OPEN_WRITE, &f);
    long n = 0;

    if (r != 0) {
        return r;
    }
    r = cm_pfs_write(f, bytes, sizeof(bytes), 10);
    if (r >= 0) {
        n = cm_pfs_read(f, bytes, 1000, 524288);
        r = n < 0 ? n : cm_pfs_resize(f, 70000);
    }
    n = cm_pfs_close(f);
    return r < 0 ? r : n;
}

TEST(out_of_memory_at_every_allocation)
{
    struct memory m;
    struct memory work;
    long k;

    created(&m);
    for (k = 1; k < 500; k++) {
        struct cm_pfs_file *f;
        bool hit;
        long r;

        memory_copy(&m, &work);
        fail_alloc_at(k);
        r = all_of_it(&work);
        hit = fail_alloc_hit();
        fail_alloc_at(-1);
        CHECK(r == 0 || (hit && r == -ENOMEM));
        f = opened(&work, 0); /* what is there can be read, whatever it is */
        REQUIRE(f != NULL);
        CHECK(r != 0 || cm_pfs_size(f) == 70000);
        CHECK_EQ(cm_pfs_read(f, scratch, MODEL_MAX, 0), cm_pfs_size(f));
        CHECK_EQ(cm_pfs_close(f), 0);
        memory_free(&work);
        if (!hit) {
            break;
        }
    }
    CHECK(k > 30 && k < 500);
    memory_free(&m);
}

TEST_MAIN
