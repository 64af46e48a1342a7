/*
 * The names of the API are what they always were: every constant's value and every structure's layout
 * that a program could have compiled in. Numbers from the API reference; in brackets its section.
 * Compiled, never run, as C11, C17 and C++11, for the host and for the enclave.
 */
#ifdef ENCLAVE
#include <openenclave/advanced/mallinfo.h>
#include <openenclave/attestation/attester.h>
#include <openenclave/corelibc/errno.h>
#include <openenclave/corelibc/limits.h>
#include <openenclave/enclave.h>
#include <openenclave/sgx/seal.h>
#else
#include <openenclave/host.h>
#include <openenclave/host_verify.h>
#endif
#include <openenclave/attestation/sgx/evidence.h>
#include <openenclave/attestation/tdx/evidence.h>
#include <openenclave/attestation/verifier.h>
#include <openenclave/bits/attestation.h>
#include <openenclave/bits/properties.h>
#include <openenclave/bits/tdx/tdxquote.h>
#include <openenclave/log.h>

#define IS(name, value)          OE_STATIC_ASSERT((name) == (value))
#define SIZE(type, size)         OE_STATIC_ASSERT(sizeof(type) == (size))
#define AT(type, member, offset) OE_STATIC_ASSERT(OE_OFFSETOF(type, member) == (offset))

/* bits/result.h (1.2) */
IS(OE_OK, 0);
IS(OE_FAILURE, 1);
IS(OE_BUFFER_TOO_SMALL, 2);
IS(OE_INVALID_PARAMETER, 3);
IS(OE_REENTRANT_ECALL, 4);
IS(OE_OUT_OF_MEMORY, 5);
IS(OE_OUT_OF_THREADS, 6);
IS(OE_UNEXPECTED, 7);
IS(OE_VERIFY_FAILED, 8);
IS(OE_NOT_FOUND, 9);
IS(OE_INTEGER_OVERFLOW, 10);
IS(OE_PUBLIC_KEY_NOT_FOUND, 11);
IS(OE_OUT_OF_BOUNDS, 12);
IS(OE_OVERLAPPED_COPY, 13);
IS(OE_CONSTRAINT_FAILED, 14);
IS(OE_IOCTL_FAILED, 15);
IS(OE_UNSUPPORTED, 16);
IS(OE_READ_FAILED, 17);
IS(OE_SERVICE_UNAVAILABLE, 18);
IS(OE_ENCLAVE_ABORTING, 19);
IS(OE_ENCLAVE_ABORTED, 20);
IS(OE_PLATFORM_ERROR, 21);
IS(OE_INVALID_CPUSVN, 22);
IS(OE_INVALID_ISVSVN, 23);
IS(OE_INVALID_KEYNAME, 24);
IS(OE_DEBUG_DOWNGRADE, 25);
IS(OE_REPORT_PARSE_ERROR, 26);
IS(OE_MISSING_CERTIFICATE_CHAIN, 27);
IS(OE_BUSY, 28);
IS(OE_NOT_OWNER, 29);
IS(OE_INVALID_SGX_CERTIFICATE_EXTENSIONS, 30);
IS(OE_MEMORY_LEAK, 31);
IS(OE_BAD_ALIGNMENT, 32);
IS(OE_JSON_INFO_PARSE_ERROR, 33);
IS(OE_TCB_LEVEL_INVALID, 34);
IS(OE_QUOTE_PROVIDER_LOAD_ERROR, 35);
IS(OE_QUOTE_PROVIDER_CALL_ERROR, 36);
IS(OE_INVALID_REVOCATION_INFO, 37);
IS(OE_INVALID_UTC_DATE_TIME, 38);
IS(OE_INVALID_QE_IDENTITY_INFO, 39);
IS(OE_INVALID_ENDORSEMENT, 40);
IS(OE_UNSUPPORTED_ENCLAVE_IMAGE, 41);
IS(OE_VERIFY_CRL_EXPIRED, 42);
IS(OE_VERIFY_CRL_MISSING, 43);
IS(OE_VERIFY_REVOKED, 44);
IS(OE_VERIFY_FAILED_TO_FIND_VALIDITY_PERIOD, 45);
IS(OE_CRYPTO_ERROR, 46);
IS(OE_INCORRECT_REPORT_SIZE, 47);
IS(OE_QUOTE_VERIFICATION_ERROR, 48);
IS(OE_QUOTE_ENCLAVE_IDENTITY_VERIFICATION_FAILED, 49);
IS(OE_QUOTE_ENCLAVE_IDENTITY_UNIQUEID_MISMATCH, 50);
IS(OE_QE_QUOTE_ENCLAVE_IDENTITY_PRODUCTID_MISMATCH, 51);
IS(OE_VERIFY_FAILED_AES_CMAC_MISMATCH, 52);
IS(OE_CONTEXT_SWITCHLESS_OCALL_MISSED, 53);
IS(OE_THREAD_CREATE_ERROR, 54);
IS(OE_THREAD_JOIN_ERROR, 55);
IS(OE_ALREADY_EXISTS, 56);
IS(OE_ALREADY_INITIALIZED, 57);
IS(OE_QUOTE_HASH_MISMATCH, 58);
IS(OE_INVALID_SGX_SIGNING_KEY, 59);
IS(OE_INVALID_IMAGE, 60);
IS(OE_QUOTE_LIBRARY_LOAD_ERROR, 61);
IS(OE_SGX_QUOTE_LIBRARY_ERROR, 62);
IS(__OE_RESULT_MAX, 0xffffffff);
SIZE(oe_result_t, 4);

/* bits/types.h, bits/defs.h (1.1) */
IS(OE_API_VERSION, 2);
IS(OE_ENCLAVE_TYPE_AUTO, 1);
IS(OE_ENCLAVE_TYPE_SGX, 2);
IS(OE_ENCLAVE_TYPE_OPTEE, 3);
IS(OE_SEAL_POLICY_UNIQUE, 1);
IS(OE_SEAL_POLICY_PRODUCT, 2);
IS(OE_ENUM_MAX, 0xffffffff);
IS(OE_PAGE_SIZE, 0x1000);
IS(OE_CHAR_BIT, 8);
IS(OE_INT8_MAX, 127);
IS(OE_INT16_MIN, -32768);
IS(OE_UINT16_MAX, 65535);
IS(OE_INT32_MAX, 2147483647);
IS(OE_UINT32_MAX, 4294967295u);
IS(OE_INT64_MAX, INT64_MAX);
IS(OE_INT64_MIN, INT64_MIN);
IS(OE_UINT64_MAX, UINT64_MAX);
IS(OE_SIZE_MAX, SIZE_MAX);
IS(OE_SSIZE_MAX, INT64_MAX);
IS(OE_LONG_MAX, INT64_MAX);
IS(OE_ULLONG_MAX, UINT64_MAX);
IS(OE_SCHAR_MIN, -128);
IS(OE_UCHAR_MAX, 255);
IS(OE_SHRT_MAX, 32767);
IS(OE_INT_MIN, INT32_MIN);
IS(OE_UINT_MAX, UINT32_MAX);
SIZE(oe_datetime_t, 24);
SIZE(oe_clockid_t, 4);
SIZE(oe_uuid_t, 16);

/* bits/asym_keys.h (1.6) */
IS(OE_ASYMMETRIC_KEY_EC_SECP256P1, 1);
IS(OE_ASYMMETRIC_KEY_PEM, 1);

/* bits/report.h (1.6) */
IS(OE_REPORT_FLAGS_REMOTE_ATTESTATION, 1);
IS(OE_REPORT_DATA_SIZE, 64);
IS(OE_MAX_REPORT_SIZE, 10 * 1024);
IS(OE_UNIQUE_ID_SIZE, 32);
IS(OE_SIGNER_ID_SIZE, 32);
IS(OE_PRODUCT_ID_SIZE, 16);
IS(OE_REPORT_ATTRIBUTES_DEBUG, 1);
IS(OE_REPORT_ATTRIBUTES_REMOTE, 2);
SIZE(oe_report_t, 152);
SIZE(oe_identity_t, 96);
AT(oe_identity_t, id_version, 0);
AT(oe_identity_t, security_version, 4);
AT(oe_identity_t, attributes, 8);
AT(oe_identity_t, unique_id, 16);
AT(oe_identity_t, signer_id, 48);
AT(oe_identity_t, product_id, 80);
AT(oe_report_t, size, 0);
AT(oe_report_t, type, 8);
AT(oe_report_t, report_data_size, 16);
AT(oe_report_t, enclave_report_size, 24);
AT(oe_report_t, report_data, 32);
AT(oe_report_t, enclave_report, 40);
AT(oe_report_t, identity, 48);

/* bits/evidence.h, attestation/ (1.7) */
IS(OE_POLICY_ENDORSEMENTS_TIME, 1);
IS(OE_POLICY_ENDORSEMENTS_BASELINE, 2);
IS(OE_REQUIRED_CLAIMS_COUNT, 7);
IS(OE_SGX_REQUIRED_CLAIMS_COUNT, 10);
IS(OE_TDX_REQUIRED_CLAIMS_COUNT, 29);
IS(OE_TDX_ADDITIONAL_CLAIMS_COUNT, 2);
IS(OE_SGX_TCB_STATUS_UP_TO_DATE, 0);
IS(OE_SGX_TCB_STATUS_OUT_OF_DATE, 1);
IS(OE_SGX_TCB_STATUS_REVOKED, 2);
IS(OE_SGX_TCB_STATUS_CONFIGURATION_NEEDED, 3);
IS(OE_SGX_TCB_STATUS_OUT_OF_DATE_CONFIGURATION_NEEDED, 4);
IS(OE_SGX_TCB_STATUS_SW_HARDENING_NEEDED, 5);
IS(OE_SGX_TCB_STATUS_CONFIGURATION_AND_SW_HARDENING_NEEDED, 6);
IS(OE_SGX_TCB_STATUS_TD_RELAUNCH_ADVISED, 7);
IS(OE_SGX_TCB_STATUS_TD_RELAUNCH_ADVISED_CONFIG_NEEDED, 8);
IS(OE_SGX_TCB_STATUS_INVALID, 0xffffffff);
IS(OE_POLICY_TCB_BASELINE_DATE, 3);
SIZE(oe_claim_t, 24);
SIZE(oe_policy_t, 24);

/* bits/attestation.h (1.7) */
IS(OE_ATTESTATION_ENDORSEMENT_MAX_SIZE, 200 * 1024);
IS(OE_ATTESTATION_ENDORSEMENT_VERSION, 1);
IS(OE_SGX_ENDORSEMENT_FIELD_VERSION, 0);
IS(OE_SGX_ENDORSEMENT_FIELD_TCB_INFO, 1);
IS(OE_SGX_ENDORSEMENT_FIELD_TCB_ISSUER_CHAIN, 2);
IS(OE_SGX_ENDORSEMENT_FIELD_CRL_PCK_CERT, 3);
IS(OE_SGX_ENDORSEMENT_FIELD_CRL_PCK_PROC_CA, 4);
IS(OE_SGX_ENDORSEMENT_FIELD_CRL_ISSUER_CHAIN_PCK_CERT, 5);
IS(OE_SGX_ENDORSEMENT_FIELD_QE_ID_INFO, 6);
IS(OE_SGX_ENDORSEMENT_FIELD_QE_ID_ISSUER_CHAIN, 7);
IS(OE_SGX_ENDORSEMENT_FIELD_CREATION_DATETIME, 8);

/* log.h (1.10) */
IS(OE_LOG_LEVEL_NONE, 0);
IS(OE_LOG_LEVEL_FATAL, 1);
IS(OE_LOG_LEVEL_ERROR, 2);
IS(OE_LOG_LEVEL_WARNING, 3);
IS(OE_LOG_LEVEL_INFO, 4);
IS(OE_LOG_LEVEL_VERBOSE, 5);
IS(OE_LOG_LEVEL_MAX, 6);

/* bits/sgx/sgxtypes.h, bits/sgx/epid.h, bits/tdx/tdxquote.h (1.10; Intel SDM Vol. 3D) */
IS(SGX_FLAGS_INITTED, 1);
IS(SGX_FLAGS_DEBUG, 2);
IS(SGX_FLAGS_MODE64BIT, 4);
IS(SGX_FLAGS_PROVISION_KEY, 0x10);
IS(SGX_FLAGS_EINITTOKEN_KEY, 0x20);
IS(SGX_FLAGS_KSS, 0x80);
IS(SGX_XFRM_LEGACY, 3);
IS(SGX_XFRM_AVX, 6);
IS(SGX_XFRM_MPX, 0x18);
IS(SGX_XFRM_AVX512, 0xe6);
IS(SGX_SECINFO_R, 1);
IS(SGX_SECINFO_W, 2);
IS(SGX_SECINFO_X, 4);
IS(SGX_SECINFO_SECS, 0);
IS(SGX_SECINFO_TCS, 0x100);
IS(SGX_SECINFO_REG, 0x200);
IS(ENCLU_EREPORT, 0);
IS(ENCLU_EGETKEY, 1);
IS(ENCLU_EENTER, 2);
IS(ENCLU_ERESUME, 3);
IS(ENCLU_EEXIT, 4);
IS(ENCLU_EACCEPT, 5);
IS(ENCLU_EMODPE, 6);
IS(ENCLU_EACCEPTCOPY, 7);
IS(ENCLU_INSTRUCTION, 0xd7010f);
IS(SGX_KEYSELECT_EINITTOKEN, 0);
IS(SGX_KEYSELECT_PROVISION, 1);
IS(SGX_KEYSELECT_PROVISION_SEAL, 2);
IS(SGX_KEYSELECT_REPORT, 3);
IS(SGX_KEYSELECT_SEAL, 4);
IS(SGX_KEYPOLICY_MRENCLAVE, 1);
IS(SGX_KEYPOLICY_MRSIGNER, 2);
IS(SGX_KEYPOLICY_NOISVPRODID, 4);
IS(SGX_KEYPOLICY_CONFIGID, 8);
IS(SGX_KEYPOLICY_ISVFAMILYID, 0x10);
IS(SGX_KEYPOLICY_ISVEXTPRODID, 0x20);
IS(SGX_KEYPOLICY_ALL, 0x3f);
IS(SGX_EGETKEY_SUCCESS, 0);
IS(SGX_EGETKEY_INVALID_ATTRIBUTE, 2);
IS(SGX_EGETKEY_INVALID_CPUSVN, 0x20);
IS(SGX_EGETKEY_INVALID_ISVSVN, 0x40);
IS(SGX_EGETKEY_INVALID_KEYNAME, 0x100);
IS(SGX_KEY_REQUEST_ALIGNMENT, 512);
IS(SGX_KEY_ALIGNMENT, 16);
IS(OE_SGX_PCK_ID_PCK_CERT_CHAIN, 5);
IS(OE_SGX_QUOTE_VERSION, 3);
IS(SGX_QUOTE_SIGNED_DATA_SIZE, 432);
IS(SGX_UNMASKED_EVENT, 128);
IS(OE_SEALKEY_DEFAULT_FLAGSMASK, 0xff0000000000000b);
IS(OE_SEALKEY_DEFAULT_MISCMASK, 0xf0000000);
IS(OE_SEALKEY_DEFAULT_XFRMMASK, 0);
IS(SGX_USERDATA_SIZE, 20);
IS(SGX_SIGSTRUCT_ATTRIBUTEMASK_FLAGS, 0xfffffffffffffffbULL);
IS(OE_KEY_SIZE, 384);
IS(OE_EXPONENT_SIZE, 4);
IS(OE_SHA256_SIZE, 32);
SIZE(sgx_attributes_t, 16);
SIZE(sgx_sigstruct_t, 1808);
SIZE(sgx_secs_t, 4096);
SIZE(sgx_tcs_t, 4096);
SIZE(sgx_secinfo_t, 128);
SIZE(sgx_ssa_gpr_t, 184);
SIZE(sgx_target_info_t, 512);
SIZE(sgx_report_body_t, 384);
SIZE(sgx_report_t, 432);
SIZE(sgx_quote_t, 436);
SIZE(sgx_quote_auth_data_t, 576);
SIZE(sgx_key_request_t, 512);
SIZE(sgx_key_t, 16);
SIZE(sgx_einittoken_t, 304);
SIZE(sgx_launch_token_t, 1024);
SIZE(sgx_epid_signature_t, 360);
SIZE(sgx_epid_sig_rl_t, 152);
SIZE(sgx_wrap_key_t, 288);
SIZE(sgx_sig_rl_t, 156);
SIZE(tdx_report_body_t, 584);
SIZE(tdx_report_body_v5_t, 648);
SIZE(tdx_report_body_v1_5_ex_t, 885);
AT(sgx_sigstruct_t, modulus, 128);
AT(sgx_sigstruct_t, miscselect, 900);
AT(sgx_sigstruct_t, enclavehash, 960);
AT(sgx_sigstruct_t, isvprodid, 1024);
AT(sgx_sigstruct_t, reserved4, 1028);
AT(sgx_sigstruct_t, q1, 1040);
AT(sgx_tcs_t, ossa, 16);
AT(sgx_tcs_t, cssa, 24);
AT(sgx_tcs_t, nssa, 28);
AT(sgx_tcs_t, oentry, 32);
AT(sgx_tcs_t, fsbase, 48);
AT(sgx_tcs_t, gsbase, 56);
AT(sgx_secs_t, misc_select, 20);
AT(sgx_secs_t, flags, 48);
AT(sgx_secs_t, mrenclave, 64);
AT(sgx_secs_t, mrsigner, 128);
AT(sgx_target_info_t, attributes, 32);
AT(sgx_target_info_t, misc_select, 52);
AT(sgx_report_body_t, mrenclave, 64);
AT(sgx_report_body_t, mrsigner, 128);
AT(sgx_report_body_t, isvprodid, 256);
AT(sgx_report_body_t, isvsvn, 258);
AT(sgx_report_body_t, report_data, 320);
AT(sgx_report_t, keyid, 384);
AT(sgx_report_t, mac, 416);
AT(sgx_key_request_t, key_policy, 2);
AT(sgx_key_request_t, isv_svn, 4);
AT(sgx_key_request_t, cpu_svn, 8);
AT(sgx_key_request_t, attribute_mask, 24);
AT(sgx_key_request_t, key_id, 40);
AT(sgx_key_request_t, misc_attribute_mask, 72);
AT(sgx_key_request_t, config_svn, 76);
AT(sgx_ssa_gpr_t, rip, 136);
AT(sgx_ssa_gpr_t, ursp, 144);
AT(sgx_ssa_gpr_t, exit_info, 160);
AT(sgx_einittoken_t, cpusvnle, 192);
AT(sgx_einittoken_t, mac, 288);
AT(tdx_report_body_v1_5_ex_t, mrservicetd, 600);
AT(tdx_report_body_v1_5_ex_t, vmid, 648);
AT(tdx_report_body_v1_5_ex_t, init_server_td_hash, 729);
AT(tdx_report_body_v1_5_ex_t, init_server_td_attr, 777);
AT(tdx_report_body_v1_5_ex_t, init_cpu_svn, 785);
AT(tdx_report_body_v1_5_ex_t, init_tee_tcb_svn, 801);
AT(tdx_report_body_v1_5_ex_t, init_tee_fmspc, 817);
AT(tdx_report_body_v1_5_ex_t, curr_server_td_hash, 829);
AT(tdx_report_body_v1_5_ex_t, curr_server_td_attr, 877);
AT(tdx_quote_t, report_body, 48);
AT(tdx_quote_t, signature_len, 632);
AT(tdx_quote_v5_t, type, 48);
AT(tdx_quote_v5_t, size, 50);

/* bits/sgx/sgxproperties.h (1.4) */
IS(OE_SGX_MAX_TCS, 1024);
IS(OE_SGX_FLAGS_DEBUG, 2);
IS(OE_SGX_FLAGS_MODE64BIT, 4);
IS(OE_SGX_FLAGS_KSS, 0x80);
IS(OE_SGX_SIGSTRUCT_SIZE, 1808);
IS(OE_SGX_INFO_END_MARKER, 0xececececececececULL);

#ifdef ENCLAVE
/* bits/exception.h, seal.h, corelibc, advanced (1.5, 1.9, 1.10) */
IS(OE_EVIDENCE_FLAGS_EMBED_FORMAT_ID, 1);
IS(OE_EXCEPTION_DIVIDE_BY_ZERO, 0);
IS(OE_EXCEPTION_BREAKPOINT, 1);
IS(OE_EXCEPTION_BOUND_OUT_OF_RANGE, 2);
IS(OE_EXCEPTION_ILLEGAL_INSTRUCTION, 3);
IS(OE_EXCEPTION_ACCESS_VIOLATION, 4);
IS(OE_EXCEPTION_PAGE_FAULT, 5);
IS(OE_EXCEPTION_X87_FLOAT_POINT, 6);
IS(OE_EXCEPTION_MISALIGNMENT, 7);
IS(OE_EXCEPTION_SIMD_FLOAT_POINT, 8);
IS(OE_EXCEPTION_UNKNOWN, 0xffffffff);
IS(OE_EXCEPTION_FLAGS_HARDWARE, 1);
IS(OE_EXCEPTION_FLAGS_SOFTWARE, 2);
IS(OE_EXCEPTION_CONTINUE_SEARCH, 0);
IS(OE_EXCEPTION_CONTINUE_EXECUTION, 0xffffffff);
IS(OE_EXCEPTION_ABORT_EXECUTION, 0xfffffff0);
IS(OE_SGX_PAGE_FAULT_P_FLAG, 1);
IS(OE_SGX_PAGE_FAULT_WR_FLAG, 2);
IS(OE_SGX_PAGE_FAULT_US_FLAG, 4);
IS(OE_SGX_PAGE_FAULT_RSVD_FLAG, 8);
IS(OE_SGX_PAGE_FAULT_ID_FLAG, 0x10);
IS(OE_SGX_PAGE_FAULT_PK_FLAG, 0x20);
IS(OE_SGX_PAGE_FAULT_SGX_FLAG, 0x8000);
IS(OE_SEAL_SETTING_PLUGIN_DEFINED, 0x8000);
IS(OE_EPERM, 1);
IS(OE_EINVAL, 22);
IS(OE_ENOSYS, 38);
IS(OE_EWOULDBLOCK, 11);
IS(OE_ECONNREFUSED, 111);
IS(OE_ERFKILL, 132);
IS(OE_ENOTSUP, 95);
IS(OE_PATH_MAX, 4096);
IS(OE_NGROUPS_MAX, 32);
IS(OE_IOV_MAX, 1024);
AT(oe_exception_record_t, faulting_address, 16);
AT(oe_exception_record_t, error_code, 24);
AT(oe_exception_record_t, host_signal_number, 28);
AT(oe_exception_record_t, context, 32);
SIZE(oe_basic_xstate_t, 512);
SIZE(oe_mallinfo_t, 24);
#else
/* host.h (1.3) */
IS(OE_ENCLAVE_FLAG_DEBUG, 1);
IS(OE_ENCLAVE_FLAG_SIMULATE, 2);
IS(OE_ENCLAVE_FLAG_SGX_KSS, 4);
IS(OE_ENCLAVE_FLAG_DEBUG_AUTO, 0x10);
IS(OE_ENCLAVE_FLAG_RESERVED, 0xffffffec);
IS(OE_ENCLAVE_SETTING_CONTEXT_SWITCHLESS, 0xdc73a628);
IS(OE_SGX_ENCLAVE_CONFIG_DATA, 0x78b5b41d);
SIZE(oe_enclave_setting_t, 16);
SIZE(oe_enclave_setting_context_switchless_t, 16);
AT(oe_sgx_enclave_setting_config_data, config_svn, 64);
AT(oe_sgx_enclave_setting_config_data, ignore_if_unsupported, 66);
#endif
