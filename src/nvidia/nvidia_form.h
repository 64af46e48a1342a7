/*
 * The forms in which evidence of NVIDIA's devices travels: JSON as NVIDIA's tools write it (a list of
 * devices, one device, or such a list within an object, each with its report and certificates in base64),
 * and a report alone, whose certificates (and request) are materials. Nothing is verified.
 */
#ifndef CM_NVIDIA_FORM_H
#define CM_NVIDIA_FORM_H

#include "evidence/material.h"

#define CM_NVIDIA_MAX_DEVICES 16u

/* One device's part; the spans are owned by the form or borrowed from the job. */
struct cm_nvidia_device {
    struct cm_span report; /* request and response */
    struct cm_span certs;  /* PEM, leaf first; {NULL, 0}: among the materials */
    char arch[24];         /* as the text says: "HOPPER", "LS10", ...; "" when it does not */
    bool has_nonce;
    uint8_t nonce[32]; /* as the text says */
    char driver[48];   /* as the text says; "" */
    char vbios[48];
};

struct cm_nvidia_form {
    struct cm_nvidia_device devices[CM_NVIDIA_MAX_DEVICES];
    size_t count;
    uint8_t *owned[2 * CM_NVIDIA_MAX_DEVICES + 1];
    size_t owned_count;
};

/** Whether bytes look like either form. */
bool cm_nvidia_recognise(struct cm_span bytes);

/**
 * @param out  all zero; cm_nvidia_form_free() it in any case.
 * @param why  names what is wrong.
 * @retval CM_ERR_FORMAT, CM_ERR_SYNTAX, CM_ERR_LIMIT, CM_ERR_NOTFOUND (a response without its request)
 */
CM_MUST_USE enum cm_status cm_nvidia_form_read(const struct cm_verify_job *job,
                                               struct cm_nvidia_form *out, struct cm_why *why);
/** Also one that is all zero. */
void cm_nvidia_form_free(struct cm_nvidia_form *form);

#endif
