/*
 * Replaced instructions: ENCLU sites of enclaves that describe themselves, and CPUID of the main
 * program (emu_cpuid_patch.c finds those).
 *
 * A site (casemate/enclusite.h) becomes
 *
 *     0  ff 25 02 00 00 00   jmp *2(%rip)
 *     6  c3                  ret
 *     8  address of cm_emu_leaf_entry
 *
 * so it reaches the emulator from anywhere, whatever the size of the enclave, and needs neither a
 * register nor a stack, which at EEXIT may already be the host's.
 */
#include <casemate/enclusite.h>
#include <string.h>

#include "emu_cpu.h"

static bool is_site(const uint8_t *p)
{
    static const uint8_t site[CM_ENCLU_SITE_SIZE] = "\x0f\x01\xd7\xc3" CM_ENCLU_SITE_MARK;

    return memcmp(p, site, sizeof(site)) == 0;
}

void cm_emu_patch(struct emu_encl *e, uint64_t offset, uint64_t len)
{
    static const uint8_t jump[8] = {0xff, 0x25, 2, 0, 0, 0, 0xc3, 0};
    uint64_t target = (uint64_t)cm_emu_leaf_entry;

    if (cm_emu_options()->no_patch || cm_emu_options()->no_ldt) {
        return;
    }
    for (uint64_t at = 0; at + CM_ENCLU_SITE_SIZE <= len; at += CM_ENCLU_SITE_SIZE) {
        uint8_t *p = e->epc + offset + at;

        if (is_site(p)) {
            memcpy(p + 8, &target, sizeof(target));
            memcpy(p, jump, sizeof(jump));
            e->site_ret = e->base + offset + at + EMU_SITE_RET;
        }
    }
}

/* addresses of replaced CPUID instructions; filled before other threads run the program's code */
#define CPUID_SITES 256u

static uint64_t cpuid_sites[CPUID_SITES];
static size_t cpuid_count;

bool cm_emu_cpuid_add(uint64_t addr)
{
    if (cpuid_count == CPUID_SITES) {
        return false;
    }
    cpuid_sites[cpuid_count++] = addr;
    return true;
}

bool cm_emu_cpuid_here(greg_t *r)
{
    uint32_t out[4];

    for (size_t i = 0; i < cpuid_count; i++) {
        if (cpuid_sites[i] == (uint64_t)r[REG_RIP]) {
            cm_emu_cpuid((uint32_t)r[REG_RAX], (uint32_t)r[REG_RCX], out);
            r[REG_RAX] = out[0];
            r[REG_RBX] = out[1];
            r[REG_RCX] = out[2];
            r[REG_RDX] = out[3];
            r[REG_RIP] += 2;
            return true;
        }
    }
    return false;
}
