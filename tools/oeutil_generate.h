/* oeutil generate-evidence. */
#ifndef CM_TOOLS_OEUTIL_GENERATE_H
#define CM_TOOLS_OEUTIL_GENERATE_H

/** argv[0] is the first option. An exit status. */
int oeutil_generate_evidence(int argc, char **argv);

extern const char oeutil_help_generate[];

#endif
