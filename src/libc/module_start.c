/*
 * What the start files of a compiler give a shared library that an enclave does without: a name for
 * destructors of C++ to be registered under, and the mark that ends .eh_frame (inside_phdr.c says why).
 * Linked into each module.
 */
extern void *__dso_handle __attribute__((visibility("hidden")));
void *__dso_handle = &__dso_handle;

__asm__(".pushsection .eh_frame.end, \"aR\", @progbits\n"
        ".balign 4\n"
        ".long 0\n"
        ".popsection");
