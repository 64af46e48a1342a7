/* The agreement between the banks: checked, written out as text, and hashed. */
#ifndef BANK_AGREEMENT_H
#define BANK_AGREEMENT_H

#include "bank_types.h"

#define BANK_AGREEMENT_TEXT_MAX 4096U

/** Refuse what no enclave of this sample would carry out. */
enum bank_status bank_agreement_check(const struct bank_agreement *a, struct bank_why *why);

/**
 * The text that the banks sign up to. It is made from the very values that the enclave works with,
 * so the text cannot say one thing and the enclave do another.
 *
 * @param a    Checked.
 * @param out  Zero terminated.
 */
void bank_agreement_text(const struct bank_agreement *a, char out[BANK_AGREEMENT_TEXT_MAX]);

/** SHA-256 of the text. */
enum bank_status bank_agreement_hash(const struct bank_agreement *a, uint8_t out[32]);

#endif
