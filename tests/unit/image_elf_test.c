/* The ELF subset: what is accepted, and every way of breaking it. */
#include "harness.h"

#include "image/elf_image.h"
#include "sign/elf_fixture.h"

static enum cm_status open_bytes(const uint8_t *bytes, size_t len, struct cm_why *why)
{
    struct cm_image *image = NULL;
    const enum cm_status st = cm_image_open(cm_span_make(bytes, len), &image, why);

    CHECK((st == CM_OK) == (image != NULL));
    cm_image_free(image);
    return st;
}

/* One 64-bit or smaller field changed; the reason must name the cause. */
struct breakage {
    size_t at;
    size_t size;
    uint64_t value;
    const char *reason;
};

static void check_broken(const struct breakage *list, size_t count)
{
    static struct fixture f;

    for (size_t i = 0; i < count; i++) {
        struct cm_why why = {{0}};

        fx_make(&f);
        fx_put(&f, list[i].at, list[i].value, list[i].size);
        CHECK(open_bytes(f.b, sizeof(f.b), &why) != CM_OK);
        if (strstr(why.text, list[i].reason) == NULL) {
            TEST_FAIL("case %zu: \"%s\" lacks \"%s\"", i, why.text, list[i].reason);
        }
    }
}

TEST(the_fixture_opens)
{
    static struct fixture f;
    struct cm_image *image = NULL;
    struct cm_why why = {{0}};
    struct cm_enclave_props p;

    fx_make(&f);
    CHECK_EQ(cm_image_open(cm_span_make(f.b, sizeof(f.b)), &image, &why), CM_OK);
    CHECK_STR(why.text, "");
    REQUIRE(image != NULL);
    cm_image_props(image, &p);
    CHECK_EQ(p.product_id, 7);
    CHECK_EQ(p.security_version, 3);
    CHECK_EQ(p.heap_pages, 16);
    CHECK_EQ(p.stack_pages, 4);
    CHECK_EQ(p.tcs_count, 2);
    CHECK_EQ(p.attributes, 6);
    CHECK_EQ(p.xfrm, 3);
    CHECK_EQ(cm_image_entry(image), FX_ENTRY);
    CHECK_EQ(cm_image_sigstruct(image).len, 0);
    REQUIRE(cm_image_entry_name(image).len == strlen("enclave_entry"));
    CHECK_MEM(cm_image_entry_name(image).ptr, "enclave_entry", strlen("enclave_entry"));
    cm_image_free(image);
}

TEST(G3_every_truncation_is_refused)
{
    static struct fixture f;

    fx_make(&f);
    for (size_t len = 0; len < sizeof(f.b); len++) {
        uint8_t *copy = malloc(len + 1); /* of exact size, so that ASan sees a read past it */

        REQUIRE(copy != NULL);
        memcpy(copy, f.b, len);
        if (open_bytes(copy, len, NULL) == CM_OK) {
            TEST_FAIL("accepted when cut to %zu bytes", len);
        }
        free(copy);
    }
}

TEST(trailing_bytes_are_refused)
{
    static struct fixture f;
    static uint8_t longer[FX_SIZE + 1];
    struct cm_why why = {{0}};

    fx_make(&f);
    memcpy(longer, f.b, sizeof(f.b));
    CHECK_EQ(open_bytes(longer, sizeof(longer), &why), CM_ERR_FORMAT);
    CHECK(strstr(why.text, "follow the last section") != NULL);
}

TEST(headers_are_checked)
{
    static const struct breakage list[] = {
        {0, 1, 0, "not an ELF"},
        {4, 1, ELFCLASS32, "64-bit"},
        {5, 1, ELFDATA2MSB, "little-endian"},
        {7, 1, ELFOSABI_FREEBSD, "OS ABI"},
        {9, 1, 1, "padding"},
        {16, 2, ET_EXEC, "position-independent"},
        {18, 2, EM_AARCH64, "x86-64"},
        {20, 4, 2, "version"},
        {48, 4, 1, "x86-64"},
        {54, 2, 55, "entry sizes"},
        {56, 2, 0, "program headers"},
        {56, 2, 65535, "program headers"},
        {32, 8, FX_SIZE, "truncated"},
        {32, 8, UINT64_MAX, "truncated"},
        {40, 8, UINT64_MAX - 7, "truncated"},
        {60, 2, 0, "section headers"},
        {60, 2, 1, "section headers"},
        {62, 2, FX_SHNUM, "section headers"},
        {24, 8, FX_DYNAMIC, "entry point"},
        {24, 8, UINT64_MAX, "entry point"},
        {24, 8, 0x1100, "entry point"},
    };

    check_broken(list, sizeof(list) / sizeof(list[0]));
}

TEST(G3_segments_are_checked)
{
    const struct breakage list[] = {
        {fx_ph(FX_LOAD_X, PH_FLAGS), 4, PF_R | PF_W | PF_X, "writable and executable"},
        {fx_ph(FX_LOAD_W, PH_FLAGS), 4, PF_R | PF_W | PF_X, "writable and executable"},
        {fx_ph(FX_LOAD_R, PH_FLAGS), 4, PF_R | PF_X, "page 0"},
        {fx_ph(FX_LOAD_R, PH_FLAGS), 4, PF_R | PF_W, "page 0"},
        {fx_ph(FX_LOAD_X, PH_FLAGS), 4, PF_X, "readable"},
        {fx_ph(FX_LOAD_X, PH_FLAGS), 4, 0x15, "flags"},
        {fx_ph(FX_LOAD_R, PH_VADDR), 8, 0x1000, "address 0"},
        {fx_ph(FX_LOAD_X, PH_VADDR), 8, 0x1010, "aligned"},
        {fx_ph(FX_LOAD_X, PH_VADDR), 8, 0, "overlaps"},
        {fx_ph(FX_LOAD_W, PH_VADDR), 8, 0x1000, "overlaps"},
        {fx_ph(FX_LOAD_X, PH_MEMSZ), 8, 0x2000, "overlaps"},
        {fx_ph(FX_LOAD_X, PH_MEMSZ), 8, 0x10, "larger in the file"},
        {fx_ph(FX_LOAD_X, PH_FILESZ), 8, 0x1001, "larger in the file"},
        {fx_ph(FX_LOAD_W, PH_OFFSET), 8, 0x1000, "overlap in the file"},
        {fx_ph(FX_LOAD_W, PH_MEMSZ), 8, UINT64_MAX, "limit"},
        {fx_ph(FX_LOAD_W, PH_MEMSZ), 8, UINT64_C(1) << 31, "limit"},
        {fx_ph(FX_LOAD_W, PH_OFFSET), 8, 0x100000, "truncated"},
        {fx_ph(FX_LOAD_W, PH_TYPE), 4, PT_INTERP, "PT_INTERP"},
        {fx_ph(FX_LOAD_W, PH_TYPE), 4, 0x12345, "unknown program header"},
        {fx_ph(FX_PT_STACK, PH_FLAGS), 4, PF_R | PF_W | PF_X, "executable stack"},
        {fx_ph(FX_PT_STACK, PH_TYPE), 4, PT_DYNAMIC, "PT_DYNAMIC"},
        {fx_ph(FX_PT_TLS, PH_FILESZ), 8, 0x100, "thread-local"},
        {fx_ph(FX_PT_TLS, PH_MEMSZ), 8, UINT64_C(1) << 40, "thread-local"},
        {fx_ph(FX_PT_TLS, PH_ALIGN), 8, 24, "alignment"},
        {fx_ph(FX_PT_TLS, PH_ALIGN), 8, 0x2000, "alignment"},
        {fx_ph(FX_PT_TLS, PH_VADDR), 8, 0x2208, "alignment"},
        {fx_ph(FX_PT_TLS, PH_VADDR), 8, 0x9000, "outside the segments"},
        {fx_ph(FX_PT_DYNAMIC, PH_VADDR), 8, FX_DATA_END, "PT_DYNAMIC lies outside"},
        {fx_ph(FX_PT_DYNAMIC, PH_MEMSZ), 8, 0x1000, "PT_DYNAMIC"},
    };

    check_broken(list, sizeof(list) / sizeof(list[0]));
}

TEST(sections_are_checked)
{
    const struct breakage list[] = {
        {fx_sh(FX_S_OEINFO, SH_NAME), 4, 15, "no .oeinfo"},
        {fx_sh(FX_S_OEINFO, SH_SIZE), 8, FX_OEINFO_SIZE - 8, "more than once"},
        {fx_sh(FX_S_OEINFO, SH_FLAGS), 8, 0, "more than once"},
        {fx_sh(FX_S_OEINFO, SH_OFFSET), 8, FX_OEINFO + 8, "not where its segment maps it"},
        {fx_sh(FX_S_OEINFO, SH_ADDR), 8, FX_OEINFO + 8, "not where its segment maps it"},
        {fx_sh(FX_S_DATA, SH_ADDR), 8, 0x100000, "not where its segment maps it"},
        {fx_sh(FX_S_TEXT, SH_OFFSET), 8, FX_SIZE, "truncated"},
        {fx_sh(FX_S_STRTAB, SH_SIZE), 8, UINT64_MAX, "truncated"},
        {fx_sh(FX_S_SYMTAB, SH_ENTSIZE), 8, 25, "symbol table"},
        {fx_sh(FX_S_SYMTAB, SH_LINK), 4, FX_SHNUM, "symbol table"},
        {fx_sh(FX_S_SYMTAB, SH_LINK), 4, FX_S_TEXT, "string table"},
        {fx_sh(FX_S_SHSTRTAB, SH_TYPE), 4, SHT_PROGBITS, "string table"},
        {FX_OEINFO, 4, 1959, ".oeinfo"},
        {FX_OEINFO + 4, 4, 3, ".oeinfo"},
        {FX_OEINFO + 36, 4, 4, "unknown flags"},
        {FX_OEINFO + 1952, 8, 0, ".oeinfo"},
    };

    check_broken(list, sizeof(list) / sizeof(list[0]));
}

TEST(G3_dynamic_and_relocations_are_checked)
{
    const struct breakage list[] = {
        {fx_dyn(6), 8, DT_NEEDED, "DT_NEEDED"},
        {fx_dyn(6), 8, DT_RPATH, "search path"},
        {fx_dyn(6), 8, DT_RUNPATH, "search path"},
        {fx_dyn(6), 8, DT_TEXTREL, "text relocations"},
        {fx_dyn(6), 8, DT_JMPREL, "PLT"},
        {fx_dyn(6), 8, DT_RELA, "twice"},
        {fx_dyn(6), 8, 0x70000000, "unknown dynamic tag"},
        {fx_dyn(7), 8, DT_INIT, "DT_NULL"},
        {fx_dyn(1) + 8, 8, 47, "DT_RELASZ"},
        {fx_dyn(2) + 8, 8, 16, "DT_RELAENT"},
        {fx_dyn(0) + 8, 8, FX_WORDS, "read-only segment"},
        {fx_dyn(0) + 8, 8, UINT64_MAX, "read-only segment"},
        {fx_dyn(1) + 8, 8, UINT64_C(24) << 50, "read-only segment"},
        {FX_RELA, 8, FX_TEXT, "writable segment"},
        {FX_RELA, 8, FX_BSS_END - 7, "writable segment"},
        {FX_RELA, 8, UINT64_MAX - 3, "writable segment"},
        {FX_RELA + 8, 8, R_X86_64_IRELATIVE, "relocation type"},
        {FX_RELA + 8, 8, R_X86_64_RELATIVE | UINT64_C(1) << 32, "relocation type"},
        {FX_RELA + 16, 8, UINT64_MAX, "outside the image"},
        {fx_dyn(4) + 8, 8, 15, "DT_RELRSZ"},
        {fx_dyn(5) + 8, 8, 16, "DT_RELRENT"},
        {fx_dyn(3) + 8, 8, FX_DYNAMIC, "read-only segment"},
        {FX_RELR, 8, 3, "bitmap"},
        {FX_RELR, 8, FX_TEXT, "writable segment"},
        {FX_RELR, 8, UINT64_MAX - 1, "writable segment"},
        {FX_RELR, 8, FX_BSS_END - 8, "writable segment"},
        {FX_WORDS + 64, 8, UINT64_C(1) << 40, "outside the image"},
        {fx_dyn(6), 8, DT_PLTRELSZ, "PLT"},
        {fx_dyn(6), 8, DT_SONAME, "unknown dynamic tag"},
    };

    /* the tag after the last one must exist for the DT_NULL case */
    struct fixture f;
    struct cm_why why = {{0}};

    check_broken(list, 7);
    check_broken(list + 8, sizeof(list) / sizeof(list[0]) - 8);
    fx_make(&f);
    for (size_t i = 7; i < FX_DYNAMIC_SIZE / 16; i++) {
        fx_dynamic(&f, i, i == 7 ? DT_INIT : i == 8 ? DT_FINI : DT_SYMTAB, 0);
    }
    CHECK_EQ(open_bytes(f.b, sizeof(f.b), &why), CM_ERR_FORMAT);
    CHECK(strstr(why.text, list[7].reason) != NULL);
}

TEST(G3_a_relocation_cannot_change_oeinfo)
{
    static struct fixture f;
    struct cm_why why = {{0}};

    const uint64_t moved = 0x2600;

    /* allowed by itself: .oeinfo in the writable segment, as gcc puts volatile data */
    fx_make(&f);
    memcpy(f.b + moved, f.b + FX_OEINFO, FX_OEINFO_SIZE);
    fx64(&f, fx_sh(FX_S_OEINFO, SH_ADDR), moved);
    fx64(&f, fx_sh(FX_S_OEINFO, SH_OFFSET), moved);
    CHECK_EQ(open_bytes(f.b, sizeof(f.b), NULL), CM_OK);
    fx64(&f, FX_RELA, moved - 7);
    CHECK_EQ(open_bytes(f.b, sizeof(f.b), &why), CM_ERR_FORMAT);
    CHECK(strstr(why.text, "changes .oeinfo") != NULL);
    fx64(&f, FX_RELA, moved + FX_OEINFO_SIZE - 1);
    CHECK_EQ(open_bytes(f.b, sizeof(f.b), NULL), CM_ERR_FORMAT);
    fx64(&f, FX_RELA, moved + FX_OEINFO_SIZE);
    CHECK_EQ(open_bytes(f.b, sizeof(f.b), NULL), CM_OK);
}

static void check_refused(const struct fixture *f, enum cm_status want, const char *reason)
{
    struct cm_why why = {{0}};

    CHECK_EQ(open_bytes(f->b, sizeof(f->b), &why), want);
    if (strstr(why.text, reason) == NULL) {
        TEST_FAIL("\"%s\" lacks \"%s\"", why.text, reason);
    }
}

TEST(limits_on_counts_are_kept)
{
    static struct fixture f;

    fx_make(&f);
    fx16(&f, 56, 17);
    for (size_t i = 3; i < 17; i++) { /* with the first three: one more than allowed */
        fx_phdr(&f, i, PT_LOAD, PF_R, 0x4000 + i * 0x1000, 0);
        fx64(&f, fx_ph(i, PH_MEMSZ), 0x1000);
        fx64(&f, fx_ph(i, PH_OFFSET), 0x3000); /* nothing of it is in the file */
    }
    check_refused(&f, CM_ERR_LIMIT, "more than 16 loadable segments");
    fx16(&f, 56, 16);
    CHECK_EQ(open_bytes(f.b, sizeof(f.b), NULL), CM_OK);

    fx_make(&f);
    for (size_t i = 0; i < FX_PHNUM; i++) {
        fx32(&f, fx_ph(i, PH_TYPE), PT_NOTE);
    }
    check_refused(&f, CM_ERR_FORMAT, "segment"); /* none to map .oeinfo or the entry */
    fx_make(&f);
    fx_phdr(&f, FX_PT_STACK, PT_TLS, PF_R, FX_TLS, 16);
    check_refused(&f, CM_ERR_FORMAT, "more than one PT_TLS");
    fx_make(&f);
    fx32(&f, fx_sh(FX_S_BSS, SH_NAME), 1); /* a second .oeinfo */
    check_refused(&f, CM_ERR_FORMAT, "more than one .oeinfo");
}

TEST(relro_lies_in_a_writable_segment)
{
    static struct fixture f;

    fx_make(&f);
    fx_phdr(&f, FX_PT_STACK, PT_GNU_RELRO, PF_R, FX_DYNAMIC, 0x800);
    CHECK_EQ(open_bytes(f.b, sizeof(f.b), NULL), CM_OK);
    fx64(&f, fx_ph(FX_PT_STACK, PH_MEMSZ), FX_BSS_END - FX_DYNAMIC + 1);
    check_refused(&f, CM_ERR_FORMAT, "PT_GNU_RELRO");
    fx_phdr(&f, FX_PT_STACK, PT_GNU_RELRO, PF_R, FX_TEXT, 0x80);
    check_refused(&f, CM_ERR_FORMAT, "PT_GNU_RELRO");
}

TEST(flags_in_the_dynamic_section_are_known_ones)
{
    static struct fixture f;

    fx_make(&f);
    fx_dynamic(&f, 6, DT_FLAGS, DF_BIND_NOW);
    fx_dynamic(&f, 7, DT_FLAGS_1, DF_1_NOW | DF_1_PIE);
    CHECK_EQ(open_bytes(f.b, sizeof(f.b), NULL), CM_OK);
    fx_dynamic(&f, 6, DT_FLAGS, DF_TEXTREL);
    check_refused(&f, CM_ERR_UNSUPPORTED, "text relocations");
    fx_dynamic(&f, 6, DT_FLAGS_1, DF_1_INTERPOSE);
    check_refused(&f, CM_ERR_UNSUPPORTED, "DT_FLAGS_1");
}

/* Empty bitmaps advance without touching anything: they must not walk out of the image. */
TEST(a_relr_table_cannot_walk_away)
{
    static struct fixture f;

    fx_make(&f);
    fx_dynamic(&f, 4, 35 /* DT_RELRSZ */, 40 * 8);
    for (size_t i = 1; i < 40; i++) {
        fx64(&f, FX_RELR + i * 8, 1);
    }
    check_refused(&f, CM_ERR_FORMAT, "RELR table leaves the image");
}

TEST(single_bit_flips_never_crash)
{
    static struct fixture f;

    for (size_t bit = 0; bit < sizeof(f.b) * 8; bit++) {
        if (bit / 8 >= FX_TEXT && bit / 8 < FX_SYMTAB && bit / 8 > FX_DYNAMIC + 0x400) {
            continue; /* plain data */
        }
        fx_make(&f);
        f.b[bit / 8] ^= (uint8_t)(1U << (bit % 8));
        (void)!open_bytes(f.b, sizeof(f.b), NULL);
    }
}

TEST(out_of_memory_is_reported)
{
    static struct fixture f;
    struct cm_image *image = NULL;

    fx_make(&f);
    fail_alloc_at(1);
    CHECK_EQ(cm_image_open(cm_span_make(f.b, sizeof(f.b)), &image, NULL), CM_ERR_NOMEM);
    CHECK(image == NULL);
}

TEST_MAIN
