/* casemate attest: argument parsing. */
#ifndef CM_TOOLS_CASEMATE_ATTEST_H
#define CM_TOOLS_CASEMATE_ATTEST_H

int cm_command_attest(int argc, char **argv);

#endif
