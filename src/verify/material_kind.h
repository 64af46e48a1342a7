/* What a file beside evidence is, by its content. Only looks; what is found is as UNTRUSTED as before. */
#ifndef CM_VERIFY_MATERIAL_KIND_H
#define CM_VERIFY_MATERIAL_KIND_H

#include <casemate/verify.h>

/**
 * The kind of bytes. Also tells CM_MATERIAL_KEY and CM_MATERIAL_REFERENCE, which nobody may take unless
 * their user named them as trusted. Raw signatures, raw PCR values and firmware images look like
 * nothing: their user must say what they are.
 */
bool cm_material_recognise(struct cm_span bytes, enum cm_material_kind *out);

/** The word for a kind, such as "certs"; NULL for another number. */
const char *cm_material_word(enum cm_material_kind kind);

/** The kind that a word of len characters stands for; "eventlog" is taken for "event-log", too. */
bool cm_material_named(const char *word, size_t len, enum cm_material_kind *out);

/**
 * The kind that a word stands for, if whoever asks for a verdict may bring it with his evidence: keys,
 * reference values and firmware are trusted, so the verifier's operator says them, nobody else.
 */
bool cm_material_brought(const char *word, size_t len, enum cm_material_kind *out);

#endif
