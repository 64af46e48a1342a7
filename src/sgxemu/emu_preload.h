/* What the files of the preloaded library share. */
#ifndef CM_SGXEMU_PRELOAD_H
#define CM_SGXEMU_PRELOAD_H

#include <dlfcn.h>

#define EMU_PUBLIC __attribute__((visibility("default")))

/* Find the function that ours hides, once. Racing threads find the same. */
#define EMU_NEXT(pointer, name)                                        \
    do {                                                               \
        if ((pointer) == NULL) {                                       \
            *(void **)&(pointer) = cm_emu_real_dlsym(RTLD_NEXT, name); \
        }                                                              \
    } while (0)

enum {
    CM_EMU_DEV_NONE,
    CM_EMU_DEV_ENCLAVE,
    CM_EMU_DEV_PROVISION,
};
/* The device of that name, or CM_EMU_DEV_NONE. */
int cm_emu_device_of(const char *path);
/* open(2) of it. */
int cm_emu_device_open(int kind, int flags);

/* The dynamic linker's dlsym, as called by this library. */
void *cm_emu_real_dlsym(void *handle, const char *name);
/* For emu_dlsym.S: its address, for a jump that keeps the caller's identity. */
extern void *cm_emu_next_dlsym;
void cm_emu_find_dlsym(void);
/* What dlsym(handle, name) shall return instead of what it found. */
void *cm_emu_dlsym_fix(const char *name, void *found);

#endif
