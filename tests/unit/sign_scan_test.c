/* The instruction check: each kind of instruction once, sites of ENCLU, symbols, waivers. */
#include "harness.h"

#include "image/elf_image.h"
#include "image/scan.h"
#include "sign/elf_fixture.h"
#include "sign/sign.h"

static struct fixture fx;

struct seen {
    unsigned int hits;
    struct cm_scan_hit last;
};

static void see(void *context, const struct cm_scan_hit *hit)
{
    struct seen *s = context;

    s->hits++;
    s->last = *hit;
}

static struct cm_scan_result scan(struct seen *seen)
{
    struct cm_image *image = NULL;
    struct cm_scan_result result = {0};

    memset(seen, 0, sizeof(*seen));
    CHECK_EQ(cm_image_open(cm_span_make(fx.b, sizeof(fx.b)), &image, NULL), CM_OK);
    if (image != NULL) {
        CHECK_EQ(cm_image_scan(image, see, seen, &result), CM_OK);
    }
    cm_image_free(image);
    return result;
}

TEST(clean_code_is_clean)
{
    struct seen seen;
    struct cm_scan_result r;

    fx_make(&fx);
    r = scan(&seen);
    CHECK(r.scanned);
    CHECK_EQ(seen.hits, 0);
    CHECK_EQ(r.covered, 48);
    CHECK_EQ(r.executable, 0x100);
}

TEST(each_instruction_has_its_level)
{
    enum { OK = 2 };
    static const struct {
        const char *name;
        size_t len;
        uint8_t code[10];
        int level;
    } cases[] = {
        {"syscall", 2, {0x0f, 0x05}, CM_SCAN_ERROR},
        {"sysenter", 2, {0x0f, 0x34}, CM_SCAN_ERROR},
        {"sysret", 2, {0x0f, 0x07}, CM_SCAN_ERROR},
        {"int", 2, {0xcd, 0x80}, CM_SCAN_ERROR},
        {"int1", 1, {0xf1}, CM_SCAN_ERROR},
        {"in", 1, {0xec}, CM_SCAN_ERROR},
        {"in", 2, {0xe4, 0x10}, CM_SCAN_ERROR},
        {"out", 1, {0xee}, CM_SCAN_ERROR},
        {"insb", 1, {0x6c}, CM_SCAN_ERROR},
        {"outsb", 2, {0xf3, 0x6e}, CM_SCAN_ERROR},
        {"iretq", 2, {0x48, 0xcf}, CM_SCAN_ERROR},
        {"ret", 1, {0xcb}, CM_SCAN_ERROR}, /* far */
        {"jmp", 2, {0xff, 0x28}, CM_SCAN_ERROR},
        {"call", 2, {0xff, 0x18}, CM_SCAN_ERROR},
        {"getsec", 2, {0x0f, 0x37}, CM_SCAN_ERROR},
        {"vmcall", 3, {0x0f, 0x01, 0xc1}, CM_SCAN_ERROR},
        {"vmfunc", 3, {0x0f, 0x01, 0xd4}, CM_SCAN_ERROR},
        {"rdpmc", 2, {0x0f, 0x33}, CM_SCAN_ERROR},
        {"sgdt", 3, {0x0f, 0x01, 0x00}, CM_SCAN_ERROR},
        {"sidt", 3, {0x0f, 0x01, 0x08}, CM_SCAN_ERROR},
        {"sldt", 3, {0x0f, 0x00, 0x00}, CM_SCAN_ERROR},
        {"str", 3, {0x0f, 0x00, 0x08}, CM_SCAN_ERROR},
        {"lgdt", 3, {0x0f, 0x01, 0x10}, CM_SCAN_ERROR},
        {"lidt", 3, {0x0f, 0x01, 0x18}, CM_SCAN_ERROR},
        {"lldt", 3, {0x0f, 0x00, 0x10}, CM_SCAN_ERROR},
        {"ltr", 3, {0x0f, 0x00, 0x18}, CM_SCAN_ERROR},
        {"lmsw", 3, {0x0f, 0x01, 0x30}, CM_SCAN_ERROR},
        {"invlpg", 3, {0x0f, 0x01, 0x38}, CM_SCAN_ERROR},
        {"swapgs", 3, {0x0f, 0x01, 0xf8}, CM_SCAN_ERROR},
        {"xsetbv", 3, {0x0f, 0x01, 0xd1}, CM_SCAN_ERROR},
        {"clts", 2, {0x0f, 0x06}, CM_SCAN_ERROR},
        {"wbinvd", 2, {0x0f, 0x09}, CM_SCAN_ERROR},
        {"rdmsr", 2, {0x0f, 0x32}, CM_SCAN_ERROR},
        {"monitor", 3, {0x0f, 0x01, 0xc8}, CM_SCAN_ERROR},
        {"mwait", 3, {0x0f, 0x01, 0xc9}, CM_SCAN_ERROR},
        {"wrmsr", 2, {0x0f, 0x30}, CM_SCAN_ERROR},
        {"mov", 3, {0x0f, 0x22, 0xd8}, CM_SCAN_ERROR}, /* to CR3 */
        {"mov", 2, {0x8e, 0xc0}, CM_SCAN_ERROR},       /* to ES */
        {"pop", 2, {0x0f, 0xa1}, CM_SCAN_ERROR},       /* FS */
        {"lfs", 3, {0x0f, 0xb4, 0x00}, CM_SCAN_ERROR},
        {"cli", 1, {0xfa}, CM_SCAN_ERROR},
        {"sti", 1, {0xfb}, CM_SCAN_ERROR},
        {"encls", 3, {0x0f, 0x01, 0xcf}, CM_SCAN_ERROR},
        {"enclv", 3, {0x0f, 0x01, 0xc0}, CM_SCAN_ERROR},
        {"enclu", 3, {0x0f, 0x01, 0xd7}, CM_SCAN_ERROR},
        {"cpuid", 2, {0x0f, 0xa2}, CM_SCAN_WARNING},
        {"rdtsc", 2, {0x0f, 0x31}, CM_SCAN_WARNING},
        {"rdtscp", 3, {0x0f, 0x01, 0xf9}, CM_SCAN_WARNING},
        {"(undecodable)", 1, {0x06}, CM_SCAN_WARNING},
        {"hlt", 1, {0xf4}, OK},
        {"ud2", 2, {0x0f, 0x0b}, OK},
        {"int3", 1, {0xcc}, OK},
        {"wrfsbase", 4, {0xf3, 0x0f, 0xae, 0xd0}, OK},
        {"rdrand", 3, {0x0f, 0xc7, 0xf0}, OK},
        {"xgetbv", 3, {0x0f, 0x01, 0xd0}, OK},
        {"mov", 2, {0x8c, 0xc0}, OK}, /* from ES */
        {"pop", 1, {0x58}, OK},
        {"movabs",
         10,
         {0x48, 0xb8, 0x0f, 0x05, 0x0f, 0x01, 0xd7, 0xc3, 0x0f, 0xa2},
         OK}, /* bytes in an operand */
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct seen seen;
        struct cm_scan_result r;

        fx_make(&fx);
        memcpy(fx.b + FX_HELPER + 3, cases[i].code, cases[i].len);
        r = scan(&seen);
        if (cases[i].level == OK) {
            if (seen.hits != 0) {
                TEST_FAIL("%s is reported as %s", cases[i].name, seen.last.instruction);
            }
            continue;
        }
        CHECK_EQ(seen.hits, 1);
        CHECK_EQ(seen.last.level, cases[i].level);
        CHECK_EQ(r.errors, cases[i].level == CM_SCAN_ERROR);
        CHECK_STR(seen.last.instruction, cases[i].name);
    }
}

/* One instruction followed by NOPs: reported once, by name, level, function and offset. */
TEST(a_hit_says_where)
{
    struct seen seen;
    struct cm_scan_result r;

    fx_make(&fx);
    fx.b[FX_HELPER + 4] = 0x0f;
    fx.b[FX_HELPER + 5] = 0x05;
    r = scan(&seen);
    REQUIRE(seen.hits == 1);
    CHECK_EQ(r.errors, 1);
    CHECK_EQ(r.warnings, 0);
    CHECK_STR(seen.last.instruction, "syscall");
    CHECK_EQ(seen.last.level, CM_SCAN_ERROR);
    CHECK_EQ(seen.last.address, FX_HELPER + 4);
    CHECK_EQ(seen.last.offset, 4);
    REQUIRE(seen.last.function.len == strlen("helper"));
    CHECK_MEM(seen.last.function.ptr, "helper", strlen("helper"));
}

/* An ENCLU counts as a site only with every byte of the mark, at a multiple of 16. */
TEST(enclu_sites_are_exact)
{
    struct seen seen;

    for (size_t i = 3; i < 16; i++) {
        fx_make(&fx);
        fx.b[FX_TEXT + i] ^= 1;
        (void)scan(&seen);
        CHECK(seen.hits >= 1);
    }
    fx_make(&fx);
    memcpy(fx.b + FX_TEXT + 0x48, fx.b + FX_TEXT, 16);
    fx_sym(&fx, 2, 15, FX_S_TEXT, FX_TEXT + 0x48, 16);
    (void)scan(&seen);
    CHECK(seen.hits >= 1);
    fx_make(&fx);
    memcpy(fx.b + FX_TEXT + 0x50, fx.b + FX_TEXT, 16);
    fx_sym(&fx, 2, 15, FX_S_TEXT, FX_TEXT + 0x50, 16);
    (void)scan(&seen);
    CHECK_EQ(seen.hits, 0);
    /* cut off by the function's end: the mark must lie in the segment, not in the function */
    fx_make(&fx);
    fx_sym(&fx, 3, 22, FX_S_TEXT, FX_TEXT, 3);
    (void)scan(&seen);
    CHECK_EQ(seen.hits, 0);
}

TEST(functions_without_a_size_reach_the_next_one)
{
    struct seen seen;
    struct cm_scan_result r;

    fx_make(&fx);
    fx_sym(&fx, 1, 1, FX_S_TEXT, FX_ENTRY, 0);
    fx.b[FX_ENTRY + 8] = 0xf1;
    r = scan(&seen);
    CHECK_EQ(r.errors, 1);
    CHECK_EQ(r.covered, 48);
    fx_make(&fx);
    fx_sym(&fx, 2, 15, FX_S_TEXT, FX_HELPER, 0); /* the last: to the segment's end */
    fx.b[FX_TEXT + 0xff] = 0xf1;
    r = scan(&seen);
    CHECK_EQ(r.errors, 1);
    CHECK_EQ(r.covered, 0x100);
}

TEST(two_names_of_one_function_count_once)
{
    struct seen seen;
    struct cm_scan_result r;

    fx_make(&fx);
    fx_sym(&fx, 1, 1, FX_S_TEXT, FX_HELPER, 16);
    fx.b[FX_HELPER + 4] = 0xf1;
    r = scan(&seen);
    CHECK_EQ(r.errors, 1);
    CHECK_EQ(r.covered, 32);
}

TEST(symbols_outside_the_code_are_harmless)
{
    struct seen seen;
    struct cm_scan_result r;

    fx_make(&fx);
    fx_sym(&fx, 1, 1, FX_S_TEXT, FX_DYNAMIC, 16);
    fx_sym(&fx, 2, 0xffff, FX_S_TEXT, UINT64_MAX - 4, 16);
    fx_sym(&fx, 3, 22, FX_S_TEXT, FX_TEXT + 0xf0, UINT64_MAX - FX_TEXT - 0xf0);
    r = scan(&seen);
    CHECK_EQ(r.covered, 0x10);
}

TEST(without_symbols_nothing_is_claimed)
{
    struct seen seen;
    struct cm_image *image = NULL;
    struct cm_why why = {{0}};
    FILE *null = fopen("/dev/null", "w");

    REQUIRE(null != NULL);
    fx_make(&fx);
    fx32(&fx, fx_sh(FX_S_SYMTAB, SH_TYPE), SHT_PROGBITS);
    fx.b[FX_ENTRY] = 0xf1;
    CHECK(!scan(&seen).scanned);
    CHECK_EQ(seen.hits, 0);
    REQUIRE(cm_image_open(cm_span_make(fx.b, sizeof(fx.b)), &image, NULL) == CM_OK);
    CHECK_EQ(cm_sign_scan(null, image, false, &why), CM_OK);
    CHECK_EQ(cm_sign_scan(null, image, true, &why), CM_ERR_POLICY);
    cm_image_free(image);
    (void)fclose(null);
}

/* The one waiver: strings behind OpenSSL's RC4_options that read as INS and OUTS, nothing else. */
TEST(waivers_are_narrow)
{
    struct seen seen;
    struct cm_scan_result r;

    fx_make(&fx);
    memcpy(fx.b + FX_STRTAB + 15, "RC4_options", 12);
    fx_sym(&fx, 3, 0, FX_S_TEXT, FX_TEXT, 16);
    fx.b[FX_HELPER + 2] = 'l';
    fx.b[FX_HELPER + 3] = 'o';
    r = scan(&seen);
    CHECK_EQ(seen.hits, 0);
    CHECK_EQ(r.waived, 2);
    fx.b[FX_HELPER + 4] = 0x0f;
    fx.b[FX_HELPER + 5] = 0x05;
    r = scan(&seen);
    CHECK_EQ(r.errors, 1);
}

TEST_MAIN
