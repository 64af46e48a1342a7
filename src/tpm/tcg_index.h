/*
 * Private to src/tpm: the events of a log in one bank, read once and hashed once, since every claim about a
 * boot walks over them anew. Not thread-safe: what is found out about an event is kept in its entry.
 */
#ifndef CM_TPM_TCG_INDEX_H
#define CM_TPM_TCG_INDEX_H

#include "crypto/hash.h"
#include "tpm/tcg_log.h"

struct cm_tcg_entry {
    struct cm_tcg_event event;
    struct cm_span digest; /* in the bank; {NULL, 0}: the event has none */
    struct cm_span proven; /* private to cm_tcg_proven() */
    bool looked;
    bool is_proven;
    bool separator; /* known by its digest: an attacker may call it what he likes */
};

struct cm_tcg_index {
    const struct cm_tcg_log *log;
    uint16_t alg;
    struct cm_tcg_entry *entries; /* in the log's order */
    size_t count;
    struct cm_hasher *hasher;
};

/**
 * Index a log; out refers to it and its bytes, and is the caller's to free on CM_OK only.
 * @retval CM_ERR_UNSUPPORTED a bank that is not computed   @retval CM_ERR_NOMEM   @retval CM_ERR_CRYPTO
 */
CM_MUST_USE enum cm_status cm_tcg_index_make(const struct cm_tcg_log *log, uint16_t alg,
                                             struct cm_tcg_index *out);
void cm_tcg_index_free(struct cm_tcg_index *index);

/**
 * The values that the log leads to in its bank: only registers that the log extends.
 * @param ccel  registers begin with zeros, whatever the log says of localities.
 * @retval CM_ERR_NOTFOUND an event has no digest in the bank
 */
CM_MUST_USE enum cm_status cm_tcg_replay(const struct cm_tcg_index *index, bool ccel,
                                         struct cm_tpm_bank *out);

/**
 * What an event's data is to its digest: the hash of all of it, of it without a closing NUL, or of what
 * follows one of GRUB's marks ("kernel_cmdline: ") in it. *proven is then the part that was hashed.
 */
bool cm_tcg_proven(const struct cm_tcg_index *index, struct cm_tcg_entry *entry,
                   struct cm_span *proven);

#endif
