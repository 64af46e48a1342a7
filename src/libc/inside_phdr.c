/*
 * What a program can ask about its own image: for the unwinder, which finds the frames of C++ there.
 * In place of musl's, which believes the kernel's auxiliary vector; an enclave has none, and its
 * headers are part of what was measured.
 */
#include <elf.h>
#include <link.h>

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

int dl_iterate_phdr(int (*call)(struct dl_phdr_info *, size_t, void *), void *arg)
{
    const char *base = (const char *)&__ehdr_start;
    struct dl_phdr_info info = {0};

    /* the compiler must not conclude that the headers end where struct Elf64_Ehdr does */
    __asm__("" : "+r"(base));
    info.dlpi_addr = (Elf64_Addr)base;
    info.dlpi_name = "";
    info.dlpi_phdr = (const Elf64_Phdr *)(const void *)(base + __ehdr_start.e_phoff);
    info.dlpi_phnum = __ehdr_start.e_phnum;
    info.dlpi_adds = 1;
    return call(&info, sizeof(info), arg);
}
