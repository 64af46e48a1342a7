/* Private to src/cli: a diagnosis as part of another report. */
#ifndef CM_CLI_DIAGNOSIS_H
#define CM_CLI_DIAGNOSIS_H

#include "cli/cli.h"
#include "token/json.h"

/** The members of the object that `casemate doctor --json` prints. */
void cm_diagnosis_members(struct cm_json_wr *w, const struct cm_machine *m,
                          const struct cm_diagnosis *d);

#endif
