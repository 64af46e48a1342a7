/* Private to src/quoting: what every maker of quotes implements. */
#ifndef CM_QUOTING_BACKEND_H
#define CM_QUOTING_BACKEND_H

#include "collateral/collateral_parts.h"
#include "os/os.h"
#include "quoting/quoting.h"

struct cm_quoting {
    const char *name;
    /* out: 512 bytes, aligned for the library's structures */
    enum cm_status (*target_info)(uint8_t *out, struct cm_why *why);
    /* an upper bound; unchecked */
    enum cm_status (*quote_size)(size_t *size, struct cm_why *why);
    /* report: aligned; quote: size bytes, zeroed before. *size may be made smaller. */
    enum cm_status (*quote)(const uint8_t *report, uint8_t *quote, size_t *size,
                            struct cm_why *why);
    enum cm_status (*collateral)(struct cm_span quote, struct cm_span baseline,
                                 struct cm_collateral_parts **out, struct cm_why *why);
};

/* --------------------------------------------------------------- makers */

/** Each loads its library at the first successful call. */
CM_MUST_USE enum cm_status cm_quoting_ql(const struct cm_quoting **out, struct cm_why *why);
CM_MUST_USE enum cm_status cm_quoting_aesm(const struct cm_quoting **out, struct cm_why *why);

/** @retval CM_ERR_NOTFOUND libdcap_quoteprov is absent   @retval CM_ERR_PLATFORM it is broken */
CM_MUST_USE enum cm_status cm_quoting_provider_load(struct cm_why *why);

/** Collateral from libdcap_quoteprov; loads it. baseline: as cm_quoting_collateral(). */
CM_MUST_USE enum cm_status cm_quoting_provider(const struct cm_collateral_key *key,
                                               struct cm_span baseline,
                                               struct cm_collateral_parts **out,
                                               struct cm_why *why);

/** Collateral on a machine without emulation: CASEMATE_COLLATERAL, the library, our own client. */
CM_MUST_USE enum cm_status cm_quoting_fetch(struct cm_span quote, struct cm_span baseline,
                                            struct cm_collateral_parts **out, struct cm_why *why);

/** Whether the user has named a source of collateral of his own. */
bool cm_quoting_asks_elsewhere(void);

const struct cm_quoting *cm_quoting_emulated(void);

#endif
