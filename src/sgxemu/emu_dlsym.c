/* The dynamic linker's own dlsym, which emu_dlsym.S hides from the program. */
#include <dlfcn.h>
#include <stdlib.h>

#include "sgxemu/emu_preload.h"

void *cm_emu_next_dlsym;

void cm_emu_find_dlsym(void)
{
    /* it has had two homes: libc since 2.34, libdl before */
    void *found = dlvsym(RTLD_NEXT, "dlsym", "GLIBC_2.34");

    if (found == NULL) {
        found = dlvsym(RTLD_NEXT, "dlsym", "GLIBC_2.2.5");
    }
    if (found == NULL) {
        abort(); /* not glibc on x86-64: nothing of this library can work */
    }
    cm_emu_next_dlsym = found;
}

void *cm_emu_real_dlsym(void *handle, const char *name)
{
    void *(*real)(void *, const char *) = NULL;

    if (cm_emu_next_dlsym == NULL) {
        cm_emu_find_dlsym();
    }
    *(void **)&real = cm_emu_next_dlsym;
    return real(handle, name);
}
