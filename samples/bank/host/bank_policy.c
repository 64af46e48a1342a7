/* See bank_policy.h. */
#include "bank_policy.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../common/bank_text.h"

#define BIT(status) (UINT32_C(1) << (uint32_t)(status))

/* the ones that a policy may name; Revoked is none of them */
static const struct {
    oe_sgx_tcb_status_t status;
    const char *name;
} statuses[] = {
    {OE_SGX_TCB_STATUS_UP_TO_DATE, "UpToDate"},
    {OE_SGX_TCB_STATUS_SW_HARDENING_NEEDED, "SWHardeningNeeded"},
    {OE_SGX_TCB_STATUS_CONFIGURATION_NEEDED, "ConfigurationNeeded"},
    {OE_SGX_TCB_STATUS_CONFIGURATION_AND_SW_HARDENING_NEEDED, "ConfigurationAndSWHardeningNeeded"},
    {OE_SGX_TCB_STATUS_OUT_OF_DATE, "OutOfDate"},
    {OE_SGX_TCB_STATUS_OUT_OF_DATE_CONFIGURATION_NEEDED, "OutOfDateConfigurationNeeded"},
};
#define STATUSES (sizeof(statuses) / sizeof(statuses[0]))

const char *bank_policy_status_name(oe_sgx_tcb_status_t status)
{
    for (size_t i = 0; i < STATUSES; i++) {
        if (statuses[i].status == status) {
            return statuses[i].name;
        }
    }
    return status == OE_SGX_TCB_STATUS_REVOKED ? "Revoked" : "unknown";
}

bool bank_policy_status_ok(const struct bank_policy *p, oe_sgx_tcb_status_t status)
{
    for (size_t i = 0; i < STATUSES; i++) {
        if (statuses[i].status == status) {
            return (p->statuses & BIT(status)) != 0;
        }
    }
    return false; /* revoked, or of a kind that did not exist when this was written */
}

static bool hex(const char *text, uint8_t out[32])
{
    if (strlen(text) != 64 || strspn(text, "0123456789abcdefABCDEF") != 64) {
        return false;
    }
    for (size_t i = 0; i < 32; i++) {
        char pair[3] = {text[2 * i], text[2 * i + 1], '\0'};

        out[i] = (uint8_t)strtoul(pair, NULL, 16);
    }
    return true;
}

/* a whole number of at most five digits: product and version have 16 bits */
static bool number(const char *text, uint64_t *out)
{
    size_t n = strlen(text);

    if (n == 0 || n > 5 || strspn(text, "0123456789") != n) {
        return false;
    }
    *out = strtoul(text, NULL, 10);
    return true;
}

static bool status_list(char *text, uint32_t *out)
{
    char *rest = NULL;

    for (char *name = strtok_r(text, ",", &rest); name != NULL; name = strtok_r(NULL, ",", &rest)) {
        size_t i = 0;

        while (i < STATUSES && strcmp(statuses[i].name, name) != 0) {
            i++;
        }
        if (i == STATUSES) {
            return false;
        }
        *out |= BIT(statuses[i].status);
    }
    return true;
}

enum name { ENCLAVE, SIGNER, PRODUCT, SVN, TCB, MAX_AGE, NAMES };

static bool set(enum name name, char *value, struct bank_policy *p)
{
    switch (name) {
    case ENCLAVE:
        return p->by_enclave = hex(value, p->enclave);
    case SIGNER:
        return p->by_signer = hex(value, p->signer);
    case PRODUCT:
        return number(value, &p->product);
    case SVN:
        return number(value, &p->minimum_svn);
    case TCB:
        return status_list(value, &p->statuses);
    case MAX_AGE:
        return number(value, &p->max_age) && p->max_age != 0;
    case NAMES:
        break;
    }
    return false;
}

/* one line without its end; seen: the names that came before */
static bool take(char *line, bool seen[NAMES], struct bank_policy *p)
{
    static const char *const names[NAMES] = {"mrenclave",   "mrsigner", "product",
                                             "minimum-svn", "tcb",      "max-age"};
    char *value = strchr(line, '=');

    if (line[0] == '\0' || line[0] == '#') {
        return true;
    }
    if (value == NULL) {
        return false;
    }
    *value = '\0';
    value++;
    for (int i = 0; i < NAMES; i++) {
        if (strcmp(line, names[i]) == 0 && !seen[i]) {
            seen[i] = true;
            return set((enum name)i, value, p);
        }
    }
    return false;
}

static enum bank_status complete(const char *path, const bool seen[NAMES], struct bank_why *why)
{
    if (!seen[ENCLAVE] && !seen[SIGNER]) {
        return bank_fail(why, BANK_SYNTAX, "%s: names no enclave: mrenclave= or mrsigner=", path);
    }
    if (seen[SIGNER] != seen[PRODUCT] || seen[SIGNER] != seen[SVN]) {
        return bank_fail(why, BANK_SYNTAX, "%s: mrsigner=, product= and minimum-svn= come together",
                         path);
    }
    return BANK_OK;
}

enum bank_status bank_policy_read(const char *path, struct bank_policy *out, struct bank_why *why)
{
    FILE *f = fopen(path, "r");
    char line[256];
    bool seen[NAMES] = {false};
    unsigned count = 0;
    bool ok = true;

    memset(out, 0, sizeof(*out));
    out->statuses = BIT(OE_SGX_TCB_STATUS_UP_TO_DATE);
    out->max_age = 120;
    if (f == NULL) {
        return bank_fail(why, BANK_IO, "policy %s: %s", path, strerror(errno));
    }
    while (ok && fgets(line, sizeof(line), f) != NULL) {
        size_t n = strcspn(line, "\r\n");

        count++;
        ok = n + 2 < sizeof(line); /* else it was cut */
        line[n] = '\0';
        ok = ok && take(line, seen, out);
    }
    if (ferror(f) != 0) {
        (void)fclose(f);
        return bank_fail(why, BANK_IO, "policy %s: cannot be read", path);
    }
    (void)fclose(f);
    return ok ? complete(path, seen, why)
              : bank_fail(why, BANK_SYNTAX, "%s:%u: not a policy's line, or the second of its name",
                          path, count);
}
