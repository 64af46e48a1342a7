/*
 * Machines of Azure's as Azure's library sends their evidence, and what such a machine does with the answer. One
 * of each kind in a process: they are this kit's. Ends the process when something of the kit fails.
 */
#ifndef CM_TESTS_MAA_GUEST_KIT_H
#define CM_TESTS_MAA_GUEST_KIT_H

#include "azurekit.h"
#include "maa_kit.h"
#include "tpm_kit.h"

#define RULES(rules) "version=1.2; authorizationrules { " rules " }; issuancerules { };"
#define TEE          "x-ms-isolation-tee.x-ms-attestation-type"
#define ISOLATED     RULES("[type==\"" TEE "\"] => permit();")
#define ASKS(tee)    RULES("[type==\"" TEE "\", value==\"" tee "\"] => permit();")
#define PERMIT       RULES("=> permit();")
#define NO_DEBUGGER                                                              \
    RULES("[type==\"x-ms-azurevm-debuggersdisabled\", value==true] => permit();" \
          "[type==\"x-ms-azurevm-bootdebug-enabled\", value==true] => deny();")
#define EVENTS                                                                                  \
    RULES("c:[type==\"events\"] => add(type=\"e\", value=JmesPath(c.value, \"Events[?PcrIndex " \
          "== `12`] | length(@)\")); [type==\"e\", value!=\"0\"] => permit();")

/* decrypt, userWithAuth, sensitiveDataOrigin, fixedParent, fixedTPM */
#define GUEST_ATTRIBUTES 0x00020072u

extern struct vm guest_vm;              /* SEV-SNP */
extern struct vm guest_td;              /* TDX */
extern const struct kit_log *guest_log; /* sent along; NULL: none */

/* A key that the machine's TPM made, and the TPM's word for it. */
struct sealing {
    EVP_PKEY *key;
    uint32_t attributes;
    EVP_PKEY *signer;
    uint16_t type; /* of the attestation */
    bool other_name;
    uint8_t pub[400];
    size_t pub_len;
    uint8_t info[200];
    size_t info_len;
    uint8_t signature[256];
    size_t signature_len;
};

void guest_sealing_init(struct sealing *s);
void guest_sealing_make(struct sealing *s);

/** A service that trusts the SEV-SNP machine's maker, and what it needs beside. */
void guest_begin(struct sealing *s);
void guest_end(void);

json_t *guest_b64(const void *bytes, size_t len);
json_t *guest_snp_isolation(void);
json_t *guest_tdx_isolation(void);
/** What the library sends, before it is encoded; takes isolation. */
json_t *guest_info_of(const struct vm *v, const struct sealing *s, json_t *isolation);
/** The same of the SEV-SNP machine. */
json_t *guest_info(const struct sealing *s);

/** POST /attest/AzureGuest; takes what. */
struct kit_answer *guest_ask(json_t *what);
/** What the machine does with the answer; malloc'd, NULL when it cannot. */
char *guest_unseal(EVP_PKEY *key);
/** The claims of a machine's answer, which only its own TPM opens; NULL: it has none. */
const json_t *guest_opened(const struct sealing *s, json_t *what);
/** Whether it is refused, with words about it. */
bool guest_refused(json_t *what, const char *words);

#endif
