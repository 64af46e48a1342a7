/*
 * Sealing: data that leave the enclave and that only this enclave, or enclaves of its product, can
 * open again on this machine, also after a restart. Enclave side. How it works, and what it does
 * NOT give (above all: an old blob opens as well as a new one), is in docs/sealing.md.
 *
 * An enclave needs at least one plugin; the SDK's own is an object library that registers itself:
 *   target_link_libraries(my_enclave PRIVATE $<TARGET_OBJECTS:openenclave::oeseal_gcmaes>)
 *
 * All functions are thread-safe.
 */
#ifndef _OE_SEAL_H
#define _OE_SEAL_H

#include "bits/result.h"
#include "bits/types.h"
#include "bits/uuid.h"

OE_EXTERNC_BEGIN

/** One setting; make it with a macro OE_SEAL_SET_*. */
typedef struct _oe_seal_setting {
    int type;      /**< enum oe_seal_setting_type_t, or what a plugin defines */
    uint32_t size; /**< bytes at value.p; 0 for a number */
    union {
        uint64_t q;
        uint32_t d;
        uint16_t w;
        uint8_t b;
        const void *p; /**< enclave memory */
    } value;
} oe_seal_setting_t;

enum oe_seal_setting_type_t {
    OE_SEAL_SETTING_POLICY,             /**< oe_seal_policy_t */
    OE_SEAL_SETTING_ADDITIONAL_CONTEXT, /**< bytes for the key's derivation, if a plugin has that */
    OE_SEAL_SETTING_IV,                 /**< initialisation vector; leave it to the plugin */

    OE_SEAL_SETTING_MAX = 0x10000,
    OE_SEAL_SETTING_PLUGIN_DEFINED = OE_SEAL_SETTING_MAX / 2 /**< first that a plugin may define */
};

#define __OE_SEAL_SET_POINTER(t, p, s) \
    {                                  \
        (t), s,                        \
        {                              \
            (uint64_t)(p)              \
        }                              \
    }
#define __OE_SEAL_SET_VALUE(t, v) __OE_SEAL_SET_POINTER(t, v, 0)

/** OE_SEAL_POLICY_UNIQUE or OE_SEAL_POLICY_PRODUCT */
#define OE_SEAL_SET_POLICY(w)     __OE_SEAL_SET_VALUE(OE_SEAL_SETTING_POLICY, w)
#define OE_SEAL_SET_CONTEXT(p, s) __OE_SEAL_SET_POINTER(OE_SEAL_SETTING_ADDITIONAL_CONTEXT, p, s)
#define OE_SEAL_SET_IV(p, s)      __OE_SEAL_SET_POINTER(OE_SEAL_SETTING_IV, p, s)

/**
 * Encrypt and authenticate.
 *
 * @param plugin_id        NULL: the default plugin, or the first one when none was made default.
 * @param settings         settings_count settings; NULL exactly when the count is 0.
 * @param plaintext        May be NULL when its size is 0. Enclave memory.
 * @param additional_data  Authenticated, not stored: unsealing needs the same bytes. May be NULL
 *                         when its size is 0. Enclave memory.
 * @param blob             Set on OE_OK only, otherwise NULL; free it with oe_free().
 *
 * @retval OE_INVALID_PARAMETER  a pointer, a size or a setting's value is wrong, or a buffer is not
 *                               wholly inside the enclave
 * @retval OE_UNSUPPORTED        a setting that the plugin does not have
 * @retval OE_NOT_FOUND          no such plugin
 * @retval OE_INTEGER_OVERFLOW   larger than a blob can be (4 GiB)
 * @retval OE_OUT_OF_MEMORY      the enclave's heap is exhausted
 * @retval OE_INVALID_CPUSVN, OE_INVALID_ISVSVN, OE_INVALID_KEYNAME  see oe_get_seal_key()
 * @retval OE_CRYPTO_ERROR       encryption failed
 */
oe_result_t oe_seal(const oe_uuid_t *plugin_id, const oe_seal_setting_t *settings,
                    size_t settings_count, const uint8_t *plaintext, size_t plaintext_size,
                    const uint8_t *additional_data, size_t additional_data_size, uint8_t **blob,
                    size_t *blob_size);

/**
 * Open a blob. Every plugin is tried.
 *
 * @param blob            UNTRUSTED. Wholly inside or wholly outside the enclave; what lies outside is
 *                        copied once, before anything looks at it.
 * @param plaintext       NULL: only check. Set on OE_OK only, otherwise NULL; free it with oe_free().
 * @param plaintext_size  NULL when plaintext is.
 *
 * OE_OK says that an enclave that the blob's policy allows sealed exactly this under exactly this
 * additional data, at some time. It does NOT say that it is the latest such blob.
 *
 * @retval OE_INVALID_PARAMETER  a pointer or a size is wrong
 * @retval OE_UNSUPPORTED        no plugin could open it: changed, of another enclave, another
 *                               machine or a newer version, or the additional data differ
 * @retval OE_OUT_OF_MEMORY      the enclave's heap is exhausted
 */
oe_result_t oe_unseal(const uint8_t *blob, size_t blob_size, const uint8_t *additional_data,
                      size_t additional_data_size, uint8_t **plaintext, size_t *plaintext_size);

/**
 * A plugin: its functions get what oe_seal() and oe_unseal() got, checked: every buffer lies inside
 * the enclave, every out-pointer is there. They return as those do; any error of unseal makes
 * oe_unseal() try the next plugin. Several threads may call them at once.
 */
typedef struct _oe_seal_plugin_definition {
    const oe_uuid_t id;
    oe_result_t (*seal)(const oe_seal_setting_t *settings, size_t settings_count,
                        const uint8_t *plaintext, size_t plaintext_size,
                        const uint8_t *additional_data, size_t additional_data_size, uint8_t **blob,
                        size_t *blob_size);
    oe_result_t (*unseal)(const uint8_t *blob, size_t blob_size, const uint8_t *additional_data,
                          size_t additional_data_size, uint8_t **plaintext, size_t *plaintext_size);
} oe_seal_plugin_definition_t;

/**
 * Add a plugin, or replace the one of the same id.
 *
 * @param plugin        Borrowed for as long as it is registered.
 * @param make_default  It becomes the default; false leaves the default as it is.
 *
 * @retval OE_INVALID_PARAMETER  NULL, a function missing, or not inside the enclave
 * @retval OE_OUT_OF_MEMORY      there are 16 already
 */
oe_result_t oe_register_seal_plugin(const oe_seal_plugin_definition_t *plugin, bool make_default);

/**
 * Take a plugin away. Calls that have begun finish with it.
 *
 * @retval OE_INVALID_PARAMETER  NULL
 * @retval OE_NOT_FOUND          no such plugin
 */
oe_result_t oe_unregister_seal_plugin(const oe_uuid_t *plugin_id);

OE_EXTERNC_END

#endif
