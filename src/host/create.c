/*
 * oe_create_enclave and oe_terminate_enclave: parameters in, a running enclave out. Loading is in
 * loader.c; what is here is the life of the handle and the first and last call.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "abi/call.h"
#include "abi/layout.h"
#include "common/checked.h"
#include "common/hex.h"
#include "host/cpuidtable.h"
#include "host/create.h"
#include "host/debugger.h"
#include "host/devices.h"
#include "host/hostlog.h"
#include "host/invoke.h"
#include "host/names.h"
#include "host/switchless.h"

static oe_result_t result_of(enum cm_status st)
{
    switch (st) {
    case CM_OK:
        return OE_OK;
    case CM_ERR_PARAM:
        return OE_INVALID_PARAMETER;
    case CM_ERR_STATE:
        return OE_UNSUPPORTED;
    case CM_ERR_FORMAT:
    case CM_ERR_LIMIT:
    case CM_ERR_OVERFLOW:
    case CM_ERR_SYNTAX:
        return OE_INVALID_IMAGE;
    case CM_ERR_UNSUPPORTED:
        return OE_UNSUPPORTED_ENCLAVE_IMAGE;
    case CM_ERR_SIGNATURE:
    case CM_ERR_MISMATCH:
        return OE_VERIFY_FAILED;
    case CM_ERR_POLICY:
        return OE_DEBUG_DOWNGRADE;
    case CM_ERR_NOMEM:
        return OE_OUT_OF_MEMORY;
    case CM_ERR_IO:
        return OE_READ_FAILED;
    case CM_ERR_NOTFOUND:
        return OE_NOT_FOUND;
    case CM_ERR_CRYPTO:
        return OE_CRYPTO_ERROR;
    case CM_ERR_DENIED:
    case CM_ERR_PLATFORM:
        return OE_PLATFORM_ERROR;
    case CM_ERR_BUSY:
        return OE_BUSY;
    case CM_ERR_SPACE:
    case CM_ERR_EXISTS:
    case CM_ERR_EXPIRED:
    case CM_ERR_REVOKED:
        break;
    }
    return OE_FAILURE;
}

static oe_result_t read_settings(const oe_enclave_setting_t *settings, uint32_t count,
                                 struct cm_load_request *request)
{
    for (uint32_t i = 0; i < count; i++) {
        const oe_enclave_setting_context_switchless_t *workers =
            settings[i].u.context_switchless_setting;
        const oe_sgx_enclave_setting_config_data *config = settings[i].u.config_data;

        switch ((uint32_t)settings[i].setting_type) {
        case OE_ENCLAVE_SETTING_CONTEXT_SWITCHLESS:
            if (workers == NULL ||
                (workers->max_host_workers == 0 && workers->max_enclave_workers == 0)) {
                cm_host_log(CM_LOG_ERROR, "setting %" PRIu32 ": switchless without workers", i);
                return OE_INVALID_PARAMETER;
            }
            if (request->host_workers != 0 || request->enclave_workers != 0) {
                cm_host_log(CM_LOG_ERROR, "setting %" PRIu32 ": switchless twice", i);
                return OE_INVALID_PARAMETER;
            }
            request->host_workers = workers->max_host_workers;
            request->enclave_workers = workers->max_enclave_workers;
            break;
        case OE_SGX_ENCLAVE_CONFIG_DATA:
            if (config == NULL || request->config) {
                cm_host_log(CM_LOG_ERROR, "setting %" PRIu32 ": config data absent or twice", i);
                return OE_INVALID_PARAMETER;
            }
            request->config = true;
            request->config_optional = config->ignore_if_unsupported;
            request->config_svn = config->config_svn;
            memcpy(request->config_id, config->config_id, sizeof(request->config_id));
            break;
        default:
            cm_host_log(CM_LOG_ERROR, "setting %" PRIu32 ": unknown type 0x%" PRIx32, i,
                        (uint32_t)settings[i].setting_type);
            return OE_INVALID_PARAMETER;
        }
    }
    return OE_OK;
}

static oe_result_t make_arenas(oe_enclave_t *e)
{
    size_t size = (size_t)e->slot_count * CM_ARENA_SIZE;
    void *all = mmap(NULL, size, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    if (all == MAP_FAILED) {
        cm_host_log(CM_LOG_ERROR, "no address space for the ocall buffers of %" PRIu32 " threads",
                    e->slot_count);
        return OE_OUT_OF_MEMORY;
    }
    e->arenas = all;
    for (uint32_t i = 0; i < e->slot_count; i++) {
        e->slots[i].tcs = e->tcs_first + i * e->tcs_stride;
        e->slots[i].arena = (uint64_t)(uintptr_t)all + (uint64_t)i * CM_ARENA_SIZE;
    }
    return OE_OK;
}

/* Names one after another, as CM_ECALL_INIT wants them. The answer's room stands before them. */
struct name_block {
    uint64_t *ids;
    char *names;
    size_t names_size;
};

static oe_result_t pack_names(const oe_ecall_info_t *ecalls, uint32_t count, struct name_block *out)
{
    size_t total = 0;
    size_t used = 0;

    for (uint32_t i = 0; i < count; i++) {
        if (ecalls[i].name == NULL || ecalls[i].name[0] == '\0') {
            return OE_INVALID_PARAMETER;
        }
        if (cm_add_ovf(total, strlen(ecalls[i].name) + 1, &total)) {
            return OE_INTEGER_OVERFLOW;
        }
    }
    out->ids = malloc(((size_t)count + 1) * sizeof(uint64_t) + total);
    if (out->ids == NULL) {
        return OE_OUT_OF_MEMORY;
    }
    out->names = (char *)(out->ids + count + 1);
    out->names_size = total;
    for (uint32_t i = 0; i < count; i++) {
        size_t len = strlen(ecalls[i].name) + 1;

        memcpy(out->names + used, ecalls[i].name, len);
        used += len;
        out->ids[i] = CM_NAME_NONE;
    }
    return OE_OK;
}

/* from the enclave's answer to the table that the ecall path uses */
static oe_result_t keep_ids(oe_enclave_t *e, const oe_ecall_info_t *ecalls, uint32_t count,
                            const uint64_t *answer)
{
    uint64_t global = 0;

    for (uint32_t i = 0; i < count; i++) {
        if (cm_name_add(ecalls[i].name, &global) != CM_OK) {
            return OE_OUT_OF_MEMORY;
        }
    }
    e->ecall_id_count = cm_name_count();
    e->ecall_ids = malloc((e->ecall_id_count + 1) * sizeof(uint64_t));
    if (e->ecall_ids == NULL) {
        return OE_OUT_OF_MEMORY;
    }
    for (uint64_t i = 0; i < e->ecall_id_count; i++) {
        e->ecall_ids[i] = CM_NAME_NONE;
    }
    for (uint32_t i = 0; i < count; i++) {
        e->ecall_ids[cm_name_find(ecalls[i].name)] = answer[i];
    }
    return OE_OK;
}

static oe_result_t first_call(oe_enclave_t *e, const oe_ecall_info_t *ecalls, uint32_t count)
{
    struct name_block block = {NULL, NULL, 0};
    struct cm_init_args args = {0};
    struct cm_frame frame;
    oe_result_t result = pack_names(ecalls, count, &block);

    if (result == OE_OK) {
        result = cm_bind(e, CM_ENCLAVE_CREATING, &frame);
    }
    if (result == OE_OK) {
        args.names = (uint64_t)(uintptr_t)block.names;
        args.names_size = block.names_size;
        args.name_count = count;
        args.ids = (uint64_t)(uintptr_t)block.ids;
        args.enclave = (uint64_t)(uintptr_t)e;
        args.cpuid_table = (uint64_t)(uintptr_t)cm_cpuid_table(&args.cpuid_count);
        args.arena = frame.slot->arena;
        args.arena_size = CM_ARENA_SIZE;
        result = cm_invoke_bound(&frame, CM_ECALL_INIT, (uint64_t)(uintptr_t)&args);
        cm_unbind(&frame);
        if (result != OE_OK) {
            cm_host_log(CM_LOG_ERROR, "the enclave's initialisation failed: %s",
                        oe_result_str(result));
        }
    }
    if (result == OE_OK) {
        result = keep_ids(e, ecalls, count, block.ids);
    }
    free(block.ids);
    return result;
}

static void tell_created(const oe_enclave_t *e, const struct cm_loaded *loaded)
{
    char measurement[2 * sizeof(loaded->mrenclave) + 1] = "";

    if (cm_host_log_level() < CM_LOG_INFO) {
        return;
    }
    cm_hex_encode(cm_span_make(loaded->mrenclave, sizeof(loaded->mrenclave)), CM_HEX_LOWER,
                  measurement);
    cm_host_log(CM_LOG_INFO,
                "%s: enclave at 0x%" PRIx64 ", %" PRIu64 " KiB, %" PRIu32
                " threads, %s%s, MRENCLAVE %s",
                e->path, e->base, e->size >> 10, e->slot_count,
                e->device->emulated != 0 ? "EMULATED" : "hardware", loaded->debug ? ", DEBUG" : "",
                measurement);
}

/* All that belongs to the handle. Its state keeps every other thread out. */
static void release(oe_enclave_t *e, const struct cm_loaded *loaded)
{
    cm_debugger_forget(e->listed);
    cm_unload(e->device, loaded);
    if (e->arenas != NULL) {
        (void)munmap(e->arenas, (size_t)e->slot_count * CM_ARENA_SIZE);
    }
    free(e->ecall_ids);
    free(e->path);
    cm_handle_put(e);
}

oe_result_t cm_create_on(const struct cm_load_request *request, const struct cm_tables *tables,
                         oe_enclave_t **out)
{
    struct cm_why why = {""};
    struct cm_loaded loaded = {.fd = -1};
    enum cm_status st = cm_load(request, &loaded, &why);
    oe_enclave_t *e = NULL;
    oe_result_t result = OE_OUT_OF_MEMORY;

    if (st != CM_OK) {
        const char *text = why.text[0] != '\0' ? why.text : cm_status_str(st);

        if (cm_why_names(&why, request->path)) {
            cm_host_log(CM_LOG_ERROR, "%s", text);
        } else {
            cm_host_log(CM_LOG_ERROR, "%s: %s", request->path, text);
        }
        return result_of(st);
    }
    e = cm_handle_get((uint32_t)loaded.tcs_count);
    if (e == NULL) {
        cm_unload(request->device, &loaded);
        return result;
    }
    e->device = request->device;
    e->fd = loaded.fd;
    e->base = loaded.base;
    e->size = loaded.size;
    e->reserved = loaded.reserved;
    e->tcs_first = loaded.tcs_first;
    e->tcs_stride = loaded.tcs_stride;
    e->told_faults = loaded.told_faults;
    e->ocalls = tables->ocalls;
    e->ocall_count = tables->ocall_count;
    e->path = strdup(request->path);
    if (e->path == NULL) {
        release(e, &loaded);
        return result;
    }
    if (loaded.debug) {
        e->listed = cm_debugger_list(e, &loaded);
    }
    result = make_arenas(e);
    if (result == OE_OK) {
        result = first_call(e, tables->ecalls, tables->ecall_count);
    }
    if (result != OE_OK) {
        release(e, &loaded);
        return result;
    }
    atomic_store(&e->state, CM_ENCLAVE_RUNNING);
    /* it may know nothing of a log: that is no error */
    (void)cm_host_log_ask(e, request->path, (uint32_t)cm_host_log_level());
    if (request->host_workers != 0 || request->enclave_workers != 0) {
        result = cm_switchless_start(e, request->host_workers, request->enclave_workers);
        if (result != OE_OK) {
            (void)oe_terminate_enclave(e);
            return result;
        }
    }
    tell_created(e, &loaded);
    *out = e;
    return OE_OK;
}

/* NOLINTNEXTLINE(readability-function-size): the API's parameters */
oe_result_t oe_create_enclave(const char *path, oe_enclave_type_t type, uint32_t flags,
                              const oe_enclave_setting_t *settings, uint32_t setting_count,
                              const oe_ocall_func_t *ocall_table, uint32_t ocall_count,
                              const oe_ecall_info_t *ecall_names, uint32_t ecall_count,
                              oe_enclave_t **enclave)
{
    struct cm_load_request request = {.path = path};
    struct cm_tables tables = {ocall_table, ocall_count, ecall_names, ecall_count};
    struct cm_why why = {""};
    oe_result_t result = OE_OK;

    if (enclave != NULL) {
        *enclave = NULL;
    }
    if (path == NULL || enclave == NULL ||
        (type != OE_ENCLAVE_TYPE_AUTO && type != OE_ENCLAVE_TYPE_SGX) ||
        (settings == NULL) != (setting_count == 0) || (flags & OE_ENCLAVE_FLAG_RESERVED) != 0 ||
        (ocall_table == NULL && ocall_count != 0) || (ecall_names == NULL && ecall_count != 0)) {
        cm_host_log(CM_LOG_ERROR,
                    "oe_create_enclave: an argument or a flag (0x%" PRIx32 ") is invalid", flags);
        return OE_INVALID_PARAMETER;
    }
    result = read_settings(settings, setting_count, &request);
    if (result != OE_OK) {
        return result;
    }
    request.debug = (flags & OE_ENCLAVE_FLAG_DEBUG) != 0;
    request.debug_auto = (flags & OE_ENCLAVE_FLAG_DEBUG_AUTO) != 0;
    request.device = cm_choose_device((flags & OE_ENCLAVE_FLAG_SIMULATE) != 0, &why);
    if (request.device == NULL) {
        cm_host_log(CM_LOG_ERROR, "%s: %s", path, why.text);
        return OE_PLATFORM_ERROR;
    }
    return cm_create_on(&request, &tables, enclave);
}

/* Take the enclave away from every other thread, or leave it as it was. */
static oe_result_t stop(oe_enclave_t *e, unsigned *was)
{
    bool paused = false;

    *was = atomic_load(&e->state);
    if (*was != CM_ENCLAVE_LOST) {
        cm_handle_wait_lent(e); /* those that the enclave has ended may still be on their way out */
    }
    *was = atomic_load(&e->state);
    if (*was != CM_ENCLAVE_RUNNING && *was != CM_ENCLAVE_ABORTED && *was != CM_ENCLAVE_LOST) {
        return OE_INVALID_PARAMETER;
    }
    if (!atomic_compare_exchange_strong(&e->state, was, CM_ENCLAVE_STOPPING)) {
        return OE_BUSY; /* another thread terminates it, or it just aborted */
    }
    /* in a forked child the threads that were inside do not exist */
    if (*was == CM_ENCLAVE_LOST) {
        cm_switchless_stop(e, false);
        return OE_OK;
    }
    paused = cm_switchless_pause(e);
    if (!paused || cm_handle_in_use(e)) {
        unsigned stopping = CM_ENCLAVE_STOPPING;

        (void)atomic_compare_exchange_strong(&e->state, &stopping, *was);
        if (paused) {
            cm_switchless_resume(e);
        }
        cm_host_log(CM_LOG_ERROR, "oe_terminate_enclave: a thread is inside the enclave");
        return OE_BUSY;
    }
    cm_switchless_stop(e, true);
    return OE_OK;
}

oe_result_t oe_terminate_enclave(oe_enclave_t *enclave)
{
    struct cm_loaded loaded = {.fd = -1};
    struct cm_host_alloc_args scratch = {0, 0};
    oe_result_t result = OE_OK;
    unsigned was = 0;

    if (enclave == NULL || enclave->magic != CM_HANDLE_MAGIC) {
        return OE_INVALID_PARAMETER;
    }
    result = stop(enclave, &was);
    if (result != OE_OK) {
        return result;
    }
    if (was == CM_ENCLAVE_RUNNING) {
        result = cm_invoke(enclave, CM_ENCLAVE_STOPPING, CM_ECALL_DESTRUCTOR,
                           (uint64_t)(uintptr_t)&scratch);
    }
    for (uint32_t i = 0; was == CM_ENCLAVE_LOST && i < enclave->slot_count; i++) {
        atomic_store(&enclave->slots[i].busy, 0);
    }
    loaded.fd = enclave->fd;
    loaded.base = enclave->base;
    loaded.size = enclave->size;
    loaded.reserved = enclave->reserved;
    cm_host_log(CM_LOG_INFO, "%s: the enclave at 0x%" PRIx64 " has ended: %s", enclave->path,
                enclave->base, oe_result_str(result));
    release(enclave, &loaded);
    return result;
}
