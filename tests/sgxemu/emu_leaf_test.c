/*
 * The ENCLU leaves EREPORT, EGETKEY, EACCEPT, EMODPE and EACCEPTCOPY, called as the processor half
 * calls them: operands, faults with their error codes, state changes and what the host may then
 * touch. With them the SGX2 flows end to end: add on fault, restrict, convert to TCS, trim, remove.
 */
#include "harness.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "crypto/crypto.h"
#include "emu_kit.h"
#include "sgxemu/emu.h"
#include "sgxemu/emu_keys.h"

#define MIB     (1ull << 20)
#define ZF      0x40u
#define STATUS  0x8d5u
#define PF_SGX  0x8000u
#define PENDING (KIT_RW | SGX_SECINFO_PENDING)

/* what the tests use of the small enclave: page 5 for operands, 6 and 7 as plain RW pages */
static struct kit_enclave kite;
static struct emu_encl *e;
static struct emu_fault f;
static struct emu_leaf_regs r;

static uint8_t *page(uint64_t i)
{
    return kite.base + i * KIT_PAGE;
}

static uint64_t addr(uint64_t i)
{
    return (uint64_t)(uintptr_t)page(i);
}

/* a leaf with these registers; false = a fault, in f */
static bool leaf(enum sgx_enclu number, uint64_t rbx, uint64_t rcx, uint64_t rdx)
{
    memset(&f, 0, sizeof(f));
    memset(&r, 0, sizeof(r));
    r.rax = (uint64_t)number;
    r.rbx = rbx;
    r.rcx = rcx;
    r.rdx = rdx;
    r.rflags = STATUS | 0x202;
    return cm_emu_leaf(e, &r, &f);
}

static bool faults(uint32_t vector, uint32_t errcode, uint64_t at)
{
    return f.vector == vector && f.errcode == errcode && f.addr == at;
}

/* SECINFO in page 5 */
static uint64_t secinfo(uint64_t flags)
{
    struct sgx_secinfo s = {.flags = flags};

    memcpy(page(5), &s, sizeof(s));
    return addr(5);
}

/* EACCEPT or EACCEPTCOPY: RAX, or -1 for a fault */
static long accept(uint64_t flags, uint64_t at)
{
    return leaf(SGX_EACCEPT, secinfo(flags), at, 0) ? (long)r.rax : -1;
}

static bool readable(const uint8_t *p)
{
    int ends[2] = {-1, -1};
    bool ok = pipe(ends) == 0 && write(ends[1], p, 1) == 1;

    (void)close(ends[0]);
    (void)close(ends[1]);
    return ok;
}

static bool setup(void)
{
    if (!kit_small(&kite, MIB) ||
        kit.mmap(page(8), 24 * KIT_PAGE, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_SHARED | MAP_FIXED,
                 kite.fd, 0) != page(8)) {
        return false;
    }
    e = cm_emu_encl_find(addr(0));
    return e != NULL && cm_emu_encl_find(addr(0) + MIB) != e;
}

/* ------------------------------------------------------------------ operands */

static const struct {
    const char *what;
    enum sgx_enclu number;
    uint64_t align_rbx;
    uint64_t align_rcx;
    uint64_t align_rdx;
} operand_cases[] = {
    {"EREPORT", SGX_EREPORT, 512, 128, 512},
    {"EGETKEY", SGX_EGETKEY, 512, 16, 0},
    {"EACCEPT", SGX_EACCEPT, 64, 4096, 0},
    {"EMODPE", SGX_EMODPE, 64, 4096, 0},
    {"EACCEPTCOPY", SGX_EACCEPTCOPY, 64, 4096, 4096},
};

TEST(misaligned_or_outside_operands_are_gp)
{
    static uint8_t host[4096] __attribute__((aligned(4096)));
    uint64_t outside = (uint64_t)(uintptr_t)host;

    REQUIRE(setup());
    memset(page(5), 0, KIT_PAGE);
    for (size_t i = 0; i < sizeof(operand_cases) / sizeof(operand_cases[0]); i++) {
        enum sgx_enclu n = operand_cases[i].number;
        uint64_t a = addr(5);
        uint64_t b = addr(6);
        uint64_t c = addr(7);

        for (uint64_t off = 1; off < operand_cases[i].align_rbx; off *= 2) {
            CHECK(!leaf(n, a + off, b, c) && faults(SGX_VEC_GP, 0, 0));
        }
        for (uint64_t off = 1; off < operand_cases[i].align_rcx; off *= 2) {
            CHECK(!leaf(n, a, b + off, c) && faults(SGX_VEC_GP, 0, 0));
        }
        for (uint64_t off = 1; off < operand_cases[i].align_rdx; off *= 2) {
            CHECK(!leaf(n, a, b, c + off) && faults(SGX_VEC_GP, 0, 0));
        }
        CHECK(!leaf(n, outside, b, c) && faults(SGX_VEC_GP, 0, 0));
        CHECK(!leaf(n, a, outside, c) && faults(SGX_VEC_GP, 0, 0));
        CHECK(!leaf(n, addr(0) + MIB, b, c) && faults(SGX_VEC_GP, 0, 0));
        if (operand_cases[i].align_rdx != 0) {
            CHECK(!leaf(n, a, b, outside) && faults(SGX_VEC_GP, 0, 0));
        }
    }
    for (uint64_t n = 8; n < 40; n++) {
        CHECK(!leaf((enum sgx_enclu)n, addr(5), addr(6), addr(7)) && faults(SGX_VEC_GP, 0, 0));
    }
    kit_destroy(&kite);
}

TEST(operands_that_may_not_be_read_or_written_are_pf)
{
    uint8_t code[512];
    struct sgx_enclave_restrict_permissions a = {7 * KIT_PAGE, KIT_PAGE, SGX_SECINFO_R, 0, 0};

    REQUIRE(setup());
    memset(page(5), 0, KIT_PAGE);
    /* the key would go to a code page: the EPCM says no... the VMA says it first */
    CHECK(!leaf(SGX_EGETKEY, addr(5), addr(0), 0) && f.vector == SGX_VEC_PF && f.addr == addr(0));
    CHECK((f.errcode & 2) != 0 && (f.errcode & PF_SGX) == 0);
    /* nor does a report go there */
    memcpy(code, page(0), sizeof(code));
    CHECK(!leaf(SGX_EREPORT, addr(5), addr(6), addr(0)) && f.vector == SGX_VEC_PF &&
          f.addr == addr(0));
    CHECK((f.errcode & 2) != 0 && (f.errcode & PF_SGX) == 0);
    CHECK_MEM(page(0), code, sizeof(code));
    /* a TCS is nobody's */
    CHECK(!leaf(SGX_EGETKEY, addr(2), addr(6), 0) && faults(SGX_VEC_PF, PF_SGX | 5, addr(2)));
    /* nothing mapped there */
    CHECK(!leaf(SGX_EGETKEY, addr(5), addr(100), 0) && faults(SGX_VEC_PF, 6, addr(100)));
    /* nothing added there: the kernel adds it, the enclave has not accepted it */
    CHECK(!leaf(SGX_EGETKEY, addr(5), addr(9), 0) && faults(SGX_VEC_PF, PF_SGX | 7, addr(9)));
    /* mapped for writing, but the enclave has made it read only: the EPCM says no */
    memset(page(7), 0x11, KIT_PAGE);
    CHECK_EQ(kit_ioctl(kite.fd, SGX_IOC_RESTRICT_PERMS, &a), 0);
    CHECK_EQ(accept(KIT_R | SGX_SECINFO_PR, addr(7)), SGX_SUCCESS);
    memset(page(5), 0, KIT_PAGE);
    CHECK(!leaf(SGX_EREPORT, addr(5), addr(6), addr(7)) && faults(SGX_VEC_PF, PF_SGX | 7, addr(7)));
    CHECK(!leaf(SGX_EGETKEY, addr(5), addr(7), 0) && faults(SGX_VEC_PF, PF_SGX | 7, addr(7)));
    CHECK_EQ(page(7)[0], 0x11);
    kit_destroy(&kite);
}

/* ------------------------------------------------------------------ EREPORT and EGETKEY together */

TEST(report_of_the_running_enclave_verifies_with_its_report_key)
{
    struct sgx_report report;
    struct sgx_keyrequest req;
    struct sgx_targetinfo target;
    uint8_t mac[16] = {0};
    uint8_t key[16] = {0};

    REQUIRE(setup());
    /* a report for itself needs its own measurement first: from a report for nobody */
    memset(page(5), 0, KIT_PAGE);
    REQUIRE(leaf(SGX_EREPORT, addr(5), addr(6), addr(7)));
    CHECK_EQ(r.rflags, STATUS | 0x202); /* EREPORT leaves the flags alone */
    memcpy(&report, page(7), sizeof(report));
    CHECK_EQ(report.body.isvprodid, 7);
    CHECK_EQ(report.body.isvsvn, 5);
    CHECK_EQ(report.body.attributes.flags, SGX_ATTR_INIT | SGX_ATTR_DEBUG | SGX_ATTR_MODE64);
    memset(&target, 0, sizeof(target));
    memcpy(target.mrenclave, report.body.mrenclave, 32);
    target.attributes = report.body.attributes;
    target.miscselect = report.body.miscselect;
    memcpy(page(5), &target, sizeof(target));
    memset(page(6), 0x3c, 64);
    REQUIRE(leaf(SGX_EREPORT, addr(5), addr(6), addr(7)));
    memcpy(&report, page(7), sizeof(report));
    CHECK_EQ(report.body.reportdata[63], 0x3c);
    CHECK_EQ(page(7)[sizeof(report)], 0); /* 432 bytes and not one more */
    memset(&req, 0, sizeof(req));
    req.keyname = SGX_KEY_REPORT;
    memcpy(req.keyid, report.keyid, 32);
    memcpy(page(5), &req, sizeof(req));
    REQUIRE(leaf(SGX_EGETKEY, addr(5), addr(6), 0));
    CHECK_EQ(r.rax, SGX_SUCCESS);
    CHECK_EQ(r.rflags & STATUS, 0);
    memcpy(key, page(6), 16);
    REQUIRE(cm_cmac_aes128(key, cm_span_make(&report.body, sizeof(report.body)), mac) == CM_OK);
    CHECK_MEM(mac, report.mac, 16);
    kit_destroy(&kite);
}

TEST(key_errors_come_in_rax_with_zf_and_no_key)
{
    struct sgx_keyrequest req;

    REQUIRE(setup());
    memset(&req, 0, sizeof(req));
    req.keyname = SGX_KEY_SEAL;
    req.keypolicy = SGX_KEYPOLICY_MRSIGNER;
    req.isvsvn = 6; /* the enclave has 5 */
    memcpy(page(5), &req, sizeof(req));
    memset(page(6), 0x77, 16);
    REQUIRE(leaf(SGX_EGETKEY, addr(5), addr(6), 0));
    CHECK_EQ(r.rax, SGX_INVALID_ISVSVN);
    CHECK_EQ(r.rflags & STATUS, ZF);
    CHECK_EQ(page(6)[0], 0x77);
    req.keyname = 9;
    memcpy(page(5), &req, sizeof(req));
    REQUIRE(leaf(SGX_EGETKEY, addr(5), addr(6), 0));
    CHECK_EQ(r.rax, SGX_INVALID_KEYNAME);
    req.keyname = SGX_KEY_PROVISION;
    memcpy(page(5), &req, sizeof(req));
    REQUIRE(leaf(SGX_EGETKEY, addr(5), addr(6), 0));
    CHECK_EQ(r.rax, SGX_INVALID_ATTRIBUTE);
    req.keypolicy = 0x40;
    memcpy(page(5), &req, sizeof(req));
    CHECK(!leaf(SGX_EGETKEY, addr(5), addr(6), 0) && faults(SGX_VEC_GP, 0, 0));
    page(5)[56] = 1; /* reserved in TARGETINFO */
    CHECK(!leaf(SGX_EREPORT, addr(5), addr(6), addr(7)) && faults(SGX_VEC_GP, 0, 0));
    kit_destroy(&kite);
}

/* ------------------------------------------------------------------ SGX2 flows */

static bool fault_at(uint64_t a, uint32_t code, uint32_t *out)
{
    *out = code;
    return cm_emu_page_fault(e, a, out);
}

TEST(page_added_on_fault_is_usable_once_accepted)
{
    uint32_t code = 0;

    REQUIRE(setup());
    CHECK(!readable(page(10)));
    CHECK(!fault_at(addr(10), 0x6, &code));
    CHECK_EQ(code, PF_SGX | 7u); /* there now, but PENDING */
    CHECK(!readable(page(10)));
    CHECK_EQ(accept(KIT_R | SGX_SECINFO_PENDING, addr(10)), SGX_PAGE_ATTRIBUTES_MISMATCH);
    CHECK_EQ(r.rflags & STATUS, ZF);
    CHECK_EQ(accept(PENDING, addr(10)), SGX_SUCCESS);
    CHECK_EQ(r.rflags & STATUS, 0);
    CHECK(readable(page(10)));
    page(10)[0] = 1;
    CHECK(fault_at(addr(10), 0x6, &code)); /* nothing wrong any more: run it again */
    CHECK_EQ(accept(PENDING, addr(10)), SGX_PAGE_ATTRIBUTES_MISMATCH); /* once */
    /* without a fault before: EACCEPT itself makes the kernel add the page */
    CHECK_EQ(accept(PENDING, addr(11)), SGX_SUCCESS);
    CHECK_EQ(page(11)[4095], 0);
    /* but not where the host has mapped nothing */
    CHECK_EQ(accept(PENDING, addr(100)), -1);
    CHECK(faults(SGX_VEC_PF, 6, addr(100)));
    kit_destroy(&kite);
}

TEST(illegal_secinfo_for_eaccept_is_gp)
{
    static const uint64_t bad[] = {
        KIT_RW,                                               /* neither PENDING nor PR */
        KIT_RW | SGX_SECINFO_MODIFIED,                        /* REG is never MODIFIED */
        KIT_RW | SGX_SECINFO_PENDING | SGX_SECINFO_MODIFIED,  /* nor both */
        KIT_TCS,                                              /* TCS must be MODIFIED */
        KIT_TCS | SGX_SECINFO_MODIFIED | SGX_SECINFO_PENDING, /* and nothing else */
        KIT_TCS | SGX_SECINFO_MODIFIED | SGX_SECINFO_PR,      /* */
        SGX_SECINFO_TYPE(SGX_PT_TRIM) | SGX_SECINFO_PENDING,  /* */
        SGX_SECINFO_TYPE(SGX_PT_SECS) | SGX_SECINFO_MODIFIED, /* */
        SGX_SECINFO_TYPE(SGX_PT_VA) | SGX_SECINFO_MODIFIED,   /* */
        PENDING | 0x40,                                       /* reserved flag */
        PENDING | 1ull << 16,                                 /* reserved flag */
    };

    REQUIRE(setup());
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        CHECK(accept(bad[i], addr(10)) == -1 && faults(SGX_VEC_GP, 0, 0));
    }
    for (size_t i = 8; i < 64; i++) {
        (void)secinfo(PENDING);
        page(5)[i] = 1;
        CHECK(!leaf(SGX_EACCEPT, addr(5), addr(10), 0) && faults(SGX_VEC_GP, 0, 0));
    }
    kit_destroy(&kite);
}

TEST(restricted_permissions_and_back)
{
    struct sgx_enclave_restrict_permissions a = {6 * KIT_PAGE, KIT_PAGE, SGX_SECINFO_R, 0, 0};
    uint32_t code = 0;

    REQUIRE(setup());
    page(6)[0] = 9;
    CHECK_EQ(kit_ioctl(kite.fd, SGX_IOC_RESTRICT_PERMS, &a), 0);
    CHECK_EQ(a.count, KIT_PAGE);
    CHECK_EQ(page(6)[0], 9);
    CHECK(!fault_at(addr(6), 0x7, &code));
    CHECK_EQ(code, PF_SGX | 7u);
    CHECK_EQ(accept(KIT_RW | SGX_SECINFO_PR, addr(6)), SGX_PAGE_ATTRIBUTES_MISMATCH);
    CHECK_EQ(accept(KIT_R | SGX_SECINFO_PR, addr(6)), SGX_SUCCESS);
    CHECK_EQ(accept(KIT_R | SGX_SECINFO_PR, addr(6)), SGX_PAGE_ATTRIBUTES_MISMATCH);
    /* the host cannot give back what was taken */
    a = (struct sgx_enclave_restrict_permissions){6 * KIT_PAGE, KIT_PAGE, 3, 0, 0};
    CHECK_EQ(kit_ioctl(kite.fd, SGX_IOC_RESTRICT_PERMS, &a), 0);
    CHECK_EQ(accept(KIT_R | SGX_SECINFO_PR, addr(6)), SGX_SUCCESS);
    CHECK(!fault_at(addr(6), 0x7, &code));
    /* the enclave can */
    CHECK(leaf(SGX_EMODPE, secinfo(SGX_SECINFO_R | SGX_SECINFO_W), addr(6), 0));
    CHECK_EQ(r.rflags, STATUS | 0x202);
    page(6)[0] = 10;
    CHECK_EQ(page(6)[0], 10);
    kit_destroy(&kite);
}

TEST(extension_of_permissions_has_limits)
{
    uint32_t code = 0;

    REQUIRE(setup());
    /* a page that the enclave has not accepted */
    CHECK(!fault_at(addr(10), 0x4, &code));
    CHECK(!leaf(SGX_EMODPE, secinfo(7), addr(10), 0) && faults(SGX_VEC_PF, PF_SGX | 7, addr(10)));
    /* not a regular page */
    CHECK(!leaf(SGX_EMODPE, secinfo(7), addr(2), 0) && f.vector == SGX_VEC_PF);
    CHECK_EQ(accept(PENDING, addr(10)), SGX_SUCCESS);
    CHECK(leaf(SGX_EMODPE, secinfo(SGX_SECINFO_X), addr(10), 0));
    CHECK(fault_at(addr(10), 0x14, &code)); /* executable now */
    /* the EPCM grows, the VMA does not: page 6 is mapped RW and allows no more */
    CHECK(leaf(SGX_EMODPE, secinfo(SGX_SECINFO_R | SGX_SECINFO_X), addr(6), 0));
    CHECK_EQ(kit.mprotect(page(6), KIT_PAGE, PROT_READ | PROT_EXEC), -1);
    CHECK_EQ(errno, EACCES);
    CHECK(!fault_at(addr(6), 0x14, &code));
    CHECK((code & PF_SGX) == 0);
    kit_destroy(&kite);
}

TEST(accept_a_copy)
{
    uint32_t code = 0;

    REQUIRE(setup());
    memset(page(6), 0x6b, KIT_PAGE);
    CHECK(!fault_at(addr(12), 0x4, &code));
    CHECK(!leaf(SGX_EACCEPTCOPY, secinfo(SGX_SECINFO_W | SGX_SECINFO_TYPE(SGX_PT_REG)), addr(12),
                addr(6)));
    CHECK(faults(SGX_VEC_GP, 0, 0));
    CHECK(!leaf(SGX_EACCEPTCOPY, secinfo(KIT_TCS), addr(12), addr(6)) && faults(SGX_VEC_GP, 0, 0));
    CHECK(!leaf(SGX_EACCEPTCOPY, secinfo(KIT_RX), addr(12), addr(2)) && f.vector == SGX_VEC_PF &&
          f.addr == addr(2));
    CHECK(leaf(SGX_EACCEPTCOPY, secinfo(KIT_RX), addr(12), addr(6)));
    CHECK_EQ(r.rax, SGX_SUCCESS);
    CHECK_EQ(page(12)[4095], 0x6b);
    CHECK(fault_at(addr(12), 0x14, &code));
    CHECK(!fault_at(addr(12), 0x6, &code)); /* not writable, as SECINFO said */
    /* only onto a PENDING page */
    CHECK(leaf(SGX_EACCEPTCOPY, secinfo(KIT_RX), addr(12), addr(6)));
    CHECK_EQ(r.rax, SGX_PAGE_ATTRIBUTES_MISMATCH);
    CHECK_EQ(r.rflags & STATUS, ZF);
    CHECK(leaf(SGX_EACCEPTCOPY, secinfo(KIT_RX), addr(7), addr(6)));
    CHECK_EQ(r.rax, SGX_PAGE_ATTRIBUTES_MISMATCH);
    kit_destroy(&kite);
}

TEST(trim_accept_remove_and_add_again)
{
    struct sgx_enclave_modify_types t = {6 * KIT_PAGE, 2 * KIT_PAGE, SGX_PT_TRIM, 0, 0};
    struct sgx_enclave_remove_pages rm = {6 * KIT_PAGE, 2 * KIT_PAGE, 0};
    uint64_t flags = SGX_SECINFO_TYPE(SGX_PT_TRIM) | SGX_SECINFO_MODIFIED;

    REQUIRE(setup());
    page(6)[0] = 0x55;
    CHECK_EQ(kit_ioctl(kite.fd, SGX_IOC_MODIFY_TYPES, &t), 0);
    CHECK(!readable(page(6)));
    CHECK_EQ(accept(flags, addr(6)), SGX_SUCCESS);
    CHECK(!readable(page(6)));
    /* the second page is not accepted: the first goes, the count says so */
    CHECK_EQ(kit_ioctl(kite.fd, SGX_IOC_REMOVE_PAGES, &rm), EPERM);
    CHECK_EQ(rm.count, KIT_PAGE);
    CHECK_EQ(accept(flags, addr(7)), SGX_SUCCESS);
    rm = (struct sgx_enclave_remove_pages){7 * KIT_PAGE, KIT_PAGE, 0};
    CHECK_EQ(kit_ioctl(kite.fd, SGX_IOC_REMOVE_PAGES, &rm), 0);
    /* a page that comes again is zero */
    CHECK_EQ(accept(PENDING, addr(6)), SGX_SUCCESS);
    CHECK_EQ(page(6)[0], 0);
    kit_destroy(&kite);
}

TEST(a_new_tcs)
{
    uint64_t flags = KIT_TCS | SGX_SECINFO_MODIFIED;
    int refused = 0;

    REQUIRE(setup());
    /* contents that EACCEPT must refuse, one at a time; the last is good */
    for (uint64_t i = 0; i < 6; i++) {
        struct sgx_enclave_modify_types t = {(10 + i) * KIT_PAGE, KIT_PAGE, SGX_PT_TCS, 0, 0};
        struct sgx_tcs tcs;

        memset(&tcs, 0, sizeof(tcs));
        tcs.nssa = 1;
        tcs.ossa = 3 * KIT_PAGE;
        tcs.fslimit = 0xfff;
        tcs.gslimit = 0xfff;
        tcs.flags = i == 0 ? SGX_TCS_DBGOPTIN : 0;
        tcs.cssa = i == 1 ? 1 : 0;
        tcs.aep = i == 2 ? 1 : 0;
        tcs.state = i == 3 ? 1 : 0;
        tcs.reserved[9] = i == 4 ? 1 : 0;
        CHECK_EQ(accept(PENDING, addr(10 + i)), SGX_SUCCESS);
        memcpy(page(10 + i), &tcs, sizeof(tcs));
        /* a TCS may be mapped RW at most */
        CHECK_EQ(kit.mprotect(page(10 + i), KIT_PAGE, PROT_READ | PROT_WRITE), 0);
        CHECK_EQ(kit_ioctl(kite.fd, SGX_IOC_MODIFY_TYPES, &t), 0);
        refused += accept(flags, addr(10 + i)) == -1 && faults(SGX_VEC_GP, 0, 0);
    }
    CHECK_EQ(refused, 5);
    CHECK_EQ(r.rax, SGX_SUCCESS);
    CHECK(!readable(page(15))); /* and is nobody's memory any more */
    kit_destroy(&kite);
}

/* ------------------------------------------------------------------ resources */

TEST(out_of_memory_anywhere_is_enomem_and_leaks_no_device)
{
    int refused = 0;

    for (long k = 1; k < 400; k++) {
        struct kit_enclave one;
        struct sgx_sigstruct sig;
        struct sgx_enclave_create create;
        uint8_t src[4096] __attribute__((aligned(4096)));
        int err = 0;

        memset(&one, 0, sizeof(one));
        memset(src, 0, sizeof(src));
        one.base = kit_reserve(MIB);
        one.size = MIB;
        one.secs = kit_secs((uint64_t)(uintptr_t)one.base, MIB);
        create.src = (uint64_t)(uintptr_t)&one.secs;
        memset(&sig, 0, sizeof(sig));
        fail_alloc_at(k);
        one.fd = kit.open_enclave();
        err = one.fd < 0 ? errno : 0;
        err = err != 0 ? err : kit_ioctl(one.fd, SGX_IOC_CREATE, &create);
        if (err == 0) {
            struct sgx_secinfo info = {.flags = KIT_RX};
            struct sgx_enclave_add_pages add = {(uint64_t)(uintptr_t)src,   0, KIT_PAGE,
                                                (uint64_t)(uintptr_t)&info, 1, 0};

            err = kit_add_raw(one.fd, &add);
        }
        if (err == 0 &&
            kit.mmap(one.base, MIB, PROT_READ, MAP_SHARED | MAP_FIXED, one.fd, 0) == MAP_FAILED) {
            err = errno;
        }
        if (err == 0) {
            err = kit_init(&one, &sig); /* EPERM: not signed; ENOMEM where memory fails first */
            err = err == EPERM ? 0 : err;
        }
        if (!fail_alloc_hit()) {
            fail_alloc_at(-1);
            CHECK_EQ(err, 0);
            kit_destroy(&one);
            break;
        }
        fail_alloc_at(-1);
        CHECK(err == ENOMEM || err == 0);
        refused += err == ENOMEM;
        if (one.fd >= 0) {
            (void)kit.close(one.fd);
        }
        (void)kit.munmap(one.base, MIB);
    }
    CHECK(refused > 0);
}

TEST_MAIN
