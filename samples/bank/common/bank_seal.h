/*
 * How a bank's file travels: encrypted for one enclave, one agreement and one place in it. The
 * bank's side seals, the enclave's side opens; the host in between sees and may change everything.
 *
 *   transcript T = SHA-256(label, agreement hash, enclave key, ephemeral key, place, total size)
 *   K_wrap       = HKDF-SHA-256(salt T, ECDH P-256 of ephemeral and enclave key)
 *   header       = magic, ephemeral key, total size, AES-256-GCM(K_wrap, aad T)[file key],
 *                  Ed25519 signature of the bank over T and the wrapped key
 *   chunk i      = AES-256-GCM(file key, nonce i, aad T || i || total size)[64 KiB of the file]
 *
 * So a chunk that is changed, missing, doubled, moved, of another file, of another bank, for another
 * enclave or under another agreement is refused, and only the banks named in the agreement can send.
 *
 * With a key release service the bank seals before there is an enclave: K_wrap is HKDF-SHA-256 of the key
 * that the bank has put into the service (salt T), and the enclave key in T is zeros.
 *
 * What this does NOT give: knowing that the enclave's key is an enclave's. That is the bank's to
 * verify first (host/bank_verify.h).
 */
#ifndef BANK_SEAL_H
#define BANK_SEAL_H

#include "bank_types.h"

#define BANK_KEY_SIZE      65U /* P-256 public key, uncompressed */
#define BANK_SIGNER_SIZE   32U
#define BANK_CHUNK_SIZE    65536U
#define BANK_TAG_SIZE      16U
#define BANK_RELEASED_SIZE 32U /* the key of a bank that a service releases */
#define BANK_HEADER_SIZE   (8U + BANK_KEY_SIZE + 8U + 32U + BANK_TAG_SIZE + 64U)
#define BANK_MAX_FILE      (UINT64_C(1) << 32)

struct bank_key;    /* the enclave's key pair (P-256) */
struct bank_signer; /* a bank's signing key pair (Ed25519) */
struct bank_sealer;
struct bank_opener;

/** Fresh key pairs; the private halves live in OpenSSL's memory and are wiped by free. */
enum bank_status bank_key_new(struct bank_key **out, uint8_t public_key[BANK_KEY_SIZE]);
void bank_key_free(struct bank_key *k);
enum bank_status bank_signer_new(struct bank_signer **out, uint8_t public_key[BANK_SIGNER_SIZE]);
void bank_signer_free(struct bank_signer *s);

/** Which file of which agreement, for whom. Everything borrowed for one call. */
struct bank_envelope {
    const struct bank_agreement *agreement; /* checked */
    uint32_t bank;                          /* the place in the agreement */
    const uint8_t *enclave_key;             /* BANK_KEY_SIZE bytes; NULL with a released key */
    const uint8_t *released_key; /* BANK_RELEASED_SIZE bytes, from the service; or NULL */
};

/**
 * Begin to seal a file of total_size bytes.
 * @retval BANK_REFUSED enclave_key is no key
 */
enum bank_status bank_sealer_new(const struct bank_envelope *e, const struct bank_signer *signer,
                                 uint64_t total_size, struct bank_sealer **out,
                                 uint8_t header[BANK_HEADER_SIZE]);

/** Seal the next chunk: BANK_CHUNK_SIZE bytes, the last one what is left. out: len + BANK_TAG_SIZE. */
enum bank_status bank_sealer_chunk(struct bank_sealer *s, const uint8_t *plain, size_t len,
                                   uint8_t *out);
void bank_sealer_free(struct bank_sealer *s);

/**
 * Begin to open a file.
 * @param header  UNTRUSTED
 * @retval BANK_REFUSED not from this bank, not for this key, or not under this agreement
 */
enum bank_status bank_opener_new(const struct bank_envelope *e, const struct bank_key *key,
                                 const uint8_t header[BANK_HEADER_SIZE], struct bank_opener **out,
                                 struct bank_why *why);

/**
 * Open the next chunk. plain: len - BANK_TAG_SIZE bytes, wiped when the chunk is refused. After a
 * refusal every later chunk is refused too.
 */
enum bank_status bank_opener_chunk(struct bank_opener *o, const uint8_t *sealed, size_t len,
                                   uint8_t *plain, struct bank_why *why);

/** BANK_OK only when every byte of the file has come. */
enum bank_status bank_opener_end(const struct bank_opener *o, struct bank_why *why);
void bank_opener_free(struct bank_opener *o);

#endif
