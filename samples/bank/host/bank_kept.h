/* A result in a file: sealed by the enclave, which alone can read it again. */
#ifndef BANK_KEPT_H
#define BANK_KEPT_H

#include "bank_link.h"

/** Have the result sealed, and write it to a file, whole or not at all. */
enum bank_status bank_kept_write(struct bank_link *l, const char *path, struct bank_why *why);

/** Have the enclave read such a file. */
enum bank_status bank_kept_read(struct bank_link *l, const char *path, struct bank_result *out,
                                struct bank_why *why);

#endif
