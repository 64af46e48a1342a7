/* See frames.h. */
#include "enclave/frames.h"

#include <stdbool.h>

#include "arch/sgx.h"
#include "enclave/address.h"
#include "enclave/edge.h"
#include "enclave/internal.h"
#include "enclave/sgxkey.h"

enum { WORD = 8, FRAME = 2 * WORD };

static bool in_image(uint64_t rip)
{
    return rip - cm_image_base < cm_properties()->image_info.heap_rva;
}

size_t cm_frames(uint64_t rip, uint64_t rbp, uint64_t *out, size_t max)
{
    const struct cm_td *td = cm_td();
    const uint64_t top = td->tcs - CM_GUARD_SIZE;
    uint64_t low = td->stack_base;
    size_t count = 0;

    if (rip != 0 && count < max && in_image(rip)) {
        out[count++] = rip;
    }
    while (count < max && rbp % WORD == 0 && rbp >= low && rbp < top && top - rbp >= FRAME) {
        const uint64_t *frame = cm_ptr(rbp);

        if (!in_image(frame[1])) {
            break;
        }
        out[count++] = frame[1];
        low = rbp + WORD;
        rbp = frame[0];
    }
    return count;
}

size_t cm_frames_tell(uint64_t rip, uint64_t rbp)
{
    const struct cm_td *td = cm_td();
    uint64_t frames[CM_ABORT_FRAMES_MAX];
    size_t count;

    if ((cm_attribute_flags() & SGX_ATTR_DEBUG) == 0 || td->arena_owned != 0 ||
        td->arena_size < sizeof(frames)) {
        return 0;
    }
    count = cm_frames(rip, rbp, frames, CM_ABORT_FRAMES_MAX);
    cm_copy_out(cm_ptr(td->arena), frames, count * sizeof(frames[0]));
    return count;
}
