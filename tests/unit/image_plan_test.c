/* Layout, measurement and SIGSTRUCT of an image. */
#include "harness.h"

#include <openssl/evp.h>

#include "abi/layout.h"
#include "arch/sgx.h"
#include "crypto/crypto.h"
#include "image/elf_image.h"
#include "sign/elf_fixture.h"

static struct fixture fx;

static struct cm_image *open_fixture(struct cm_enclave_props *p)
{
    struct cm_image *image = NULL;

    fx_make(&fx);
    CHECK_EQ(cm_image_open(cm_span_make(fx.b, sizeof(fx.b)), &image, NULL), CM_OK);
    if (image != NULL) {
        cm_image_props(image, p);
    }
    return image;
}

static struct cm_plan *make_plan(const struct cm_image *image, const struct cm_enclave_props *p)
{
    struct cm_plan *plan = NULL;
    struct cm_why why = {{0}};

    CHECK_EQ(cm_plan_make(image, p, &plan, &why), CM_OK);
    CHECK_STR(why.text, "");
    return plan;
}

TEST(regions_are_ascending_pages_inside_the_enclave)
{
    struct cm_enclave_props p;
    struct cm_image *image = open_fixture(&p);
    struct cm_plan *plan = NULL;
    uint64_t end = 0;

    REQUIRE(image != NULL);
    plan = make_plan(image, &p);
    REQUIRE(plan != NULL);
    for (size_t i = 0; i < plan->region_count; i++) {
        const struct cm_region *r = &plan->regions[i];

        CHECK(r->offset >= end);
        CHECK(r->length != 0 && r->length % CM_PAGE_SIZE == 0 && r->offset % CM_PAGE_SIZE == 0);
        CHECK(r->data == NULL || (uintptr_t)r->data % CM_PAGE_SIZE == 0);
        CHECK((r->secinfo_flags & (SGX_SECINFO_W | SGX_SECINFO_X)) !=
              (SGX_SECINFO_W | SGX_SECINFO_X));
        CHECK(r->measured == (strcmp(r->what, "heap") != 0)); /* G1 */
        end = r->offset + r->length;
    }
    CHECK(end <= plan->enclave_size);
    CHECK((plan->enclave_size & (plan->enclave_size - 1)) == 0);
    CHECK(plan->enclave_size / 2 < end);
    cm_plan_free(plan);
    cm_image_free(image);
}

/* What the runtime relies on: see the picture in abi/layout.h. */
TEST(threads_are_laid_out_as_agreed)
{
    struct cm_enclave_props p;
    struct cm_image *image = open_fixture(&p);
    struct cm_plan *plan = NULL;
    uint64_t seen = 0;

    REQUIRE(image != NULL);
    plan = make_plan(image, &p);
    REQUIRE(plan != NULL);
    CHECK_EQ(plan->heap_offset, FX_BSS_END);
    CHECK_EQ(plan->heap_length, 16 * CM_PAGE_SIZE);
    CHECK_EQ(plan->tcs_offset, FX_BSS_END + (16 + 1 + 4 + 1) * CM_PAGE_SIZE);
    for (size_t i = 0; i + 3 < plan->region_count; i++) {
        const struct cm_region *stack = &plan->regions[i];
        const struct cm_region *tcs = stack + 1;
        const struct cm_region *ssa = stack + 2;
        const struct cm_region *td = stack + 3;
        struct sgx_tcs t;

        if (strcmp(stack->what, "stack") != 0) {
            continue;
        }
        CHECK_EQ(stack->thread, seen);
        CHECK_EQ(tcs->offset, plan->tcs_offset + seen * plan->tcs_stride);
        CHECK_EQ(tcs->offset, stack->offset + stack->length + CM_GUARD_SIZE);
        CHECK_EQ(ssa->offset, tcs->offset + CM_TCS_TO_SSA);
        CHECK_EQ(td->offset, ssa->offset + ssa->length + CM_GUARD_SIZE);
        CHECK_EQ(td->length, CM_PAGE_SIZE + CM_TD_SIZE); /* 0x48 bytes of TLS fill one page */
        CHECK_EQ(tcs->secinfo_flags, 0x100);
        memcpy(&t, tcs->data, sizeof(t));
        CHECK_EQ(t.ossa, ssa->offset);
        CHECK_EQ(t.cssa, 0);
        CHECK_EQ(t.nssa, CM_NSSA);
        CHECK_EQ(t.oentry, FX_ENTRY);
        CHECK_EQ(t.ofsbase, td->offset + CM_PAGE_SIZE);
        CHECK_EQ(t.ogsbase, t.ofsbase);
        seen++;
    }
    CHECK_EQ(seen, 2);
    cm_plan_free(plan);
    cm_image_free(image);
}

/* The measured .oeinfo carries the configuration in force and never the signature. */
TEST(oeinfo_is_patched_in_the_measured_copy)
{
    struct cm_enclave_props p;
    struct cm_enclave_props back;
    struct cm_image *image = open_fixture(&p);
    struct cm_plan *plan = NULL;
    bool is_signed = true;
    const uint8_t *oeinfo = NULL;
    uint64_t info[6];

    REQUIRE(image != NULL);
    p.heap_pages = 99;
    p.product_id = 4660;
    p.capture_pf_gp = true;
    plan = make_plan(image, &p);
    REQUIRE(plan != NULL);
    oeinfo = plan->regions[0].data + FX_OEINFO;
    CHECK_EQ(cm_oeinfo_read(cm_span_make(oeinfo, CM_OEINFO_SIZE), &back, &is_signed, NULL), CM_OK);
    CHECK(!is_signed);
    CHECK_EQ(back.heap_pages, 99);
    CHECK_EQ(back.product_id, 4660);
    CHECK(back.capture_pf_gp);
    memcpy(info, oeinfo + 96, sizeof(info));
    CHECK_EQ(info[0], FX_OEINFO);
    CHECK_EQ(info[1], CM_OEINFO_SIZE);
    CHECK_EQ(info[2], FX_RELA);
    CHECK_EQ(info[3], 48);
    CHECK_EQ(info[4], plan->heap_offset);
    CHECK_EQ(info[5], plan->enclave_size);
    cm_plan_free(plan);
    cm_image_free(image);
}

TEST(a_zero_base_enclave_is_shifted)
{
    struct cm_enclave_props p;
    struct cm_image *image = open_fixture(&p);
    struct cm_plan *plan = NULL;

    REQUIRE(image != NULL);
    p.zero_base = true;
    p.start_address = 0x20000;
    plan = make_plan(image, &p);
    REQUIRE(plan != NULL);
    CHECK(plan->zero_base);
    CHECK_EQ(plan->regions[0].offset, 0x20000);
    CHECK_EQ(plan->entry_offset, 0x20000 + FX_ENTRY);
    CHECK(plan->enclave_size > 0x20000);
    cm_plan_free(plan);
    p.start_address = 0x1000;
    CHECK_EQ(cm_plan_make(image, &p, &plan, NULL), CM_ERR_FORMAT);
    p.start_address = 0x20800;
    CHECK_EQ(cm_plan_make(image, &p, &plan, NULL), CM_ERR_FORMAT);
    cm_image_free(image);
}

/* One page more than the largest SECS.SIZE: the round up to a power of two would double it. */
TEST(the_largest_enclave_and_one_page_more)
{
    struct cm_enclave_props p;
    struct cm_image *image = open_fixture(&p);
    struct cm_plan *plan = NULL;
    struct cm_why why = {{0}};
    const struct cm_region *last = NULL;
    uint64_t span = 0;

    REQUIRE(image != NULL);
    p.zero_base = true;
    p.start_address = 0x20000;
    plan = make_plan(image, &p);
    REQUIRE(plan != NULL);
    last = &plan->regions[plan->region_count - 1];
    span = last->offset + last->length - p.start_address;
    cm_plan_free(plan);
    p.start_address = CM_ENCLAVE_MAX_SIZE - span;
    plan = make_plan(image, &p);
    REQUIRE(plan != NULL);
    CHECK_EQ(plan->enclave_size, CM_ENCLAVE_MAX_SIZE);
    last = &plan->regions[plan->region_count - 1];
    CHECK_EQ(last->offset + last->length, CM_ENCLAVE_MAX_SIZE);
    cm_plan_free(plan);
    plan = NULL;
    p.start_address += CM_PAGE_SIZE;
    CHECK_EQ(cm_plan_make(image, &p, &plan, &why), CM_ERR_LIMIT);
    CHECK(plan == NULL);
    CHECK(strstr(why.text, "heap pages") != NULL);
    cm_image_free(image);
}

TEST(bad_properties_are_named)
{
    struct cm_enclave_props good;
    struct cm_image *image = open_fixture(&good);
    struct cm_enclave_props p[8];
    static const char *const names[8] = {"NumTCS",        "NumTCS",       "NumStackPages",
                                         "NumStackPages", "NumHeapPages", "attributes",
                                         "XFRM",          "KSS"};
    struct cm_plan *plan = NULL;

    REQUIRE(image != NULL);
    for (size_t i = 0; i < 8; i++) {
        p[i] = good;
    }
    p[0].tcs_count = 0;
    p[1].tcs_count = 1025;
    p[2].stack_pages = 0;
    p[3].stack_pages = UINT64_MAX / CM_PAGE_SIZE + 2;
    p[4].heap_pages = UINT64_MAX;
    p[5].attributes |= SGX_ATTR_PROVISIONKEY;
    p[6].xfrm = 7;
    p[7].family_id[3] = 1;
    for (size_t i = 0; i < 8; i++) {
        struct cm_why why = {{0}};

        CHECK_EQ(cm_plan_make(image, &p[i], &plan, &why), CM_ERR_FORMAT);
        CHECK(plan == NULL);
        CHECK(strstr(why.text, names[i]) != NULL);
    }
    good.stack_pages = CM_MAX_STACK_PAGES;
    good.tcs_count = CM_MAX_TCS;
    CHECK_EQ(cm_plan_make(image, &good, &plan, NULL), CM_ERR_LIMIT);
    cm_image_free(image);
}

/* An independent computation: the log of the leaf functions, one byte array a call, in the words
 * of the SDM, hashed by OpenSSL directly. */
static void log_leaf(EVP_MD_CTX *md, const char tag[8], uint64_t a, uint64_t b)
{
    uint8_t block[64] = {0};

    memcpy(block, tag, 8);
    memcpy(block + 8, &a, 8);
    memcpy(block + 16, &b, 8);
    CHECK_EQ(EVP_DigestUpdate(md, block, sizeof(block)), 1);
}

TEST(mrenclave_equals_an_independent_log)
{
    static const uint8_t zeros[4096];
    struct cm_enclave_props p;
    struct cm_image *image = open_fixture(&p);
    struct cm_plan *plan = NULL;
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    uint8_t expect[32];
    uint8_t got[32];

    REQUIRE(image != NULL && md != NULL);
    plan = make_plan(image, &p);
    REQUIRE(plan != NULL);
    CHECK_EQ(EVP_DigestInit_ex(md, EVP_sha256(), NULL), 1);
    /* SSAFRAMESIZE is 32 bits wide and SIZE follows it directly */
    log_leaf(md, "ECREATE", 1 | plan->enclave_size << 32, plan->enclave_size >> 32);
    for (uint64_t page = 0; page < plan->enclave_size; page += 4096) {
        const struct cm_region *r = NULL;

        for (size_t i = 0; i < plan->region_count; i++) {
            if (page >= plan->regions[i].offset &&
                page - plan->regions[i].offset < plan->regions[i].length) {
                r = &plan->regions[i];
            }
        }
        if (r == NULL) {
            continue;
        }
        log_leaf(md, "EADD\0\0\0", page, r->secinfo_flags);
        for (uint64_t c = 0; r->measured && c < 4096; c += 256) {
            const uint8_t *bytes = r->data != NULL ? r->data + (page - r->offset) : zeros;

            log_leaf(md, "EEXTEND", page + c, 0);
            CHECK_EQ(EVP_DigestUpdate(md, bytes + c, 256), 1);
        }
    }
    CHECK_EQ(EVP_DigestFinal_ex(md, expect, NULL), 1);
    CHECK_EQ(cm_plan_mrenclave(plan, got), CM_OK);
    CHECK_MEM(got, expect, 32);
    EVP_MD_CTX_free(md);
    cm_plan_free(plan);
    cm_image_free(image);
}

static void measure(const struct cm_enclave_props *p, uint8_t out[32])
{
    struct cm_image *image = NULL;
    struct cm_plan *plan = NULL;

    memset(out, 0, 32);
    REQUIRE(cm_image_open(cm_span_make(fx.b, sizeof(fx.b)), &image, NULL) == CM_OK);
    plan = make_plan(image, p);
    if (plan != NULL) {
        CHECK_EQ(cm_plan_mrenclave(plan, out), CM_OK);
    }
    cm_plan_free(plan);
    cm_image_free(image);
}

/* Pinned: every enclave in the field changes its identity when this value changes. Came from
 * tests/sign/measure_log, which shares no code with src/. */
TEST(the_measurement_of_the_fixture_is_known)
{
    static const uint8_t expect[32] = {0xfd, 0x0f, 0x53, 0xd0, 0xaa, 0x19, 0x74, 0xd0,
                                       0x5a, 0xc0, 0x68, 0xa4, 0xca, 0x34, 0xaf, 0xf3,
                                       0x8e, 0x48, 0x2f, 0x88, 0x74, 0x4e, 0x59, 0xb4,
                                       0x3c, 0x7d, 0xde, 0x96, 0x8c, 0x39, 0xa7, 0x22};
    struct cm_enclave_props p;
    struct cm_image *image = open_fixture(&p);
    uint8_t got[32];

    REQUIRE(image != NULL);
    cm_image_free(image);
    measure(&p, got);
    CHECK_MEM(got, expect, 32);
}

TEST(a_patched_image_measures_differently)
{
    static const size_t places[] = {0x40 + 24 /* p_paddr */, FX_OEINFO + 33, FX_ENTRY + 3,
                                    FX_WORDS + 128, FX_DATA_END - 1};
    struct cm_enclave_props p;
    struct cm_image *image = open_fixture(&p);
    uint8_t good[32];
    uint8_t bad[32];

    REQUIRE(image != NULL);
    cm_image_free(image);
    measure(&p, good);
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        struct cm_enclave_props q = p;

        fx.b[places[i]] ^= 1;
        q.product_id = (uint16_t)(places[i] == FX_OEINFO + 33 ? 263 : q.product_id);
        measure(&q, bad);
        fx.b[places[i]] ^= 1;
        CHECK(memcmp(good, bad, 32) != 0);
    }
    measure(&p, bad);
    CHECK_MEM(good, bad, 32);
}

/* A file at a page aligned address is not copied, and the enclave is the same. */
TEST(whole_pages_are_borrowed_from_an_aligned_file)
{
    enum { BIG = 0x6000 }; /* text: 6 pages, of which the last is partial */
    static uint8_t memory[2 * CM_PAGE_SIZE + FX_SIZE + BIG];
    uint8_t *aligned = memory + (CM_PAGE_SIZE - (uintptr_t)memory % CM_PAGE_SIZE);
    static struct fixture f;
    struct cm_enclave_props p;
    uint8_t m[2][32];

    for (size_t shift = 0; shift < 2; shift++) {
        uint8_t *file = aligned + shift;
        struct cm_image *image = NULL;
        struct cm_plan *plan = NULL;
        const struct cm_region *text = NULL;

        /* the code goes behind everything else, at the end of the file and of the addresses */
        fx_make(&f);
        fx_phdr(&f, FX_PT_STACK, PT_LOAD, PF_R | PF_X, 0x4000, BIG - 0x10);
        memset(file, 0xc3, 0x4000 + BIG - 0x10);
        memcpy(file, f.b, sizeof(f.b));
        REQUIRE(cm_image_open(cm_span_make(file, 0x4000 + BIG - 0x10), &image, NULL) == CM_OK);
        cm_image_props(image, &p);
        plan = make_plan(image, &p);
        REQUIRE(plan != NULL);
        for (size_t i = 0; i < plan->region_count; i++) {
            text = plan->regions[i].offset == 0x4000 ? &plan->regions[i] : text;
        }
        REQUIRE(text != NULL);
        CHECK_EQ(text->length, shift == 0 ? BIG - CM_PAGE_SIZE : BIG);
        CHECK((text->data == file + 0x4000) == (shift == 0));
        CHECK_EQ(cm_plan_mrenclave(plan, m[shift]), CM_OK);
        CHECK((uintptr_t)text->data % CM_PAGE_SIZE == 0);
        cm_plan_free(plan);
        cm_image_free(image);
    }
    CHECK_MEM(m[0], m[1], 32);
}

TEST(signing_does_not_change_the_measurement)
{
    struct cm_enclave_props p;
    struct cm_enclave_props back;
    struct cm_image *image = open_fixture(&p);
    struct cm_image *again = NULL;
    struct cm_plan *plan = NULL;
    struct cm_plan *plan2 = NULL;
    uint8_t sig[CM_SIGSTRUCT_SIZE];
    uint8_t m1[32];
    uint8_t m2[32];
    uint8_t *file = NULL;
    size_t len = 0;

    REQUIRE(image != NULL);
    p.tcs_count = 5;
    p.attributes = SGX_ATTR_MODE64 | SGX_ATTR_KSS;
    p.family_id[0] = 9;
    plan = make_plan(image, &p);
    REQUIRE(plan != NULL);
    CHECK_EQ(cm_plan_mrenclave(plan, m1), CM_OK);
    CHECK_EQ(cm_sigstruct_build(&p, m1, 0x20260102, sig), CM_OK);
    CHECK_EQ(cm_image_signed_file(image, &p, plan, sig, &file, &len), CM_OK);
    REQUIRE(file != NULL);
    CHECK_EQ(len, sizeof(fx.b));
    REQUIRE(cm_image_open(cm_span_make(file, len), &again, NULL) == CM_OK);
    cm_image_props(again, &back);
    CHECK_EQ(back.tcs_count, 5);
    CHECK_EQ(back.family_id[0], 9);
    REQUIRE(cm_image_sigstruct(again).len == CM_SIGSTRUCT_SIZE);
    CHECK_MEM(cm_image_sigstruct(again).ptr, sig, CM_SIGSTRUCT_SIZE);
    plan2 = make_plan(again, &back);
    REQUIRE(plan2 != NULL);
    CHECK_EQ(cm_plan_mrenclave(plan2, m2), CM_OK);
    CHECK_MEM(m1, m2, 32);
    cm_plan_free(plan2);
    cm_image_free(again);
    free(file);
    cm_plan_free(plan);
    cm_image_free(image);
}

TEST(out_of_memory_at_every_allocation)
{
    struct cm_enclave_props p;
    struct cm_image *image = open_fixture(&p);
    struct cm_plan *plan = NULL;
    long k = 1;

    REQUIRE(image != NULL);
    for (;; k++) {
        enum cm_status st = CM_OK;

        fail_alloc_at(k);
        st = cm_plan_make(image, &p, &plan, NULL);
        if (!fail_alloc_hit()) {
            CHECK_EQ(st, CM_OK);
            break;
        }
        CHECK_EQ(st, CM_ERR_NOMEM);
        CHECK(plan == NULL);
    }
    fail_alloc_at(-1);
    CHECK(k > 3);
    cm_plan_free(plan);
    cm_image_free(image);
}

TEST_MAIN
