/* A borrowed run of bytes: pointer and length always together. Never owns. */
#ifndef CASEMATE_SPAN_H
#define CASEMATE_SPAN_H

#include <stddef.h>
#include <stdint.h>

struct cm_span {
    const uint8_t *ptr; /* may be NULL only when len is 0; NULL means "absent" where that differs */
    size_t len;
};

#endif
