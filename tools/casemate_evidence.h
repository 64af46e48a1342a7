/* casemate's commands about evidence: argument parsing, apart from casemate.c for its size. */
#ifndef CM_TOOLS_CASEMATE_EVIDENCE_H
#define CM_TOOLS_CASEMATE_EVIDENCE_H

int cm_command_quote(int argc, char **argv);
int cm_command_evidence(int argc, char **argv);
int cm_command_verify(int argc, char **argv);

#endif
