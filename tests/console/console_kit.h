/* A service with the dashboard's API over the emulated platform; callers are those of service_kit.h. */
#ifndef CM_TESTS_CONSOLE_KIT_H
#define CM_TESTS_CONSOLE_KIT_H

#include "decide_kit.h"
#include "service_kit.h"

#include "store/db.h"

void console_start(void);
void console_stop(void);

/** Attest an invented enclave of this MRENCLAVE by Azure's API; its status. */
int console_attest(uint8_t mrenclave);
/** A quote in standard base64; malloc'd. */
char *console_quote(uint8_t mrenclave);

/** For cm_db_into(): a number. */
bool console_take_number(void *arg, const struct cm_db_value *columns, size_t count);

/** One request by a caller; json NULL: no body. */
int console_ask(const char *caller, const char *method, const char *path, const char *json);

#endif
