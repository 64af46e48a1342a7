/* Private to src/tpm: parts of event logs that several readers of a log need. */
#ifndef CM_TPM_TCG_PARTS_H
#define CM_TPM_TCG_PARTS_H

#include "common/reader.h"

/** UEFI_VARIABLE_DATA (PC Client Platform Firmware Profile 1.05, 10.2.6); refers to what was read. */
struct cm_tcg_variable {
    const uint8_t *guid;
    struct cm_span name; /* UTF-16, little endian */
    struct cm_span data;
};
bool cm_tcg_variable_read(struct cm_span in, struct cm_tcg_variable *out);

#endif
