/* The hasher beside the measuring thread gives the digest of the same bytes in the same order. */
#include "harness.h"

#include <sys/wait.h>
#include <unistd.h>

#include "crypto/crypto.h"
#include "sgxemu/emu_hasher.h"

static uint8_t bytes[64 * EMU_HASHER_PIECE];

static void fill(void)
{
    for (size_t i = 0; i < sizeof(bytes); i++) {
        bytes[i] = (uint8_t)(i * 31 + (i >> 12));
    }
}

/* total bytes in pieces of at most `most`; the digest through the hasher */
static void through(size_t total, size_t most, uint8_t out[CM_SHA256_SIZE])
{
    struct cm_sha256 *hash = NULL;
    struct emu_hasher *h = NULL;

    REQUIRE(cm_sha256_create(&hash) == CM_OK);
    h = cm_emu_hasher_create(hash);
    REQUIRE(h != NULL);
    for (size_t done = 0; done < total;) {
        size_t n = total - done < most ? total - done : most;

        memcpy(cm_emu_hasher_piece(h), bytes + done, n);
        cm_emu_hasher_push(h, n);
        done += n;
    }
    CHECK_EQ(cm_emu_hasher_drain(h), CM_OK);
    CHECK_EQ(cm_sha256_final(hash, out), CM_OK);
    cm_emu_hasher_free(h);
    cm_sha256_free(hash);
}

TEST(same_digest_for_every_cut)
{
    static const size_t cuts[] = {1000, EMU_HASHER_PIECE - 1, EMU_HASHER_PIECE};
    uint8_t want[CM_SHA256_SIZE];
    uint8_t got[CM_SHA256_SIZE];

    fill();
    for (size_t c = 0; c < sizeof(cuts) / sizeof(cuts[0]); c++) {
        for (size_t total = 0; total <= sizeof(bytes); total = total * 3 + 777) {
            CHECK_EQ(cm_sha256_of(cm_span_make(bytes, total), want), CM_OK);
            through(total, cuts[c], got);
            CHECK_MEM(got, want, sizeof(want));
        }
    }
}

TEST(many_at_once_end_and_can_be_given_up)
{
    struct cm_sha256 *hash[16];
    struct emu_hasher *h[16];

    for (int i = 0; i < 16; i++) {
        CHECK_EQ(cm_sha256_create(&hash[i]), CM_OK);
        h[i] = cm_emu_hasher_create(hash[i]);
        REQUIRE(h[i] != NULL);
    }
    for (int round = 0; round < 20; round++) {
        for (int i = 0; i < 16; i++) {
            memset(cm_emu_hasher_piece(h[i]), round, EMU_HASHER_PIECE);
            cm_emu_hasher_push(h[i], EMU_HASHER_PIECE);
        }
    }
    for (int i = 0; i < 16; i++) { /* without waiting for the rest */
        cm_emu_hasher_free(h[i]);
        cm_sha256_free(hash[i]);
    }
    cm_emu_hasher_free(NULL);
}

TEST(a_forked_child_gets_an_error_and_no_hang)
{
    struct cm_sha256 *hash = NULL;
    struct emu_hasher *h = NULL;
    int status = -1;
    pid_t child = 0;

    CHECK_EQ(cm_sha256_create(&hash), CM_OK);
    h = cm_emu_hasher_create(hash);
    REQUIRE(h != NULL);
    for (int i = 0; i < 4; i++) {
        cm_emu_hasher_push(h, 4096);
    }
    child = fork();
    if (child == 0) {
        (void)alarm(20);
        for (int i = 0; i < 100; i++) {
            cm_emu_hasher_push(h, 4096);
        }
        status = cm_emu_hasher_drain(h) == CM_OK;
        if (sysconf(_SC_NPROCESSORS_ONLN) < 2) {
            status = 0; /* there was no thread to lose */
        }
        cm_emu_hasher_free(h);
        _exit(status);
    }
    CHECK_EQ(waitpid(child, &status, 0), child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    CHECK_EQ(cm_emu_hasher_drain(h), CM_OK);
    cm_emu_hasher_free(h);
    cm_sha256_free(hash);
}

TEST_MAIN
