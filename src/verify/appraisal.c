/*
 * Checks and claims as a trustworthiness vector; see casemate/appraisal.h. The rules stand in
 * docs/evidence.md in the same order. What nothing is known of stays 0, no claim.
 */
#include <casemate/appraisal.h>
#include <string.h>

/* AR4SI's values, section 2.3 */
#define UNEXPECTED    1 /* evidence that cannot be taken apart */
#define AFFIRMED      2 /* recognised and not compromised; genuine; encrypted */
#define SAFE          3 /* configuration: no known vulnerabilities; executables: approved at boot */
#define UNSAFE        32 /* known vulnerabilities; of memory: isolated, not encrypted */
#define UNRECOGNIZED  33 /* executables that are not among the reference values */
#define UNAPPRAISED   36 /* a configuration that nobody has looked at */
#define BAD           96 /* not trustworthy; unsupportable; visible */
#define NOT_KNOWN     97 /* an instance or hardware that should be recognised, and is not */
#define CRYPTO_FAILED 99 /* on every claim */

enum cm_trust_tier cm_trust_tier_of(int8_t value)
{
    if (value >= -1 && value <= 1) {
        return CM_TRUST_NONE;
    }
    if (value >= -32 && value <= 31) {
        return CM_TRUST_AFFIRMING;
    }
    return value >= -96 && value <= 95 ? CM_TRUST_WARNING : CM_TRUST_CONTRAINDICATED;
}

const char *cm_trust_tier_name(enum cm_trust_tier tier)
{
    switch (tier) {
    case CM_TRUST_NONE:
        return "none";
    case CM_TRUST_AFFIRMING:
        return "affirming";
    case CM_TRUST_WARNING:
        return "warning";
    case CM_TRUST_CONTRAINDICATED:
        break;
    }
    return "contraindicated";
}

const char *cm_trust_claim_name(enum cm_trust_claim claim)
{
    static const char *const names[CM_TRUST_CLAIMS] = {
        "instance-identity", "configuration",  "executables",    "file-system",
        "hardware",          "runtime-opaque", "storage-opaque", "sourced-data"};

    return (unsigned)claim < CM_TRUST_CLAIMS ? names[claim] : NULL;
}

/* A claim is only ever made worse: the first to speak is not the last. */
static void worsen(struct cm_appraisal *a, enum cm_trust_claim claim, int8_t value)
{
    if (a->vector[claim] == 0 || cm_trust_tier_of(value) > cm_trust_tier_of(a->vector[claim])) {
        a->vector[claim] = value;
    }
}

static void all(struct cm_appraisal *a, int8_t value)
{
    memset(a->vector, value, sizeof(a->vector));
}

static bool contains(const char *name, const char *part)
{
    return strstr(name, part) != NULL;
}

static bool begins(const char *name, const char *part)
{
    return strncmp(name, part, strlen(part)) == 0;
}

/* The text of a claim; "" when it is absent. */
static const char *text_of(const struct cm_evidence *ev, size_t submod, const char *name)
{
    const struct cm_claim *c = cm_evidence_find(ev, submod, name, 0);

    return c != NULL && c->type == CM_CLAIM_TYPE_TEXT ? c->text : "";
}

/* Whether the evidence could not even be read: the first failure decides. */
static bool unreadable(enum cm_status st)
{
    return st == CM_ERR_FORMAT || st == CM_ERR_SYNTAX || st == CM_ERR_UNSUPPORTED ||
           st == CM_ERR_LIMIT || st == CM_ERR_OVERFLOW;
}

/* What failed checks leave of a submodule. */
enum standing {
    STANDS,   /* its signatures hold, up to a trusted root */
    DOUBTFUL, /* who signed it is not known */
    BROKEN,   /* every claim says the same: nothing more is to be said */
};

/* What one failed check that genuineness depends on says. */
static enum standing judge_failure(const struct cm_check *c, struct cm_appraisal *a)
{
    if (begins(c->name, "reference.") || contains(c->name, "firmware") ||
        contains(c->name, "measurement")) {
        worsen(a, CM_TRUST_EXECUTABLES, UNRECOGNIZED);
    } else if (contains(c->name, "debug")) {
        worsen(a, CM_TRUST_CONFIGURATION, BAD);
    } else if (c->status == CM_ERR_REVOKED) {
        worsen(a, CM_TRUST_INSTANCE_IDENTITY, BAD);
        worsen(a, CM_TRUST_HARDWARE, BAD);
        return DOUBTFUL;
    } else if (contains(c->name, "tcb") && c->status == CM_ERR_POLICY) {
        worsen(a, CM_TRUST_HARDWARE, UNSAFE);
    } else if (strcmp(c->name, "nonce") == 0 || strcmp(c->name, CM_CLAIM_REPORT_DATA) == 0) {
        worsen(a, CM_TRUST_INSTANCE_IDENTITY, NOT_KNOWN); /* not the one that was asked */
    } else if (unreadable(c->status)) {
        all(a, UNEXPECTED);
        return BROKEN;
    } else if (c->status != CM_ERR_NOTFOUND) { /* what was not given says nothing */
        worsen(a, CM_TRUST_INSTANCE_IDENTITY, NOT_KNOWN);
        worsen(a, CM_TRUST_HARDWARE, NOT_KNOWN);
        return DOUBTFUL;
    } else {
        return DOUBTFUL;
    }
    return STANDS;
}

/* Whether a binding to a submodule holds. */
static bool bound(const struct cm_evidence *ev, size_t submod)
{
    const struct cm_binding *b = NULL;

    for (size_t i = 0; (b = cm_evidence_binding(ev, i)) != NULL; i++) {
        if (b->to == submod && b->from != submod && b->result == CM_CHECK_PASS) {
            return true;
        }
    }
    return false;
}

/* All failures of checks. */
static enum standing judge_checks(const struct cm_evidence *ev, size_t submod,
                                  struct cm_appraisal *a)
{
    const struct cm_check *c = NULL;
    enum standing standing = STANDS;
    bool any = false;

    for (size_t i = 0; (c = cm_evidence_check(ev, submod, i)) != NULL; i++) {
        if (c->required && c->result != CM_CHECK_PASS && c->status == CM_ERR_SIGNATURE) {
            all(a, CRYPTO_FAILED); /* whatever else there is */
            return BROKEN;
        }
        any = any || c->required;
    }
    for (size_t i = 0; standing != BROKEN && (c = cm_evidence_check(ev, submod, i)) != NULL; i++) {
        if (c->required && c->result != CM_CHECK_PASS) {
            enum standing one = judge_failure(c, a);

            standing = one > standing ? one : standing;
        }
    }
    if (standing == STANDS && any && submod != 0 && !bound(ev, submod)) {
        worsen(a, CM_TRUST_INSTANCE_IDENTITY, NOT_KNOWN);
        worsen(a, CM_TRUST_HARDWARE, NOT_KNOWN);
        standing = DOUBTFUL;
    }
    return standing == BROKEN || any ? standing : DOUBTFUL;
}

/* RFC 9711 4.2.9: "enabled", or one of several ways of being disabled. */
static void judge_debug(const struct cm_evidence *ev, size_t submod, bool stands,
                        struct cm_appraisal *a)
{
    const char *debug = text_of(ev, submod, CM_CLAIM_DBGSTAT);

    if (strcmp(debug, "enabled") == 0) {
        worsen(a, CM_TRUST_CONFIGURATION, BAD);
        worsen(a, CM_TRUST_RUNTIME_OPAQUE, BAD);
    } else if (!stands) {
        return;
    } else if (begins(debug, "disabled")) {
        worsen(a, CM_TRUST_CONFIGURATION, SAFE);
    } else {
        worsen(a, CM_TRUST_CONFIGURATION, UNAPPRAISED);
    }
}

/* What the maker says of the platform's firmware (SGX, TDX). */
static void judge_tcb(const struct cm_evidence *ev, size_t submod, struct cm_appraisal *a)
{
    const char *status = text_of(ev, submod, CM_CLAIM_TCB_STATUS);

    if (strcmp(status, "Revoked") == 0) {
        worsen(a, CM_TRUST_HARDWARE, BAD);
    } else if (strcmp(status, "NotSupported") == 0) {
        worsen(a, CM_TRUST_HARDWARE, NOT_KNOWN);
    } else if (contains(status, "OutOfDate") || contains(status, "SWHardening") ||
               contains(status, "Relaunch")) {
        worsen(a, CM_TRUST_HARDWARE, UNSAFE);
    }
    if (contains(status, "Configuration")) {
        worsen(a, CM_TRUST_CONFIGURATION, UNSAFE);
    }
}

/* Who can see the memory, by kind of TEE. */
static void judge_memory(const struct cm_evidence *ev, size_t submod, struct cm_appraisal *a)
{
    static const struct {
        const char *tee;
        int8_t value;
    } tees[] = {{"sgx", AFFIRMED}, {"tdx", AFFIRMED}, {"snp", AFFIRMED},
                {"cca", AFFIRMED}, {"nitro", UNSAFE}, {"nvidia-gpu", UNSAFE}};
    const char *tee = text_of(ev, submod, CM_CLAIM_TEE);

    for (size_t i = 0; i < sizeof(tees) / sizeof(tees[0]); i++) {
        if (strcmp(tee, tees[i].tee) == 0) {
            worsen(a, CM_TRUST_RUNTIME_OPAQUE, tees[i].value);
        }
    }
}

/* Whether measurements were held against reference values, and all were among them. */
static bool compared(const struct cm_evidence *ev, size_t submod)
{
    const struct cm_check *c = NULL;
    bool any = false;

    for (size_t i = 0; (c = cm_evidence_check(ev, submod, i)) != NULL; i++) {
        any = any ||
              (c->required && c->result == CM_CHECK_PASS &&
               (strcmp(c->name, "reference.values") == 0 ||
                strcmp(c->name, "reference.software") == 0 ||
                strcmp(c->name, "reference.measurement") == 0 || contains(c->name, "firmware")));
    }
    return any;
}

/* Whether hardware vouches for anything of it: a key that was enrolled bare says nothing of where it is. */
static bool has_hardware(const struct cm_evidence *ev, size_t submod)
{
    const struct cm_claim *c = NULL;

    for (size_t i = 0; (c = cm_evidence_claim(ev, submod, i)) != NULL; i++) {
        if (c->authority == CM_AUTHORITY_HARDWARE) {
            return true;
        }
    }
    return false;
}

/* What claims say: against a submodule by anybody's word, for it only if it stands. */
static void judge_claims(const struct cm_evidence *ev, size_t submod, bool stands,
                         struct cm_appraisal *a)
{
    if (cm_evidence_find(ev, submod, CM_CLAIM_EMULATED, 0) != NULL) {
        worsen(a, CM_TRUST_HARDWARE, NOT_KNOWN);
        worsen(a, CM_TRUST_RUNTIME_OPAQUE, BAD);
    }
    judge_debug(ev, submod, stands, a);
    judge_tcb(ev, submod, a);
    if (stands) {
        worsen(a, CM_TRUST_INSTANCE_IDENTITY, AFFIRMED);
        if (has_hardware(ev, submod)) {
            worsen(a, CM_TRUST_HARDWARE, AFFIRMED);
        }
        worsen(a, CM_TRUST_EXECUTABLES, compared(ev, submod) ? SAFE : UNRECOGNIZED);
        judge_memory(ev, submod, a);
    }
}

enum cm_status cm_appraise(const struct cm_evidence *ev, size_t submod, struct cm_appraisal *out)
{
    if (ev == NULL || out == NULL || submod >= cm_evidence_submods(ev)) {
        return CM_ERR_PARAM;
    }
    memset(out, 0, sizeof(*out));
    enum standing standing = judge_checks(ev, submod, out);

    if (standing != BROKEN) {
        judge_claims(ev, submod, standing == STANDS, out);
    }
    for (size_t i = 0; i < CM_TRUST_CLAIMS; i++) {
        enum cm_trust_tier tier = cm_trust_tier_of(out->vector[i]);

        out->status = tier > out->status ? tier : out->status;
    }
    return CM_OK;
}
