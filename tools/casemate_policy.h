/* casemate policy. */
#ifndef CM_TOOLS_CASEMATE_POLICY_H
#define CM_TOOLS_CASEMATE_POLICY_H

int cm_command_policy(int argc, char **argv);

#endif
