/*
 * The names of ocalls. They are static functions of the application, so the dynamic linker does not
 * know them; the symbol table of the file does, unless it was stripped. Read through the bounded
 * reader, although it is our own process's file: it may have been replaced since.
 */
#include <dlfcn.h>
#include <elf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>

#include "common/reader.h"
#include "host/profile.h"
#include "os/os.h"

#define FILE_MAX_SIZE (UINT64_C(1) << 28)
#define PREFIX        "ocall_" /* what the EDL compiler puts before the function's name */

struct section {
    uint32_t type;
    uint32_t link;
    uint64_t offset;
    uint64_t size;
};

static struct cm_span part(struct cm_span file, uint64_t offset, uint64_t size)
{
    struct cm_span out = {NULL, 0};

    if (offset <= file.len && size <= file.len - offset) {
        out = cm_span_make(file.ptr + offset, size);
    }
    return out;
}

/* section header number i; type 0 when it is not there */
static struct section section_at(struct cm_span file, uint64_t table, uint32_t i)
{
    struct cm_rd r =
        cm_rd_init(part(file, table + (uint64_t)i * sizeof(Elf64_Shdr), sizeof(Elf64_Shdr)));
    struct section s = {0};

    (void)cm_rd_u32le(&r); /* name */
    s.type = cm_rd_u32le(&r);
    (void)cm_rd_u64le(&r); /* flags */
    (void)cm_rd_u64le(&r); /* address */
    s.offset = cm_rd_u64le(&r);
    s.size = cm_rd_u64le(&r);
    s.link = cm_rd_u32le(&r);
    if (r.bad) {
        s.type = SHT_NULL;
    }
    return s;
}

/* the function symbol that begins at address; its name into out */
static bool find_symbol(struct cm_span symbols, struct cm_span names, uint64_t address, char *out,
                        size_t cap)
{
    struct cm_rd r = cm_rd_init(symbols);

    while (r.left >= sizeof(Elf64_Sym)) {
        uint32_t name = cm_rd_u32le(&r);
        uint8_t info = cm_rd_u8(&r);
        const char *text = NULL;

        (void)cm_rd_u8(&r);    /* visibility */
        (void)cm_rd_u16le(&r); /* section */
        if (cm_rd_u64le(&r) == address && ELF64_ST_TYPE(info) == STT_FUNC && name < names.len &&
            memchr(names.ptr + name, 0, names.len - name) != NULL) {
            text = (const char *)names.ptr + name;
            text += strncmp(text, PREFIX, sizeof(PREFIX) - 1) == 0 ? sizeof(PREFIX) - 1 : 0;
            (void)snprintf(out, cap, "%s", text);
            return true;
        }
        (void)cm_rd_u64le(&r); /* size */
    }
    return false;
}

static bool search_file(struct cm_span file, uint64_t address, char *out, size_t cap)
{
    struct cm_rd r = cm_rd_init(part(file, 0, sizeof(Elf64_Ehdr)));
    uint64_t table = 0;
    uint32_t count = 0;

    (void)cm_rd_take(&r, offsetof(Elf64_Ehdr, e_shoff));
    table = cm_rd_u64le(&r);
    (void)cm_rd_take(&r, offsetof(Elf64_Ehdr, e_shnum) - offsetof(Elf64_Ehdr, e_flags));
    count = cm_rd_u16le(&r);
    if (r.bad) {
        return false;
    }
    for (uint32_t i = 0; i < count; i++) {
        struct section s = section_at(file, table, i);
        struct section names = section_at(file, table, s.link);

        if (s.type == SHT_SYMTAB &&
            find_symbol(part(file, s.offset, s.size), part(file, names.offset, names.size), address,
                        out, cap)) {
            return true;
        }
    }
    return false;
}

bool cm_profile_function_name(oe_ocall_func_t function, char *out, size_t cap)
{
    Dl_info info;
    void *address = NULL;
    uint64_t base = 0;
    const char *path = NULL;
    uint8_t *data = NULL;
    size_t len = 0;
    bool found = false;

    memcpy(&address, &function, sizeof(address));
    if (dladdr(address, &info) == 0 || info.dli_fname == NULL) {
        return false;
    }
    base = (uint64_t)(uintptr_t)info.dli_fbase;
    /* argv[0] may be relative to another folder by now */
    path = (uint64_t)getauxval(AT_PHDR) - base < 4096 ? "/proc/self/exe" : info.dli_fname;
    if (cm_file_read(path, FILE_MAX_SIZE, &data, &len, NULL) != CM_OK) {
        return false;
    }
    found = search_file(cm_span_make(data, len), (uint64_t)(uintptr_t)address - base, out, cap) ||
            search_file(cm_span_make(data, len), (uint64_t)(uintptr_t)address, out, cap);
    free(data);
    return found;
}
