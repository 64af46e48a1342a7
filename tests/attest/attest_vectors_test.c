/*
 * The real DCAP vectors of ../shared/vectors/dcap, where they exist, through the public API: the same
 * verdict as the verifier's own, for genuine quotes and for those that were changed.
 */
#include "attest_kit.h"

#include <dirent.h>

#include "os/os.h"

#define ROOT "../shared/vectors/dcap"

static unsigned seen;
static unsigned accepted;

static struct cm_span read_part(uint8_t *files[8], int slot, const char *dir, const char *name)
{
    char path[600] = "";
    size_t len = 0;

    (void)snprintf(path, sizeof(path), "%s/%s", dir, name);
    if (cm_file_read(path, 1u << 20, &files[slot], &len, NULL) != CM_OK) {
        return cm_span_make(NULL, 0);
    }
    return cm_span_make(files[slot], len);
}

static uint64_t time_of(struct cm_span json)
{
    static const char name[] = "\"time\": ";

    for (size_t i = 0; i + sizeof(name) < json.len; i++) {
        if (memcmp(json.ptr + i, name, sizeof(name) - 1) == 0) {
            return strtoull((const char *)json.ptr + i + sizeof(name) - 1, NULL, 10);
        }
    }
    return 0;
}

/* whether the verifier finds nothing wrong but perhaps the platform's status */
static bool genuine(struct cm_span quote, const struct cm_dcap_collateral *col, uint64_t now)
{
    struct cm_verify_input in = {.now = now, .roots = cm_dcap_intel_root(), .root_count = 1};
    struct cm_evidence *ev = NULL;
    const struct cm_check *c = NULL;
    bool ok = true;

    (void)!cm_dcap_verify(quote, col, &in, 0xff, NULL, &ev);
    ok = ev != NULL;
    for (size_t i = 0; ok && (c = cm_evidence_check(ev, 0, i)) != NULL; i++) {
        ok = !c->required || c->result != CM_CHECK_FAIL || strcmp(c->name, "tcb.status") == 0;
    }
    cm_evidence_free(ev);
    return ok;
}

static void judge(const char *dir)
{
    uint8_t *files[8] = {NULL};
    struct cm_dcap_collateral col = {
        .tcb_info = read_part(files, 0, dir, "tcb_info.json"),
        .tcb_info_chain = read_part(files, 1, dir, "tcb_info_issuer_chain.pem"),
        .qe_identity = read_part(files, 2, dir, "qe_identity.json"),
        .qe_identity_chain = read_part(files, 3, dir, "qe_identity_issuer_chain.pem"),
        .root_ca_crl = read_part(files, 4, dir, "root_ca_crl.der"),
        .pck_crl = read_part(files, 5, dir, "pck_crl.der"),
    };
    struct cm_span quote = read_part(files, 6, dir, "quote.bin");
    struct cm_span expect = read_part(files, 7, dir, "expect.json");
    struct cm_span bare = quote;
    struct cm_span rest = {NULL, 0};
    bool tdx = quote.len > 4 && quote.ptr[4] == 0x81;
    struct kit k = {NULL, (uint8_t *)(uintptr_t)quote.ptr, quote.len, NULL, 0, NULL, 0};
    oe_result_t result = OE_OK;
    bool want = false;

    if (quote.len != 0 && expect.len != 0) {
        if (tdx && cm_quote_split(quote, &bare, &rest) == CM_OK) {
            for (size_t i = 0; i < rest.len; i++) {
                bare = rest.ptr[i] == 0 ? bare : quote;
            }
        }
        want = genuine(bare, &col, time_of(expect));
        REQUIRE(cm_endorsements_make(&col, bare, PKI_NOW, &k.endorsements, &k.endorsements_size) ==
                OE_OK);
        result = kit_verify_at(&k, tdx ? &kit_tdx : &kit_raw, time_of(expect));
        if ((result == OE_OK || result == OE_TCB_LEVEL_INVALID) != want) {
            TEST_FAIL("%s: %d", dir, (int)result);
        }
        CHECK_EQ(k.claims != NULL, want);
        seen++;
        accepted += want;
    }
    (void)oe_free_claims(k.claims, k.claim_count);
    free(k.endorsements);
    for (int i = 0; i < 8; i++) {
        free(files[i]);
    }
}

/* every folder below, two levels deep */
static void walk(const char *dir, int depth)
{
    DIR *d = opendir(dir);
    const struct dirent *e = NULL;

    judge(dir);
    while (d != NULL && depth != 0 && (e = readdir(d)) != NULL) {
        char path[512] = "";

        if (e->d_name[0] != '.' && strchr(e->d_name, '.') == NULL) {
            (void)snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
            walk(path, depth - 1);
        }
    }
    if (d != NULL) {
        (void)closedir(d);
    }
}

TEST(real_vectors_through_the_api)
{
    DIR *d = opendir(ROOT);

    if (d == NULL) {
        SKIP("no " ROOT);
    }
    (void)closedir(d);
    CHECK_EQ(setenv("OE_LOG_LEVEL", "NONE", 1), 0);
    CHECK_EQ(oe_verifier_initialize(), OE_OK);
    CHECK_EQ(oe_tdx_verifier_initialize(), OE_OK);
    walk(ROOT, 2);
    (void)printf("%u vectors, %u of them genuine\n", seen, accepted);
    CHECK(seen > 50 && accepted > 5);
}

TEST_MAIN
