/* casemate collateral: its part of the command line. */
#ifndef CM_TOOLS_CASEMATE_COLLATERAL_H
#define CM_TOOLS_CASEMATE_COLLATERAL_H

int cm_command_collateral(int argc, char **argv);

#endif
