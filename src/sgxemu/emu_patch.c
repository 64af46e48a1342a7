/*
 * Replacing instructions: ENCLU sites of enclaves that describe themselves, and (opt-in) CPUID of
 * the main program.
 *
 * A site is 16 bytes, 16-aligned: ENCLU, RET, "CASEMATE", four zero bytes. It becomes
 *
 *     0  ff 25 02 00 00 00   jmp *2(%rip)
 *     6  c3                  ret
 *     8  address of cm_emu_leaf_entry
 *
 * so it reaches the emulator from anywhere, whatever the size of the enclave, and needs neither a
 * register nor a stack, which at EEXIT may already be the host's.
 */
#include <string.h>

#include "emu_cpu.h"

#define SITE_SIZE 16u

static bool is_site(const uint8_t *p)
{
    static const uint8_t site[SITE_SIZE] = "\x0f\x01\xd7\xc3"
                                           "CASEMATE";

    return memcmp(p, site, sizeof(site)) == 0;
}

void cm_emu_patch(struct emu_encl *e, uint64_t offset, uint64_t len)
{
    static const uint8_t jump[8] = {0xff, 0x25, 2, 0, 0, 0, 0xc3, 0};
    uint64_t target = (uint64_t)cm_emu_leaf_entry;

    if (cm_emu_options()->no_patch || cm_emu_options()->no_ldt) {
        return;
    }
    for (uint64_t at = 0; at + SITE_SIZE <= len; at += SITE_SIZE) {
        uint8_t *p = e->epc + offset + at;

        if (is_site(p)) {
            memcpy(p + 8, &target, sizeof(target));
            memcpy(p, jump, sizeof(jump));
            e->site_ret = e->base + offset + at + EMU_SITE_RET;
        }
    }
}

bool cm_emu_cpuid_here(greg_t *r)
{
    (void)r;
    return false;
}
