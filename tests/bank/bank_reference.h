/*
 * The same question answered in the clear by another algorithm: no streaming, no hash tables, no
 * depth-first search; paths grow backwards, level by level, from their last transfer. It trusts its
 * input. What the enclave reports must equal what this says.
 */
#ifndef BANK_REFERENCE_H
#define BANK_REFERENCE_H

#include "bank/host/bank_run.h"

struct reference {
    uint64_t rows;
    uint64_t rows_between_banks;
    uint64_t accounts;
    char **circles; /* "LENGTH:A>B>C xTIMES", sorted as strings */
    size_t circle_count;
};

/** Dies on anything unexpected: it is part of a test. */
void reference_run(const struct bank_parties *p, const struct bank_rules *rules,
                   struct reference *out);
void reference_free(struct reference *r);

#endif
