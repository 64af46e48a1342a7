/*
 * Shared libraries that no linker makes: tables in segments of their own, too long, too many, or with names that
 * cost more than they are worth; and what of a library's file is measured.
 */
#include "harness.h"

#include "module_kit.h"

TEST(both_as_they_are)
{
    REQUIRE(mk_start());
}

static uint64_t *add_relr(struct mk_file *f, size_t words)
{
    uint8_t *bytes = NULL;
    const uint64_t at = mk_add_table(f, words * 8, &bytes);

    mk_retag(f, DT_PLTGOT, DT_RELR, at);
    mk_retag(f, DT_SYMENT, DT_RELRSZ, words * 8);
    mk_retag(f, DT_RELACOUNT, DT_RELRENT, 8);
    return (uint64_t *)(void *)bytes;
}

/* ---- RELR of a library */

TEST(relr_says_what_rela_says)
{
    struct mk_file library = mk_copy_of(&mk_library);
    Elf64_Rela *r = mk_relocation_of(&library, R_X86_64_RELATIVE);
    uint64_t *relr = add_relr(&library, 2);
    const struct mk_links before = mk_links_of(&mk_image, &mk_library);

    /* the first ones, one behind the other: the lists of constructors and destructors */
    r = mk_relocation_of(&library, R_X86_64_RELATIVE);
    relr[0] = r->r_offset;
    relr[1] = 1;
    for (unsigned int n = 0; ELF64_R_TYPE(r->r_info) == R_X86_64_RELATIVE; r++) {
        const Elf64_Phdr *data = mk_segment_of(&library, PT_LOAD, PF_R | PF_W);

        if (r->r_offset == relr[0] + (uint64_t)n * 8) {
            memcpy(library.bytes + data->p_offset + (r->r_offset - data->p_vaddr), &r->r_addend, 8);
            relr[1] |= UINT64_C(1) << n; /* bit 0, of the first, says that it is a bitmap */
            r->r_info = R_X86_64_NONE;
            n++;
        } else {
            break;
        }
    }
    CHECK(relr[1] >= 7);
    const struct mk_links after = mk_links_of(&mk_image, &library);

    CHECK_EQ(before.head.link_count, after.head.link_count);
    for (uint64_t i = 0; before.list != NULL && after.list != NULL && i < before.head.link_count;
         i++) {
        const struct cm_module_link *same = mk_link_at(&after, before.list[i].where);

        CHECK_EQ(same->kind, before.list[i].kind);
        CHECK_EQ(same->value, before.list[i].value);
    }
    free(before.list);
    free(after.list);
    free(library.bytes);
}

/* [address, 63 words] again and again: 16 bytes of the file for 64 links */
static void relr_of(struct mk_file *f, size_t pairs)
{
    const uint64_t bss = mk_add_bss(f, MK_PAGE);
    uint64_t *relr = add_relr(f, pairs * 2);

    for (size_t i = 0; i < pairs; i++) {
        relr[2 * i] = bss;
        relr[2 * i + 1] = UINT64_MAX;
    }
}

static void bomb(struct mk_file *f)
{
    relr_of(f, CM_MODULE_MAX_LINKS / 64 + 1);
}

static void endless(struct mk_file *f)
{
    const uint64_t bss = mk_add_bss(f, MK_PAGE);
    uint64_t *relr = add_relr(f, 1 << 17);

    relr[0] = bss;
    for (size_t i = 1; i < 1 << 17; i++) {
        relr[i] = 1;
    }
}

static void nothing_before(struct mk_file *f)
{
    add_relr(f, 1)[0] = 3;
}

static void relr_into_code(struct mk_file *f)
{
    add_relr(f, 1)[0] = mk_segment_of(f, PT_LOAD, PF_R | PF_X)->p_vaddr;
}

static void relr_points_outside(struct mk_file *f)
{
    const uint64_t end = mk_memory_end(f) + MK_PAGE; /* the table has a page */

    add_relr(f, 1)[0] = mk_relocation_of(f, R_X86_64_RELATIVE)->r_offset;
    const Elf64_Phdr *data = mk_segment_of(f, PT_LOAD, PF_R | PF_W);
    const uint64_t value = end + 1;

    memcpy(f->bytes + data->p_offset +
               (mk_relocation_of(f, R_X86_64_RELATIVE)->r_offset - data->p_vaddr),
           &value, 8);
}

TEST(G3_relr_that_goes_too_far)
{
    struct mk_file library = mk_copy_of(&mk_library);

    mk_refused(false, bomb, CM_ERR_LIMIT, "more than 2097152 relocations");
    mk_refused(false, endless, CM_ERR_FORMAT, "RELR table leaves");
    mk_refused(false, nothing_before, CM_ERR_FORMAT, "begins with a bitmap");
    mk_refused(false, relr_into_code, CM_ERR_FORMAT, "not in a writable segment");
    mk_refused(false, relr_points_outside, CM_ERR_FORMAT, "points outside");
    relr_of(&library, 1000); /* many are no harm */
    const struct mk_links l = mk_links_of(&mk_image, &library);

    CHECK(l.head.link_count > 64000);
    free(l.list);
    free(library.bytes);
}

/* ---- symbols */

/* the string table once more, with a name of so many bytes behind it, which is mod_deep's */
static void long_name(struct mk_file *f, size_t length)
{
    const uint64_t old = mk_tag_of(f, DT_STRSZ)->d_un.d_val;
    const uint64_t from = mk_tag_of(f, DT_STRTAB)->d_un.d_ptr;
    Elf64_Sym *symbol = mk_symbol_named(f, "mod_deep");
    const size_t symbol_at = (size_t)((uint8_t *)symbol - f->bytes);
    uint8_t *bytes = NULL;
    const uint64_t at = mk_add_table(f, old + length + 1, &bytes);

    memcpy(bytes, f->bytes + from, old);
    memset(bytes + old, 'a', length);
    ((Elf64_Sym *)(void *)(f->bytes + symbol_at))->st_name = (uint32_t)old;
    mk_tag_of(f, DT_STRTAB)->d_un.d_ptr = at;
    mk_tag_of(f, DT_STRSZ)->d_un.d_val = old + length + 1;
}

static void longest_name(struct mk_file *f)
{
    long_name(f, (1 << 14) - 1);
}

static void too_long_name(struct mk_file *f)
{
    long_name(f, 1 << 14);
}

static void name_outside_table(struct mk_file *f)
{
    mk_symbol_named(f, "mod_deep")->st_name = UINT32_MAX;
}

static void name_without_end(struct mk_file *f)
{
    mk_tag_of(f, DT_STRSZ)->d_un.d_val = mk_symbol_named(f, "mod_deep")->st_name + 8u;
}

/* the symbols once more, and so many without a name */
static void symbols(struct mk_file *f, size_t count)
{
    const Elf64_Shdr own = *mk_section_named(f, ".dynsym");
    const size_t header_at = (size_t)((const uint8_t *)mk_section_named(f, ".dynsym") - f->bytes);
    uint8_t *bytes = NULL;
    const uint64_t at = mk_add_table(f, count * sizeof(Elf64_Sym), &bytes);
    Elf64_Shdr *header = (Elf64_Shdr *)(void *)(f->bytes + header_at);

    for (size_t i = 0; i < count; i++) {
        ((Elf64_Sym *)(void *)bytes)[i] =
            (Elf64_Sym){.st_info = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC), .st_shndx = 1};
    }
    memcpy(bytes, f->bytes + own.sh_offset, own.sh_size);
    header->sh_addr = at;
    header->sh_offset = (uint64_t)(bytes - f->bytes);
    header->sh_size = count * sizeof(Elf64_Sym);
    mk_tag_of(f, DT_SYMTAB)->d_un.d_ptr = at;
}

static void too_many_symbols(struct mk_file *f)
{
    symbols(f, (1 << 20) + 1);
}

static void local_copy(struct mk_file *f)
{
    mk_symbol_named(f, "mod_counter")->st_info = ELF64_ST_INFO(STB_LOCAL, STT_OBJECT);
}

static void protected_data(struct mk_file *f)
{
    mk_symbol_named(f, "mod_counter")->st_other = STV_PROTECTED;
}

static void local_function(struct mk_file *f)
{
    mk_symbol_named(f, "mod_square")->st_info = ELF64_ST_INFO(STB_LOCAL, STT_FUNC);
}

static void local_nowhere(struct mk_file *f)
{
    mk_symbol_named(f, "img_double")->st_info = ELF64_ST_INFO(STB_LOCAL, STT_NOTYPE);
}

static void hidden_function(struct mk_file *f)
{
    mk_symbol_named(f, "mod_square")->st_other = STV_HIDDEN;
}

static void copied_function(struct mk_file *f)
{
    mk_symbol_named(f, "mod_counter")->st_info = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC);
}

static void thread_local_address(struct mk_file *f)
{
    mk_symbol_named(f, "mod_square")->st_info = ELF64_ST_INFO(STB_GLOBAL, STT_TLS);
}

/* nobody has it: the first relocation of it is R_X86_64_64 */
static void weak_nowhere(struct mk_file *f)
{
    Elf64_Sym *symbol = mk_symbol_named(f, "img_double");
    char *names = (char *)f->bytes + mk_tag_of(f, DT_STRTAB)->d_un.d_ptr;

    names[symbol->st_name] = 'x';
    symbol->st_info = ELF64_ST_INFO(STB_WEAK, STT_NOTYPE);
}

static Elf64_Rela *of_symbol(struct mk_file *f, uint32_t type, const char *name)
{
    const Elf64_Sym *first =
        (const Elf64_Sym *)(const void *)(f->bytes + mk_tag_of(f, DT_SYMTAB)->d_un.d_ptr);
    const uint64_t number = (uint64_t)(mk_symbol_named(f, name) - first);
    Elf64_Rela *r = mk_relocation_of(f, type);

    while (r->r_info != ELF64_R_INFO(number, type)) {
        r++; /* there is one: modt_library.c */
    }
    return r;
}

static void weak_and_more(struct mk_file *f)
{
    of_symbol(f, R_X86_64_64, "img_double")->r_addend = 8;
    weak_nowhere(f);
}

TEST(addends_and_weak_symbols)
{
    struct mk_file library = mk_copy_of(&mk_library);
    Elf64_Rela *slot = of_symbol(&library, R_X86_64_GLOB_DAT, "img_value");
    const uint64_t word = of_symbol(&library, R_X86_64_64, "img_double")->r_offset;
    const struct mk_links before = mk_links_of(&mk_image, &library);

    mk_refused(false, weak_and_more, CM_ERR_UNSUPPORTED, "is defined nowhere");
    slot->r_addend = 8; /* says nothing in a table of offsets */
    weak_nowhere(&library);
    const struct mk_links after = mk_links_of(&mk_image, &library);

    CHECK_EQ(mk_link_at(&after, after.head.base + slot->r_offset)->value,
             mk_link_at(&before, before.head.base + slot->r_offset)->value);
    CHECK_EQ(mk_link_at(&after, after.head.base + word)->kind, CM_LINK_CONSTANT);
    CHECK_EQ(mk_link_at(&after, after.head.base + word)->value, 0);
    free(before.list);
    free(after.list);
    free(library.bytes);
}

TEST(a_copy_of_nothing)
{
    struct mk_file image = mk_copy_of(&mk_image);
    struct mk_file library = mk_copy_of(&mk_library);
    struct cm_why why = {{0}};

    mk_symbol_named(&image, "mod_counter")->st_size = 0;
    mk_symbol_named(&library, "mod_counter")->st_size = 0;
    CHECK_EQ(mk_join(&image, &library, NULL, &why), CM_ERR_UNSUPPORTED);
    CHECK(strstr(why.text, "has another size") != NULL);
    free(image.bytes);
    free(library.bytes);
}

TEST(G3_symbols_that_cost_or_mislead)
{
    struct mk_file library = mk_copy_of(&mk_library);

    mk_refused(false, longest_name, CM_ERR_UNSUPPORTED, "is defined nowhere"); /* and was read */
    mk_refused(false, too_long_name, CM_ERR_FORMAT, "has no name in the string table, or one of");
    mk_refused(false, name_outside_table, CM_ERR_FORMAT, "has no name in the string table");
    mk_refused(false, name_without_end, CM_ERR_FORMAT, "has no name in the string table");
    mk_refused(false, too_many_symbols, CM_ERR_LIMIT, "more than 1048576 dynamic symbols");
    mk_refused(true, local_copy, CM_ERR_UNSUPPORTED, "is no data of the shared library");
    mk_refused(false, copied_function, CM_ERR_UNSUPPORTED, "is no data of the shared library");
    mk_refused(false, thread_local_address, CM_ERR_UNSUPPORTED, "is thread-local, indirect");
    mk_refused(false, local_function, CM_ERR_UNSUPPORTED, "is defined nowhere");
    mk_refused(false, local_nowhere, CM_ERR_UNSUPPORTED, "is defined nowhere");
    mk_refused(false, hidden_function, CM_ERR_UNSUPPORTED, "is defined nowhere");
    mk_refused(false, protected_data, CM_ERR_UNSUPPORTED, "is protected in the shared library");
    mk_symbol_named(&library, "img_double")->st_value = 0x1010; /* of an undefined one: nothing */
    symbols(&library, 20000);
    CHECK_EQ(mk_join(&mk_image, &library, NULL, NULL), CM_OK);
    free(library.bytes);
}

/* weak and unique ones are found like others; what is protected elsewhere is looked for */
TEST(every_kind_of_definition_is_found)
{
    static const unsigned int kinds[] = {STB_GLOBAL, STB_WEAK, STB_GNU_UNIQUE};
    struct mk_file library = mk_copy_of(&mk_library);

    mk_symbol_named(&library, "img_double")->st_other = STV_PROTECTED;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        mk_symbol_named(&library, "mod_square")->st_info =
            (unsigned char)ELF64_ST_INFO(kinds[i], STT_FUNC);
        CHECK_EQ(mk_join(&mk_image, &library, NULL, NULL), CM_OK);
    }
    free(library.bytes);
}

/* in_both: the image's for both, but not when the library's is protected, or local to it */
TEST(whose_symbol_it_is)
{
    struct mk_file library = mk_copy_of(&mk_library);
    Elf64_Sym *both = mk_symbol_named(&library, "in_both");
    const Elf64_Sym *symbols_at =
        (const Elf64_Sym *)(const void *)(library.bytes +
                                          mk_tag_of(&library, DT_SYMTAB)->d_un.d_ptr);
    const Elf64_Rela *r =
        (const Elf64_Rela *)(const void *)(library.bytes +
                                           mk_tag_of(&library, DT_JMPREL)->d_un.d_ptr);
    const uint64_t of_image = mk_symbol_named(&mk_image, "in_both")->st_value;

    while (ELF64_R_SYM(r->r_info) != (uint64_t)(both - symbols_at)) {
        r++; /* there is one: modt_library.c calls it */
    }
    for (int kind = 0; kind < 4; kind++) {
        both->st_other = kind == 1 ? STV_PROTECTED : STV_DEFAULT;
        both->st_info = (unsigned char)ELF64_ST_INFO(kind == 2   ? STB_LOCAL
                                                     : kind == 3 ? STB_WEAK
                                                                 : STB_GLOBAL,
                                                     STT_FUNC);
        const struct mk_links l = mk_links_of(&mk_image, &library);
        const struct cm_module_link *link = mk_link_at(&l, l.head.base + r->r_offset);

        CHECK_EQ(link->kind, CM_LINK_ADDRESS);
        CHECK_EQ(link->value, kind == 1 || kind == 2 ? l.head.base + both->st_value : of_image);
        free(l.list);
    }
    free(library.bytes);
}

/* ---- thread-local variables, constructors and headers */

TEST(thread_local_variables_do_not_overlap)
{
    struct mk_file library = mk_copy_of(&mk_library);
    const uint64_t image_size = mk_segment_of(&mk_image, PT_TLS, 0)->p_memsz;
    const uint64_t at = mk_segment_of(&mk_library, PT_TLS, 0)->p_vaddr; /* its own alignment */

    for (uint64_t align = 1; align <= 64 && at % align == 0; align *= 2) {
        for (uint64_t size = mk_segment_of(&mk_library, PT_TLS, 0)->p_memsz; size < 100;
             size += 7) {
            mk_segment_of(&library, PT_TLS, 0)->p_align = align;
            mk_segment_of(&library, PT_TLS, 0)->p_memsz = size;
            const struct mk_links l = mk_links_of(&mk_image, &library);

            CHECK_EQ(l.head.tls_offset % align, 0);
            CHECK(l.head.tls_offset >= image_size + size); /* down from the thread data */
            CHECK(l.head.tls_offset < image_size + size + 64);
            free(l.list);
        }
    }
    free(library.bytes);
}

static void unaligned_variables(struct mk_file *f)
{
    mk_segment_of(f, PT_TLS, 0)->p_align = 4096; /* its address is no multiple of that */
}

static void variables_elsewhere(struct mk_file *f)
{
    mk_segment_of(f, PT_TLS, 0)->p_align = 1;
    mk_segment_of(f, PT_TLS, 0)->p_vaddr = UINT64_C(1) << 40;
}

static void no_variables(struct mk_file *f)
{
    *mk_segment_of(f, PT_TLS, 0) = (Elf64_Phdr){.p_type = PT_NULL};
}

static void empty_segment(struct mk_file *f)
{
    mk_segment_of(f, PT_LOAD, PF_R | PF_W)->p_memsz = 0;
    mk_segment_of(f, PT_LOAD, PF_R | PF_W)->p_filesz = 0;
}

static void array_of_halves(struct mk_file *f)
{
    mk_tag_of(f, DT_INIT_ARRAYSZ)->d_un.d_val -= 4;
}

static void array_between(struct mk_file *f)
{
    mk_tag_of(f, DT_INIT_ARRAY)->d_un.d_ptr += 4;
}

/* a table of program headers that is not loaded: inside, something else would be read */
static void headers_elsewhere(struct mk_file *f)
{
    const size_t size = (size_t)mk_header_of(f)->e_phnum * sizeof(Elf64_Phdr);
    uint8_t *bytes = NULL;

    (void)mk_add_table(f, size, &bytes);
    memcpy(bytes, f->bytes + mk_header_of(f)->e_phoff, size);
    mk_header_of(f)->e_phoff = (uint64_t)(bytes - f->bytes);
}

TEST(headers)
{
    mk_refused(false, unaligned_variables, CM_ERR_FORMAT, "alignment 0x1000");
    mk_refused(false, variables_elsewhere, CM_ERR_FORMAT, "lies outside the segments");
    mk_refused(false, no_variables, CM_ERR_FORMAT, "leaves the variables");
    mk_refused(false, empty_segment, CM_ERR_FORMAT, "is empty");
    mk_refused(false, array_of_halves, CM_ERR_FORMAT, "constructors or destructors");
    mk_refused(false, array_between, CM_ERR_FORMAT, "constructors or destructors");
    mk_refused(false, headers_elsewhere, CM_ERR_FORMAT, "headers are not in the first segment");
    mk_refused(true, headers_elsewhere, CM_ERR_FORMAT, "headers are not in the first segment");
}

/* ---- what is measured */

/* 0: refused, 1: measured as it was signed, 2: measured otherwise */
static int with_flipped(struct mk_file *library, size_t at, uint8_t bits)
{
    uint8_t mrenclave[CM_MRENCLAVE_SIZE];
    int verdict = 0;

    library->bytes[at] ^= bits;
    if (mk_join(&mk_image, library, mrenclave, NULL) == CM_OK) {
        verdict = memcmp(mrenclave, mk_signed_for, sizeof(mrenclave)) == 0 ? 1 : 2;
    }
    library->bytes[at] ^= bits;
    return verdict;
}

TEST(G3_every_byte_of_the_headers_counts)
{
    struct mk_file library = mk_copy_of(&mk_library);
    const size_t end = mk_header_of(&library)->e_phoff +
                       (size_t)mk_header_of(&library)->e_phnum * sizeof(Elf64_Phdr);

    for (size_t at = 0; at < end; at++) {
        /* where sections are: forgotten in memory, so that a stripped file is the same (docs/image.md) */
        const bool forgotten =
            (at >= offsetof(Elf64_Ehdr, e_shoff) && at < offsetof(Elf64_Ehdr, e_flags)) ||
            (at >= offsetof(Elf64_Ehdr, e_shnum) && at < sizeof(Elf64_Ehdr));

        CHECK(with_flipped(&library, at, 0x01) != (forgotten ? 2 : 1));
        CHECK(with_flipped(&library, at, 0x80) != (forgotten ? 2 : 1));
    }
    free(library.bytes);
}

/* what no segment holds decides nothing: sections, symbols for debuggers, room between segments */
TEST(what_is_not_loaded_changes_nothing)
{
    struct mk_file library = mk_copy_of(&mk_library);
    const Elf64_Phdr *ph =
        (const Elf64_Phdr *)(const void *)(library.bytes + mk_header_of(&library)->e_phoff);
    size_t same = 0;

    for (size_t at = sizeof(Elf64_Ehdr); at < library.size; at += 17) {
        bool loaded = false;

        for (unsigned int i = 0; i < mk_header_of(&library)->e_phnum; i++) {
            loaded = loaded || (ph[i].p_type == PT_LOAD && at >= ph[i].p_offset &&
                                at < ph[i].p_offset + ph[i].p_filesz);
        }
        if (!loaded) {
            const int verdict = with_flipped(&library, at, 0x04);

            CHECK(verdict != 2);
            same += verdict == 1;
        }
    }
    CHECK(same > 10);
    free(library.bytes);
}

TEST(the_files_are_freed)
{
    mk_end();
}

TEST_MAIN
