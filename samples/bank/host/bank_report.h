/* The report, as text that fits 80 columns. */
#ifndef BANK_REPORT_H
#define BANK_REPORT_H

#include "bank_link.h"

/** Who runs, under which agreement, with which key; and that nobody has verified it. */
enum bank_status bank_report_head(const char *image, bool emulated, const struct bank_agreement *a,
                                  const uint8_t key[BANK_KEY_SIZE]);

/** @param limit  Circles to print; the rest is counted. */
enum bank_status bank_report_result(struct bank_link *l, const struct bank_agreement *a,
                                    const struct bank_summary *s, uint64_t limit,
                                    struct bank_why *why);

/** 1234567 as 1,234,567. */
const char *bank_number(uint64_t v, char out[32]);

#endif
