/* Private to src/cli: what `casemate verify` is given beside the evidence, from files. */
#ifndef CM_CLI_VERIFY_INPUT_H
#define CM_CLI_VERIFY_INPUT_H

#include "cli/cli_evidence.h"

#define CM_CLI_TRUSTED_MAX     96u /* each root in each family */
#define CM_CLI_INPUT_MATERIALS (CM_CLI_VERIFY_MATERIALS + CM_CLI_VERIFY_ROOTS)

struct cm_cli_input {
    const struct cm_trust_root *roots; /* what to trust: the makers', or trusted */
    size_t root_count;
    struct cm_trust_root trusted[CM_CLI_TRUSTED_MAX];
    char labels[CM_CLI_VERIFY_ROOTS][CM_ROOT_LABEL];
    struct cm_material materials[CM_CLI_INPUT_MATERIALS];
    uint8_t *data[CM_CLI_INPUT_MATERIALS]; /* owned */
    size_t material_count;
};

/**
 * Read the root certificates and the files beside the evidence. A root given stands instead of all of the
 * makers', for whatever family asks for it; its certificate is the last of the materials, for chains that leave
 * it out. What a file is, if its user does not say, is told by its content; but what would be TRUSTED is taken
 * only where the user says so. Text may have UTF-8's byte order mark.
 *
 * @param out  all zero; cm_cli_input_free() it in any case.
 * @retval CM_ERR_PARAM  what a file is cannot be told, or must be said; why says how
 * @retval CM_ERR_IO, CM_ERR_NOTFOUND, CM_ERR_FORMAT, ...
 */
CM_MUST_USE enum cm_status cm_cli_input_load(const struct cm_cli_verify *v,
                                             struct cm_cli_input *out, struct cm_why *why);
/** Also one that is all zero. */
void cm_cli_input_free(struct cm_cli_input *in);

#endif
