/*
 * usage: measure_log SIGNED_IMAGE > LOG
 *
 * An independent account of what loading an enclave measures: writes the byte log of ECREATE, EADD
 * and EEXTEND, whose SHA-256 (by the openssl command) must be the MRENCLAVE that oesign signed.
 * Shares no code with src/: ELF through the system's <elf.h>, the memory layout from the picture in
 * src/abi/layout.h, the blocks from the SDM. Trusts its input: a test's own image.
 */
#include <elf.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PAGE = 4096, CHUNK = 256, TCS = 0x100, REG = 0x200, R = 1, W = 2, X = 4 };

static uint8_t file[1 << 20];
static uint8_t *memory; /* the image as loaded */

static void block(const char tag[8], uint64_t a, uint64_t b)
{
    uint8_t bytes[64] = {0};

    memcpy(bytes, tag, 8);
    memcpy(bytes + 8, &a, 8);
    memcpy(bytes + 16, &b, 8);
    (void)fwrite(bytes, 1, sizeof(bytes), stdout);
}

static void page(uint64_t offset, uint64_t flags, const uint8_t *data, int measured)
{
    block("EADD\0\0\0", offset, flags);
    for (uint64_t i = 0; measured && i < PAGE; i += CHUNK) {
        block("EEXTEND", offset + i, 0);
        (void)fwrite(data + i, 1, CHUNK, stdout);
    }
}

static uint64_t up(uint64_t v)
{
    return (v + PAGE - 1) / PAGE * PAGE;
}

static uint64_t u64_at(const uint8_t *p)
{
    uint64_t v = 0;

    memcpy(&v, p, sizeof(v));
    return v;
}

int main(int argc, char **argv)
{
    static const uint8_t zeros[PAGE];
    const Elf64_Ehdr *eh = (const void *)file;
    const Elf64_Phdr *ph = NULL;
    const Elf64_Shdr *sh = NULL;
    uint8_t *oeinfo = NULL;
    uint64_t end = 0;
    uint64_t tls = 0;
    FILE *f = argc == 2 ? fopen(argv[1], "rb") : NULL;

    if (f == NULL || fread(file, 1, sizeof(file), f) < sizeof(*eh)) {
        return 2;
    }
    ph = (const void *)(file + eh->e_phoff);
    sh = (const void *)(file + eh->e_shoff);
    for (int i = 0; i < eh->e_phnum; i++) {
        if (ph[i].p_type == PT_LOAD) {
            end = up(ph[i].p_vaddr + ph[i].p_memsz);
        } else if (ph[i].p_type == PT_TLS) {
            tls = up((ph[i].p_memsz + ph[i].p_align - 1) / ph[i].p_align * ph[i].p_align);
        }
    }
    memory = calloc(1, end);
    if (memory == NULL) {
        return 2;
    }
    for (int i = 0; i < eh->e_phnum; i++) {
        if (ph[i].p_type == PT_LOAD) {
            memcpy(memory + ph[i].p_vaddr, file + ph[i].p_offset, ph[i].p_filesz);
        }
    }
    for (int i = 0; i < eh->e_shnum; i++) {
        if (strcmp((const char *)file + sh[eh->e_shstrndx].sh_offset + sh[i].sh_name, ".oeinfo") ==
            0) {
            oeinfo = memory + sh[i].sh_addr;
        }
    }
    if (oeinfo == NULL) {
        return 2;
    }
    memset(oeinfo + 144, 0, 1808); /* the SIGSTRUCT is not measured, */
    memset(memory + 40, 0, 8);     /* nor is where the section headers are in the file */
    memset(memory + 60, 0, 4);
    const uint64_t heap = u64_at(oeinfo + 8);
    const uint64_t stack = u64_at(oeinfo + 16);
    const uint64_t threads = u64_at(oeinfo + 24);
    const uint64_t shift = (oeinfo[36] & 2) != 0 ? u64_at(oeinfo + 88) : 0; /* 0-base: the start */
    const uint64_t thread = (1 + stack + 1 + 1 + 2 + 1) * PAGE + tls + PAGE;
    uint64_t size = 1;
    uint64_t at = shift + end;

    while (size < shift + end + heap * PAGE + threads * thread) {
        size *= 2;
    }
    block("ECREATE", 1 | size << 32, size >> 32); /* SSAFRAMESIZE is 32 bits wide */
    for (int i = 0; i < eh->e_phnum; i++) {
        const uint32_t pf = ph[i].p_flags;
        const uint64_t flags =
            REG | (pf & PF_R ? R : 0U) | (pf & PF_W ? W : 0U) | (pf & PF_X ? X : 0U);

        for (uint64_t p = ph[i].p_vaddr / PAGE * PAGE;
             ph[i].p_type == PT_LOAD && p < ph[i].p_vaddr + ph[i].p_memsz; p += PAGE) {
            page(shift + p, flags, memory + p, 1);
        }
    }
    for (uint64_t i = 0; i < heap; i++, at += PAGE) {
        page(at, REG | R | W, zeros, 0);
    }
    for (uint64_t t = 0; t < threads; t++) {
        uint8_t tcs[PAGE] = {0};
        const uint64_t ones = UINT64_MAX;
        const uint32_t nssa = 2;
        const uint64_t entry = shift + eh->e_entry;
        uint64_t ssa = 0;
        uint64_t td = 0;

        at += PAGE; /* guard */
        for (uint64_t i = 0; i < stack; i++, at += PAGE) {
            page(at, REG | R | W, zeros, 1);
        }
        at += PAGE; /* guard */
        ssa = at + PAGE;
        td = ssa + nssa * PAGE + PAGE + tls;
        memcpy(tcs + 16, &ssa, 8);
        memcpy(tcs + 28, &nssa, 4);
        memcpy(tcs + 32, &entry, 8);
        memcpy(tcs + 48, &td, 8);
        memcpy(tcs + 56, &td, 8);
        memcpy(tcs + 64, &ones, 8);
        page(at, TCS, tcs, 1);
        page(ssa, REG | R | W, zeros, 1);
        page(ssa + PAGE, REG | R | W, zeros, 1);
        for (at = td - tls; at <= td; at += PAGE) {
            page(at, REG | R | W, zeros, 1);
        }
    }
    free(memory);
    return fclose(f) == 0 && fflush(stdout) == 0 ? 0 : 2;
}
