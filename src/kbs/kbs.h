/*
 * The API of the Confidential Containers key broker (Trustee's KBS protocol 0.4.0, and its dialects 0.1 to
 * 0.3): a guest asks for a challenge, answers with evidence that binds its public key, gets a token, and
 * resources encrypted to that key. The module "kbs"; docs/service-kbs.md says what is spoken and what not.
 */
#ifndef CM_KBS_KBS_H
#define CM_KBS_KBS_H

#include "service/service.h"

extern const struct cm_module cm_kbs_module;

/**
 * Ready policies for resources in our language: "affirming" (in force where nobody set another), "default"
 * (anything genuine that is no sample), "allow-all", "deny-all".
 * @return NULL: there is none of this name
 */
const char *cm_kbs_policy(const char *name);

#endif
