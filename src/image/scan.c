/*
 * The instruction check (see scan.h), with Zydis. Called when signing and by
 * `casemate inspect`. UNTRUSTED: the code and the symbols of the image.
 */
#include "image/scan.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include <Zydis/Zydis.h>

#include "abi/layout.h"
#include "common/try.h"
#include "image/elf_image.h"

enum { SITE_MARK_OFF = 4 };

struct function {
    uint64_t start;
    uint64_t end;
    struct cm_span name;
};

struct scan {
    const struct cm_image *image; /* or its module */
    uint64_t base;                /* of the module, for what is reported */
    cm_scan_report *report;
    void *context;
    struct cm_scan_result result;
    ZydisDecoder decoder;
};

/*
 * Known false hits. One line each: the function whose symbol covers bytes that are not code, what
 * a disassembler takes them for, and why that is known to be harmless.
 */
struct waiver {
    const char *function;
    const char *bytes; /* what those bytes are */
};

static const struct waiver waivers[] = {
    /* libcrypto (perlasm, rc4-x86_64): the symbol's size includes the strings "rc4(8x,int)",
     * "rc4(8x,char)", "rc4(16x,int)" and the CRYPTOGAMS line, after the function's last RET. The
     * lower-case letters l, m, n and o are the opcodes of INS and OUTS. */
    {"RC4_options", "ASCII"},
};

static bool is_waived(const struct function *f, const char *instruction)
{
    for (size_t i = 0; i < sizeof(waivers) / sizeof(waivers[0]); i++) {
        if (strlen(waivers[i].function) == f->name.len &&
            memcmp(waivers[i].function, f->name.ptr, f->name.len) == 0 &&
            (strncmp(instruction, "ins", 3) == 0 || strncmp(instruction, "outs", 4) == 0)) {
            return true;
        }
    }
    return false;
}

/* ENCLU may stand only at the start of a site that describes itself (abi/layout.h). */
static bool is_enclu_site(struct cm_span code, uint64_t at, uint64_t address)
{
    static const uint8_t head[SITE_MARK_OFF] = {0x0f, 0x01, 0xd7, 0xc3};
    static const uint8_t tail[4] = {0};
    struct cm_span site = {NULL, 0};

    return address % CM_ENCLU_SITE_SIZE == 0 && cm_span_part(code, at, CM_ENCLU_SITE_SIZE, &site) &&
           memcmp(site.ptr, head, sizeof(head)) == 0 &&
           memcmp(site.ptr + SITE_MARK_OFF, CM_ENCLU_SITE_MARK, 8) == 0 &&
           memcmp(site.ptr + 12, tail, sizeof(tail)) == 0;
}

static bool is_far_branch(const ZydisDecodedInstruction *in)
{
    return in->meta.branch_type == ZYDIS_BRANCH_TYPE_FAR;
}

/* MOV to a segment register, and POP FS and POP GS */
static bool loads_segment(const ZydisDecodedInstruction *in)
{
    if (in->mnemonic == ZYDIS_MNEMONIC_MOV) {
        return in->opcode_map == ZYDIS_OPCODE_MAP_DEFAULT && in->opcode == 0x8e;
    }
    return in->mnemonic == ZYDIS_MNEMONIC_POP && in->opcode_map == ZYDIS_OPCODE_MAP_0F;
}

static bool is_one_of(ZydisMnemonic mnemonic, const ZydisMnemonic *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (list[i] == mnemonic) {
            return true;
        }
    }
    return false;
}

/* SDM Vol. 3D, "Illegal Instructions" inside an enclave. */
static const ZydisMnemonic illegal_inside[] = {
    ZYDIS_MNEMONIC_SYSCALL, ZYDIS_MNEMONIC_SYSENTER, ZYDIS_MNEMONIC_SYSEXIT, ZYDIS_MNEMONIC_SYSRET,
    ZYDIS_MNEMONIC_INT,     ZYDIS_MNEMONIC_INT1,     ZYDIS_MNEMONIC_INTO,    ZYDIS_MNEMONIC_IN,
    ZYDIS_MNEMONIC_INSB,    ZYDIS_MNEMONIC_INSW,     ZYDIS_MNEMONIC_INSD,    ZYDIS_MNEMONIC_OUT,
    ZYDIS_MNEMONIC_OUTSB,   ZYDIS_MNEMONIC_OUTSW,    ZYDIS_MNEMONIC_OUTSD,   ZYDIS_MNEMONIC_IRET,
    ZYDIS_MNEMONIC_IRETD,   ZYDIS_MNEMONIC_IRETQ,    ZYDIS_MNEMONIC_GETSEC,  ZYDIS_MNEMONIC_VMCALL,
    ZYDIS_MNEMONIC_VMFUNC,  ZYDIS_MNEMONIC_VMMCALL,  ZYDIS_MNEMONIC_RDPMC,   ZYDIS_MNEMONIC_SGDT,
    ZYDIS_MNEMONIC_SIDT,    ZYDIS_MNEMONIC_SLDT,     ZYDIS_MNEMONIC_STR,     ZYDIS_MNEMONIC_LFS,
    ZYDIS_MNEMONIC_LGS,     ZYDIS_MNEMONIC_LSS,
};

/* Ring 0 only. Zydis 4.0 marks many of these as privileged, but not LGDT and its like. */
static const ZydisMnemonic ring0[] = {
    ZYDIS_MNEMONIC_CLI,     ZYDIS_MNEMONIC_STI,       ZYDIS_MNEMONIC_ENCLS,
    ZYDIS_MNEMONIC_ENCLV,   ZYDIS_MNEMONIC_LGDT,      ZYDIS_MNEMONIC_LIDT,
    ZYDIS_MNEMONIC_LLDT,    ZYDIS_MNEMONIC_LTR,       ZYDIS_MNEMONIC_LMSW,
    ZYDIS_MNEMONIC_CLTS,    ZYDIS_MNEMONIC_INVD,      ZYDIS_MNEMONIC_WBINVD,
    ZYDIS_MNEMONIC_INVLPG,  ZYDIS_MNEMONIC_INVPCID,   ZYDIS_MNEMONIC_RDMSR,
    ZYDIS_MNEMONIC_WRMSR,   ZYDIS_MNEMONIC_XSETBV,    ZYDIS_MNEMONIC_SWAPGS,
    ZYDIS_MNEMONIC_MONITOR, ZYDIS_MNEMONIC_MWAIT,     ZYDIS_MNEMONIC_STAC,
    ZYDIS_MNEMONIC_CLAC,    ZYDIS_MNEMONIC_XSAVES,    ZYDIS_MNEMONIC_XSAVES64,
    ZYDIS_MNEMONIC_XRSTORS, ZYDIS_MNEMONIC_XRSTORS64, ZYDIS_MNEMONIC_RSM,
};

static bool never_works_inside(const ZydisDecodedInstruction *in)
{
    if (is_one_of(in->mnemonic, illegal_inside, sizeof(illegal_inside) / sizeof(ZydisMnemonic)) ||
        is_one_of(in->mnemonic, ring0, sizeof(ring0) / sizeof(ZydisMnemonic)) ||
        is_far_branch(in) || loads_segment(in)) {
        return true;
    }
    /* HLT is how musl and compilers crash on purpose: #GP inside as outside */
    return (in->attributes & ZYDIS_ATTRIB_IS_PRIVILEGED) != 0 && in->mnemonic != ZYDIS_MNEMONIC_HLT;
}

static bool faults_somewhere(const ZydisDecodedInstruction *in)
{
    return in->mnemonic == ZYDIS_MNEMONIC_CPUID || in->mnemonic == ZYDIS_MNEMONIC_RDTSC ||
           in->mnemonic == ZYDIS_MNEMONIC_RDTSCP;
}

static void hit(struct scan *s, const struct function *f, uint64_t address,
                enum cm_scan_level level, const char *instruction)
{
    struct cm_scan_hit h = {level, s->base + address, f->name, address - f->start, instruction};

    if (is_waived(f, instruction)) {
        s->result.waived++;
        return;
    }
    if (level == CM_SCAN_ERROR) {
        s->result.errors++;
    } else {
        s->result.warnings++;
    }
    if (s->report != NULL) {
        s->report(s->context, &h);
    }
}

/* [from, to) of one function; `code` starts at address `base`. */
static void scan_code(struct scan *s, const struct function *f, struct cm_span code, uint64_t base,
                      uint64_t from)
{
    uint64_t at = from - base;
    const uint64_t end = f->end - base;

    while (at < end) {
        ZydisDecodedInstruction in;
        const uint64_t address = base + at;

        if (ZYAN_FAILED(ZydisDecoderDecodeInstruction(&s->decoder, NULL, code.ptr + at,
                                                      (ZyanUSize)(end - at), &in))) {
            hit(s, f, address, CM_SCAN_WARNING, "(undecodable)");
            at++;
            continue;
        }
        s->result.instructions++;
        if (in.mnemonic == ZYDIS_MNEMONIC_ENCLU) {
            if (is_enclu_site(code, at, address)) {
                at += CM_ENCLU_SITE_SIZE; /* the mark is not code */
                continue;
            }
            hit(s, f, address, CM_SCAN_ERROR, "enclu");
        } else if (never_works_inside(&in)) {
            hit(s, f, address, CM_SCAN_ERROR, ZydisMnemonicGetString(in.mnemonic));
        } else if (faults_somewhere(&in)) {
            hit(s, f, address, CM_SCAN_WARNING, ZydisMnemonicGetString(in.mnemonic));
        }
        at += in.length;
    }
}

static int by_address(const void *a, const void *b)
{
    const struct function *x = a;
    const struct function *y = b;

    if (x->start != y->start) {
        return x->start < y->start ? -1 : 1;
    }
    if (x->end != y->end) {
        return x->end > y->end ? -1 : 1; /* the longest of several names first */
    }
    return 0;
}

static enum cm_status collect(const struct cm_image *image, struct function **out, size_t *count)
{
    const uint64_t symbols = cm_image_symbol_count(image);
    struct function *list = NULL;
    size_t used = 0;

    *out = NULL;
    *count = 0;
    if (symbols == 0) {
        return CM_OK;
    }
    list = calloc((size_t)symbols, sizeof(*list));
    if (list == NULL) {
        return CM_ERR_NOMEM;
    }
    for (uint64_t i = 0; i < symbols; i++) {
        struct cm_symbol sym;

        cm_image_symbol(image, i, &sym);
        if (sym.is_func && sym.addr + sym.size >= sym.addr) {
            list[used++] = (struct function){sym.addr, sym.addr + sym.size, sym.name};
        }
    }
    qsort(list, used, sizeof(*list), by_address);
    *out = list;
    *count = used;
    return CM_OK;
}

/* Assembly without .size: its function goes on to the next one. */
static uint64_t end_of(const struct function *list, size_t i, size_t count, uint64_t limit)
{
    uint64_t end = list[i].end;

    for (size_t k = i + 1; end == list[i].start && k < count; k++) {
        if (list[k].start > list[i].start) {
            end = list[k].start;
        }
    }
    return end == list[i].start || end > limit ? limit : end;
}

static void scan_segment(struct scan *s, const struct cm_segment *seg, const struct function *list,
                         size_t count)
{
    const uint64_t limit = seg->vaddr + seg->filesz;
    struct cm_span code = {NULL, 0};
    uint64_t done = seg->vaddr;

    if ((seg->flags & PF_X) == 0 ||
        !cm_span_part(s->image->file, seg->offset, seg->filesz, &code)) {
        return;
    }
    s->result.executable += seg->filesz;
    for (size_t i = 0; i < count; i++) {
        struct function f = list[i];

        if (f.start < seg->vaddr || f.start >= limit) {
            continue;
        }
        f.end = end_of(list, i, count, limit);
        if (f.end <= done) {
            continue;
        }
        const uint64_t from = f.start > done ? f.start : done;

        scan_code(s, &f, code, seg->vaddr, from);
        s->result.covered += f.end - from;
        done = f.end;
    }
}

/* One of both; *seen: it has function symbols. */
static enum cm_status scan_part(struct scan *s, const struct cm_image *part, uint64_t base,
                                bool *seen)
{
    const uint64_t before = s->result.covered;
    struct function *list = NULL;
    size_t count = 0;
    const enum cm_status st = collect(part, &list, &count);

    if (st != CM_OK) {
        return st;
    }
    s->image = part;
    s->base = base;
    for (uint32_t i = 0; i < part->segment_count; i++) {
        scan_segment(s, &part->segments[i], list, count);
    }
    *seen = s->result.covered != before;
    free(list);
    return CM_OK;
}

enum cm_status cm_image_scan(const struct cm_image *image, cm_scan_report *report, void *context,
                             struct cm_scan_result *out)
{
    enum cm_status st = CM_OK;
    struct scan s = {.image = image, .report = report, .context = context};
    bool image_seen = false;
    bool module_seen = true;

    if (ZYAN_FAILED(
            ZydisDecoderInit(&s.decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64))) {
        return CM_ERR_PLATFORM;
    }
    CM_TRY(scan_part(&s, image, 0, &image_seen));
    if (image->module != NULL) {
        CM_TRY(scan_part(&s, image->module, image->module_base, &module_seen));
    }
    s.result.scanned = image_seen && module_seen;
    *out = s.result;
out:
    return st;
}
