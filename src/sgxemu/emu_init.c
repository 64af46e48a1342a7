/*
 * EINIT and what happens to an enclave when it succeeds: its identity is fixed, its TCS pages are
 * decoded, its ENCLU sites may be patched (after measuring, so MRENCLAVE does not see it).
 */
#include <string.h>

#include "sgxemu/emu_kernel.h"
#include "sgxemu/emu_sigstruct.h"

static bool add_tcs(struct emu_encl_kernel *k)
{
    for (uint64_t i = k->valid_first; i < k->valid_end; i++) {
        uint32_t w = pg_get(k, i);

        if ((w & PG_VALID) != 0 && PG_TYPE(w) == SGX_PT_TCS &&
            !cm_emu_tcs_add(k->e, i * EMU_PAGE)) {
            return false;
        }
    }
    return true;
}

static bool is_code(const struct emu_encl_kernel *k, uint64_t i)
{
    uint32_t w = pg_get(k, i);

    return (w & (PG_VALID | (uint32_t)SGX_SECINFO_X)) == (PG_VALID | (uint32_t)SGX_SECINFO_X) &&
           PG_TYPE(w) == SGX_PT_REG;
}

static void patch_runs(struct emu_encl_kernel *k)
{
    for (uint64_t i = k->valid_first; i < k->valid_end; i++) {
        uint64_t first = i;

        while (i < k->valid_end && is_code(k, i)) {
            i++;
        }
        if (i > first) {
            cm_emu_patch(k->e, first * EMU_PAGE, (i - first) * EMU_PAGE);
        }
    }
}

static void log_result(const struct cm_emu_ident *id, int ret)
{
    cm_emu_measure_log("EINIT result=%d mrenclave=", ret);
    for (size_t i = 0; i < sizeof(id->mrenclave); i++) {
        cm_emu_measure_log("%02x", id->mrenclave[i]);
    }
    cm_emu_measure_log("\n");
}

int cm_emu_einit(struct emu_encl_kernel *k, const struct sgx_sigstruct *sig)
{
    struct cm_emu_ident id = k->id;
    int ret = 0;

    if (cm_emu_measure_finish(k, id.mrenclave) != 0) {
        return CM_EMU_LEAF_FAIL;
    }
    ret = cm_emu_einit_check(sig, &id);
    log_result(&id, ret);
    if (ret != SGX_SUCCESS) {
        return ret;
    }
    if (!add_tcs(k)) {
        if (!cm_emu_tcs_remove_all(k->e)) {
            cm_emu_log("EINIT: a thread is inside an enclave that does not run yet");
        }
        return CM_EMU_LEAF_FAIL;
    }
    id.attributes.flags |= SGX_ATTR_INIT;
    k->id = id;
    k->e->attributes = id.attributes.flags;
    cm_emu_measure_free(k);
    patch_runs(k);
    __atomic_store_n(&k->e->initialised, true, __ATOMIC_RELEASE);
    cm_emu_pages_changed();
    return SGX_SUCCESS;
}
