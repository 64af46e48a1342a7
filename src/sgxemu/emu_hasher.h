/*
 * Hashing of the measurement log beside the thread that adds pages: the copying and the hashing of
 * an image cost about the same, and a machine has more than one core. Log blocks are handed over in
 * the order in which they are to be hashed; nothing else is shared.
 */
#ifndef CM_SGXEMU_EMU_HASHER_H
#define CM_SGXEMU_EMU_HASHER_H

#include <casemate/status.h>
#include <stddef.h>
#include <stdint.h>

#define EMU_HASHER_PIECE ((size_t)32 * 1024) /* bytes of log that are handed over at a time */

struct cm_sha256;
struct emu_hasher;

/** Prepare for hashing into `hash`, which belongs to the hasher until it is freed. */
struct emu_hasher *cm_emu_hasher_create(struct cm_sha256 *hash);

/** Where the next EMU_HASHER_PIECE bytes of log go. Changes with every push. */
uint8_t *cm_emu_hasher_piece(struct emu_hasher *h);

/** Hand over the piece, filled with len bytes. Waits while too many pieces are on their way. */
void cm_emu_hasher_push(struct emu_hasher *h, size_t len);

/** Wait until all is hashed; then `hash` may be looked at, until the next push. */
CM_MUST_USE enum cm_status cm_emu_hasher_drain(struct emu_hasher *h);

/** Accepts NULL. Does not free `hash`. */
void cm_emu_hasher_free(struct emu_hasher *h);

#endif
