/*
 * Instruction scan of relocatable objects with Zydis. Relocation fields hold zeros or addends in an
 * object, so they are decoded as parts of their instructions and cannot look like a syscall.
 */
#include "libc/prep_scan.h"

#include <Zydis/Zydis.h>
#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_forbidden(const ZydisDecodedInstruction *in)
{
    static const ZydisMnemonic list[] = {
        ZYDIS_MNEMONIC_SYSCALL, ZYDIS_MNEMONIC_SYSENTER, ZYDIS_MNEMONIC_SYSEXIT,
        ZYDIS_MNEMONIC_SYSRET,  ZYDIS_MNEMONIC_INT,      ZYDIS_MNEMONIC_INTO,
        ZYDIS_MNEMONIC_CPUID,   ZYDIS_MNEMONIC_RDTSC,    ZYDIS_MNEMONIC_RDTSCP,
        ZYDIS_MNEMONIC_RDPMC,   ZYDIS_MNEMONIC_IN,       ZYDIS_MNEMONIC_OUT,
        ZYDIS_MNEMONIC_INSB,    ZYDIS_MNEMONIC_INSW,     ZYDIS_MNEMONIC_INSD,
        ZYDIS_MNEMONIC_OUTSB,   ZYDIS_MNEMONIC_OUTSW,    ZYDIS_MNEMONIC_OUTSD,
        ZYDIS_MNEMONIC_IRET,    ZYDIS_MNEMONIC_IRETD,    ZYDIS_MNEMONIC_IRETQ,
        ZYDIS_MNEMONIC_SGDT,    ZYDIS_MNEMONIC_SIDT,     ZYDIS_MNEMONIC_SLDT,
        ZYDIS_MNEMONIC_STR,     ZYDIS_MNEMONIC_SMSW,     ZYDIS_MNEMONIC_LGDT,
        ZYDIS_MNEMONIC_LIDT,    ZYDIS_MNEMONIC_LLDT,     ZYDIS_MNEMONIC_LTR,
        ZYDIS_MNEMONIC_VMCALL,  ZYDIS_MNEMONIC_VMFUNC,   ZYDIS_MNEMONIC_VMMCALL,
        ZYDIS_MNEMONIC_GETSEC,  ZYDIS_MNEMONIC_INVD,     ZYDIS_MNEMONIC_WBINVD,
        ZYDIS_MNEMONIC_ENCLU,   ZYDIS_MNEMONIC_ENCLS,    ZYDIS_MNEMONIC_ENCLV,
    };
    size_t i;

    for (i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
        if (in->mnemonic == list[i]) {
            return true;
        }
    }
    return in->meta.branch_type == ZYDIS_BRANCH_TYPE_FAR;
}

struct range {
    uint64_t from;
    uint64_t to;
    const char *name;
};

static int by_start(const void *a, const void *b)
{
    const struct range *x = a;
    const struct range *y = b;

    if (x->from != y->from) {
        return x->from < y->from ? -1 : 1;
    }
    return x->to < y->to ? -1 : x->to > y->to;
}

static bool is_waived(const char *name, const char *const *waived, size_t count)
{
    size_t i;

    for (i = 0; i < count; i++) {
        if (strcmp(name, waived[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* True and a text in hit when a forbidden instruction stands in body[r->from .. r->to). */
static bool sweep(struct cm_span body, const struct range *r, bool strict,
                  char hit[CM_PREP_HIT_SIZE])
{
    ZydisDecodedInstruction in;
    ZydisDecoder decoder;
    uint64_t at = r->from;

    if (ZYAN_FAILED(ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64))) {
        (void)snprintf(hit, CM_PREP_HIT_SIZE, "no decoder");
        return true;
    }
    while (at < r->to) {
        if (ZYAN_FAILED(
                ZydisDecoderDecodeInstruction(&decoder, NULL, body.ptr + at, r->to - at, &in))) {
            if (strict) {
                (void)snprintf(hit, CM_PREP_HIT_SIZE, "undecodable bytes in %.100s", r->name);
                return true;
            }
            at++;
            continue;
        }
        if (is_forbidden(&in)) {
            (void)snprintf(hit, CM_PREP_HIT_SIZE, "%s in %.100s",
                           ZydisMnemonicGetString(in.mnemonic), r->name);
            return true;
        }
        at += in.length;
    }
    return false;
}

/* Function symbols of one section, sorted; count is returned. ranges has room for all symbols. */
static size_t functions_of(const struct cm_prep_elf *e, size_t section, struct range *ranges)
{
    uint64_t size = e->sections[section].body.len;
    size_t count = 0;
    size_t i;

    for (i = 0; i < e->symbol_count; i++) {
        const struct cm_prep_symbol *s = &e->symbols[i];

        if (s->shndx == section && s->type == STT_FUNC && s->value < size) {
            ranges[count].from = s->value;
            ranges[count].to = s->size < size - s->value ? s->value + s->size : size;
            ranges[count].name = s->name;
            count++;
        }
    }
    qsort(ranges, count, sizeof(*ranges), by_start);
    return count;
}

/* The whole section, decoded anew at every function symbol so that padding cannot hide a start. */
static bool scan_section(const struct cm_prep_elf *e, size_t section, struct range *ranges,
                         char hit[CM_PREP_HIT_SIZE])
{
    const struct cm_prep_section *s = &e->sections[section];
    size_t count = functions_of(e, section, ranges);
    struct range part = {0, 0, s->name};
    size_t i;

    for (i = 0; i <= count; i++) {
        part.to = i < count ? ranges[i].from : s->body.len;
        if (part.from < part.to && sweep(s->body, &part, true, hit)) {
            return true;
        }
        if (i < count) {
            part = ranges[i];
        }
    }
    return false;
}

enum cm_status cm_prep_scan(const struct cm_prep_elf *e, enum cm_prep_scan_mode mode,
                            const char *const *waived, size_t count, bool *found,
                            char hit[CM_PREP_HIT_SIZE])
{
    struct range *ranges = calloc(e->symbol_count + 1, sizeof(*ranges));
    size_t i;

    *found = false;
    if (ranges == NULL) {
        return CM_ERR_NOMEM;
    }
    for (i = 0; i < e->section_count && !*found; i++) {
        const struct cm_prep_section *s = &e->sections[i];
        size_t functions;
        size_t k;

        if ((s->flags & SHF_EXECINSTR) == 0 || s->body.len == 0) {
            continue;
        }
        if (mode == CM_PREP_SCAN_SECTIONS) {
            *found = scan_section(e, i, ranges, hit);
            continue;
        }
        functions = functions_of(e, i, ranges);
        for (k = 0; k < functions && !*found; k++) {
            *found =
                !is_waived(ranges[k].name, waived, count) && sweep(s->body, &ranges[k], false, hit);
        }
    }
    free(ranges);
    return CM_OK;
}
