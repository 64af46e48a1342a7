/*
 * The banks and the host with an attestation and key release service between them (`casemate serve`; any with
 * the interfaces of Azure Attestation and Azure Key Vault). A bank deposits its key with a policy that
 * says which enclave it is for; the host has the enclave attested and asks for the keys; what it gets
 * only that enclave can open.
 */
#ifndef BANK_SERVICE_H
#define BANK_SERVICE_H

#include "bank_link.h"
#include "bank_party.h"
#include "bank_policy.h"
#include "bank_run.h"

#define BANK_TOKEN_MAX 512U

struct bank_service {
    const char *url;                 /* https://host[:port], no slash at the end */
    const char *ca;                  /* file with its CA */
    char bank_token[BANK_TOKEN_MAX]; /* who may set policies and keys */
    char host_token[BANK_TOKEN_MAX]; /* who may ask for a release: the keys are no use to him */
};

/** Read the tokens: files with one line. */
enum bank_status bank_service_new(const char *url, const char *ca, const char *bank_token,
                                  const char *host_token, struct bank_service *out,
                                  struct bank_why *why);

/** What all banks agree on: the service vouches for no enclave but the policy's. */
enum bank_status bank_service_policy(const struct bank_service *s, const struct bank_policy *policy,
                                     struct bank_why *why);

/** Each bank: a new key, deposited for the policy's enclave alone. One line a bank. */
enum bank_status bank_service_deposit(const struct bank_service *s, struct bank_parties *p,
                                      const struct bank_policy *policy,
                                      struct bank_progress *progress, struct bank_why *why);

/** The host: have the enclave attested, and carry each bank's key to it. One line a step. */
enum bank_status bank_service_release(const struct bank_service *s, const struct bank_parties *p,
                                      struct bank_link *l, struct bank_progress *progress,
                                      struct bank_why *why);

#endif
