/*
 * Evidence of an NVIDIA device of our own: a chain like NVIDIA's under a root of our own, and a report that
 * its leaf signed. Every part is the test's to change. Nothing here is meant for use.
 */
#ifndef CM_TESTS_NVKIT_H
#define CM_TESTS_NVKIT_H

#include <casemate/verify.h>

#include "certkit.h"

#define NV_REPORT_MAX 16384

struct nv_field {
    unsigned type;
    const void *bytes;
    size_t len; /* 0 ends the list, unless type is 0xffff */
};

struct nv_spec {
    const char *cn;    /* of the leaf */
    unsigned device;   /* its keys' index: 0..3 */
    unsigned blocks;   /* measurements: index 1.. */
    uint8_t nonce[32]; /* of the request */
    uint8_t fwid[48];  /* in the leaf */
    int fwid_form;     /* 0: CompositeDeviceID, 1: TcbInfo, 2: none */
    struct nv_field fields[24];
    bool header;      /* opaque data with NVIDIA's header */
    int raw_block;    /* index of a block that holds a value and no digest; 0: none */
    uint64_t leaf_to; /* end of the leaf's validity; 0: as the others */
    bool leaf_is_ca;
    unsigned signer;       /* whose leaf key signs the report; default: device */
    const char *sign_with; /* kind of another key: signed with this instead */
};

struct nv_device {
    uint8_t report[NV_REPORT_MAX];
    size_t report_len;
    char chain[16384]; /* PEM, leaf first, root last */
    size_t chain_len;
};

/** GH100 with five measurements, driver and VBIOS versions, decoder on, FWID. */
void nv_defaults(struct nv_spec *s);
void nv_make(const struct nv_spec *s, struct nv_device *out);
/** The root of all of them, family "nvidia". */
const struct cm_trust_root *nv_root(void);
/** The digest of a block: what nv_make() puts there. */
void nv_digest(unsigned device, unsigned index, uint8_t out[48]);
/** JSON as NVIDIA's tools write it; returns its length. members: of each device, such as "\"arch\":\"HOPPER\"" */
size_t nv_json(const struct nv_device *devices, size_t count, const char *members, char *out,
               size_t cap);

#endif
