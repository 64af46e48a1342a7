/* casemate predict: argument parsing, apart for its size. */
#ifndef CM_TOOLS_CASEMATE_PREDICT_H
#define CM_TOOLS_CASEMATE_PREDICT_H

int cm_command_predict(int argc, char **argv);

#endif
