/* Names, tables and section headers of an image and its shared library that are not what they should be. */
#include "harness.h"

#include "arch/sgx.h"
#include "image/scan.h"
#include "module_kit.h"
#include "sign/elf_fixture.h"

TEST(both_as_they_are)
{
    REQUIRE(mk_start());
}

/* ---- the library's name in the image */

/* of so many letters */
static void needs_name(struct mk_file *f, size_t length)
{
    const uint64_t size = mk_tag_of(f, DT_STRSZ)->d_un.d_val;
    const uint64_t from = mk_tag_of(f, DT_STRTAB)->d_un.d_ptr;
    uint8_t *bytes = NULL;
    const uint64_t at = mk_add_table(f, size + length + 1, &bytes);

    memcpy(bytes, f->bytes + from, size);
    memset(bytes + size, 'a', length);
    mk_tag_of(f, DT_STRTAB)->d_un.d_ptr = at;
    mk_tag_of(f, DT_STRSZ)->d_un.d_val = size + length + 1;
    mk_tag_of(f, DT_NEEDED)->d_un.d_val = size;
}

static void needs_128(struct mk_file *f)
{
    needs_name(f, 129);
}

static char *name_of(const struct mk_file *f)
{
    return (char *)f->bytes + mk_tag_of(f, DT_STRTAB)->d_un.d_ptr +
           mk_tag_of(f, DT_NEEDED)->d_un.d_val;
}

static void space(struct mk_file *f)
{
    name_of(f)[3] = ' ';
}

static void escape(struct mk_file *f)
{
    name_of(f)[3] = 0x1b;
}

static void not_ascii(struct mk_file *f)
{
    name_of(f)[3] = (char)0xe4;
}

static void folder(struct mk_file *f)
{
    name_of(f)[3] = '/';
}

static void here(struct mk_file *f)
{
    memcpy(name_of(f), ".", 2);
}

static void above(struct mk_file *f)
{
    memcpy(name_of(f), "..", 3);
}

static void no_name(struct mk_file *f)
{
    name_of(f)[0] = '\0';
}

static void names_outside(struct mk_file *f)
{
    mk_tag_of(f, DT_STRTAB)->d_un.d_ptr = UINT64_C(1) << 40;
}

TEST(the_name_is_that_of_a_file_beside_the_image)
{
    struct mk_file image = mk_copy_of(&mk_image);

    needs_name(&image, 128);
    CHECK_EQ(mk_join(&image, &mk_library, NULL, NULL), CM_OK);
    free(image.bytes);
    mk_refused(true, needs_128, CM_ERR_FORMAT, "plain name");
    mk_refused(true, space, CM_ERR_FORMAT, "plain name");
    mk_refused(true, escape, CM_ERR_FORMAT, "plain name");
    mk_refused(true, not_ascii, CM_ERR_FORMAT, "plain name");
    mk_refused(true, folder, CM_ERR_FORMAT, "plain name");
    mk_refused(true, here, CM_ERR_FORMAT, "plain name");
    mk_refused(true, above, CM_ERR_FORMAT, "plain name");
    mk_refused(true, no_name, CM_ERR_FORMAT, "plain name");
    mk_refused(true, names_outside, CM_ERR_FORMAT, "string table lies outside");
}

TEST(an_image_that_needs_nothing_gets_nothing)
{
    static struct fixture f;
    struct cm_image *image = NULL;
    struct cm_why why = {{0}};

    fx_make(&f);
    REQUIRE(cm_image_open(cm_span_make(f.b, sizeof(f.b)), &image, NULL) == CM_OK);
    CHECK_EQ(cm_image_join(image, cm_span_make(mk_library.bytes, mk_library.size), &why),
             CM_ERR_STATE);
    cm_image_free(image);
}

/* ---- tables */

static void names_of_library_outside(struct mk_file *f)
{
    mk_tag_of(f, DT_STRSZ)->d_un.d_val = UINT64_C(1) << 40;
}

static void soname_of_image(struct mk_file *f)
{
    mk_retag(f, DT_DEBUG, DT_SONAME, 1);
}

static Elf64_Shdr *section(struct mk_file *f, const char *name)
{
    return (Elf64_Shdr *)(void *)(f->bytes +
                                  ((const uint8_t *)mk_section_named(f, name) - f->bytes));
}

static void no_symbols(struct mk_file *f)
{
    section(f, ".dynsym")->sh_size = 0;
}

static void no_section_of_symbols(struct mk_file *f)
{
    section(f, ".dynsym")->sh_type = SHT_PROGBITS;
}

static void two_sections_of_symbols(struct mk_file *f)
{
    section(f, ".symtab")->sh_type = SHT_DYNSYM;
}

static void larger_symbols(struct mk_file *f)
{
    section(f, ".dynsym")->sh_entsize = 32;
}

static void part_of_a_symbol(struct mk_file *f)
{
    section(f, ".dynsym")->sh_size -= 8;
}

static void part_of_a_slot(struct mk_file *f)
{
    mk_tag_of(f, DT_PLTRELSZ)->d_un.d_val -= 8;
}

static void slots_that_change(struct mk_file *f)
{
    mk_tag_of(f, DT_JMPREL)->d_un.d_ptr = mk_segment_of(f, PT_LOAD, PF_R | PF_W)->p_vaddr;
}

static void old_destructor(struct mk_file *f)
{
    mk_retag(f, DT_SONAME, DT_FINI, 0x1000);
}

TEST(G3_tables_are_where_they_say)
{
    mk_refused(false, names_of_library_outside, CM_ERR_FORMAT, "dynamic symbols are not where");
    mk_refused(false, no_symbols, CM_ERR_FORMAT, "or there are none");
    mk_refused(false, no_section_of_symbols, CM_ERR_FORMAT, "or there are none");
    mk_refused(false, two_sections_of_symbols, CM_ERR_FORMAT, "malformed dynamic symbol table");
    mk_refused(false, larger_symbols, CM_ERR_FORMAT, "malformed dynamic symbol table");
    mk_refused(false, part_of_a_symbol, CM_ERR_FORMAT, "malformed dynamic symbol table");
    mk_refused(false, part_of_a_slot, CM_ERR_FORMAT, "DT_PLTREL");
    mk_refused(false, slots_that_change, CM_ERR_FORMAT, "not in a read-only segment");
    mk_refused(false, old_destructor, CM_ERR_UNSUPPORTED, "DT_FINI");
    mk_refused(true, soname_of_image, CM_ERR_UNSUPPORTED, "unknown dynamic tag 0xe");
}

/* ---- sums that pass 2^64 */

/* symbol 0, which nothing else uses, and an addend that brings it round to 16 */
static void address_wraps(struct mk_file *f)
{
    Elf64_Rela *r = mk_relocation_of(f, R_X86_64_64);
    Elf64_Sym *first = (Elf64_Sym *)(void *)(f->bytes + mk_tag_of(f, DT_SYMTAB)->d_un.d_ptr);

    *first = (Elf64_Sym){.st_shndx = 1, .st_value = UINT64_MAX - 15};
    r->r_info = R_X86_64_64;
    r->r_addend = 32;
}

static void variable_wraps(struct mk_file *f)
{
    mk_symbol_named(f, "mod_of_thread")->st_value = UINT64_MAX - 7;
    mk_relocation_of(f, R_X86_64_DTPOFF64)->r_addend = 16;
    for (Elf64_Rela *r = mk_relocation_of(f, R_X86_64_DTPMOD64);
         ELF64_R_TYPE(r->r_info) == R_X86_64_DTPMOD64 ||
         ELF64_R_TYPE(r->r_info) != R_X86_64_DTPOFF64;
         r++) {
        r->r_addend = ELF64_R_TYPE(r->r_info) == R_X86_64_DTPMOD64 && ELF64_R_SYM(r->r_info) != 0
                          ? 16
                          : r->r_addend;
    }
}

/* no variables, and every relocation of one says the first */
static void no_variables(struct mk_file *f)
{
    Elf64_Rela *r = (Elf64_Rela *)(void *)(f->bytes + mk_tag_of(f, DT_RELA)->d_un.d_ptr);
    const uint64_t count = mk_tag_of(f, DT_RELASZ)->d_un.d_val / sizeof(*r);

    *mk_segment_of(f, PT_TLS, 0) = (Elf64_Phdr){.p_type = PT_NULL};
    mk_symbol_named(f, "mod_of_thread")->st_value = 0;
    for (uint64_t i = 0; i < count; i++) {
        const uint64_t type = ELF64_R_TYPE(r[i].r_info);

        if (type == R_X86_64_TPOFF64 || type == R_X86_64_DTPMOD64 || type == R_X86_64_DTPOFF64) {
            r[i].r_addend = 0;
        }
    }
}

TEST(sums_that_wrap)
{
    mk_refused(false, address_wraps, CM_ERR_FORMAT, "points outside the shared library");
    mk_refused(false, variable_wraps, CM_ERR_FORMAT, "leaves the variables");
    mk_refused(false, no_variables, CM_ERR_FORMAT, "leaves the variables");
}

/* ---- the plan, and the instruction check */

TEST(all_of_the_library_is_measured_and_its_links_are_read_only)
{
    struct cm_image *image = NULL;
    struct cm_plan *plan = NULL;
    struct cm_enclave_props props;
    size_t parts = 0;

    REQUIRE(cm_image_open(cm_span_make(mk_image.bytes, mk_image.size), &image, NULL) == CM_OK);
    REQUIRE(cm_image_join(image, cm_span_make(mk_library.bytes, mk_library.size), NULL) == CM_OK);
    cm_image_props(image, &props);
    REQUIRE(cm_plan_make(image, &props, &plan, NULL) == CM_OK);
    for (size_t i = 0; i < plan->region_count; i++) {
        const struct cm_region *r = &plan->regions[i];
        const uint64_t wanted = strcmp(r->what, "module text") == 0 ? SGX_SECINFO_R | SGX_SECINFO_X
                                : strcmp(r->what, "module data") == 0
                                    ? SGX_SECINFO_R | SGX_SECINFO_W
                                    : SGX_SECINFO_R;

        if (strncmp(r->what, "module ", 7) == 0 || strcmp(r->what, "links") == 0) {
            CHECK(r->measured);
            CHECK_EQ(r->secinfo_flags & 7, wanted);
            parts++;
        }
    }
    CHECK(parts >= 4);
    cm_plan_free(plan);
    cm_image_free(image);
}

TEST(without_the_symbols_of_either_nothing_is_said_to_be_scanned)
{
    for (int which = 0; which < 3; which++) {
        struct mk_file both[2] = {mk_copy_of(&mk_image), mk_copy_of(&mk_library)};
        struct cm_scan_result result = {0};
        struct cm_image *image = NULL;

        if (which < 2) {
            section(&both[which], ".symtab")->sh_type = SHT_PROGBITS;
        }
        REQUIRE(cm_image_open(cm_span_make(both[0].bytes, both[0].size), &image, NULL) == CM_OK);
        REQUIRE(cm_image_join(image, cm_span_make(both[1].bytes, both[1].size), NULL) == CM_OK);
        CHECK_EQ(cm_image_scan(image, NULL, NULL, &result), CM_OK);
        CHECK_EQ(result.scanned, which == 2);
        cm_image_free(image);
        free(both[0].bytes);
        free(both[1].bytes);
    }
}

TEST(the_files_are_freed)
{
    mk_end();
}

TEST_MAIN
