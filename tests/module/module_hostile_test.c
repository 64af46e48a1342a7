/*
 * Shared libraries, and images that need one, which somebody has changed: each is refused by name, or it
 * measures to something else than what was signed.
 */
#include "harness.h"

#include <elf.h>
#include <stdio.h>

#include "image/image.h"
#include "image/scan.h"
#include "os/os.h"

struct file {
    uint8_t *bytes;
    size_t size;
};

static struct file image_file;
static struct file library_file;
static uint8_t signed_for[CM_MRENCLAVE_SIZE];

static struct file read_file(const char *path)
{
    struct file f = {NULL, 0};
    struct cm_why why = {{0}};

    if (cm_file_read(path, 8 << 20, &f.bytes, &f.size, &why) != CM_OK) {
        TEST_FAIL("%s", why.text);
    }
    return f;
}

static struct file copy_of(const struct file *f)
{
    struct file c = {malloc(f->size), f->size};

    if (c.bytes != NULL) {
        memcpy(c.bytes, f->bytes, f->size);
    }
    return c;
}

/* CM_OK: both were laid out, and *mrenclave is what they measure to. */
static enum cm_status join(const struct file *image, const struct file *library,
                           uint8_t mrenclave[CM_MRENCLAVE_SIZE], struct cm_why *why)
{
    struct cm_image *i = NULL;
    struct cm_plan *plan = NULL;
    struct cm_enclave_props props;
    enum cm_status st = cm_image_open(cm_span_make(image->bytes, image->size), &i, why);

    if (st == CM_OK) {
        st = cm_image_join(i, cm_span_make(library->bytes, library->size), why);
    }
    if (st == CM_OK) {
        cm_image_props(i, &props);
        st = cm_plan_make(i, &props, &plan, why);
    }
    if (st == CM_OK && mrenclave != NULL) {
        st = cm_plan_mrenclave(plan, mrenclave);
    }
    cm_plan_free(plan);
    cm_image_free(i);
    return st;
}

/* ---- where things are in a file; its first segment begins at 0, so headers and tables are where they say */

/* what every change relies on */
static _Noreturn void not_there(const char *what)
{
    (void)fprintf(stderr, "the files of this test have no %s\n", what);
    abort();
}

static Elf64_Ehdr *header_of(const struct file *f)
{
    return (Elf64_Ehdr *)(void *)f->bytes;
}

static Elf64_Phdr *segment_of(const struct file *f, uint32_t type, uint32_t flags)
{
    Elf64_Phdr *ph = (Elf64_Phdr *)(void *)(f->bytes + header_of(f)->e_phoff);

    for (unsigned int i = 0; i < header_of(f)->e_phnum; i++) {
        if (ph[i].p_type == type && (flags == 0 || ph[i].p_flags == flags)) {
            return &ph[i];
        }
    }
    not_there("such segment");
}

static Elf64_Dyn *tag_of(const struct file *f, int64_t tag)
{
    Elf64_Dyn *d = (Elf64_Dyn *)(void *)(f->bytes + segment_of(f, PT_DYNAMIC, 0)->p_offset);

    while (d->d_tag != tag && d->d_tag != DT_NULL) {
        d++;
    }
    return d;
}

static Elf64_Sym *symbol_named(const struct file *f, const char *name)
{
    Elf64_Sym *symbols = (Elf64_Sym *)(void *)(f->bytes + tag_of(f, DT_SYMTAB)->d_un.d_ptr);
    const char *names = (const char *)f->bytes + tag_of(f, DT_STRTAB)->d_un.d_ptr;
    const char *end =
        (const char *)f->bytes + tag_of(f, DT_STRTAB)->d_un.d_ptr + tag_of(f, DT_STRSZ)->d_un.d_val;

    for (Elf64_Sym *s = symbols; (const char *)s < names && names + s->st_name < end; s++) {
        if (strcmp(names + s->st_name, name) == 0) {
            return s;
        }
    }
    not_there(name);
}

static Elf64_Rela *relocation_of(const struct file *f, uint32_t type)
{
    Elf64_Rela *r = (Elf64_Rela *)(void *)(f->bytes + tag_of(f, DT_RELA)->d_un.d_ptr);
    const uint64_t count = tag_of(f, DT_RELASZ)->d_un.d_val / sizeof(*r);

    for (uint64_t i = 0; i < count; i++) {
        if (ELF64_R_TYPE(r[i].r_info) == type) {
            return &r[i];
        }
    }
    not_there("such relocation");
}

/* ---- one change, and what it is refused with */

typedef void change(struct file *f);

static void refused(bool of_image, change *make, enum cm_status want, const char *text)
{
    struct file image = copy_of(&image_file);
    struct file library = copy_of(&library_file);
    struct cm_why why = {{0}};

    make(of_image ? &image : &library);
    CHECK_EQ(join(&image, &library, NULL, &why), want);
    if (strstr(why.text, text) == NULL) {
        TEST_FAIL("'%s' does not say '%s'", why.text, text);
    }
    free(image.bytes);
    free(library.bytes);
}

TEST(both_as_they_are)
{
    struct cm_why why = {{0}};

    image_file = read_file(FOLDER "/modt_enclave");
    library_file = read_file(FOLDER "/libmodt.so");
    REQUIRE(image_file.size != 0 && library_file.size != 0);
    CHECK_EQ(join(&image_file, &library_file, signed_for, &why), CM_OK);
}

TEST(an_image_without_its_library_is_not_laid_out)
{
    struct cm_image *i = NULL;
    struct cm_plan *plan = NULL;
    struct cm_enclave_props props;
    struct cm_why why = {{0}};

    REQUIRE(cm_image_open(cm_span_make(image_file.bytes, image_file.size), &i, NULL) == CM_OK);
    CHECK_EQ(cm_image_needed(i).len, strlen("libmodt.so"));
    cm_image_props(i, &props);
    CHECK_EQ(cm_plan_make(i, &props, &plan, &why), CM_ERR_STATE);
    CHECK(plan == NULL && strstr(why.text, "libmodt.so") != NULL);
    CHECK_EQ(cm_image_join(i, cm_span_make("no", 2), &why), CM_ERR_FORMAT);
    CHECK_EQ(cm_image_join(i, cm_span_make(library_file.bytes, library_file.size), &why), CM_OK);
    CHECK_EQ(cm_image_join(i, cm_span_make(library_file.bytes, library_file.size), &why),
             CM_ERR_STATE);
    cm_image_free(i);
}

/* ---- the segments */

static void overlap(struct file *f)
{
    segment_of(f, PT_LOAD, PF_R | PF_W)->p_vaddr =
        segment_of(f, PT_LOAD, PF_R | PF_X)->p_vaddr +
        segment_of(f, PT_LOAD, PF_R | PF_W)->p_offset % 4096;
}

static void writable_code(struct file *f)
{
    segment_of(f, PT_LOAD, PF_R | PF_X)->p_flags |= PF_W;
}

static void huge(struct file *f)
{
    segment_of(f, PT_LOAD, PF_R | PF_W)->p_memsz = UINT64_C(0x3fff0000);
}

static void beyond_all(struct file *f)
{
    segment_of(f, PT_LOAD, PF_R | PF_W)->p_memsz = UINT64_MAX - 4096;
}

static void program(struct file *f)
{
    header_of(f)->e_type = ET_EXEC;
}

TEST(segments)
{
    refused(false, overlap, CM_ERR_FORMAT, "overlaps or precedes");
    refused(false, writable_code, CM_ERR_FORMAT, "both writable and executable");
    refused(false, huge, CM_ERR_LIMIT, "are larger than");
    refused(false, beyond_all, CM_ERR_LIMIT, "beyond the limit");
    refused(false, program, CM_ERR_FORMAT, "ELF type");
}

/* ---- dynamic tags */

static void needs_another(struct file *f)
{
    tag_of(f, DT_SONAME)->d_tag = DT_NEEDED; /* itself: a circle */
}

static void needs_two(struct file *f)
{
    Elf64_Dyn *d = tag_of(f, DT_DEBUG);

    d->d_tag = DT_NEEDED;
    d->d_un.d_val = tag_of(f, DT_NEEDED)->d_un.d_val;
}

static void text_relocations(struct file *f)
{
    tag_of(f, DT_FLAGS)->d_un.d_val |= DF_TEXTREL;
}

static void old_text_relocations(struct file *f)
{
    tag_of(f, DT_SONAME)->d_tag = DT_TEXTREL;
}

static void search_path(struct file *f)
{
    tag_of(f, DT_SONAME)->d_tag = DT_RUNPATH;
}

static void old_constructor(struct file *f)
{
    tag_of(f, DT_SONAME)->d_tag = DT_INIT;
}

static void versions(struct file *f)
{
    tag_of(f, DT_SONAME)->d_tag = DT_VERSYM;
}

static void path_of_library(struct file *f)
{
    char *name =
        (char *)f->bytes + tag_of(f, DT_STRTAB)->d_un.d_ptr + tag_of(f, DT_NEEDED)->d_un.d_val;

    memcpy(name, "../", 3);
}

static void name_outside(struct file *f)
{
    tag_of(f, DT_NEEDED)->d_un.d_val = UINT64_C(1) << 40;
}

static void no_dynamic(struct file *f)
{
    segment_of(f, PT_DYNAMIC, 0)->p_type = PT_NULL;
}

static void array_in_code(struct file *f)
{
    tag_of(f, DT_INIT_ARRAY)->d_un.d_ptr = segment_of(f, PT_LOAD, PF_R | PF_X)->p_vaddr;
}

static void array_beyond(struct file *f)
{
    tag_of(f, DT_FINI_ARRAYSZ)->d_un.d_val = UINT64_C(1) << 20;
}

static void symbols_elsewhere(struct file *f)
{
    tag_of(f, DT_SYMTAB)->d_un.d_ptr += 24;
}

static void rel_in_plt(struct file *f)
{
    tag_of(f, DT_PLTREL)->d_un.d_val = DT_REL;
}

TEST(dynamic_tags)
{
    refused(false, needs_another, CM_ERR_UNSUPPORTED, "needs another one (DT_NEEDED)");
    refused(true, needs_two, CM_ERR_UNSUPPORTED, "more than one shared library");
    refused(false, text_relocations, CM_ERR_UNSUPPORTED, "text relocations (DF_TEXTREL)");
    refused(false, old_text_relocations, CM_ERR_UNSUPPORTED, "text relocations (DT_TEXTREL)");
    refused(false, search_path, CM_ERR_UNSUPPORTED, "library search path");
    refused(false, old_constructor, CM_ERR_UNSUPPORTED, "DT_INIT");
    refused(false, versions, CM_ERR_UNSUPPORTED, "symbol versions");
    refused(true, path_of_library, CM_ERR_FORMAT, "plain name");
    refused(true, name_outside, CM_ERR_FORMAT, "plain name");
    refused(false, no_dynamic, CM_ERR_FORMAT, "no PT_DYNAMIC");
    refused(false, array_in_code, CM_ERR_FORMAT, "constructors or destructors");
    refused(false, array_beyond, CM_ERR_FORMAT, "constructors or destructors");
    refused(false, symbols_elsewhere, CM_ERR_FORMAT, "dynamic symbols are not where");
    refused(false, rel_in_plt, CM_ERR_FORMAT, "DT_PLTREL");
}

/* ---- relocations and symbols */

static void into_code(struct file *f)
{
    relocation_of(f, R_X86_64_RELATIVE)->r_offset = segment_of(f, PT_LOAD, PF_R | PF_X)->p_vaddr;
}

static void beyond_memory(struct file *f)
{
    relocation_of(f, R_X86_64_RELATIVE)->r_offset = UINT64_MAX - 3;
}

static void points_outside(struct file *f)
{
    relocation_of(f, R_X86_64_RELATIVE)->r_addend = 1 << 20;
}

static void points_before(struct file *f)
{
    relocation_of(f, R_X86_64_64)->r_addend = INT64_MIN;
}

static void unknown_type(struct file *f)
{
    relocation_of(f, R_X86_64_RELATIVE)->r_info = R_X86_64_PC32;
}

static void indirect(struct file *f)
{
    relocation_of(f, R_X86_64_RELATIVE)->r_info = R_X86_64_IRELATIVE;
}

static void no_such_symbol(struct file *f)
{
    relocation_of(f, R_X86_64_GLOB_DAT)->r_info = ELF64_R_INFO(UINT64_C(99999), R_X86_64_GLOB_DAT);
}

static void undefined(struct file *f)
{
    char *name = (char *)f->bytes + tag_of(f, DT_STRTAB)->d_un.d_ptr +
                 symbol_named(f, "img_double")->st_name;

    name[0] = 'x';
}

static void symbol_outside(struct file *f)
{
    symbol_named(f, "mod_square")->st_value = UINT64_C(1) << 30;
}

static void indirect_function(struct file *f)
{
    symbol_named(f, "mod_square")->st_info = ELF64_ST_INFO(STB_GLOBAL, STT_GNU_IFUNC);
}

static void absolute(struct file *f)
{
    symbol_named(f, "mod_square")->st_shndx = SHN_ABS;
}

static void twice(struct file *f)
{
    symbol_named(f, "mod_deep")->st_name = symbol_named(f, "mod_square")->st_name;
}

static void other_size(struct file *f)
{
    symbol_named(f, "mod_counter")->st_size = 64;
}

static void copied_from_outside(struct file *f)
{
    symbol_named(f, "mod_counter")->st_value = UINT64_C(1) << 29;
}

static void copied_over_code(struct file *f)
{
    relocation_of(f, R_X86_64_COPY)->r_offset = segment_of(f, PT_LOAD, PF_R | PF_X)->p_vaddr;
}

static void copy_in_library(struct file *f)
{
    Elf64_Rela *r = relocation_of(f, R_X86_64_GLOB_DAT);

    r->r_info = ELF64_R_INFO(ELF64_R_SYM(r->r_info), R_X86_64_COPY);
}

static void thread_local_outside(struct file *f)
{
    relocation_of(f, R_X86_64_TPOFF64)->r_addend = 1 << 16;
}

static void thread_local_function(struct file *f)
{
    symbol_named(f, "mod_of_thread")->st_info = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC);
}

static void many_variables(struct file *f)
{
    segment_of(f, PT_TLS, 0)->p_memsz = UINT64_C(1) << 30;
}

static void directly_addressed(struct file *f)
{
    symbol_named(f, "mod_square")->st_value = 0x1010; /* in the image, where it is undefined */
}

static const Elf64_Shdr *section_named(const struct file *f, const char *name)
{
    const Elf64_Shdr *sh = (const Elf64_Shdr *)(const void *)(f->bytes + header_of(f)->e_shoff);
    const char *names = (const char *)f->bytes + sh[header_of(f)->e_shstrndx].sh_offset;

    for (unsigned int i = 0; i < header_of(f)->e_shnum; i++) {
        if (strcmp(names + sh[i].sh_name, name) == 0) {
            return &sh[i];
        }
    }
    not_there(name);
}

static void properties_of_its_own(struct file *f)
{
    const Elf64_Shdr *sh = (const Elf64_Shdr *)(const void *)(f->bytes + header_of(f)->e_shoff);
    uint8_t *names = f->bytes + sh[header_of(f)->e_shstrndx].sh_offset;

    memcpy(names + section_named(f, ".dynstr")->sh_name, ".oeinfo", strlen(".oeinfo"));
}

static void changes_oeinfo(struct file *f)
{
    relocation_of(f, R_X86_64_GLOB_DAT)->r_offset = section_named(f, ".oeinfo")->sh_addr + 24;
}

TEST(relocations_and_symbols)
{
    refused(false, into_code, CM_ERR_FORMAT, "not in a writable segment");
    refused(false, beyond_memory, CM_ERR_FORMAT, "not in a writable segment");
    refused(false, points_outside, CM_ERR_FORMAT, "points outside the shared library");
    refused(false, points_before, CM_ERR_FORMAT, "points outside the");
    refused(false, unknown_type, CM_ERR_UNSUPPORTED, "relocation type 2");
    refused(false, indirect, CM_ERR_UNSUPPORTED, "relocation type 37");
    refused(false, no_such_symbol, CM_ERR_FORMAT, "symbol 99999, which is not there");
    refused(false, undefined, CM_ERR_UNSUPPORTED, "xmg_double, which the shared library uses");
    refused(false, symbol_outside, CM_ERR_FORMAT, "points outside the shared library");
    refused(false, indirect_function, CM_ERR_UNSUPPORTED, "indirect (IFUNC)");
    refused(false, absolute, CM_ERR_UNSUPPORTED, "absolute");
    refused(false, twice, CM_ERR_FORMAT, "defines the symbol mod_square twice");
    refused(false, other_size, CM_ERR_UNSUPPORTED, "mod_counter");
    refused(false, copied_from_outside, CM_ERR_UNSUPPORTED, "lies outside the shared library");
    refused(true, copied_over_code, CM_ERR_FORMAT, "not in a writable segment");
    refused(false, copy_in_library, CM_ERR_UNSUPPORTED, "is no data of the shared library");
    refused(false, thread_local_outside, CM_ERR_FORMAT, "leaves the variables");
    refused(false, thread_local_function, CM_ERR_UNSUPPORTED, "is not a thread-local variable");
    refused(false, many_variables, CM_ERR_LIMIT, "thread-local storage");
    refused(false, properties_of_its_own, CM_ERR_FORMAT, "has an .oeinfo section");
    refused(true, directly_addressed, CM_ERR_UNSUPPORTED, "without the global offset table");
    /* clang has it among what is read-only, gcc does not */
    refused(true, changes_oeinfo, CM_ERR_FORMAT,
            (section_named(&image_file, ".oeinfo")->sh_flags & SHF_WRITE) != 0
                ? "changes .oeinfo"
                : "not in a writable segment");
}

/* ---- everything else */

TEST(what_is_loaded_of_the_library_is_measured)
{
    struct file library = copy_of(&library_file);
    size_t accepted = 0;

    for (size_t i = 0; i < header_of(&library_file)->e_phnum; i++) {
        const Elf64_Phdr ph =
            ((const Elf64_Phdr *)(const void *)(library_file.bytes +
                                                header_of(&library_file)->e_phoff))[i];

        for (uint64_t at = ph.p_type == PT_LOAD ? ph.p_offset : UINT64_MAX;
             at < ph.p_offset + ph.p_filesz; at += 13) {
            uint8_t mrenclave[CM_MRENCLAVE_SIZE];

            if (at >= 0x28 && at < 0x40) {
                continue; /* where sections are: not loaded (docs/image.md) */
            }
            library.bytes[at] ^= 0x10;
            if (join(&image_file, &library, mrenclave, NULL) == CM_OK) {
                accepted++;
                CHECK(memcmp(mrenclave, signed_for, sizeof(mrenclave)) != 0);
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

    for (size_t size = 0; size < library_file.size; size += size < 4096 ? 7 : 211) {
        struct file part = {malloc(size + 1), size}; /* its own block: nothing behind it is read */

        REQUIRE(part.bytes != NULL);
        memcpy(part.bytes, library_file.bytes, size);
        CHECK(join(&image_file, &part, NULL, &why) != CM_OK);
        free(part.bytes);
    }
}

TEST(out_of_memory)
{
    enum cm_status st = CM_ERR_NOMEM;
    long k = 0;

    for (k = 1; k < 100 && st == CM_ERR_NOMEM; k++) {
        fail_alloc_at(k);
        st = join(&image_file, &library_file, NULL, NULL);
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
    struct file library = copy_of(&library_file);
    const Elf64_Sym *square = symbol_named(&library, "mod_square");
    struct cm_image *image = NULL;
    struct cm_scan_result clean = {0};
    struct cm_scan_result bad = {0};
    struct cm_scan_hit hit = {0};
    uint64_t size = 0;

    library.bytes[square->st_value] = 0x0f;
    library.bytes[square->st_value + 1] = 0x05;
    for (int i = 0; i < 2; i++) {
        const struct file *f = i == 0 ? &library_file : &library;

        REQUIRE(cm_image_open(cm_span_make(image_file.bytes, image_file.size), &image, NULL) ==
                CM_OK);
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
    free(image_file.bytes);
    free(library_file.bytes);
}

TEST_MAIN
