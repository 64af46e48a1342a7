/*
 * The host's side of the enclave API: create an enclave, call it through the functions that
 * oeedger8r generates, terminate it.
 *
 * Everything here is thread-safe. A host that never creates an enclave pays nothing.
 */
#ifndef _OE_HOST_H
#define _OE_HOST_H

#ifdef _OE_ENCLAVE_H
#error "openenclave/host.h and openenclave/enclave.h exclude each other in one source file"
#endif

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bits/asym_keys.h"
#include "bits/attls.h"
#include "bits/defs.h"
#include "bits/host_reports.h"
#include "bits/result.h"
#include "bits/types.h"

OE_EXTERNC_BEGIN

/** Run with the DEBUG attribute: a debugger can read and write the enclave. */
#define OE_ENCLAVE_FLAG_DEBUG 0x00000001u
/** Run in the emulator, which protects nothing. The variable OE_SIMULATION=1 does the same. */
#define OE_ENCLAVE_FLAG_SIMULATE 0x00000002u
/** Internal; refused in a call. KSS follows from the image's signature. */
#define OE_ENCLAVE_FLAG_SGX_KSS 0x00000004u
/** Like DEBUG when the signature allows it, otherwise like nothing. */
#define OE_ENCLAVE_FLAG_DEBUG_AUTO 0x00000010u
#define OE_ENCLAVE_FLAG_RESERVED \
    (~(OE_ENCLAVE_FLAG_DEBUG | OE_ENCLAVE_FLAG_SIMULATE | OE_ENCLAVE_FLAG_DEBUG_AUTO))

/** A function of the host that the enclave may call; X_u.c holds the table. */
typedef void (*oe_ocall_func_t)(const uint8_t *input_buffer, size_t input_buffer_size,
                                uint8_t *output_buffer, size_t output_buffer_size,
                                size_t *output_bytes_written);

/** A function of the enclave that the host may call. The name stays valid during the call. */
typedef struct _oe_ecall_info_t {
    const char *name;
} oe_ecall_info_t;

/**
 * Workers for calls that EDL marks transition_using_threads. At least one of the two must not be 0.
 * Without workers at hand such a call is made as an ordinary call, with the same result.
 */
typedef struct _oe_enclave_setting_context_switchless {
    size_t max_host_workers;    /**< threads that serve ocalls */
    size_t max_enclave_workers; /**< threads that serve ecalls */
} oe_enclave_setting_context_switchless_t;

/** CONFIGID and CONFIGSVN of the enclave; the image must be signed with KSS. */
typedef struct _oe_sgx_enclave_setting_config_data {
    uint8_t config_id[64];
    uint16_t config_svn;
    bool ignore_if_unsupported; /**< without KSS run without them instead of failing */
} oe_sgx_enclave_setting_config_data;

__extension__ typedef enum _oe_enclave_setting_type {
    OE_ENCLAVE_SETTING_CONTEXT_SWITCHLESS = 0xdc73a628,
    OE_SGX_ENCLAVE_CONFIG_DATA = 0x78b5b41d,
    __OE_ENCLAVE_SETTING_MAX = OE_ENUM_MAX,
} oe_enclave_setting_type_t;

typedef struct _oe_enclave_setting {
    oe_enclave_setting_type_t setting_type;
    union {
        const oe_enclave_setting_context_switchless_t *context_switchless_setting;
        const oe_sgx_enclave_setting_config_data *config_data;
    } u;
} oe_enclave_setting_t;

/**
 * Create an enclave from an image: load, measure, initialise. Applications call the function
 * oe_create_X_enclave that oeedger8r generates, which supplies the tables.
 *
 * An image without a signature is signed while loading, with a key of this user, when DEBUG is
 * asked for or the enclave is emulated. Nothing is ever emulated unless the caller or the
 * environment says so.
 *
 * Does NOT attest: OE_OK says that an enclave runs, not which one to a third party.
 *
 * @param path          The image file.
 * @param type          OE_ENCLAVE_TYPE_AUTO or OE_ENCLAVE_TYPE_SGX.
 * @param flags         OE_ENCLAVE_FLAG_*.
 * @param settings      setting_count settings; NULL exactly when the count is 0. Copied.
 * @param ocall_table   ocall_count functions, borrowed until the enclave is terminated.
 * @param ecall_names   ecall_count names, borrowed for the call.
 * @param enclave       Set only on OE_OK, otherwise NULL. End it with oe_terminate_enclave.
 *
 * @retval OE_INVALID_PARAMETER  an argument, flag or setting is wrong
 * @retval OE_NOT_FOUND          there is no such file
 * @retval OE_INVALID_IMAGE      the file is no well-formed enclave image
 * @retval OE_UNSUPPORTED_ENCLAVE_IMAGE  well-formed, but uses what enclaves may not
 * @retval OE_VERIFY_FAILED      the signature is wrong, or the image is not the one that was signed
 * @retval OE_DEBUG_DOWNGRADE    DEBUG was asked for and the image does not allow it
 * @retval OE_UNSUPPORTED        config data without KSS
 * @retval OE_OUT_OF_MEMORY      memory or address space ran out
 * @retval OE_PLATFORM_ERROR     no SGX on this machine and no emulation asked for; a driver error
 *
 * The cause of a failure is written to stderr (see OE_LOG_LEVEL).
 */
oe_result_t oe_create_enclave(const char *path, oe_enclave_type_t type, uint32_t flags,
                              const oe_enclave_setting_t *settings, uint32_t setting_count,
                              const oe_ocall_func_t *ocall_table, uint32_t ocall_count,
                              const oe_ecall_info_t *ecall_names, uint32_t ecall_count,
                              oe_enclave_t **enclave);

/**
 * Run the enclave's destructors and release it. The handle is invalid afterwards.
 *
 * @retval OE_BUSY  a thread is inside or in an ocall; nothing was done, the enclave runs on
 * @retval OE_INVALID_PARAMETER  no enclave
 *
 * An enclave that aborted, or that a fork left behind, is released without running its code.
 */
oe_result_t oe_terminate_enclave(oe_enclave_t *enclave);

/**
 * A public key that the enclave derives from its seal key (P-256, PEM with its terminator); see
 * openenclave/bits/keys.h for what policy, parameters and key info mean. The enclave's EDL must import
 * openenclave/edl/keys.edl (core.edl does), and the enclave must link OpenSSL.
 *
 * Does NOT prove that the key is an enclave's: whoever runs the host can make one up. Evidence does.
 *
 * @param key_buffer  Set on OE_OK only, otherwise NULL; free it with oe_free_key().
 * @param key_info    May be NULL, with key_info_size.
 *
 * @retval OE_INVALID_PARAMETER  a pointer, the policy or the parameters are wrong
 * @retval OE_UNSUPPORTED        the enclave does not import keys.edl, or has no OpenSSL
 * @retval OE_INVALID_CPUSVN, OE_INVALID_ISVSVN, OE_INVALID_KEYNAME  the key info asks for what this
 *                               enclave or processor may not have
 */
oe_result_t oe_get_public_key_by_policy(oe_enclave_t *enclave, oe_seal_policy_t seal_policy,
                                        const oe_asymmetric_key_params_t *key_params,
                                        uint8_t **key_buffer, size_t *key_buffer_size,
                                        uint8_t **key_info, size_t *key_info_size);
oe_result_t oe_get_public_key(oe_enclave_t *enclave, const oe_asymmetric_key_params_t *key_params,
                              const uint8_t *key_info, size_t key_info_size, uint8_t **key_buffer,
                              size_t *key_buffer_size);

/** Frees what those two gave; either may be NULL. */
void oe_free_key(uint8_t *key_buffer, size_t key_buffer_size, uint8_t *key_info,
                 size_t key_info_size);

/* Names that hosts written for two systems use; bounded, unlike the functions behind them. */
#define sscanf_s(buffer, format, ...)       sscanf(buffer, format, __VA_ARGS__)
#define sprintf_s(buffer, size, ...)        snprintf(buffer, size, __VA_ARGS__)
#define strcat_s(destination, size, source) oe_host_strcat_s(destination, size, source)
#define strcpy_s(destination, size, source) oe_host_strcpy_s(destination, size, source)
#define _strdup                             strdup
#define strncat_s(destination, size, source, count) \
    oe_host_strncat_s(destination, size, source, count)
#define fopen_s(file, filename, mode) ((*(file) = fopen(filename, mode)) == NULL ? 1 : 0)
#define _getpid                       getpid

/** Append at most count bytes; 0, or 1 without a change when the result would not fit. */
OE_INLINE int oe_host_strncat_s(char *destination, size_t size, const char *source, size_t count)
{
    const char *used_end = (const char *)memchr(destination, '\0', size);
    const char *add_end = (const char *)memchr(source, '\0', count);
    size_t used = used_end == NULL ? size : (size_t)(used_end - destination);
    size_t add = add_end == NULL ? count : (size_t)(add_end - source);

    if (used >= size || add >= size - used) {
        return 1;
    }
    memcpy(destination + used, source, add);
    destination[used + add] = '\0';
    return 0;
}

OE_INLINE int oe_host_strcat_s(char *destination, size_t size, const char *source)
{
    return oe_host_strncat_s(destination, size, source, strlen(source));
}

OE_INLINE int oe_host_strcpy_s(char *destination, size_t size, const char *source)
{
    if (size == 0) {
        return 1;
    }
    destination[0] = '\0';
    return oe_host_strcat_s(destination, size, source);
}

OE_EXTERNC_END

#endif
