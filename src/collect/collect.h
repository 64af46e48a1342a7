/*
 * Evidence of the guest that this runs on. Host side only. Each way takes the kernel's interface as
 * functions, so that tests put a kernel of their own in its place; what a kernel, a hypervisor's service
 * or a TPM answers is UNTRUSTED here as well: bounded, and looked at before it is handed on.
 *
 * NOT promised: that the evidence is genuine. Only its verifier can say that.
 */
#ifndef CM_COLLECT_COLLECT_H
#define CM_COLLECT_COLLECT_H

#include <casemate/verify.h>

#define CM_COLLECT_MAX_NONCE 64
#define CM_COLLECT_PARTS     8
/** The kind of a part that no verifier takes: an SVSM's manifest. */
#define CM_COLLECT_ASIDE ((enum cm_material_kind)127)

/** A piece of what was collected. */
struct cm_collect_part {
    enum cm_material_kind kind; /* 0: the evidence itself */
    const char *suffix;         /* of a file that holds it: "" or ".pcrs"; static */
    uint8_t *bytes;             /* owned */
    size_t len;
};

/** What casemate verify takes: evidence and what belongs beside it. Begin with all zeros. */
struct cm_collected {
    enum cm_format format;
    struct cm_collect_part part[CM_COLLECT_PARTS];
    size_t count;
    const char
        *missing; /* what the verifier needs that no kernel interface has; NULL: nothing. Static */
};

/** Frees the parts. */
void cm_collected_free(struct cm_collected *c);

/** Add a copy of bytes. @retval CM_ERR_NOMEM @retval CM_ERR_LIMIT too many parts */
CM_MUST_USE enum cm_status cm_collected_add(struct cm_collected *c, enum cm_material_kind kind,
                                            const char *suffix, struct cm_span bytes);

/** Add a file as a part; one that is absent or closed to us is left out. Kernel files have no size. */
CM_MUST_USE enum cm_status cm_collect_log(const char *path, struct cm_collected *out);

/* ------------------------------------------------------------ configfs-tsm */

/** Linux's /sys/kernel/config/tsm/report as functions: 0 or an errno number. */
struct cm_tsm_fs {
    void *ctx;
    int (*make)(void *ctx, const char *name); /* mkdir */
    int (*drop)(void *ctx, const char *name); /* rmdir */
    int (*put)(void *ctx, const char *name, const char *attr, struct cm_span bytes);
    int (*get)(void *ctx, const char *name, const char *attr, uint8_t *out, size_t cap,
               size_t *len);
    void (*nap)(void *ctx, unsigned ms);
};

struct cm_tsm_wish {
    struct cm_span nonce; /* 1 to 64 bytes; zeros follow up to 64 */
    int privlevel;        /* VMPL; -1: the lowest number that the kernel allows */
    bool svsm;            /* ask the SVSM instead, for its services' manifest as well */
};

/**
 * A report: SEV-SNP (with the host's certificates, if it has them), TDX, or CCA.
 *
 * The folder is removed again in every case. Another user of the same folder, or a report that was made
 * anew between two reads, shows in its generation: then everything is read again, a few times.
 *
 * @retval CM_ERR_PARAM nonce @retval CM_ERR_NOTFOUND no such interface @retval CM_ERR_UNSUPPORTED another
 *         provider @retval CM_ERR_BUSY others were faster each time @retval CM_ERR_DENIED, CM_ERR_PLATFORM
 */
CM_MUST_USE enum cm_status cm_collect_tsm(const struct cm_tsm_fs *fs,
                                          const struct cm_tsm_wish *wish, struct cm_collected *out,
                                          struct cm_why *why);

/** The kernel's own. Static. */
const struct cm_tsm_fs *cm_tsm_kernel(void);

/* ----------------------------------------------------------------- NSM */

/** One request to the Nitro security module: 0 or an errno number; *len is the room, then the length. */
struct cm_nsm {
    void *ctx;
    int (*call)(void *ctx, struct cm_span request, uint8_t *response, size_t *len);
};

/** An attestation document. @retval as above; CM_ERR_PLATFORM: the module refused (why says how) */
CM_MUST_USE enum cm_status cm_collect_nsm(const struct cm_nsm *nsm, struct cm_span nonce,
                                          struct cm_collected *out, struct cm_why *why);

/** /dev/nsm. Static. */
const struct cm_nsm *cm_nsm_kernel(void);

/* ----------------------------------------------------------------- TPM */

/**
 * A quote of all PCRs of the SHA-256 bank, the values, the key's public area, and the firmware's log.
 *
 * @param tcti  as libtss2-tctildr names TPMs, such as "device:/dev/tpmrm0".
 * @param ak    a persistent handle; 0: the restricted ECC key that this TPM's endorsement seed makes of a
 *              fixed template, the same one each time.
 * @param log   the event log's file; NULL: none is read
 * @retval CM_ERR_NOTFOUND no TPM or no library @retval CM_ERR_BUSY PCRs changed at every try
 */
CM_MUST_USE enum cm_status cm_collect_tpm(const char *tcti, uint32_t ak, const char *log,
                                          struct cm_span nonce, struct cm_collected *out,
                                          struct cm_why *why);

/**
 * Azure's confidential VM: the challenge goes into NV index 0x01400002, the paravisor makes its report
 * (0x01400001) anew, and the TPM quotes with the key at 0x81000003.
 *
 * @param tries  looks at the report, 100 ms apart, until it has the challenge
 * @retval CM_ERR_NOTFOUND  not such a machine @retval CM_ERR_BUSY the report does not follow
 */
CM_MUST_USE enum cm_status cm_collect_azure(const char *tcti, unsigned tries, const char *log,
                                            struct cm_span nonce, struct cm_collected *out,
                                            struct cm_why *why);

#endif
