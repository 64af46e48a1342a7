/* A result on disk: sealed by the enclave for itself, so that nobody else reads or changes it. */
#ifndef BANK_RESULT_H
#define BANK_RESULT_H

#include "../common/bank_types.h"

/** Seal for this very enclave (its measurement) on this machine. */
enum bank_status bank_result_seal(const struct bank_result *result, uint8_t *out, size_t capacity,
                                  size_t *size, struct bank_why *why);

/**
 * @param sealed  UNTRUSTED
 * @retval BANK_REFUSED  changed, or sealed by another enclave or on another machine
 */
enum bank_status bank_result_open(const uint8_t *sealed, size_t size, struct bank_result *out,
                                  struct bank_why *why);

#endif
