/*
 * Shared libraries, and images that need one, which somebody has changed: each is refused by name, or it
 * measures to something else than what was signed.
 */
#include "harness.h"

#include "image/scan.h"
#include "module_kit.h"

TEST(both_as_they_are)
{
    REQUIRE(mk_start());
}

TEST(an_image_without_its_library_is_not_laid_out)
{
    struct cm_image *i = NULL;
    struct cm_plan *plan = NULL;
    struct cm_enclave_props props;
    struct cm_why why = {{0}};

    REQUIRE(cm_image_open(cm_span_make(mk_image.bytes, mk_image.size), &i, NULL) == CM_OK);
    CHECK_EQ(cm_image_needed(i).len, strlen("libmodt.so"));
    cm_image_props(i, &props);
    CHECK_EQ(cm_plan_make(i, &props, &plan, &why), CM_ERR_STATE);
    CHECK(plan == NULL && strstr(why.text, "libmodt.so") != NULL);
    CHECK_EQ(cm_image_join(i, cm_span_make("no", 2), &why), CM_ERR_FORMAT);
    CHECK_EQ(cm_image_join(i, cm_span_make(mk_library.bytes, mk_library.size), &why), CM_OK);
    CHECK_EQ(cm_image_join(i, cm_span_make(mk_library.bytes, mk_library.size), &why), CM_ERR_STATE);
    cm_image_free(i);
}

/* ---- the segments */

static void overlap(struct mk_file *f)
{
    mk_segment_of(f, PT_LOAD, PF_R | PF_W)->p_vaddr =
        mk_segment_of(f, PT_LOAD, PF_R | PF_X)->p_vaddr +
        mk_segment_of(f, PT_LOAD, PF_R | PF_W)->p_offset % 4096;
}

static void writable_code(struct mk_file *f)
{
    mk_segment_of(f, PT_LOAD, PF_R | PF_X)->p_flags |= PF_W;
}

static void huge(struct mk_file *f)
{
    mk_segment_of(f, PT_LOAD, PF_R | PF_W)->p_memsz = UINT64_C(0x3fff0000);
}

static void beyond_all(struct mk_file *f)
{
    mk_segment_of(f, PT_LOAD, PF_R | PF_W)->p_memsz = UINT64_MAX - 4096;
}

static void program(struct mk_file *f)
{
    mk_header_of(f)->e_type = ET_EXEC;
}

TEST(G3_segments_of_a_library)
{
    mk_refused(false, overlap, CM_ERR_FORMAT, "overlaps or precedes");
    mk_refused(false, writable_code, CM_ERR_FORMAT, "both writable and executable");
    mk_refused(false, huge, CM_ERR_LIMIT, "are larger than");
    mk_refused(false, beyond_all, CM_ERR_LIMIT, "beyond the limit");
    mk_refused(false, program, CM_ERR_FORMAT, "ELF type");
}

/* ---- dynamic tags */

static void needs_another(struct mk_file *f)
{
    mk_tag_of(f, DT_SONAME)->d_tag = DT_NEEDED; /* itself: a circle */
}

static void needs_two(struct mk_file *f)
{
    Elf64_Dyn *d = mk_tag_of(f, DT_DEBUG);

    d->d_tag = DT_NEEDED;
    d->d_un.d_val = mk_tag_of(f, DT_NEEDED)->d_un.d_val;
}

static void text_relocations(struct mk_file *f)
{
    mk_tag_of(f, DT_FLAGS)->d_un.d_val |= DF_TEXTREL;
}

static void old_text_relocations(struct mk_file *f)
{
    mk_tag_of(f, DT_SONAME)->d_tag = DT_TEXTREL;
}

static void search_path(struct mk_file *f)
{
    mk_tag_of(f, DT_SONAME)->d_tag = DT_RUNPATH;
}

static void old_constructor(struct mk_file *f)
{
    mk_tag_of(f, DT_SONAME)->d_tag = DT_INIT;
}

static void versions(struct mk_file *f)
{
    mk_tag_of(f, DT_SONAME)->d_tag = DT_VERSYM;
}

static void path_of_library(struct mk_file *f)
{
    char *name = (char *)f->bytes + mk_tag_of(f, DT_STRTAB)->d_un.d_ptr +
                 mk_tag_of(f, DT_NEEDED)->d_un.d_val;

    memcpy(name, "../", 3);
}

static void name_outside(struct mk_file *f)
{
    mk_tag_of(f, DT_NEEDED)->d_un.d_val = UINT64_C(1) << 40;
}

static void no_dynamic(struct mk_file *f)
{
    mk_segment_of(f, PT_DYNAMIC, 0)->p_type = PT_NULL;
}

static void array_in_code(struct mk_file *f)
{
    mk_tag_of(f, DT_INIT_ARRAY)->d_un.d_ptr = mk_segment_of(f, PT_LOAD, PF_R | PF_X)->p_vaddr;
}

static void array_beyond(struct mk_file *f)
{
    mk_tag_of(f, DT_FINI_ARRAYSZ)->d_un.d_val = UINT64_C(1) << 20;
}

static void symbols_elsewhere(struct mk_file *f)
{
    mk_tag_of(f, DT_SYMTAB)->d_un.d_ptr += 24;
}

static void rel_in_plt(struct mk_file *f)
{
    mk_tag_of(f, DT_PLTREL)->d_un.d_val = DT_REL;
}

TEST(G3_dynamic_tags_of_a_library)
{
    mk_refused(false, needs_another, CM_ERR_UNSUPPORTED, "needs another one (DT_NEEDED)");
    mk_refused(true, needs_two, CM_ERR_UNSUPPORTED, "more than one shared library");
    mk_refused(false, text_relocations, CM_ERR_UNSUPPORTED, "text relocations (DF_TEXTREL)");
    mk_refused(false, old_text_relocations, CM_ERR_UNSUPPORTED, "text relocations (DT_TEXTREL)");
    mk_refused(false, search_path, CM_ERR_UNSUPPORTED, "library search path");
    mk_refused(false, old_constructor, CM_ERR_UNSUPPORTED, "DT_INIT");
    mk_refused(false, versions, CM_ERR_UNSUPPORTED, "symbol versions");
    mk_refused(true, path_of_library, CM_ERR_FORMAT, "plain name");
    mk_refused(true, name_outside, CM_ERR_FORMAT, "plain name");
    mk_refused(false, no_dynamic, CM_ERR_FORMAT, "no PT_DYNAMIC");
    mk_refused(false, array_in_code, CM_ERR_FORMAT, "constructors or destructors");
    mk_refused(false, array_beyond, CM_ERR_FORMAT, "constructors or destructors");
    mk_refused(false, symbols_elsewhere, CM_ERR_FORMAT, "dynamic symbols are not where");
    mk_refused(false, rel_in_plt, CM_ERR_FORMAT, "DT_PLTREL");
}

/* ---- relocations and symbols */

static void into_code(struct mk_file *f)
{
    mk_relocation_of(f, R_X86_64_RELATIVE)->r_offset =
        mk_segment_of(f, PT_LOAD, PF_R | PF_X)->p_vaddr;
}

static void beyond_memory(struct mk_file *f)
{
    mk_relocation_of(f, R_X86_64_RELATIVE)->r_offset = UINT64_MAX - 3;
}

static void points_outside(struct mk_file *f)
{
    mk_relocation_of(f, R_X86_64_RELATIVE)->r_addend = 1 << 20;
}

static void points_before(struct mk_file *f)
{
    mk_relocation_of(f, R_X86_64_64)->r_addend = INT64_MIN;
}

static void unknown_type(struct mk_file *f)
{
    mk_relocation_of(f, R_X86_64_RELATIVE)->r_info = R_X86_64_PC32;
}

static void indirect(struct mk_file *f)
{
    mk_relocation_of(f, R_X86_64_RELATIVE)->r_info = R_X86_64_IRELATIVE;
}

static void no_such_symbol(struct mk_file *f)
{
    mk_relocation_of(f, R_X86_64_GLOB_DAT)->r_info =
        ELF64_R_INFO(UINT64_C(99999), R_X86_64_GLOB_DAT);
}

static void undefined(struct mk_file *f)
{
    char *name = (char *)f->bytes + mk_tag_of(f, DT_STRTAB)->d_un.d_ptr +
                 mk_symbol_named(f, "img_double")->st_name;

    name[0] = 'x';
}

static void symbol_outside(struct mk_file *f)
{
    mk_symbol_named(f, "mod_square")->st_value = UINT64_C(1) << 30;
}

static void indirect_function(struct mk_file *f)
{
    mk_symbol_named(f, "mod_square")->st_info = ELF64_ST_INFO(STB_GLOBAL, STT_GNU_IFUNC);
}

static void absolute(struct mk_file *f)
{
    mk_symbol_named(f, "mod_square")->st_shndx = SHN_ABS;
}

static void twice(struct mk_file *f)
{
    mk_symbol_named(f, "mod_deep")->st_name = mk_symbol_named(f, "mod_square")->st_name;
}

static void other_size(struct mk_file *f)
{
    mk_symbol_named(f, "mod_counter")->st_size = 64;
}

static void copied_from_outside(struct mk_file *f)
{
    mk_symbol_named(f, "mod_counter")->st_value = UINT64_C(1) << 29;
}

static void copied_over_code(struct mk_file *f)
{
    mk_relocation_of(f, R_X86_64_COPY)->r_offset = mk_segment_of(f, PT_LOAD, PF_R | PF_X)->p_vaddr;
}

static void copy_in_library(struct mk_file *f)
{
    Elf64_Rela *r = mk_relocation_of(f, R_X86_64_GLOB_DAT);

    r->r_info = ELF64_R_INFO(ELF64_R_SYM(r->r_info), R_X86_64_COPY);
}

static void thread_local_outside(struct mk_file *f)
{
    mk_relocation_of(f, R_X86_64_TPOFF64)->r_addend = 1 << 16;
}

static void thread_local_function(struct mk_file *f)
{
    mk_symbol_named(f, "mod_of_thread")->st_info = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC);
}

static void many_variables(struct mk_file *f)
{
    mk_segment_of(f, PT_TLS, 0)->p_memsz = UINT64_C(1) << 30;
}

static void directly_addressed(struct mk_file *f)
{
    mk_symbol_named(f, "mod_square")->st_value = 0x1010; /* in the image, where it is undefined */
}

static void properties_of_its_own(struct mk_file *f)
{
    const Elf64_Shdr *sh = (const Elf64_Shdr *)(const void *)(f->bytes + mk_header_of(f)->e_shoff);
    uint8_t *names = f->bytes + sh[mk_header_of(f)->e_shstrndx].sh_offset;

    memcpy(names + mk_section_named(f, ".dynstr")->sh_name, ".oeinfo", strlen(".oeinfo"));
}

static void changes_oeinfo(struct mk_file *f)
{
    mk_relocation_of(f, R_X86_64_GLOB_DAT)->r_offset = mk_section_named(f, ".oeinfo")->sh_addr + 24;
}

TEST(G3_relocations_and_symbols_of_a_library)
{
    mk_refused(false, into_code, CM_ERR_FORMAT, "not in a writable segment");
    mk_refused(false, beyond_memory, CM_ERR_FORMAT, "not in a writable segment");
    mk_refused(false, points_outside, CM_ERR_FORMAT, "points outside the shared library");
    mk_refused(false, points_before, CM_ERR_FORMAT, "points outside the");
    mk_refused(false, unknown_type, CM_ERR_UNSUPPORTED, "relocation type 2");
    mk_refused(false, indirect, CM_ERR_UNSUPPORTED, "relocation type 37");
    mk_refused(false, no_such_symbol, CM_ERR_FORMAT, "symbol 99999, which is not there");
    mk_refused(false, undefined, CM_ERR_UNSUPPORTED, "xmg_double, which the shared library uses");
    mk_refused(false, symbol_outside, CM_ERR_FORMAT, "points outside the shared library");
    mk_refused(false, indirect_function, CM_ERR_UNSUPPORTED, "indirect (IFUNC)");
    mk_refused(false, absolute, CM_ERR_UNSUPPORTED, "absolute");
    mk_refused(false, twice, CM_ERR_FORMAT, "defines the symbol mod_square twice");
    mk_refused(false, other_size, CM_ERR_UNSUPPORTED, "mod_counter");
    mk_refused(false, copied_from_outside, CM_ERR_UNSUPPORTED, "lies outside the shared library");
    mk_refused(true, copied_over_code, CM_ERR_FORMAT, "not in a writable segment");
    mk_refused(false, copy_in_library, CM_ERR_UNSUPPORTED, "is no data of the shared library");
    mk_refused(false, thread_local_outside, CM_ERR_FORMAT, "leaves the variables");
    mk_refused(false, thread_local_function, CM_ERR_UNSUPPORTED, "is not a thread-local variable");
    mk_refused(false, many_variables, CM_ERR_LIMIT, "thread-local storage");
    mk_refused(false, properties_of_its_own, CM_ERR_FORMAT, "has an .oeinfo section");
    mk_refused(true, directly_addressed, CM_ERR_UNSUPPORTED, "without the global offset table");
    /* clang has it among what is read-only, gcc does not */
    mk_refused(true, changes_oeinfo, CM_ERR_FORMAT,
               (mk_section_named(&mk_image, ".oeinfo")->sh_flags & SHF_WRITE) != 0
                   ? "changes .oeinfo"
                   : "not in a writable segment");
}

/* ---- everything else */

TEST(G3_what_is_loaded_of_the_library_is_measured)
{
    struct mk_file library = mk_copy_of(&mk_library);
    size_t accepted = 0;

    for (size_t i = 0; i < mk_header_of(&mk_library)->e_phnum; i++) {
        const Elf64_Phdr ph =
            ((const Elf64_Phdr *)(const void *)(mk_library.bytes +
                                                mk_header_of(&mk_library)->e_phoff))[i];

        for (uint64_t at = ph.p_type == PT_LOAD ? ph.p_offset : UINT64_MAX;
             at < ph.p_offset + ph.p_filesz; at += 13) {
            uint8_t mrenclave[CM_MRENCLAVE_SIZE];

            if (at >= 0x28 && at < 0x40) {
                continue; /* where sections are: not loaded (docs/image.md) */
            }
            library.bytes[at] ^= 0x10;
            if (mk_join(&mk_image, &library, mrenclave, NULL) == CM_OK) {
                accepted++;
                CHECK(memcmp(mrenclave, mk_signed_for, sizeof(mrenclave)) != 0);
            }
            library.bytes[at] ^= 0x10;
        }
    }
    CHECK(accepted > 10);
    free(library.bytes);
}

TEST(no_part_of_the_library_is_enough)
{
    struct cm_why why = {{0}};

    for (size_t size = 0; size < mk_library.size; size += size < 4096 ? 7 : 211) {
        struct mk_file part = {malloc(size + 1),
                               size}; /* its own block: nothing behind it is read */

        REQUIRE(part.bytes != NULL);
        memcpy(part.bytes, mk_library.bytes, size);
        CHECK(mk_join(&mk_image, &part, NULL, &why) != CM_OK);
        free(part.bytes);
    }
}

TEST(out_of_memory)
{
    enum cm_status st = CM_ERR_NOMEM;
    long k = 0;

    for (k = 1; k < 100 && st == CM_ERR_NOMEM; k++) {
        fail_alloc_at(k);
        st = mk_join(&mk_image, &mk_library, NULL, NULL);
        fail_alloc_at(0);
    }
    CHECK_EQ(st, CM_OK);
    CHECK(k > 6);
}

static void keep_error(void *context, const struct cm_scan_hit *hit)
{
    struct cm_scan_hit *error = context;

    if (hit->level == CM_SCAN_ERROR) {
        *error = *hit;
    }
}

/* The instruction check sees the library as well: here SYSCALL (0f 05) for a function's first bytes. */
TEST(the_library_is_scanned)
{
    struct mk_file library = mk_copy_of(&mk_library);
    const Elf64_Sym *square = mk_symbol_named(&library, "mod_square");
    struct cm_image *image = NULL;
    struct cm_scan_result clean = {0};
    struct cm_scan_result bad = {0};
    struct cm_scan_hit hit = {0};
    uint64_t size = 0;

    library.bytes[square->st_value] = 0x0f;
    library.bytes[square->st_value + 1] = 0x05;
    for (int i = 0; i < 2; i++) {
        const struct mk_file *f = i == 0 ? &mk_library : &library;

        REQUIRE(cm_image_open(cm_span_make(mk_image.bytes, mk_image.size), &image, NULL) == CM_OK);
        REQUIRE(cm_image_join(image, cm_span_make(f->bytes, f->size), NULL) == CM_OK);
        CHECK_EQ(cm_image_scan(image, keep_error, &hit, i == 0 ? &clean : &bad), CM_OK);
        if (i == 1) {
            CHECK_EQ(hit.address, cm_image_module_base(image, &size) + square->st_value);
            CHECK(hit.function.len == 10 && memcmp(hit.function.ptr, "mod_square", 10) == 0);
        }
        cm_image_free(image);
    }
    CHECK_EQ(clean.errors, 0);
    CHECK(clean.scanned);
    CHECK_EQ(bad.errors, 1);
    free(library.bytes);
}

TEST(the_files_are_freed)
{
    mk_end();
}

TEST_MAIN
