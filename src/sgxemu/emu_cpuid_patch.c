/*
 * CPUID of the main program, opt-in (word cpuid of CASEMATE_SGXEMU): programs that look for SGX with
 * CPUID themselves would find none. Each CPUID becomes UD2, of the same length, and is answered in
 * the SIGILL handler. Only in the preloaded library; Zydis is loaded when asked for, so that nobody
 * else needs it.
 *
 * The program's executable sections are disassembled from their beginning; bytes that merely look
 * like CPUID inside another instruction are left alone. A program without section headers is not
 * touched.
 */
#include <Zydis/Zydis.h>
#include <dlfcn.h>
#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sgxemu/emu_cpu.h"

#define CPUID_SIZE 2u

typedef __typeof__(&ZydisDecoderInit) decoder_init_t;
typedef __typeof__(&ZydisDecoderDecodeInstruction) decode_t;

struct scan {
    decode_t decode;
    ZydisDecoder decoder;
    uint64_t bias;
    size_t found;
};

static bool load_zydis(struct scan *s)
{
    void *lib = dlopen("libZydis.so.4.0", RTLD_NOW | RTLD_LOCAL);
    void *init = lib != NULL ? dlsym(lib, "ZydisDecoderInit") : NULL;
    void *decode = lib != NULL ? dlsym(lib, "ZydisDecoderDecodeInstruction") : NULL;
    decoder_init_t call;

    if (init == NULL || decode == NULL) {
        (void)fprintf(stderr, "casemate sgxemu: the option cpuid needs libZydis.so.4.0 "
                              "(package libzydis4.0)\n");
        return false;
    }
    memcpy(&call, &init, sizeof(call));
    memcpy(&s->decode, &decode, sizeof(s->decode));
    return ZYAN_SUCCESS(call(&s->decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64));
}

/* the system call, not the function that this library has replaced */
static bool protect(uint64_t start, uint64_t end, int prot)
{
    start &= ~(uint64_t)(SGX_PAGE_SIZE - 1);
    end = (end + SGX_PAGE_SIZE - 1) & ~(uint64_t)(SGX_PAGE_SIZE - 1);
    return emu_syscall4(SYS_mprotect, start, end - start, (uint64_t)prot, 0) == 0;
}

static void scan_section(struct scan *s, uint64_t start, uint64_t size)
{
    uint8_t *code = (uint8_t *)start; /* NOLINT(performance-no-int-to-ptr): from /proc/self/maps */

    if (!protect(start, start + size, PROT_READ | PROT_WRITE | PROT_EXEC)) {
        cm_emu_log("cpuid: a section cannot be made writable");
        return;
    }
    for (uint64_t at = 0; at < size;) {
        ZydisDecodedInstruction in;

        if (!ZYAN_SUCCESS(s->decode(&s->decoder, NULL, code + at, size - at, &in))) {
            at++; /* data between functions */
            continue;
        }
        if (in.mnemonic == ZYDIS_MNEMONIC_CPUID && in.length == CPUID_SIZE &&
            cm_emu_cpuid_add(start + at)) {
            code[at + 1] = 0x0b; /* 0f a2 -> 0f 0b */
            s->found++;
        }
        at += in.length;
    }
    (void)protect(start, start + size, PROT_READ | PROT_EXEC);
}

static void scan_file(struct scan *s, const uint8_t *file, uint64_t size)
{
    const Elf64_Ehdr *h = (const Elf64_Ehdr *)(const void *)file;
    const Elf64_Shdr *sections;

    if (size < sizeof(*h) || memcmp(h->e_ident, ELFMAG, SELFMAG) != 0 || h->e_shoff % 8 != 0 ||
        h->e_shentsize != sizeof(Elf64_Shdr) || h->e_shoff > size ||
        h->e_shnum > (size - h->e_shoff) / sizeof(Elf64_Shdr)) {
        cm_emu_log("cpuid: the program has no section headers");
        return;
    }
    sections = (const Elf64_Shdr *)(const void *)(file + h->e_shoff);
    for (size_t i = 0; i < h->e_shnum; i++) {
        if (sections[i].sh_type == SHT_PROGBITS && (sections[i].sh_flags & SHF_EXECINSTR) != 0 &&
            sections[i].sh_size != 0) {
            scan_section(s, s->bias + sections[i].sh_addr, sections[i].sh_size);
        }
    }
}

/* the first object is the main program */
static int main_program(struct dl_phdr_info *info, size_t size, void *arg)
{
    (void)size;
    ((struct scan *)arg)->bias = info->dlpi_addr;
    return 1;
}

void cm_emu_patch_cpuid(void)
{
    struct scan s = {0};
    struct stat st;
    void *file = MAP_FAILED;
    int fd;

    if (!load_zydis(&s)) {
        return;
    }
    (void)dl_iterate_phdr(main_program, &s);
    fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    if (fd >= 0 && fstat(fd, &st) == 0) {
        file = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    }
    if (file != MAP_FAILED) {
        scan_file(&s, file, (uint64_t)st.st_size);
        (void)munmap(file, (size_t)st.st_size);
    }
    if (fd >= 0) {
        (void)close(fd);
    }
    cm_emu_log("cpuid: %zu instructions of the main program replaced", s.found);
}
