/*
 * Enclave images: reading the ELF file, laying the enclave out in memory,
 * measuring it and the SIGSTRUCT that signs the measurement.
 *
 * One code path serves the signer, the loader and `predict`: open an image,
 * make a plan from it, then sign, measure or load that plan. What is measured
 * is what gets mapped.
 *
 * UNTRUSTED: every byte of the file. Nothing here does I/O, reads a clock or
 * keeps state; functions are thread-safe as long as one object is not changed
 * and used at the same time.
 */
#ifndef CM_IMAGE_IMAGE_H
#define CM_IMAGE_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <casemate/status.h>

#include "common/span.h"

struct cm_why;
struct cm_image;
struct cm_rsa_key;
struct cm_rsa_pub;

#define CM_SIGSTRUCT_SIZE 1808U
#define CM_MRENCLAVE_SIZE 32U

/* Limits that keep a hostile file from asking for unbounded work; more in abi/layout.h. */
#define CM_ENCLAVE_MAX_SIZE (UINT64_C(1) << 40) /* SECS.SIZE */
#define CM_MEASURED_MAX     (UINT64_C(1) << 32) /* bytes under EEXTEND */

/*
 * What a developer decides about an enclave: the values of OE_SET_ENCLAVE_SGX
 * or OE_SET_ENCLAVE_SGX2, overridden by the configuration file when signing.
 */
struct cm_enclave_props {
    uint16_t product_id;
    uint16_t security_version;
    uint8_t family_id[16];           /* KSS only */
    uint8_t extended_product_id[16]; /* KSS only */
    uint64_t attributes;             /* SGX_ATTR bits: DEBUG = debugging allowed, MODE64BIT, KSS */
    uint64_t xfrm; /* 3 (x87 and SSE): what must be on; the platform may add AVX and AVX-512 */
    uint64_t heap_pages;
    uint64_t stack_pages; /* per thread */
    uint64_t tcs_count;
    uint64_t start_address; /* with zero_base: where the image begins; otherwise 0 */
    bool capture_pf_gp;     /* MISCSELECT.EXINFO */
    bool zero_base;         /* ELRANGE starts at address 0 */
};

/* True if the signature lets the enclave run with the DEBUG attribute. */
bool cm_props_debug_allowed(const struct cm_enclave_props *props);

/**
 * Refuse properties that no enclave can have.
 *
 * @param why  May be NULL. Names the offending property.
 * @retval CM_ERR_FORMAT  a value is out of range or two values contradict
 */
CM_MUST_USE enum cm_status cm_props_check(const struct cm_enclave_props *props, struct cm_why *why);

/* The fields of SECS (and of a SIGSTRUCT) that say how an enclave runs. */
struct cm_secs_attrs {
    uint64_t attributes;
    uint64_t xfrm;
    uint32_t misc;
};

/**
 * What to put into SECS at ECREATE.
 *
 * @param debug          The caller wants the DEBUG attribute. Not checked against the signature:
 *                       EINIT does that.
 * @param platform_xfrm  XFRM bits that the platform offers (XCR0). AVX and AVX-512 are taken from
 *                       here, as far as they fit into the one page of an SSA frame; all other
 *                       bits come from the properties.
 */
struct cm_secs_attrs cm_props_secs(const struct cm_enclave_props *props, bool debug,
                                   uint64_t platform_xfrm);

/* ------------------------------------------------------------------ image */

/* The largest image file that is read: CM_MAX_IMAGE_SIZE of it may be loaded, the rest is debug
 * information. */
#define CM_IMAGE_FILE_MAX (UINT64_C(2) << 30)

/**
 * Check and index an ELF enclave image.
 *
 * @param file  UNTRUSTED. Borrowed until cm_image_free; must not change meanwhile.
 * @param out   Set only on CM_OK, otherwise NULL.
 * @param why   May be NULL. Names what is wrong with the file.
 *
 * @retval CM_ERR_FORMAT       truncated, malformed, or outside the subset that enclaves may use
 * @retval CM_ERR_UNSUPPORTED  well-formed, but uses what Casemate does not load (DT_RPATH, ...)
 * @retval CM_ERR_NOMEM        out of memory
 */
CM_MUST_USE enum cm_status cm_image_open(struct cm_span file, struct cm_image **out,
                                         struct cm_why *why);

/* Accepts NULL. */
void cm_image_free(struct cm_image *image);

/*
 * The shared library that the image needs (DT_NEEDED): the plain name of a file in the image's folder.
 * Points into the file, not NUL-terminated, no '/' and no control character in it. Empty: none.
 */
struct cm_span cm_image_needed(const struct cm_image *image);

/**
 * Give an image the shared library that it needs: from then on both are laid out, measured, loaded and
 * scanned as one. Without it cm_plan_make refuses the image.
 *
 * Every relocation of both is resolved here, and what they come to is measured with them, so nothing is
 * looked up inside. A symbol is the image's own where it has it, and otherwise the module's; undefined
 * ones are refused, but for weak ones, which are 0.
 *
 * @param file  UNTRUSTED. Borrowed until cm_image_free(image).
 *
 * @retval CM_ERR_FORMAT       the module is truncated, malformed, or does not fit the image
 * @retval CM_ERR_UNSUPPORTED  it uses what Casemate does not load, or a symbol is defined nowhere
 * @retval CM_ERR_STATE        the image needs no module, or has it
 * @retval CM_ERR_LIMIT        both together are too large
 * @retval CM_ERR_NOMEM        out of memory
 */
CM_MUST_USE enum cm_status cm_image_join(struct cm_image *image, struct cm_span file,
                                         struct cm_why *why);

/* Where the module's address 0 is, from the image's, and how far it reaches; both 0 without a module. */
uint64_t cm_image_module_base(const struct cm_image *image, uint64_t *size);

/*
 * The function that holds an address of the image, or of its module. False, with nothing set, when the image's symbols, if
 * it has any, know of none.
 *
 * @param name    Points into the file; UNTRUSTED text, not terminated.
 * @param offset  Of the address from the function's first byte.
 */
bool cm_image_function_at(const struct cm_image *image, uint64_t addr, struct cm_span *name,
                          uint64_t *offset);

/* The properties in the file's .oeinfo section, not range-checked. An XFRM of 0 there means 3. */
void cm_image_props(const struct cm_image *image, struct cm_enclave_props *out);

/* The SIGSTRUCT in .oeinfo, 1808 bytes, or an empty span when the image is not signed (all zero).
 * Not checked: see cm_sigstruct_check. Points into the file. */
struct cm_span cm_image_sigstruct(const struct cm_image *image);

/* Image-relative address of the entry point. */
uint64_t cm_image_entry(const struct cm_image *image);

/* Name of the entry point's function symbol, or an empty span without a symbol table. Points into
 * the file, not NUL-terminated. */
struct cm_span cm_image_entry_name(const struct cm_image *image);

/* ------------------------------------------------------------------- plan */

/* A run of equal pages that gets added to the enclave. Everything between the regions, and from the
 * last one to enclave_size, is NOT added: guard pages. */
struct cm_region {
    uint64_t offset;        /* from the enclave's base; whole pages, ascending, disjoint */
    uint64_t length;        /* bytes, whole pages, not 0 */
    const uint8_t *data;    /* `length` bytes, page aligned; NULL = zero pages */
    uint64_t secinfo_flags; /* SECINFO.FLAGS: R 1, W 2, X 4, page type << 8 */
    bool measured;          /* EEXTEND every 256 bytes */
    const char
        *what; /* "text", "rodata", "data", "bss", "module text", ..., "links", "heap", "stack",
                         "tcs", "ssa", "td" */
    uint32_t thread; /* index of the thread that a stack, tcs, ssa or td belongs to */
};

struct cm_plan {
    const struct cm_region *regions;
    size_t region_count;
    uint64_t enclave_size;    /* SECS.SIZE, a power of two */
    uint32_t ssa_frame_pages; /* SECS.SSAFRAMESIZE */
    bool zero_base;           /* the base must be address 0 */
    uint64_t image_offset;    /* offset of the image's address 0: start_address with zero_base */
    uint64_t image_end;       /* first byte after image and module, page rounded */
    uint64_t entry_offset;
    uint64_t heap_offset;
    uint64_t heap_length;
    uint64_t tcs_offset; /* of thread 0; thread i's is tcs_stride * i further */
    uint64_t tcs_stride;
    uint64_t tcs_count;
};

/**
 * Lay the enclave out.
 *
 * The measured copy of .oeinfo holds `props` and the image_info of this layout, and zeros where
 * the SIGSTRUCT goes; so the running enclave can trust its own configuration. The addresses of
 * image_info count from the image's address 0; reloc_* is the RELA table (RELR is found through
 * PT_DYNAMIC), with a module the block of abi/module_block.h; enclave_size is SECS.SIZE, so the enclave's base is the image's address 0 minus
 * (zero_base ? start_address : 0). The ELF header's e_shoff, e_shnum and e_shstrndx are zero in the
 * plan: stripping an image does not change its measurement.
 *
 * Whole pages that lie page aligned in the image's file are used where they are; read the file to a
 * page aligned address and nearly nothing is copied.
 *
 * @param image  Borrowed, with its file, until cm_plan_free.
 * @param props  Checked with cm_props_check.
 * @param out    Set only on CM_OK, otherwise NULL. Free with cm_plan_free.
 *
 * @retval CM_ERR_FORMAT  bad properties, or the enclave would be larger than the limits above
 * @retval CM_ERR_STATE   the image needs a module and has none: cm_image_join
 * @retval CM_ERR_NOMEM   out of memory
 */
CM_MUST_USE enum cm_status cm_plan_make(const struct cm_image *image,
                                        const struct cm_enclave_props *props, struct cm_plan **out,
                                        struct cm_why *why);

/* Accepts NULL. */
void cm_plan_free(struct cm_plan *plan);

/* MRENCLAVE of the plan: SHA-256 over the ECREATE, EADD and EEXTEND log in the order of the
 * regions, pages ascending, each page's EADD followed by its sixteen EEXTENDs (SDM Vol. 3D 38.4). */
CM_MUST_USE enum cm_status cm_plan_mrenclave(const struct cm_plan *plan,
                                             uint8_t out[CM_MRENCLAVE_SIZE]);

/**
 * The signed file: a copy of the image's file with the plan's .oeinfo and the SIGSTRUCT in place.
 * Making a plan of it with its own properties gives the same measurement again.
 *
 * @param out  `len` bytes from malloc, owned by the caller.
 */
CM_MUST_USE enum cm_status cm_image_signed_file(const struct cm_image *image,
                                                const struct cm_enclave_props *props,
                                                const struct cm_plan *plan,
                                                const uint8_t sigstruct[CM_SIGSTRUCT_SIZE],
                                                uint8_t **out, size_t *len);

/* -------------------------------------------------------------- SIGSTRUCT */

/* The fields of a SIGSTRUCT (SDM Vol. 3D 38.13), in host byte order. */
struct cm_sigstruct {
    uint32_t vendor;
    uint32_t date; /* BCD, 0xYYYYMMDD */
    uint32_t swdefined;
    struct cm_secs_attrs attrs;
    struct cm_secs_attrs mask;
    uint8_t family_id[16];
    uint8_t extended_product_id[16];
    uint8_t mrenclave[CM_MRENCLAVE_SIZE];
    uint16_t product_id;
    uint16_t security_version;
    uint8_t mrsigner[32];   /* SHA-256 of the modulus, least significant byte first */
    uint8_t signature[384]; /* least significant byte first, as stored */
};

/* The date of a SIGSTRUCT when nobody gives one. A constant, so that signing the same image twice
 * gives the same bytes. */
#define CM_SIGSTRUCT_DEFAULT_DATE 0x20260101U

/**
 * All signed fields; modulus, signature, q1 and q2 are zero.
 *
 * The attribute mask is all ones except the AVX and AVX-512 bits of XFRM and, when the properties
 * allow debugging, DEBUG. The MISC mask is all ones.
 *
 * @param date  BCD, 0xYYYYMMDD; refused (CM_ERR_PARAM) when no date.
 */
CM_MUST_USE enum cm_status cm_sigstruct_build(const struct cm_enclave_props *props,
                                              const uint8_t mrenclave[CM_MRENCLAVE_SIZE],
                                              uint32_t date, uint8_t out[CM_SIGSTRUCT_SIZE]);

/* SHA-256 of the signed fields: what an external signer signs (RSA-3072, e = 3, PKCS#1 v1.5). */
CM_MUST_USE enum cm_status cm_sigstruct_digest(const uint8_t sigstruct[CM_SIGSTRUCT_SIZE],
                                               uint8_t out[32]);

/**
 * Put in a signature that was made elsewhere: modulus, signature, q1 and q2.
 *
 * @param signature  384 bytes, most significant byte first, as OpenSSL writes it.
 * @retval CM_ERR_SIGNATURE  does not verify; `sigstruct` is unchanged
 */
CM_MUST_USE enum cm_status cm_sigstruct_attach(uint8_t sigstruct[CM_SIGSTRUCT_SIZE],
                                               const struct cm_rsa_pub *pub,
                                               const uint8_t signature[384], struct cm_why *why);

/* Sign with a key that is at hand: digest, sign, attach. */
CM_MUST_USE enum cm_status cm_sigstruct_sign(uint8_t sigstruct[CM_SIGSTRUCT_SIZE],
                                             const struct cm_rsa_key *key, struct cm_why *why);

/**
 * Everything EINIT checks that does not depend on the platform or on SECS: constants, reserved
 * bytes, date digits, exponent, signature, q1 and q2.
 *
 * @param sigstruct  UNTRUSTED, exactly 1808 bytes.
 * @param out        Set only on CM_OK, otherwise zeroed. May be NULL.
 *
 * @retval CM_ERR_FORMAT     a constant, reserved byte, date or exponent is wrong
 * @retval CM_ERR_SIGNATURE  the signature, q1 or q2 is wrong
 */
CM_MUST_USE enum cm_status cm_sigstruct_check(struct cm_span sigstruct, struct cm_sigstruct *out,
                                              struct cm_why *why);

/* Parse without verifying anything but the length: for `dump`. */
CM_MUST_USE enum cm_status cm_sigstruct_parse(struct cm_span sigstruct, struct cm_sigstruct *out);

#endif
