/*
 * What a program can ask about its own image: for the unwinder, which finds the frames of C++ there.
 * In place of musl's, which believes the kernel's auxiliary vector; an enclave has none, and its
 * headers are part of what was measured.
 */
#include <elf.h>
#include <link.h>

#include "libc/inside_runtime.h"

/*
 * The end of .eh_frame: the linker puts .eh_frame.* behind all other frames. libunwind, which does not
 * know the section's size, reads on to this mark when it looks for a function that has no frame there
 * (musl's have none), and would else read whatever follows.
 */
__asm__(".pushsection .eh_frame.end, \"aR\", @progbits\n"
        ".balign 4\n"
        ".long 0\n"
        ".popsection");

extern const Elf64_Ehdr __ehdr_start __attribute__((visibility("hidden")));

static int tell(const char *base, const char *name,
                int (*call)(struct dl_phdr_info *, size_t, void *), void *arg)
{
    struct dl_phdr_info info = {0};
    const Elf64_Ehdr *header;

    /* the compiler must not conclude that the headers end where struct Elf64_Ehdr does */
    __asm__("" : "+r"(base));
    header = (const Elf64_Ehdr *)(const void *)base;
    info.dlpi_addr = (Elf64_Addr)base;
    info.dlpi_name = name;
    info.dlpi_phdr = (const Elf64_Phdr *)(const void *)(base + header->e_phoff);
    info.dlpi_phnum = header->e_phnum;
    info.dlpi_adds = 1;
    return call(&info, sizeof(info), arg);
}

int dl_iterate_phdr(int (*call)(struct dl_phdr_info *, size_t, void *), void *arg)
{
    const char *module = cm_module_header();
    const int answer = tell((const char *)&__ehdr_start, "", call, arg);

    return answer != 0 || module == NULL ? answer : tell(module, "module", call, arg);
}
