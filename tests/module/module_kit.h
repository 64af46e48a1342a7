/*
 * The image and the shared library of modt as bytes: where things are in them, and a way to join what a test has
 * changed. Include after harness.h; FOLDER is where both files are.
 */
#ifndef CM_TESTS_MODULE_KIT_H
#define CM_TESTS_MODULE_KIT_H

#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "abi/module_block.h"
#include "image/image.h"
#include "os/os.h"

enum { MK_PAGE = 4096 };

struct mk_file {
    uint8_t *bytes;
    size_t size;
};

static struct mk_file mk_image;
static struct mk_file mk_library;
static uint8_t mk_signed_for[CM_MRENCLAVE_SIZE];

static inline struct mk_file mk_read(const char *path)
{
    struct mk_file f = {NULL, 0};
    struct cm_why why = {{0}};

    if (cm_file_read(path, 8 << 20, &f.bytes, &f.size, &why) != CM_OK) {
        TEST_FAIL("%s", why.text);
    }
    return f;
}

static inline struct mk_file mk_copy_of(const struct mk_file *f)
{
    struct mk_file c = {malloc(f->size), f->size};

    if (c.bytes != NULL) {
        memcpy(c.bytes, f->bytes, f->size);
    }
    return c;
}

/* CM_OK: both were laid out, and *mrenclave is what they measure to. */
static inline enum cm_status mk_join(const struct mk_file *image, const struct mk_file *library,
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
static inline _Noreturn void mk_not_there(const char *what)
{
    (void)fprintf(stderr, "the files of this test have no %s\n", what);
    abort();
}

static inline Elf64_Ehdr *mk_header_of(const struct mk_file *f)
{
    return (Elf64_Ehdr *)(void *)f->bytes;
}

static inline Elf64_Phdr *mk_segment_of(const struct mk_file *f, uint32_t type, uint32_t flags)
{
    Elf64_Phdr *ph = (Elf64_Phdr *)(void *)(f->bytes + mk_header_of(f)->e_phoff);

    for (unsigned int i = 0; i < mk_header_of(f)->e_phnum; i++) {
        if (ph[i].p_type == type && (flags == 0 || ph[i].p_flags == flags)) {
            return &ph[i];
        }
    }
    mk_not_there("such segment");
}

static inline Elf64_Dyn *mk_tag_of(const struct mk_file *f, int64_t tag)
{
    Elf64_Dyn *d = (Elf64_Dyn *)(void *)(f->bytes + mk_segment_of(f, PT_DYNAMIC, 0)->p_offset);

    while (d->d_tag != tag && d->d_tag != DT_NULL) {
        d++;
    }
    return d;
}

static inline Elf64_Sym *mk_symbol_named(const struct mk_file *f, const char *name)
{
    Elf64_Sym *symbols = (Elf64_Sym *)(void *)(f->bytes + mk_tag_of(f, DT_SYMTAB)->d_un.d_ptr);
    const char *names = (const char *)f->bytes + mk_tag_of(f, DT_STRTAB)->d_un.d_ptr;
    const char *end = (const char *)f->bytes + mk_tag_of(f, DT_STRTAB)->d_un.d_ptr +
                      mk_tag_of(f, DT_STRSZ)->d_un.d_val;

    for (Elf64_Sym *s = symbols; (const char *)s < names && names + s->st_name < end; s++) {
        if (strcmp(names + s->st_name, name) == 0) {
            return s;
        }
    }
    mk_not_there(name);
}

static inline Elf64_Rela *mk_relocation_of(const struct mk_file *f, uint32_t type)
{
    Elf64_Rela *r = (Elf64_Rela *)(void *)(f->bytes + mk_tag_of(f, DT_RELA)->d_un.d_ptr);
    const uint64_t count = mk_tag_of(f, DT_RELASZ)->d_un.d_val / sizeof(*r);

    for (uint64_t i = 0; i < count; i++) {
        if (ELF64_R_TYPE(r[i].r_info) == type) {
            return &r[i];
        }
    }
    mk_not_there("such relocation");
}

static inline const Elf64_Shdr *mk_section_named(const struct mk_file *f, const char *name)
{
    const Elf64_Shdr *sh = (const Elf64_Shdr *)(const void *)(f->bytes + mk_header_of(f)->e_shoff);
    const char *names = (const char *)f->bytes + sh[mk_header_of(f)->e_shstrndx].sh_offset;

    for (unsigned int i = 0; i < mk_header_of(f)->e_shnum; i++) {
        if (strcmp(names + sh[i].sh_name, name) == 0) {
            return &sh[i];
        }
    }
    mk_not_there(name);
}

/* ---- what tests do with both */

/* The two files of modt, and what they measure to. */
static inline bool mk_start(void)
{
    struct cm_why why = {{0}};

    mk_image = mk_read(FOLDER "/modt_enclave");
    mk_library = mk_read(FOLDER "/libmodt.so");
    if (mk_image.size == 0 || mk_library.size == 0 ||
        mk_join(&mk_image, &mk_library, mk_signed_for, &why) != CM_OK) {
        TEST_FAIL("%s", why.text);
        return false;
    }
    return true;
}

static inline void mk_end(void)
{
    free(mk_image.bytes);
    free(mk_library.bytes);
}

/* ---- more segments, made of program headers that nobody needs; the lower one first */

static inline uint64_t mk_page_up(uint64_t n)
{
    return (n + MK_PAGE - 1) / MK_PAGE * MK_PAGE;
}

static inline uint64_t mk_memory_end(const struct mk_file *f)
{
    const Elf64_Phdr *ph = (const Elf64_Phdr *)(const void *)(f->bytes + mk_header_of(f)->e_phoff);
    uint64_t end = 0;

    for (unsigned int i = 0; i < mk_header_of(f)->e_phnum; i++) {
        if (ph[i].p_type == PT_LOAD && ph[i].p_vaddr + ph[i].p_memsz > end) {
            end = ph[i].p_vaddr + ph[i].p_memsz;
        }
    }
    return mk_page_up(end);
}

/* Zeros to write; returns their address. Once in a file. */
static inline uint64_t mk_add_bss(struct mk_file *f, uint64_t size)
{
    const uint64_t at = mk_memory_end(f);

    *mk_segment_of(f, PT_GNU_EH_FRAME, 0) =
        (Elf64_Phdr){.p_type = PT_LOAD, .p_flags = PF_R | PF_W, .p_vaddr = at, .p_memsz = size};
    return at;
}

/* Bytes to read, at the end of the file; *bytes: where they are in it. Once in a file, after mk_add_bss. */
static inline uint64_t mk_add_table(struct mk_file *f, size_t size, uint8_t **bytes)
{
    const uint64_t at = mk_memory_end(f);
    const size_t offset = (size_t)mk_page_up(f->size);
    uint8_t *grown = realloc(f->bytes, offset + size);

    if (grown == NULL) {
        abort();
    }
    memset(grown + f->size, 0, offset + size - f->size);
    *f = (struct mk_file){grown, offset + size};
    *mk_segment_of(f, PT_GNU_STACK, 0) = (Elf64_Phdr){.p_type = PT_LOAD,
                                                      .p_flags = PF_R,
                                                      .p_offset = offset,
                                                      .p_vaddr = at,
                                                      .p_filesz = size,
                                                      .p_memsz = size};
    *bytes = grown + offset;
    return at;
}

static inline void mk_retag(struct mk_file *f, int64_t tag, int64_t other, uint64_t value)
{
    Elf64_Dyn *d = mk_tag_of(f, tag);

    if (d->d_tag != tag) {
        mk_not_there("tag to spare");
    }
    d->d_tag = other;
    d->d_un.d_val = value;
}

/* ---- what comes of a pair */

struct mk_links {
    struct cm_module_block head;
    struct cm_module_link *list;
};

static inline int mk_by_place(const void *a, const void *b)
{
    const struct cm_module_link *x = a;
    const struct cm_module_link *y = b;

    return x->where < y->where ? -1 : x->where > y->where;
}

/* In the order of places; list is NULL when the two do not fit. */
static inline struct mk_links mk_links_of(const struct mk_file *image,
                                          const struct mk_file *library)
{
    struct mk_links l = {.list = NULL};
    struct cm_image *i = NULL;
    struct cm_plan *plan = NULL;
    struct cm_enclave_props props;
    struct cm_why why = {{0}};

    if (cm_image_open(cm_span_make(image->bytes, image->size), &i, &why) == CM_OK &&
        cm_image_join(i, cm_span_make(library->bytes, library->size), &why) == CM_OK) {
        cm_image_props(i, &props);
        CHECK_EQ(cm_plan_make(i, &props, &plan, &why), CM_OK);
    }
    for (size_t k = 0; plan != NULL && k < plan->region_count; k++) {
        if (strcmp(plan->regions[k].what, "links") == 0) {
            const uint8_t *data = plan->regions[k].data;

            memcpy(&l.head, data, sizeof(l.head));
            l.list = calloc(l.head.link_count + 1, sizeof(*l.list));
            if (l.list != NULL) {
                memcpy(l.list, data + sizeof(l.head), l.head.link_count * sizeof(*l.list));
                qsort(l.list, l.head.link_count, sizeof(*l.list), mk_by_place);
            }
        }
    }
    if (l.list == NULL) {
        TEST_FAIL("%s", why.text);
    }
    cm_plan_free(plan);
    cm_image_free(i);
    return l;
}

/* Zeros when there is none. */
static inline const struct cm_module_link *mk_link_at(const struct mk_links *l, uint64_t where)
{
    static const struct cm_module_link none;

    for (uint64_t i = 0; l->list != NULL && i < l->head.link_count; i++) {
        if (l->list[i].where == where) {
            return &l->list[i];
        }
    }
    return &none;
}

/* A change to one of both, and what it is refused with. */
typedef void mk_change(struct mk_file *f);

static inline void mk_refused(bool of_image, mk_change *make, enum cm_status want, const char *text)
{
    struct mk_file image = mk_copy_of(&mk_image);
    struct mk_file library = mk_copy_of(&mk_library);
    struct cm_why why = {{0}};

    make(of_image ? &image : &library);
    CHECK_EQ(mk_join(&image, &library, NULL, &why), want);
    if (strstr(why.text, text) == NULL) {
        TEST_FAIL("'%s' does not say '%s'", why.text, text);
    }
    free(image.bytes);
    free(library.bytes);
}

#endif
