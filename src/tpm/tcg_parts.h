/* Private to src/tpm: parts of event logs that several readers of a log need. */
#ifndef CM_TPM_TCG_PARTS_H
#define CM_TPM_TCG_PARTS_H

#include "tpm/tcg_log.h"

/** UEFI_VARIABLE_DATA (PC Client Platform Firmware Profile 1.05, 10.2.6); refers to what was read. */
struct cm_tcg_variable {
    const uint8_t *guid;
    struct cm_span name; /* UTF-16, little endian */
    struct cm_span data;
};
bool cm_tcg_variable_read(struct cm_span in, struct cm_tcg_variable *out);

/** The digests of the three separators there are, so that each is made once. */
struct cm_tcg_separators {
    bool have;
    uint8_t digest[3][CM_TPM_MAX_DIGEST];
};
void cm_tcg_separators_make(uint16_t alg, struct cm_tcg_separators *out);

/** A separator is known by its digest: an attacker may call it what he likes. */
bool cm_tcg_is_separator(const struct cm_tcg_separators *separators, const struct cm_tcg_log *log,
                         const struct cm_tcg_event *e, uint16_t alg);

#endif
