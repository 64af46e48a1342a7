/*
 * The dashboard: its files, and the API under it (docs/console-api.md), over what the other modules know. The
 * module "console"; it needs "access", "identity", "rules", "decide", and shows of "vault" and "kbs" what is
 * there. Whoever may not, learns nothing here that the modules' own APIs would not tell him.
 */
#ifndef CM_CONSOLE_CONSOLE_H
#define CM_CONSOLE_CONSOLE_H

#include "service/service.h"

extern const struct cm_module cm_console_module;

#endif
