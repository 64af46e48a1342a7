/* See bank_agreement.h. */
#include "bank_agreement.h"

#include <openssl/evp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "bank_text.h"

static bool name_ok(const char name[BANK_NAME_SIZE])
{
    size_t n = strnlen(name, BANK_NAME_SIZE);

    if (n == 0 || n == BANK_NAME_SIZE) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        char c = name[i];

        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-')) {
            return false;
        }
    }
    return true;
}

enum bank_status bank_agreement_check(const struct bank_agreement *a, struct bank_why *why)
{
    if (a->bank_count < BANK_MIN_BANKS || a->bank_count > BANK_MAX_BANKS) {
        return bank_fail(why, BANK_SYNTAX, "an agreement needs %u to %u banks, not %u",
                         BANK_MIN_BANKS, BANK_MAX_BANKS, a->bank_count);
    }
    if (a->min_length < BANK_MIN_LENGTH || a->max_length > BANK_MAX_LENGTH ||
        a->min_length > a->max_length) {
        return bank_fail(why, BANK_SYNTAX, "a circle has %u to %u accounts, not %u to %u",
                         BANK_MIN_LENGTH, BANK_MAX_LENGTH, a->min_length, a->max_length);
    }
    if (a->window_seconds == 0 || a->window_seconds > BANK_MAX_WINDOW) {
        return bank_fail(why, BANK_SYNTAX, "the time of a circle is 1 to %u seconds",
                         BANK_MAX_WINDOW);
    }
    if (a->keep_percent < 1 || a->keep_percent > 100) {
        return bank_fail(why, BANK_SYNTAX, "the part that is passed on is 1 to 100 percent");
    }
    for (uint32_t i = 0; i < a->bank_count; i++) {
        if (!name_ok(a->names[i])) {
            return bank_fail(why, BANK_SYNTAX,
                             "bank %u: a name has 1 to %u characters of a-z, 0-9, '_', '-'", i + 1,
                             BANK_NAME_SIZE - 1);
        }
        for (uint32_t k = 0; k < i; k++) {
            if (strcmp(a->names[i], a->names[k]) == 0 ||
                memcmp(a->signers[i], a->signers[k], sizeof(a->signers[0])) == 0) {
                return bank_fail(why, BANK_SYNTAX, "banks %u and %u share a name or a key", k + 1,
                                 i + 1);
            }
        }
    }
    return BANK_OK;
}

static void add(char *out, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* the longest text is about 2.5 KB; BANK_AGREEMENT_TEXT_MAX leaves room */
static void add(char *out, const char *fmt, ...)
{
    size_t used = strlen(out);
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(out + used, BANK_AGREEMENT_TEXT_MAX - used, fmt, ap);
    va_end(ap);
}

void bank_agreement_text(const struct bank_agreement *a, char out[BANK_AGREEMENT_TEXT_MAX])
{
    memset(out, 0, BANK_AGREEMENT_TEXT_MAX);
    add(out, "casemate bank agreement, version 1\n"
             "The enclave reports: the accounts of each circle and how often it ran;\n"
             "rows per bank, rows between banks, rows and amount per currency,\n"
             "the number of accounts and of circles. It never reports a row.\n");
    add(out, "A circle: %u to %u accounts of two or more of the banks, in one currency;\n",
        a->min_length, a->max_length);
    add(out, "each transfer later than the one before, all within %u seconds;\n",
        a->window_seconds);
    add(out, "each passes on %u to 100 percent of the one before.\n", a->keep_percent);
    for (uint32_t i = 0; i < a->bank_count; i++) {
        add(out, "Bank %u: %s, signing with ed25519 ", i + 1, a->names[i]);
        for (size_t k = 0; k < sizeof(a->signers[0]); k++) {
            add(out, "%02x", a->signers[i][k]);
        }
        add(out, "\n");
    }
}

enum bank_status bank_agreement_hash(const struct bank_agreement *a, uint8_t out[32])
{
    char text[BANK_AGREEMENT_TEXT_MAX];

    bank_agreement_text(a, text);
    if (EVP_Digest(text, strlen(text), out, NULL, EVP_sha256(), NULL) != 1) {
        return BANK_CRYPTO;
    }
    return BANK_OK;
}
