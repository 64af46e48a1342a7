/*
 * Policies are changed by calls: a module whose routes are the functions of rules.h, and the client's side
 * of it. An answer's status is 200, or the number of the enum cm_status that came out, plus 400.
 */
#ifndef CM_TESTS_RULES_CALL_KIT_H
#define CM_TESTS_RULES_CALL_KIT_H

#include "rules/rules.h"

extern const struct cm_module rules_call_module;

/** The status of a change; CM_OK with *waits. body may be NULL. */
enum cm_status rules_do(const char *who, const char *what, const char *type, int64_t version,
                        const char *body, bool *waits);

#define SET(who, type, text)   rules_do(who, "text", type, 0, text, NULL)
#define UPLOAD(who, type, jws) rules_do(who, "jws", type, 0, jws, NULL)
#define RESET(who, type, jws)  rules_do(who, "reset", type, 0, jws, NULL)
#define APPROVE(who, type, v)  rules_do(who, "approve", type, v, NULL, NULL)
#define REJECT(who, type, v)   rules_do(who, "reject", type, v, NULL, NULL)
#define RESTORE(who, type, v)  rules_do(who, "restore", type, v, NULL, NULL)
/** mode: "signed", "people", both or "" */
#define MODE(who, mode) rules_do(who, "mode", "-", 0, mode, NULL)
#define FIRST(who, pem) rules_do(who, "first", "-", 0, pem, NULL)
/** A change of what is trusted beside policies. */
#define TRUST(who)       rules_do(who, "trust", "-", 0, NULL, NULL)
#define ADD(who, jws)    rules_do(who, "add", "-", 0, jws, NULL)
#define REMOVE(who, jws) rules_do(who, "remove", "-", 0, jws, NULL)

/** The history of a type: the last answer's JSON is the list, newest first. */
enum cm_status rules_past(const char *type);

/** The text in force; valid until the next call. */
const char *rules_text(const char *type);
int64_t rules_version(const char *type);

#endif
