/* See emu_kit.h. The measurement here is a second one, written apart from the emulator's. */
#include "emu_kit.h"

#include <errno.h>
#include <openssl/bn.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static void put64(uint8_t *p, uint64_t v)
{
    for (int i = 0; i < 8; i++) {
        p[i] = (uint8_t)(v >> (8 * i));
    }
}

struct sgx_secs kit_secs(uint64_t base, uint64_t size)
{
    struct sgx_secs s;

    memset(&s, 0, sizeof(s));
    s.base = base;
    s.size = size;
    s.ssaframesize = 1;
    s.attributes.flags = SGX_ATTR_MODE64 | SGX_ATTR_DEBUG;
    s.attributes.xfrm = 3;
    return s;
}

uint8_t *kit_reserve(uint64_t size)
{
    uint8_t *p =
        mmap(NULL, size * 2, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    uint8_t *at = NULL;

    if (p == MAP_FAILED) {
        return NULL;
    }
    at = (uint8_t *)(((uintptr_t)p + size - 1) & ~(uintptr_t)(size - 1));
    if (at > p) {
        (void)munmap(p, (size_t)(at - p));
    }
    if (at + size < p + size * 2) {
        (void)munmap(at + size, (size_t)(p + size * 2 - (at + size)));
    }
    return at;
}

int kit_ioctl(int fd, unsigned long request, void *arg)
{
    return kit.ioctl(fd, request, arg) == 0 ? 0 : errno;
}

bool kit_create(struct kit_enclave *e, uint64_t size, void (*tweak)(struct sgx_secs *))
{
    struct sgx_enclave_create create;
    uint8_t block[64] = "ECREATE";
    int err = 0;

    memset(e, 0, sizeof(*e));
    e->size = size;
    e->base = kit_reserve(size);
    e->fd = kit.open_enclave();
    if (e->base == NULL || e->fd < 0) {
        (void)printf("  kit: open or reserve: %s\n", strerror(errno));
        return false;
    }
    e->secs = kit_secs((uint64_t)(uintptr_t)e->base, size);
    if (tweak != NULL) {
        tweak(&e->secs);
    }
    create.src = (uint64_t)(uintptr_t)&e->secs;
    err = kit_ioctl(e->fd, SGX_IOC_CREATE, &create);
    if (err != 0) {
        (void)printf("  kit: CREATE: %s\n", strerror(err));
        return false;
    }
    memcpy(block + 8, &e->secs.ssaframesize, 4);
    put64(block + 12, size);
    e->log = EVP_MD_CTX_new();
    (void)EVP_DigestInit_ex(e->log, EVP_sha256(), NULL);
    (void)EVP_DigestUpdate(e->log, block, sizeof(block));
    return true;
}

int kit_add_raw(int fd, struct sgx_enclave_add_pages *arg)
{
    return kit_ioctl(fd, SGX_IOC_ADD_PAGES, arg);
}

static void measure_page(EVP_MD_CTX *log, uint64_t off, const uint8_t *page, uint64_t flags,
                         bool measure)
{
    uint8_t block[64] = "EADD";

    put64(block + 8, off);
    put64(block + 16, flags);
    (void)EVP_DigestUpdate(log, block, sizeof(block));
    for (uint64_t c = 0; measure && c < KIT_PAGE; c += 256) {
        uint8_t extend[64] = "EEXTEND";

        put64(extend + 8, off + c);
        (void)EVP_DigestUpdate(log, extend, sizeof(extend));
        (void)EVP_DigestUpdate(log, page + c, 256);
    }
}

int kit_add(struct kit_enclave *e, uint64_t off, const void *src, uint64_t len, uint64_t secinfo,
            bool measure)
{
    struct sgx_secinfo info = {.flags = secinfo};
    struct sgx_enclave_add_pages arg = {
        .src = (uint64_t)(uintptr_t)src,
        .offset = off,
        .length = len,
        .secinfo = (uint64_t)(uintptr_t)&info,
        .flags = measure ? SGX_PAGE_MEASURE : 0,
    };
    int err = kit_add_raw(e->fd, &arg);

    if (err != 0) {
        return err;
    }
    if (arg.count != len) {
        return EIO;
    }
    for (uint64_t at = 0; at < len; at += KIT_PAGE) {
        measure_page(e->log, off + at, (const uint8_t *)src + at, secinfo, measure);
    }
    return 0;
}

/* ------------------------------------------------------------------ signing */

static EVP_PKEY *signer(int which)
{
    static EVP_PKEY *keys[2];

    if (keys[which] == NULL) {
        EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
        BIGNUM *three = BN_new();

        (void)BN_set_word(three, 3);
        (void)EVP_PKEY_keygen_init(ctx);
        (void)EVP_PKEY_CTX_set_rsa_keygen_bits(ctx, 3072);
        (void)EVP_PKEY_CTX_set1_rsa_keygen_pubexp(ctx, three);
        (void)EVP_PKEY_generate(ctx, &keys[which]);
        BN_free(three);
        EVP_PKEY_CTX_free(ctx);
    }
    return keys[which];
}

static bool quotients(struct sgx_sigstruct *sig)
{
    BN_CTX *ctx = BN_CTX_new();
    BIGNUM *m = BN_lebin2bn(sig->modulus, 384, NULL);
    BIGNUM *s = BN_lebin2bn(sig->signature, 384, NULL);
    BIGNUM *t = BN_new();
    BIGNUM *q = BN_new();
    BIGNUM *r = BN_new();
    bool ok = BN_sqr(t, s, ctx) == 1 && BN_div(q, r, t, m, ctx) == 1 &&
              BN_bn2lebinpad(q, sig->q1, 384) == 384 && BN_mul(t, r, s, ctx) == 1 &&
              BN_div(q, NULL, t, m, ctx) == 1 && BN_bn2lebinpad(q, sig->q2, 384) == 384;

    BN_free(m);
    BN_free(s);
    BN_free(t);
    BN_free(q);
    BN_free(r);
    BN_CTX_free(ctx);
    return ok;
}

bool kit_resign(struct sgx_sigstruct *sig, int which)
{
    EVP_PKEY *key = signer(which);
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    BIGNUM *n = NULL;
    uint8_t text[256];
    uint8_t be[384];
    size_t len = sizeof(be);
    bool ok = false;

    memcpy(text, sig, 128);
    memcpy(text + 128, (const uint8_t *)sig + 900, 128);
    ok = EVP_PKEY_get_bn_param(key, "n", &n) == 1 && BN_bn2lebinpad(n, sig->modulus, 384) == 384 &&
         EVP_DigestSignInit(md, NULL, EVP_sha256(), NULL, key) == 1 &&
         EVP_DigestSign(md, be, &len, text, sizeof(text)) == 1 && len == sizeof(be);
    for (size_t i = 0; ok && i < sizeof(be); i++) {
        sig->signature[i] = be[sizeof(be) - 1 - i];
    }
    ok = ok && quotients(sig);
    BN_free(n);
    EVP_MD_CTX_free(md);
    return ok;
}

bool kit_sign(struct kit_enclave *e, struct sgx_sigstruct *out,
              void (*tweak)(struct sgx_sigstruct *))
{
    static const uint8_t header[16] = {6, 0, 0, 0, 0xe1, 0, 0, 0, 0, 0, 1};
    static const uint8_t header2[16] = {1, 1, 0, 0, 0x60, 0, 0, 0, 0x60, 0, 0, 0, 1};
    EVP_MD_CTX *end = EVP_MD_CTX_new();

    memset(out, 0, sizeof(*out));
    memcpy(out->header, header, 16);
    memcpy(out->header2, header2, 16);
    out->date = 0x20260101;
    out->exponent = 3;
    out->miscselect = e->secs.miscselect;
    out->miscmask = 0xffffffff;
    out->attributes = e->secs.attributes;
    out->attributemask.flags = ~0ull;
    out->attributemask.xfrm = ~0ull;
    out->isvprodid = 7;
    out->isvsvn = 5;
    (void)EVP_MD_CTX_copy_ex(end, e->log);
    (void)EVP_DigestFinal_ex(end, out->mrenclave, NULL);
    EVP_MD_CTX_free(end);
    if (tweak != NULL) {
        tweak(out);
    }
    return kit_resign(out, 0);
}

int kit_init(struct kit_enclave *e, const struct sgx_sigstruct *sig)
{
    struct sgx_enclave_init init = {(uint64_t)(uintptr_t)sig};

    return kit_ioctl(e->fd, SGX_IOC_INIT, &init);
}

static int map_part(struct kit_enclave *e, uint64_t first, uint64_t pages, int prot)
{
    void *at = e->base + first * KIT_PAGE;

    return kit.mmap(at, pages * KIT_PAGE, prot, MAP_SHARED | MAP_FIXED, e->fd, 0) == at ? 0 : errno;
}

bool kit_small(struct kit_enclave *e, uint64_t size)
{
    uint8_t *src = aligned_alloc(KIT_PAGE, 8 * KIT_PAGE);
    struct sgx_tcs *tcs = NULL;
    struct sgx_sigstruct sig;
    int err = 0;

    if (src == NULL || !kit_create(e, size, NULL)) {
        free(src);
        return false;
    }
    memset(src, 0, 8 * KIT_PAGE);
    memset(src, 0xcc, KIT_PAGE);
    tcs = (struct sgx_tcs *)(void *)(src + 2 * KIT_PAGE);
    tcs->ossa = 3 * KIT_PAGE;
    tcs->nssa = 2;
    tcs->fslimit = 0xfff;
    tcs->gslimit = 0xfff;
    err = err != 0 ? err : kit_add(e, 0, src, KIT_PAGE, KIT_RX, true);
    err = err != 0 ? err : kit_add(e, KIT_PAGE, src + KIT_PAGE, KIT_PAGE, KIT_RW, true);
    err = err != 0 ? err : kit_add(e, 2 * KIT_PAGE, src + 2 * KIT_PAGE, KIT_PAGE, KIT_TCS, true);
    err =
        err != 0 ? err : kit_add(e, 3 * KIT_PAGE, src + 3 * KIT_PAGE, 5 * KIT_PAGE, KIT_RW, false);
    free(src);
    if (err == 0 && kit_sign(e, &sig, NULL)) {
        err = kit_init(e, &sig);
    }
    err = err != 0 ? err : map_part(e, 0, 1, PROT_READ | PROT_EXEC);
    err = err != 0 ? err : map_part(e, 1, 7, PROT_READ | PROT_WRITE);
    if (err != 0) {
        (void)printf("  kit: small enclave: %s\n", strerror(err));
    }
    return err == 0;
}

void kit_destroy(struct kit_enclave *e)
{
    if (e->base != NULL) {
        (void)kit.munmap(e->base, e->size);
    }
    if (e->fd >= 0) {
        (void)kit.close(e->fd);
    }
    EVP_MD_CTX_free(e->log);
    memset(e, 0, sizeof(*e));
    e->fd = -1;
}
