/* Private to src/quoting: what every maker of quotes implements, and how libraries are loaded. */
#ifndef CM_QUOTING_BACKEND_H
#define CM_QUOTING_BACKEND_H

#include "collateral/collateral_parts.h"
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
    enum cm_status (*collateral)(struct cm_span quote, struct cm_collateral_parts **out,
                                 struct cm_why *why);
};

/* ------------------------------------------------------------- libraries */

struct cm_library_symbol {
    const char *name;
    void *slot; /* a pointer to a function; set to NULL when the library has no such */
    bool required;
};

/**
 * Load a library for the rest of the process and look its functions up.
 *
 * @param soname   as the dynamic loader finds it.
 * @param package  the Debian or Ubuntu package that has it, for the message.
 * @retval CM_ERR_NOTFOUND no such library   @retval CM_ERR_PLATFORM it cannot be used
 */
CM_MUST_USE enum cm_status cm_library_load(const char *soname, const char *package,
                                           const struct cm_library_symbol *symbols, size_t count,
                                           struct cm_why *why);

/* --------------------------------------------------------------- makers */

/** Each loads its library at the first successful call. */
CM_MUST_USE enum cm_status cm_quoting_ql(const struct cm_quoting **out, struct cm_why *why);
CM_MUST_USE enum cm_status cm_quoting_aesm(const struct cm_quoting **out, struct cm_why *why);

/** Collateral from libdcap_quoteprov. @retval CM_ERR_NOTFOUND no such library */
CM_MUST_USE enum cm_status cm_quoting_provider(const struct cm_collateral_key *key,
                                               struct cm_collateral_parts **out,
                                               struct cm_why *why);

/** Collateral on a machine without emulation: the provider library, else our own client. */
CM_MUST_USE enum cm_status cm_quoting_fetch(struct cm_span quote, struct cm_collateral_parts **out,
                                            struct cm_why *why);

#endif
