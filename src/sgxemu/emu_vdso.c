/*
 * The vDSO as programs find it through AT_SYSINFO_EHDR: an ELF image whose symbol table is the real
 * vDSO's with __vdso_sgx_enter_enclave added (or replaced). No code is copied: values and addresses
 * are relative to the image modulo 2^64, which is how every reader computes them.
 */
#include <elf.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sgxemu/emu.h"

#define NAME        "__vdso_sgx_enter_enclave"
#define MAX_SYMBOLS 128u
#define MAX_STRINGS 4096u
#define DYN_COUNT   10u

/* what the image is made of; one block, so that the layout is the compiler's */
struct image {
    Elf64_Ehdr ehdr;
    Elf64_Phdr phdr[2];
    Elf64_Dyn dyn[DYN_COUNT];
    Elf64_Sym sym[MAX_SYMBOLS];
    uint32_t hash[2 + 1 + MAX_SYMBOLS]; /* nbucket, nchain, one bucket, chains */
    uint16_t versym[MAX_SYMBOLS];
    char str[MAX_STRINGS];
};

/* The dynamic section of the real vDSO, as far as it is used. All NULL or 0: there is none. */
struct real {
    uint64_t bias; /* what to add to its addresses */
    const Elf64_Sym *sym;
    const char *str;
    const uint16_t *versym;
    uint64_t verdef; /* absolute address */
    uint64_t verdef_count;
    size_t str_size;
    size_t sym_count;
};

static uint64_t real_base(void)
{
    int fd = (int)syscall(SYS_openat, AT_FDCWD, "/proc/self/auxv", O_RDONLY | O_CLOEXEC, 0);
    Elf64_auxv_t entry;
    uint64_t base = 0;

    while (fd >= 0 && syscall(SYS_read, fd, &entry, sizeof(entry)) == (long)sizeof(entry) &&
           entry.a_type != AT_NULL) {
        if (entry.a_type == AT_SYSINFO_EHDR) {
            base = entry.a_un.a_val;
        }
    }
    if (fd >= 0) {
        (void)syscall(SYS_close, fd);
    }
    return base;
}

static const void *at(uint64_t addr)
{
    /* NOLINTNEXTLINE(performance-no-int-to-ptr): mapped by the kernel */
    return (const void *)(uintptr_t)addr;
}

/* Symbols of a table that only DT_GNU_HASH counts: the longest chain's end. */
static size_t gnu_count(const uint32_t *h)
{
    uint32_t buckets = h[0];
    uint32_t first = h[1];
    const uint32_t *bucket = h + 4 + (size_t)h[2] * 2;
    const uint32_t *chain = bucket + buckets;
    uint32_t last = 0;

    for (uint32_t i = 0; i < buckets; i++) {
        last = bucket[i] > last ? bucket[i] : last;
    }
    if (last < first) {
        return first;
    }
    while ((chain[last - first] & 1u) == 0) {
        last++;
    }
    return (size_t)last + 1;
}

static void read_dynamic(struct real *r, const Elf64_Dyn *d)
{
    for (; d->d_tag != DT_NULL; d++) {
        uint64_t addr = r->bias + d->d_un.d_ptr;

        switch (d->d_tag) {
        case DT_HASH:
            r->sym_count = ((const uint32_t *)at(addr))[1];
            break;
        case DT_GNU_HASH:
            r->sym_count = r->sym_count != 0 ? r->sym_count : gnu_count(at(addr));
            break;
        case DT_SYMTAB:
            r->sym = at(addr);
            break;
        case DT_STRTAB:
            r->str = at(addr);
            break;
        case DT_STRSZ:
            r->str_size = d->d_un.d_val;
            break;
        case DT_VERSYM:
            r->versym = at(addr);
            break;
        case DT_VERDEF:
            r->verdef = addr;
            break;
        case DT_VERDEFNUM:
            r->verdef_count = d->d_un.d_val;
            break;
        default:
            break;
        }
    }
}

static void read_real(struct real *r)
{
    uint64_t base = real_base();
    const Elf64_Ehdr *ehdr = at(base);
    const Elf64_Dyn *dyn = NULL;

    if (base == 0) {
        return;
    }
    for (size_t i = 0; i < ehdr->e_phnum; i++) {
        const Elf64_Phdr *p = at(base + ehdr->e_phoff + i * ehdr->e_phentsize);

        if (p->p_type == PT_LOAD) {
            r->bias = base + p->p_offset - p->p_vaddr;
        } else if (p->p_type == PT_DYNAMIC) {
            dyn = at(base + p->p_offset);
        }
    }
    if (dyn != NULL) {
        read_dynamic(r, dyn);
    }
    if (r->sym == NULL || r->str == NULL || r->sym_count == 0 || r->sym_count > MAX_SYMBOLS - 1 ||
        r->str_size > MAX_STRINGS - sizeof(NAME)) {
        memset(r, 0, sizeof(*r)); /* not a vDSO as we know it: ours alone */
    }
}

static size_t symbols(struct image *im, const struct real *r)
{
    uint64_t self = (uint64_t)(uintptr_t)im;
    size_t count = r->sym_count != 0 ? r->sym_count : 1; /* the null symbol */
    size_t str_used = r->str_size != 0 ? r->str_size : 1;
    uint16_t version = 1; /* global */

    for (size_t i = 1; i < r->sym_count; i++) {
        im->sym[i] = r->sym[i];
        im->versym[i] = r->versym != NULL ? r->versym[i] : 1;
        if (im->sym[i].st_shndx != SHN_UNDEF && im->sym[i].st_shndx != SHN_ABS) {
            im->sym[i].st_value += r->bias - self;
            version = im->versym[i];
        }
        if (r->sym[i].st_name < r->str_size && strcmp(r->str + r->sym[i].st_name, NAME) == 0) {
            im->sym[i].st_name = 0; /* the kernel's own: found no more */
        }
    }
    if (r->str_size != 0) {
        memcpy(im->str, r->str, r->str_size);
    }
    memcpy(im->str + str_used, NAME, sizeof(NAME));
    im->sym[count] = (Elf64_Sym){.st_name = (Elf64_Word)str_used,
                                 .st_info = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC),
                                 .st_shndx = 1,
                                 .st_value = (uint64_t)(uintptr_t)&cm_emu_enter - self};
    im->versym[count] = version;
    return count + 1;
}

static Elf64_Dyn dyn_entry(int64_t tag, uint64_t value)
{
    return (Elf64_Dyn){.d_tag = tag, .d_un = {.d_val = value}};
}

static void headers(struct image *im, const struct real *r, size_t count)
{
    uint64_t self = (uint64_t)(uintptr_t)im;
    size_t d = 0;

    memcpy(im->ehdr.e_ident, ELFMAG, SELFMAG);
    im->ehdr.e_ident[EI_CLASS] = ELFCLASS64;
    im->ehdr.e_ident[EI_DATA] = ELFDATA2LSB;
    im->ehdr.e_ident[EI_VERSION] = EV_CURRENT;
    im->ehdr.e_type = ET_DYN;
    im->ehdr.e_machine = EM_X86_64;
    im->ehdr.e_version = EV_CURRENT;
    im->ehdr.e_phoff = offsetof(struct image, phdr);
    im->ehdr.e_ehsize = sizeof(im->ehdr);
    im->ehdr.e_phentsize = sizeof(im->phdr[0]);
    im->ehdr.e_phnum = 2;
    im->phdr[0] = (Elf64_Phdr){.p_type = PT_LOAD,
                               .p_flags = PF_R | PF_X,
                               .p_filesz = sizeof(*im),
                               .p_memsz = sizeof(*im),
                               .p_align = SGX_PAGE_SIZE};
    im->phdr[1] = (Elf64_Phdr){.p_type = PT_DYNAMIC,
                               .p_flags = PF_R,
                               .p_offset = offsetof(struct image, dyn),
                               .p_vaddr = offsetof(struct image, dyn),
                               .p_filesz = sizeof(im->dyn),
                               .p_memsz = sizeof(im->dyn)};
    im->dyn[d++] = dyn_entry(DT_HASH, offsetof(struct image, hash));
    im->dyn[d++] = dyn_entry(DT_SYMTAB, offsetof(struct image, sym));
    im->dyn[d++] = dyn_entry(DT_SYMENT, sizeof(Elf64_Sym));
    im->dyn[d++] = dyn_entry(DT_STRTAB, offsetof(struct image, str));
    im->dyn[d++] = dyn_entry(DT_STRSZ, sizeof(im->str));
    if (r->versym != NULL && r->verdef != 0) {
        im->dyn[d++] = dyn_entry(DT_VERSYM, offsetof(struct image, versym));
        im->dyn[d++] = dyn_entry(DT_VERDEF, r->verdef - self);
        im->dyn[d++] = dyn_entry(DT_VERDEFNUM, r->verdef_count);
    }
    /* one bucket: the table has a dozen entries */
    im->hash[0] = 1;
    im->hash[1] = (uint32_t)count;
    im->hash[2] = count > 1 ? 1 : 0;
    for (size_t i = 1; i + 1 < count; i++) {
        im->hash[3 + i] = (uint32_t)i + 1;
    }
}

static const void *the_image;

static void build(void)
{
    struct real r;
    long mem = syscall(SYS_mmap, 0, sizeof(struct image), PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0l);
    struct image *im = NULL;

    if (mem == -1) {
        return;
    }
    im = (struct image *)mem; /* NOLINT(performance-no-int-to-ptr): from mmap */
    memset(&r, 0, sizeof(r));
    read_real(&r);
    headers(im, &r, symbols(im, &r));
    (void)syscall(SYS_mprotect, mem, sizeof(struct image), PROT_READ);
    the_image = im;
}

const void *cm_emu_vdso_image(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    (void)pthread_once(&once, build);
    return the_image;
}
