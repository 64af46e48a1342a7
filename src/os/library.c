/* Loading libraries at run time, with errors that say what to install; see os.h. */
#include <dlfcn.h>
#include <string.h>

#include "os/os.h"

_Static_assert(sizeof(void *) == sizeof(void (*)(void)), "POSIX: dlsym() gives functions too");

static enum cm_status load_failed(const char *soname, const char *package, struct cm_why *why)
{
    const char *said = dlerror();

    /* the loader begins with the name of the library that it could not open: this one, or one
     * that this one needs */
    if (said != NULL && strncmp(said, soname, strlen(soname)) == 0 &&
        strstr(said, "No such file") != NULL) {
        cm_why_set(why, "%s is absent: install the package %s", soname, package);
        return CM_ERR_NOTFOUND;
    }
    cm_why_set(why, "%s cannot be loaded (%.120s): reinstall the package %s", soname,
               said != NULL ? said : "no reason given", package);
    return CM_ERR_PLATFORM;
}

enum cm_status cm_library_load(const char *soname, const char *package,
                               const struct cm_library_symbol *symbols, size_t count,
                               struct cm_why *why)
{
    void *handle = NULL;

    /* never unloaded: these libraries start threads and register exit handlers */
    (void)dlerror();
    handle = dlopen(soname, RTLD_NOW | RTLD_LOCAL);
    if (handle == NULL) {
        return load_failed(soname, package, why);
    }
    for (size_t i = 0; i < count; i++) {
        void *symbol = dlsym(handle, symbols[i].name);

        if (symbol == NULL && symbols[i].required) {
            cm_why_set(why, "%s has no function %s: it is too old; update the package %s", soname,
                       symbols[i].name, package);
            (void)dlclose(handle);
            return CM_ERR_PLATFORM;
        }
        memcpy(symbols[i].slot, &symbol, sizeof(symbol));
    }
    return CM_OK;
}
