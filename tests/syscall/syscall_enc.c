/* The enclave of the syscall tests: everything loaded and mounted. */
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mount.h>

#include <openenclave/enclave.h>

#include "syscall_probe.h"
#include "syscall_t.h"
#include "syscall_work.h"

int enc_setup(void)
{
    if (oe_load_module_host_file_system() != OE_OK || oe_load_module_host_file_system() != OE_OK) {
        return __LINE__;
    }
    if (oe_load_module_host_socket_interface() != OE_OK ||
        oe_load_module_host_resolver() != OE_OK || oe_load_module_host_epoll() != OE_OK) {
        return __LINE__;
    }
    if (mount("/", "/", "no such type", 0, NULL) != -1 || errno != ENODEV) {
        return __LINE__;
    }
    if (mount("/", "/", OE_HOST_FILE_SYSTEM, 0, NULL) != 0) {
        return __LINE__;
    }
    if (mount("/", "/", OE_HOST_FILE_SYSTEM, 0, NULL) != -1 || errno != EBUSY) {
        return __LINE__;
    }
    return 0;
}

int enc_work(const char *name, const char *folder, char *log, size_t size)
{
    struct work_log l = {log, size, 0};

    return work_do(name, folder, &l) ? 0 : -1;
}

int64_t enc_probe(const char *name, int64_t arg, int *error)
{
    int64_t r;

    errno = 0;
    r = probe_do(name, arg);
    *error = errno;
    return r;
}

OE_SET_ENCLAVE_SGX(1, 1, true, 1024, 64, 4);
