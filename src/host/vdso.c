/*
 * Look a symbol up in the vDSO: an ELF file that the kernel mapped whole, found by AT_SYSINFO_EHDR.
 * The dynamic loader offers no portable way to names it does not use itself.
 */
#include <elf.h>
#include <stddef.h>
#include <string.h>

#include "host/devices.h"

struct dynamic {
    uintptr_t symtab;
    uintptr_t strtab;
    uintptr_t hash;     /* DT_HASH */
    uintptr_t gnu_hash; /* DT_GNU_HASH, the only one of recent kernels */
};

static const void *at(uintptr_t address)
{
    return (const void *)address; /* NOLINT(performance-no-int-to-ptr): addresses in the vDSO */
}

/* Values of DT_* are link addresses: relative to the first PT_LOAD's, which is what moved to base. */
static struct dynamic read_dynamic(const Elf64_Dyn *d, uintptr_t bias)
{
    struct dynamic out = {0, 0, 0, 0};

    for (; d->d_tag != DT_NULL; d++) {
        switch (d->d_tag) {
        case DT_SYMTAB:
            out.symtab = bias + d->d_un.d_ptr;
            break;
        case DT_STRTAB:
            out.strtab = bias + d->d_un.d_ptr;
            break;
        case DT_HASH:
            out.hash = bias + d->d_un.d_ptr;
            break;
        case DT_GNU_HASH:
            out.gnu_hash = bias + d->d_un.d_ptr;
            break;
        default:
            break;
        }
    }
    return out;
}

/* DT_GNU_HASH does not say how many symbols there are: the last chain's end does. */
static uint32_t gnu_symbol_count(const uint32_t *table)
{
    uint32_t bucket_count = table[0];
    uint32_t first = table[1];
    const uint32_t *buckets = table + 4 + (size_t)table[2] * 2;
    const uint32_t *chain = buckets + bucket_count;
    uint32_t last = 0;

    for (uint32_t i = 0; i < bucket_count; i++) {
        last = buckets[i] > last ? buckets[i] : last;
    }
    if (last < first) {
        return first;
    }
    while ((chain[last - first] & 1) == 0) {
        last++;
    }
    return last + 1;
}

static const void *find(const struct dynamic *dyn, uintptr_t bias, const char *name)
{
    const Elf64_Sym *symbols = at(dyn->symtab);
    const char *strings = at(dyn->strtab);
    uint32_t count = 0;

    if (dyn->symtab == 0 || dyn->strtab == 0) {
        return NULL;
    }
    if (dyn->hash != 0) {
        count = ((const uint32_t *)at(dyn->hash))[1];
    } else if (dyn->gnu_hash != 0) {
        count = gnu_symbol_count(at(dyn->gnu_hash));
    }
    for (uint32_t i = 0; i < count; i++) {
        if (symbols[i].st_shndx != SHN_UNDEF && strcmp(strings + symbols[i].st_name, name) == 0) {
            return at(bias + symbols[i].st_value);
        }
    }
    return NULL;
}

const void *cm_vdso_symbol(uintptr_t base, const char *name)
{
    const Elf64_Ehdr *header = at(base);
    const Elf64_Phdr *ph = NULL;
    const Elf64_Phdr *dynamic = NULL;
    const Elf64_Phdr *load = NULL;
    struct dynamic dyn;
    uintptr_t bias = 0;

    if (base == 0 || memcmp(header->e_ident, ELFMAG, SELFMAG) != 0) {
        return NULL;
    }
    ph = at(base + header->e_phoff);
    for (uint16_t i = 0; i < header->e_phnum; i++) {
        if (ph[i].p_type == PT_DYNAMIC) {
            dynamic = &ph[i];
        } else if (ph[i].p_type == PT_LOAD && load == NULL) {
            load = &ph[i];
        }
    }
    if (dynamic == NULL || load == NULL) {
        return NULL;
    }
    bias = base + load->p_offset - load->p_vaddr;
    dyn = read_dynamic(at(base + dynamic->p_offset), bias);
    return find(&dyn, bias, name);
}
