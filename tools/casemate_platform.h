/* casemate's commands about the emulated platform: argument parsing, apart for its size. */
#ifndef CM_TOOLS_CASEMATE_PLATFORM_H
#define CM_TOOLS_CASEMATE_PLATFORM_H

int cm_command_platform(int argc, char **argv);
int cm_command_pccs(int argc, char **argv);

#endif
