/* The report, as text that fits 80 columns. */
#ifndef BANK_REPORT_H
#define BANK_REPORT_H

#include "bank_run.h"

/** Who runs, under which agreement, and what the banks ask for. */
enum bank_status bank_report_head(const char *image, enum bank_attack attack,
                                  const struct bank_agreement *a, const struct bank_policy *policy);

/** What one bank verified. */
void bank_report_verdict(const struct bank_verdict *v);

/** The totals. */
void bank_report_totals(const struct bank_agreement *a, const struct bank_summary *s);

/** Why there is no result, on stderr, broken into lines. */
void bank_report_failure(const char *why);

/** @param limit  Circles to print; the rest is counted. */
enum bank_status bank_report_result(struct bank_link *l, const struct bank_agreement *a,
                                    const struct bank_summary *s, uint64_t limit,
                                    struct bank_why *why);

/** 1234567 as 1,234,567. */
const char *bank_number(uint64_t v, char out[32]);

#endif
