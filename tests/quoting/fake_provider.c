/*
 * A stand-in for libdcap_quoteprov.so.1. FAKE_OLD exports the names and the structure of the first
 * versions (CRLs in PEM); FAKE_NONE exports nothing of use.
 */
#include "fake_common.h"

struct item {
    char *data;
    uint32_t size;
};

struct collateral {
    uint16_t major;
    uint16_t minor;
    uint32_t tee;
    struct item items[7];
};

static int alive; /* not freed yet */

static void fill(struct item *item, const char *name)
{
    item->data = calloc(1, 65537);
    if (item->data == NULL) {
        abort();
    }
    item->size = (uint32_t)fake_file(name, (uint8_t *)item->data, 65536);
    if (fake_mode("nul") && strstr(name, ".der") == NULL) {
        item->size++; /* the closing NUL is counted by some versions */
    } else if (fake_mode("nul-der")) {
        item->size++; /* even behind DER, by Azure's */
    }
}

static void to_hex(struct item *item)
{
    static const char digits[] = "0123456789abcdef";
    char *text = calloc(1, 2U * (size_t)item->size + 1);

    if (text == NULL) {
        abort();
    }
    for (uint32_t i = 0; i < item->size; i++) {
        text[2 * i] = digits[(uint8_t)item->data[i] >> 4];
        text[2 * i + 1] = digits[(uint8_t)item->data[i] & 15];
    }
    free(item->data);
    item->data = text;
    item->size = 2 * item->size + 1; /* with NUL, as version 3.0 has it */
}

#ifndef FAKE_NONE
static uint32_t get(const uint8_t *fmspc, uint16_t size, const char *ca, struct collateral **out)
{
    static const char *const files[7] = {
        "tcb_info_issuer_chain.pem", "root_ca_crl.der", "pck_crl.der",
        "tcb_info_issuer_chain.pem", "tcb_info.json",   "qe_identity_issuer_chain.pem",
        "qe_identity.json"};
    const char *want_ca = getenv("FAKE_CA");
    struct collateral *c = NULL;

    if (fake_code() != 0) {
        return fake_code();
    }
    if (size != 6 || fmspc[0] != 0xc0 || want_ca == NULL || strcmp(ca, want_ca) != 0) {
        return 0xe002; /* the caller asks for another platform */
    }
    if (fake_mode("null")) {
        return 0;
    }
    c = calloc(1, sizeof(*c));
    if (c == NULL) {
        abort();
    }
    for (int i = 0; i < 7; i++) {
        fill(&c->items[i], files[i]);
    }
    c->major = fake_mode("hex") || fake_mode("der31") ? 3 : fake_mode("version") ? 2 : 4;
#ifdef FAKE_OLD
    c->major = 1;
#endif
    c->minor = fake_mode("der31") ? 1 : 0;
    if (fake_mode("hex")) {
        to_hex(&c->items[1]);
        to_hex(&c->items[2]);
    } else if (fake_mode("part-null")) {
        free(c->items[4].data);
        c->items[4].data = NULL;
    } else if (fake_mode("part-empty")) {
        c->items[6].size = 0;
    } else if (fake_mode("part-nuls")) {
        memset(c->items[4].data, 0, 4096);
        c->items[4].size = 4096;
    } else if (fake_mode("part-huge-text")) {
        c->items[4].size = 0xfffffff0U;
    } else if (fake_mode("part-huge")) {
        c->items[2].size = 0xfffffff0U; /* nothing is there: reading it ends the process */
    }
    alive++;
    *out = c;
    return 0;
}

static uint32_t release(struct collateral *c)
{
    for (int i = 0; i < 7; i++) {
        free(c->items[i].data);
    }
    free(c);
    alive--;
    return 0;
}
#endif

FAKE_EXPORT int fake_provider_alive(void);

int fake_provider_alive(void)
{
    (void)fill;
    (void)to_hex;
    return alive;
}

#if defined(FAKE_OLD)
FAKE_EXPORT uint32_t sgx_get_quote_verification_collateral(const uint8_t *fmspc, uint16_t size,
                                                           const char *ca, struct collateral **out);
FAKE_EXPORT uint32_t sgx_free_quote_verification_collateral(struct collateral *c);

uint32_t sgx_get_quote_verification_collateral(const uint8_t *fmspc, uint16_t size, const char *ca,
                                               struct collateral **out)
{
    return get(fmspc, size, ca, out);
}

uint32_t sgx_free_quote_verification_collateral(struct collateral *c)
{
    return release(c);
}
#elif !defined(FAKE_NONE)
FAKE_EXPORT uint32_t sgx_ql_get_quote_verification_collateral(const uint8_t *fmspc, uint16_t size,
                                                              const char *ca,
                                                              struct collateral **out);
FAKE_EXPORT uint32_t sgx_ql_free_quote_verification_collateral(struct collateral *c);
FAKE_EXPORT uint32_t tdx_ql_get_quote_verification_collateral(const uint8_t *fmspc, uint16_t size,
                                                              const char *ca,
                                                              struct collateral **out);
FAKE_EXPORT uint32_t tdx_ql_free_quote_verification_collateral(struct collateral *c);

/* it knows one edition beside its own choice; the old library none */
static uint32_t edition(const void *baseline, uint16_t baseline_size)
{
    return baseline_size == 9 && memcmp(baseline, "edition 7", 9) == 0 ? 0 : 0xe002;
}

FAKE_EXPORT uint32_t sgx_ql_get_quote_verification_collateral_with_params(
    const uint8_t *fmspc, uint16_t size, const char *ca, const void *baseline,
    uint16_t baseline_size, struct collateral **out);
FAKE_EXPORT uint32_t tdx_ql_get_quote_verification_collateral_with_params(
    const uint8_t *fmspc, uint16_t size, const char *ca, const void *baseline,
    uint16_t baseline_size, struct collateral **out);

uint32_t sgx_ql_get_quote_verification_collateral_with_params(const uint8_t *fmspc, uint16_t size,
                                                              const char *ca, const void *baseline,
                                                              uint16_t baseline_size,
                                                              struct collateral **out)
{
    const uint32_t code = edition(baseline, baseline_size);

    return fake_mode("tdx") ? 0xe002 : code != 0 ? code : get(fmspc, size, ca, out);
}

uint32_t tdx_ql_get_quote_verification_collateral_with_params(const uint8_t *fmspc, uint16_t size,
                                                              const char *ca, const void *baseline,
                                                              uint16_t baseline_size,
                                                              struct collateral **out)
{
    const uint32_t code = edition(baseline, baseline_size);

    return !fake_mode("tdx") ? 0xe002 : code != 0 ? code : get(fmspc, size, ca, out);
}

uint32_t sgx_ql_get_quote_verification_collateral(const uint8_t *fmspc, uint16_t size,
                                                  const char *ca, struct collateral **out)
{
    return fake_mode("tdx") ? 0xe002 : get(fmspc, size, ca, out);
}

uint32_t sgx_ql_free_quote_verification_collateral(struct collateral *c)
{
    return release(c);
}

uint32_t tdx_ql_get_quote_verification_collateral(const uint8_t *fmspc, uint16_t size,
                                                  const char *ca, struct collateral **out)
{
    return fake_mode("tdx") ? get(fmspc, size, ca, out) : 0xe002;
}

uint32_t tdx_ql_free_quote_verification_collateral(struct collateral *c)
{
    return release(c);
}
#endif
