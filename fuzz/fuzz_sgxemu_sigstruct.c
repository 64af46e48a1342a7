/*
 * Any bytes as a SIGSTRUCT and as the SECS fields that EINIT compares it with: nothing crashes, and
 * an enclave's identity changes only when everything is accepted. The measurement is taken from the
 * input, so that the checks behind it are reached.
 */
#include <stdlib.h>
#include <string.h>

#include "sgxemu/emu_sigstruct.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    struct sgx_sigstruct sig;
    struct cm_emu_ident id;
    struct cm_emu_ident before;
    size_t n = size < sizeof(sig) ? size : sizeof(sig);
    int ret = 0;

    memset(&sig, 0, sizeof(sig));
    memset(&id, 0, sizeof(id));
    if (n != 0) {
        memcpy(&sig, data, n);
    }
    if (size > sizeof(sig)) { /* what follows says how the enclave was created */
        n = size - sizeof(sig) < sizeof(id.attributes) ? size - sizeof(sig) : sizeof(id.attributes);
        memcpy(&id.attributes, data + sizeof(sig), n);
    }
    memcpy(id.mrenclave, sig.mrenclave, sizeof(id.mrenclave));
    before = id;
    ret = cm_emu_einit_check(&sig, &id);
    if (ret != SGX_SUCCESS && memcmp(&before, &id, sizeof(id)) != 0) {
        abort();
    }
    if (ret == SGX_SUCCESS &&
        (sig.exponent != 3 || cm_emu_sigstruct_check(&sig) != SGX_SUCCESS ||
         ((sig.attributes.flags ^ id.attributes.flags) & sig.attributemask.flags) != 0)) {
        abort();
    }
    return 0;
}
