/* casemate audit: see casemate_audit.c. */
#ifndef CM_TOOLS_CASEMATE_AUDIT_H
#define CM_TOOLS_CASEMATE_AUDIT_H

/** The command's arguments behind "audit"; the exit status. */
int cm_command_audit(int argc, char **argv);

#endif
