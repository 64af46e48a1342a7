/* casemate eif: argument parsing, apart from casemate.c for its size. */
#ifndef CM_TOOLS_CASEMATE_EIF_H
#define CM_TOOLS_CASEMATE_EIF_H

int cm_command_eif(int argc, char **argv);

#endif
