/* `casemate serve` and what else casemate-service does: see casemate_service.c. */
#ifndef CM_TOOLS_CASEMATE_SERVE_H
#define CM_TOOLS_CASEMATE_SERVE_H

/** Become casemate-service, with all arguments. Returns only when that fails. */
int cm_command_service(char **argv);

#endif
