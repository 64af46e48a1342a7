/*
 * A small, correct enclave image made byte by byte, for tests that then break
 * one thing in it. Four pages of file, three segments:
 *
 *   0x0000 R   ELF header, program headers, RELA, RELR, .oeinfo
 *   0x1000 RX  one ENCLU site, `enclave_entry`, `helper`
 *   0x2000 RW  PT_DYNAMIC, TLS template, words to relocate; then 0x1200 bytes of bss
 *   0x3000     symbols, names, section headers (not loaded)
 */
#ifndef CM_TESTS_SIGN_ELF_FIXTURE_H
#define CM_TESTS_SIGN_ELF_FIXTURE_H

#include <elf.h>
#include <stdint.h>
#include <string.h>

enum {
    FX_PHDR = 0x40,
    FX_PHNUM = 6,
    FX_RELA = 0x400, /* two entries */
    FX_RELR = 0x480, /* an address and a bitmap */
    FX_OEINFO = 0x600,
    FX_OEINFO_SIZE = 1960,
    FX_TEXT = 0x1000,
    FX_ENTRY = 0x1010,
    FX_HELPER = 0x1020,
    FX_DYNAMIC = 0x2000,
    FX_DYNAMIC_SIZE = 10 * 16,
    FX_TLS = 0x2200,
    FX_WORDS = 0x2300,
    FX_DATA_END = 0x2e00,
    FX_BSS_END = 0x4000,
    FX_SYMTAB = 0x3000,
    FX_SYMS = 4,
    FX_STRTAB = 0x3080,
    FX_SHSTRTAB = 0x30c0,
    FX_SHDR = 0x3100,
    FX_SHNUM = 8,
    FX_SIZE = FX_SHDR + FX_SHNUM * 64,
};

/* program headers, in order */
enum { FX_LOAD_R, FX_LOAD_X, FX_LOAD_W, FX_PT_DYNAMIC, FX_PT_TLS, FX_PT_STACK };
/* section headers, in order */
enum {
    FX_S_NULL,
    FX_S_OEINFO,
    FX_S_TEXT,
    FX_S_DATA,
    FX_S_BSS,
    FX_S_SYMTAB,
    FX_S_STRTAB,
    FX_S_SHSTRTAB
};

struct fixture {
    uint8_t b[FX_SIZE];
};

static inline void fx_put(struct fixture *f, size_t at, uint64_t v, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        f->b[at + i] = (uint8_t)(v >> (8 * i));
    }
}

static inline void fx16(struct fixture *f, size_t at, uint64_t v)
{
    fx_put(f, at, v, 2);
}

static inline void fx32(struct fixture *f, size_t at, uint64_t v)
{
    fx_put(f, at, v, 4);
}

static inline void fx64(struct fixture *f, size_t at, uint64_t v)
{
    fx_put(f, at, v, 8);
}

/* offsets of a field of program header i / section header i / dynamic entry i */
static inline size_t fx_ph(size_t i, size_t field)
{
    return FX_PHDR + i * 56 + field;
}

static inline size_t fx_sh(size_t i, size_t field)
{
    return FX_SHDR + i * 64 + field;
}

static inline size_t fx_dyn(size_t i)
{
    return FX_DYNAMIC + i * 16;
}

enum {
    PH_TYPE = 0,
    PH_FLAGS = 4,
    PH_OFFSET = 8,
    PH_VADDR = 16,
    PH_FILESZ = 32,
    PH_MEMSZ = 40,
    PH_ALIGN = 48,
    SH_NAME = 0,
    SH_TYPE = 4,
    SH_FLAGS = 8,
    SH_ADDR = 16,
    SH_OFFSET = 24,
    SH_SIZE = 32,
    SH_LINK = 40,
    SH_ENTSIZE = 56,
};

static inline void fx_phdr(struct fixture *f, size_t i, uint32_t type, uint32_t flags,
                           uint64_t vaddr, uint64_t filesz)
{
    fx32(f, fx_ph(i, PH_TYPE), type);
    fx32(f, fx_ph(i, PH_FLAGS), flags);
    fx64(f, fx_ph(i, PH_OFFSET), vaddr);
    fx64(f, fx_ph(i, PH_VADDR), vaddr);
    fx64(f, fx_ph(i, PH_FILESZ), filesz);
    fx64(f, fx_ph(i, PH_MEMSZ), filesz);
    fx64(f, fx_ph(i, PH_ALIGN), 0x1000);
}

static inline void fx_shdr(struct fixture *f, size_t i, uint32_t name, uint32_t type, uint64_t addr,
                           uint64_t size)
{
    fx32(f, fx_sh(i, SH_NAME), name);
    fx32(f, fx_sh(i, SH_TYPE), type);
    fx64(f, fx_sh(i, SH_FLAGS), addr < FX_SYMTAB ? SHF_ALLOC : 0);
    fx64(f, fx_sh(i, SH_ADDR), addr < FX_SYMTAB ? addr : 0);
    fx64(f, fx_sh(i, SH_OFFSET), addr);
    fx64(f, fx_sh(i, SH_SIZE), size);
}

static inline void fx_sym(struct fixture *f, size_t i, uint32_t name, uint16_t section,
                          uint64_t addr, uint64_t size)
{
    const size_t at = FX_SYMTAB + i * 24;

    fx32(f, at, name);
    f->b[at + 4] = STB_GLOBAL << 4 | STT_FUNC;
    fx16(f, at + 6, section);
    fx64(f, at + 8, addr);
    fx64(f, at + 16, size);
}

static inline void fx_dynamic(struct fixture *f, size_t i, uint64_t tag, uint64_t value)
{
    fx64(f, fx_dyn(i), tag);
    fx64(f, fx_dyn(i) + 8, value);
}

static inline void fx_headers(struct fixture *f)
{
    static const uint8_t ident[] = {0x7f, 'E', 'L', 'F', 2, 1, 1};

    memcpy(f->b, ident, sizeof(ident));
    fx16(f, 16, ET_DYN);
    fx16(f, 18, EM_X86_64);
    fx32(f, 20, 1);
    fx64(f, 24, FX_ENTRY);
    fx64(f, 32, FX_PHDR);
    fx64(f, 40, FX_SHDR);
    fx16(f, 52, 64);
    fx16(f, 54, 56);
    fx16(f, 56, FX_PHNUM);
    fx16(f, 58, 64);
    fx16(f, 60, FX_SHNUM);
    fx16(f, 62, FX_S_SHSTRTAB);
    fx_phdr(f, FX_LOAD_R, PT_LOAD, PF_R, 0, FX_OEINFO + FX_OEINFO_SIZE);
    fx_phdr(f, FX_LOAD_X, PT_LOAD, PF_R | PF_X, FX_TEXT, 0x100);
    fx_phdr(f, FX_LOAD_W, PT_LOAD, PF_R | PF_W, FX_DYNAMIC, FX_DATA_END - FX_DYNAMIC);
    fx64(f, fx_ph(FX_LOAD_W, PH_MEMSZ), FX_BSS_END - FX_DYNAMIC);
    fx_phdr(f, FX_PT_DYNAMIC, PT_DYNAMIC, PF_R | PF_W, FX_DYNAMIC, FX_DYNAMIC_SIZE);
    fx_phdr(f, FX_PT_TLS, PT_TLS, PF_R, FX_TLS, 16);
    fx64(f, fx_ph(FX_PT_TLS, PH_MEMSZ), 0x48);
    fx64(f, fx_ph(FX_PT_TLS, PH_ALIGN), 16);
    fx_phdr(f, FX_PT_STACK, PT_GNU_STACK, PF_R | PF_W, 0, 0);
}

static inline void fx_sections(struct fixture *f)
{
    /*                            1       9     15    21   26      34      42 */
    static const char names[] = "\0.oeinfo\0.text\0.data\0.bss\0.symtab\0.strtab\0.shstrtab";
    static const char symbols[] = "\0enclave_entry\0helper\0enclu_site";

    fx_shdr(f, FX_S_OEINFO, 1, SHT_PROGBITS, FX_OEINFO, FX_OEINFO_SIZE);
    fx_shdr(f, FX_S_TEXT, 9, SHT_PROGBITS, FX_TEXT, 0x100);
    fx64(f, fx_sh(FX_S_TEXT, SH_FLAGS), SHF_ALLOC | SHF_EXECINSTR);
    fx_shdr(f, FX_S_DATA, 15, SHT_PROGBITS, FX_DYNAMIC, FX_DATA_END - FX_DYNAMIC);
    fx_shdr(f, FX_S_BSS, 21, SHT_NOBITS, FX_DATA_END, FX_BSS_END - FX_DATA_END);
    fx_shdr(f, FX_S_SYMTAB, 26, SHT_SYMTAB, FX_SYMTAB, UINT64_C(24) * FX_SYMS);
    fx32(f, fx_sh(FX_S_SYMTAB, SH_LINK), FX_S_STRTAB);
    fx64(f, fx_sh(FX_S_SYMTAB, SH_ENTSIZE), 24);
    fx_shdr(f, FX_S_STRTAB, 34, SHT_STRTAB, FX_STRTAB, sizeof(symbols));
    fx_shdr(f, FX_S_SHSTRTAB, 42, SHT_STRTAB, FX_SHSTRTAB, sizeof(names));
    memcpy(f->b + FX_STRTAB, symbols, sizeof(symbols));
    memcpy(f->b + FX_SHSTRTAB, names, sizeof(names));
    fx_sym(f, 1, 1, FX_S_TEXT, FX_ENTRY, 16);
    fx_sym(f, 2, 15, FX_S_TEXT, FX_HELPER, 16);
    fx_sym(f, 3, 22, FX_S_TEXT, FX_TEXT, 16);
}

static inline void fx_contents(struct fixture *f)
{
    static const uint8_t site[16] = {0x0f, 0x01, 0xd7, 0xc3, 'C', 'A',
                                     'S',  'E',  'M',  'A',  'T', 'E'};

    memcpy(f->b + FX_TEXT, site, sizeof(site));
    memset(f->b + FX_ENTRY, 0x90, 0xf0);
    f->b[FX_ENTRY + 15] = 0xc3;
    f->b[FX_HELPER + 15] = 0xc3;
    fx_dynamic(f, 0, DT_RELA, FX_RELA);
    fx_dynamic(f, 1, DT_RELASZ, 48);
    fx_dynamic(f, 2, DT_RELAENT, 24);
    fx_dynamic(f, 3, 36 /* DT_RELR */, FX_RELR);
    fx_dynamic(f, 4, 35 /* DT_RELRSZ */, 16);
    fx_dynamic(f, 5, 37 /* DT_RELRENT */, 8);
    fx_dynamic(f, 6, DT_DEBUG, 0);
    for (size_t i = 0; i < 2; i++) {
        fx64(f, FX_RELA + i * 24, FX_WORDS + i * 8);
        fx64(f, FX_RELA + i * 24 + 8, R_X86_64_RELATIVE);
        fx64(f, FX_RELA + i * 24 + 16, FX_HELPER);
    }
    fx64(f, FX_RELR, FX_WORDS + 64);
    fx64(f, FX_RELR + 8, 0xb); /* the word after it and the one after the next */
    fx64(f, FX_WORDS + 64, FX_ENTRY);
    fx64(f, FX_OEINFO, FX_OEINFO_SIZE | UINT64_C(2) << 32);
    fx64(f, FX_OEINFO + 8, 16); /* heap, stack, tcs */
    fx64(f, FX_OEINFO + 16, 4);
    fx64(f, FX_OEINFO + 24, 2);
    fx16(f, FX_OEINFO + 32, 7);
    fx16(f, FX_OEINFO + 34, 3);
    fx64(f, FX_OEINFO + 72, 6); /* MODE64BIT and DEBUG */
    fx64(f, FX_OEINFO + 1952, UINT64_C(0xecececececececec));
}

static inline void fx_make(struct fixture *f)
{
    memset(f, 0, sizeof(*f));
    fx_headers(f);
    fx_sections(f);
    fx_contents(f);
}

#endif
