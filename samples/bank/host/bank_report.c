/* See bank_report.h. */
#include "bank_report.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "../common/bank_agreement.h"
#include "../common/bank_text.h"

#define LINE "--------------------------------------------------------------------------------"

const char *bank_number(uint64_t v, char out[32])
{
    char digits[24];
    int n = snprintf(digits, sizeof(digits), "%" PRIu64, v);
    size_t k = 0;

    for (int i = 0; i < n; i++) {
        if (i != 0 && (n - i) % 3 == 0) {
            out[k] = ',';
            k++;
        }
        out[k] = digits[i];
        k++;
    }
    out[k] = '\0';
    return out;
}

static void print_hex(const char *what, const uint8_t *p, size_t n)
{
    (void)printf("%-12s ", what);
    for (size_t i = 0; i < n; i++) {
        (void)printf("%02x", p[i]);
    }
    (void)printf("\n");
}

enum bank_status bank_report_head(const char *image, enum bank_attack attack,
                                  const struct bank_agreement *a, const struct bank_policy *policy)
{
    uint8_t hash[32];
    enum bank_status st = bank_agreement_hash(a, hash);
    const char *base = strrchr(image, '/');

    if (st != BANK_OK) {
        return st;
    }
    (void)printf("Who moves money in circles? %u banks ask; none shows its rows.\n" LINE "\n",
                 a->bank_count);
    (void)printf("Enclave      %.66s\n", base != NULL ? base + 1 : image);
    if (attack != BANK_HONEST) {
        (void)printf("Host         MALICIOUS: %s\n", bank_attack_text(attack));
    }
    if (policy->by_enclave) {
        print_hex("Banks trust", policy->enclave, 32);
    }
    if (policy->by_signer) {
        print_hex("Banks trust", policy->signer, 32);
        (void)printf("             (signer), product %" PRIu64 ", version %" PRIu64 " or higher\n",
                     policy->product, policy->minimum_svn);
    }
    (void)printf("             not debuggable; a quote for a nonce of %" PRIu64 " s or less\n",
                 policy->max_age);
    print_hex("Agreement", hash, 32);
    (void)printf("             circles of %u to %u accounts of two or more banks, in one\n"
                 "             currency, within %u hours, passing on %u %% or more a step\n" LINE
                 "\n",
                 a->min_length, a->max_length, a->window_seconds / 3600, a->keep_percent);
    return BANK_OK;
}

void bank_report_verdict(const struct bank_verdict *v)
{
    print_hex("Enclave key", v->key, 30);
    (void)printf("             VERIFIED by each bank: only the enclave has the private half\n");
    if (v->emulated) {
        (void)printf("Platform     EMULATED: everything runs, but nothing is protected from this\n"
                     "             machine's owner. Real SGX hardware is needed for that.\n" LINE
                     "\n");
    } else {
        (void)printf("Platform     SGX hardware, %s\n" LINE "\n",
                     bank_policy_status_name(v->status));
    }
}

void bank_report_failure(const char *why)
{
    size_t column = strlen("bank:");

    (void)fputs("bank:", stderr);
    while (*why != '\0') {
        size_t n = strcspn(why, " ");

        if (column + 1 + n > 76 && column > 6) {
            (void)fputs("\n     ", stderr);
            column = 5;
        }
        (void)fprintf(stderr, " %.*s", (int)n, why);
        column += 1 + n;
        why += n + strspn(why + n, " ");
    }
    (void)fputs("\n", stderr);
}

void bank_report_totals(const struct bank_agreement *a, const struct bank_summary *s)
{
    char n[32];

    (void)printf(LINE "\nTransfers    %14s\n", bank_number(s->rows, n));
    for (uint32_t i = 0; i < a->bank_count; i++) {
        (void)printf("  %-31s %12s\n", a->names[i], bank_number(s->bank_rows[i], n));
    }
    (void)printf("Between banks%14s\n", bank_number(s->rows_between_banks, n));
    (void)printf("Accounts     %14s\n", bank_number(s->accounts, n));
    for (uint32_t i = 0; i < s->currency_count && i < BANK_MAX_CURRENCIES; i++) {
        const struct bank_currency_total *c = &s->currencies[i];

        (void)printf("%.3s          %14s transfers,", c->code, bank_number(c->rows, n));
        (void)printf(" %26s minor units\n", bank_number(c->amount, n));
    }
    (void)printf("Circles      %14s", bank_number(s->circles, n));
    for (uint32_t i = BANK_MIN_LENGTH; i <= BANK_MAX_LENGTH; i++) {
        if (s->circles_by_length[i] != 0) {
            (void)printf("  %" PRIu64 " of %u", s->circles_by_length[i], i);
        }
    }
    (void)printf("\nIn circles   %14s accounts\n" LINE "\n",
                 bank_number(s->accounts_in_circles, n));
}

static void print_circle(const struct bank_agreement *a, uint64_t index,
                         const struct bank_circle *c)
{
    (void)printf("Circle %" PRIu64 ": %u accounts, ran %" PRIu64 " time%s\n", index + 1, c->length,
                 c->times, c->times == 1 ? "" : "s");
    for (uint32_t i = 0; i < c->length && i < BANK_MAX_LENGTH; i++) {
        (void)printf("  %s %-35.35s %s\n", i == 0 ? "  " : "->", c->accounts[i],
                     c->banks[i] < a->bank_count ? a->names[c->banks[i]] : "");
    }
}

enum bank_status bank_report_result(struct bank_link *l, const struct bank_agreement *a,
                                    const struct bank_summary *s, uint64_t limit,
                                    struct bank_why *why)
{
    enum bank_status st = BANK_OK;

    bank_report_totals(a, s);
    for (uint64_t i = 0; i < s->circles && i < limit && st == BANK_OK; i++) {
        struct bank_circle c;

        memset(&c, 0, sizeof(c));
        st = bank_link_circle(l, i, &c, why);
        if (st == BANK_OK) {
            print_circle(a, i, &c);
        }
    }
    if (st == BANK_OK && s->circles > limit) {
        (void)printf("... and %" PRIu64 " more (--circles N prints them)\n", s->circles - limit);
    }
    return st;
}
