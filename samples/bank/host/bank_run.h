/* One run: the banks agree, verify the enclave, send their sealed files through the host to it, and
 * it reports. */
#ifndef BANK_RUN_H
#define BANK_RUN_H

#include "bank_attack.h"
#include "bank_party.h"
#include "bank_progress.h"

struct bank_parties {
    struct bank_party list[BANK_MAX_BANKS];
    uint32_t count;
};

/** Every NAME.csv in dir, by name. */
enum bank_status bank_parties_find(const char *dir, struct bank_parties *out, struct bank_why *why);
void bank_parties_free(struct bank_parties *p);

/** The rules of a circle, before the banks put their names to them. */
struct bank_rules {
    uint32_t min_length;
    uint32_t max_length;
    uint32_t window_seconds;
    uint32_t keep_percent;
};

enum bank_status bank_agree(const struct bank_parties *p, const struct bank_rules *rules,
                            struct bank_agreement *out, struct bank_why *why);

/** Every bank asks for evidence and verifies it; one line a bank. The first refusal ends it. */
enum bank_status bank_verify_all(struct bank_link *l, struct bank_parties *p,
                                 const struct bank_policy *policy, enum bank_attack attack,
                                 struct bank_progress *progress, struct bank_why *why);

/** Send every file; one line a bank. */
enum bank_status bank_send_all(struct bank_link *l, const struct bank_parties *p,
                               const struct bank_agreement *a, struct bank_progress *progress,
                               struct bank_why *why);

/** Join and search. */
enum bank_status bank_find_circles(struct bank_link *l, struct bank_progress *progress,
                                   struct bank_summary *out, struct bank_why *why);

#endif
