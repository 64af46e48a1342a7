/*
 * Private to src/tpm: what Windows measures, tagged events (EV_EVENT_TAG) of its boot log. The numbers
 * are those of wbcl.h in the Windows SDK; the JSON is the one that Azure Attestation's published
 * policies query. UNTRUSTED.
 */
#ifndef CM_TPM_WBCL_H
#define CM_TPM_WBCL_H

#include "token/json.h"

/** Whether an event's data is well formed: {u32 type, u32 size, data}, little endian, one behind the other; groups within
 * each other at most CM_WBCL_MAX_DEPTH deep, of at most CM_WBCL_MAX_PARTS parts. */
bool cm_wbcl_valid(struct cm_span data);

#define CM_WBCL_MAX_DEPTH 4u
#define CM_WBCL_MAX_PARTS 256u

/**
 * Well formed data as an object: {"EVENT_TRUSTBOUNDARY": {"EVENT_BOOTDEBUGGING": false, ...}}. A part that stands more
 * than once in a group is an array, so that a query for one value finds none instead of the first.
 */
void cm_wbcl_write(struct cm_json_wr *w, struct cm_span data);

/** Call back for every part of well formed data, of groups first the group and then what is in it. */
void cm_wbcl_walk(struct cm_span data, void (*on)(void *arg, uint32_t type, struct cm_span data),
                  void *arg);

/** UTF-16, little endian, as a JSON text, a NUL at its end left out; what is no such text as null. */
void cm_wbcl_write_utf16(struct cm_json_wr *w, struct cm_span text);

/** Bytes as base64url. */
void cm_wbcl_write_bytes(struct cm_json_wr *w, struct cm_span bytes);

#endif
