/* Collecting from kernels of our own: configfs-tsm with its races, the Nitro module with its refusals. */
#include "harness.h"

#include <errno.h>

#include "collect/collect.h"
#include "common/writer.h"
#include "token/cbor.h"

/* A configfs-tsm as the kernel documents it. */
struct fake {
    const char *provider;
    const char *auxblob; /* NULL: no such file */
    const char *manifest;
    int floor; /* -1: no levels */
    unsigned folders_taken;
    unsigned disturb; /* somebody else writes during so many of our reads */
    int busy;         /* outblob says so often that it is, in one way or another */
    int make_error;
    int out_error;
    bool bad_number;
    /* state */
    unsigned generation;
    bool open;
    unsigned made;
    unsigned dropped;
    unsigned naps;
    char inblob[64];
    size_t inblob_len;
    char level[24];
    bool service;
    char name[32];
};

static int fake_make(void *ctx, const char *name)
{
    struct fake *f = ctx;

    if (f->make_error != 0) {
        return f->make_error;
    }
    if (f->folders_taken != 0) {
        f->folders_taken--;
        return EEXIST;
    }
    (void)snprintf(f->name, sizeof(f->name), "%s", name);
    f->open = true;
    f->made++;
    return 0;
}

static int fake_drop(void *ctx, const char *name)
{
    struct fake *f = ctx;

    if (!f->open || strcmp(name, f->name) != 0) {
        return ENOENT;
    }
    f->open = false;
    f->dropped++;
    return 0;
}

static int fake_put(void *ctx, const char *name, const char *attr, struct cm_span bytes)
{
    struct fake *f = ctx;

    if (!f->open || strcmp(name, f->name) != 0) {
        return ENOENT;
    }
    if (strcmp(attr, "inblob") == 0 && bytes.len <= 64) {
        memcpy(f->inblob, bytes.ptr, bytes.len);
        f->inblob_len = bytes.len;
    } else if (strcmp(attr, "privlevel") == 0 && f->floor >= 0) {
        (void)snprintf(f->level, sizeof(f->level), "%.*s", (int)bytes.len, (const char *)bytes.ptr);
        if (atoi(f->level) < f->floor) {
            return EINVAL;
        }
    } else if (strcmp(attr, "service_provider") == 0 && f->manifest != NULL) {
        f->service = true;
    } else {
        return ENOENT;
    }
    f->generation++;
    return 0;
}

static int text_out(const char *text, uint8_t *out, size_t cap, size_t *len)
{
    if (text == NULL) {
        return ENOENT;
    }
    if (strlen(text) > cap) {
        return EFBIG;
    }
    memcpy(out, text, strlen(text));
    *len = strlen(text);
    return 0;
}

static int fake_get(void *ctx, const char *name, const char *attr, uint8_t *out, size_t cap,
                    size_t *len)
{
    struct fake *f = ctx;
    char text[128] = "";

    *len = 0;
    if (!f->open || strcmp(name, f->name) != 0) {
        return ENOENT;
    }
    if (strcmp(attr, "generation") == 0) {
        (void)snprintf(text, sizeof(text), f->bad_number ? "x%u\n" : "%u\n", f->generation);
        return text_out(text, out, cap, len);
    }
    if (strcmp(attr, "privlevel_floor") == 0 && f->floor >= 0) {
        (void)snprintf(text, sizeof(text), "%d\n", f->floor);
        return text_out(text, out, cap, len);
    }
    if (strcmp(attr, "provider") == 0) {
        (void)snprintf(text, sizeof(text), "%s\n", f->provider);
        return text_out(text, out, cap, len);
    }
    if (strcmp(attr, "auxblob") == 0) {
        return text_out(f->auxblob, out, cap, len);
    }
    if (strcmp(attr, "manifestblob") == 0) {
        return text_out(f->service ? f->manifest : NULL, out, cap, len);
    }
    if (strcmp(attr, "outblob") != 0 || f->inblob_len == 0) {
        return ENOENT;
    }
    if (f->busy > 0) {
        static const int ways[] = {EBUSY, EAGAIN, EINTR};

        return ways[f->busy-- % 3];
    }
    if (f->out_error != 0) {
        return f->out_error;
    }
    if (f->disturb != 0) {
        f->disturb--;
        f->generation++;
    }
    (void)snprintf(text, sizeof(text), "report of %.40s", f->inblob);
    return text_out(text, out, cap, len);
}

static void fake_nap(void *ctx, unsigned ms)
{
    struct fake *f = ctx;

    f->naps += ms;
}

static enum cm_status collect(struct fake *f, const struct cm_tsm_wish *wish,
                              struct cm_collected *c)
{
    const struct cm_tsm_fs fs = {f, fake_make, fake_drop, fake_put, fake_get, fake_nap};
    struct cm_why why = {{0}};
    enum cm_status st = cm_collect_tsm(&fs, wish, c, &why);

    if (st != CM_OK && st != CM_ERR_NOMEM) {
        CHECK(why.text[0] != '\0');
        CHECK_EQ(c->count, 0);
    }
    CHECK_EQ(f->made, f->dropped); /* no folder stays behind */
    return st;
}

static const struct cm_tsm_wish wish = {.nonce = {(const uint8_t *)"challenge", 9},
                                        .privlevel = -1};

TEST(a_report_of_each_provider)
{
    static const struct {
        const char *provider;
        enum cm_format format;
    } all[] = {{"sev_guest", CM_FORMAT_SNP},
               {"tdx_guest", CM_FORMAT_DCAP},
               {"arm-cca-guest", CM_FORMAT_CCA},
               {"arm_cca_guest", CM_FORMAT_CCA}};

    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        struct fake f = {.provider = all[i].provider, .floor = -1, .auxblob = "table"};
        struct cm_collected c = {.count = 0};

        CHECK_EQ(collect(&f, &wish, &c), CM_OK);
        CHECK_EQ(c.format, all[i].format);
        CHECK_EQ(f.inblob_len, 64); /* CCA takes no less than 32, the others no less than 64 */
        REQUIRE(c.count >= 1);
        CHECK_EQ(c.part[0].kind, 0);
        CHECK(memcmp(c.part[0].bytes, "report of challenge", 19) == 0);
        CHECK_EQ(c.count, all[i].format == CM_FORMAT_SNP ? 2 : 1);
        cm_collected_free(&c);
    }
}

TEST(certificates_of_the_host_come_along_or_not)
{
    struct fake f = {.provider = "sev_guest", .floor = -1, .auxblob = "table"};
    struct cm_collected c = {.count = 0};

    CHECK_EQ(collect(&f, &wish, &c), CM_OK);
    REQUIRE(c.count == 2);
    CHECK_EQ(c.part[1].kind, CM_MATERIAL_CERTS);
    CHECK(c.missing == NULL);
    f.auxblob = "";
    CHECK_EQ(collect(&f, &wish, &c), CM_OK);
    CHECK_EQ(c.count, 1);
    CHECK(c.missing != NULL);
    f.auxblob = NULL;
    CHECK_EQ(collect(&f, &wish, &c), CM_OK);
    CHECK_EQ(c.count, 1);
    cm_collected_free(&c);
}

TEST(the_level_is_the_floor_or_what_is_asked_for)
{
    struct fake f = {.provider = "sev_guest", .floor = 2};
    struct cm_tsm_wish high = wish;
    struct cm_collected c = {.count = 0};

    CHECK_EQ(collect(&f, &wish, &c), CM_OK);
    CHECK_STR(f.level, "2");
    high.privlevel = 3;
    CHECK_EQ(collect(&f, &high, &c), CM_OK);
    CHECK_STR(f.level, "3");
    high.privlevel = 1; /* below the floor: the kernel refuses */
    CHECK_EQ(collect(&f, &high, &c), CM_ERR_PLATFORM);
    f.floor = -1; /* a level where there are none */
    CHECK_EQ(collect(&f, &high, &c), CM_ERR_NOTFOUND);
    cm_collected_free(&c);
}

TEST(an_svsm_gives_its_manifest)
{
    struct fake f = {.provider = "sev_guest", .floor = -1, .manifest = "services"};
    struct cm_tsm_wish svsm = wish;
    struct cm_collected c = {.count = 0};

    svsm.svsm = true;
    CHECK_EQ(collect(&f, &svsm, &c), CM_OK);
    REQUIRE(c.count == 2);
    CHECK_STR(c.part[1].suffix, ".manifest");
    f.manifest = NULL; /* no SVSM here */
    CHECK_EQ(collect(&f, &svsm, &c), CM_ERR_NOTFOUND);
    cm_collected_free(&c);
}

TEST(a_report_that_changed_meanwhile_is_read_again)
{
    struct fake f = {.provider = "tdx_guest", .floor = -1, .disturb = 3};
    struct cm_collected c = {.count = 0};

    CHECK_EQ(collect(&f, &wish, &c), CM_OK);
    CHECK_EQ(c.count, 1);
    CHECK(f.naps != 0);
    f.disturb = 1000;
    CHECK_EQ(collect(&f, &wish, &c), CM_ERR_BUSY);
    cm_collected_free(&c);
}

TEST(a_busy_provider_is_asked_again)
{
    struct fake f = {.provider = "tdx_guest", .floor = -1, .busy = 3};
    struct cm_collected c = {.count = 0};

    CHECK_EQ(collect(&f, &wish, &c), CM_OK);
    f.busy = 1000;
    CHECK_EQ(collect(&f, &wish, &c), CM_ERR_BUSY);
    cm_collected_free(&c);
}

TEST(what_the_kernel_refuses)
{
    struct fake f = {.provider = "tdx_guest", .floor = -1};
    struct cm_tsm_wish bad = wish;
    struct cm_collected c = {.count = 0};

    f.make_error = ENOENT;
    CHECK_EQ(collect(&f, &wish, &c), CM_ERR_NOTFOUND);
    f.make_error = EACCES;
    CHECK_EQ(collect(&f, &wish, &c), CM_ERR_DENIED);
    f.make_error = 0;
    f.folders_taken = 5;
    CHECK_EQ(collect(&f, &wish, &c), CM_OK);
    f.folders_taken = 1000;
    CHECK_EQ(collect(&f, &wish, &c), CM_ERR_PLATFORM);
    f.folders_taken = 0;
    f.out_error = EFBIG;
    CHECK_EQ(collect(&f, &wish, &c), CM_ERR_PLATFORM);
    f.out_error = 0;
    f.bad_number = true;
    CHECK_EQ(collect(&f, &wish, &c), CM_ERR_FORMAT);
    f.bad_number = false;
    f.provider = "another_guest";
    CHECK_EQ(collect(&f, &wish, &c), CM_ERR_UNSUPPORTED);
    bad.nonce.len = 0;
    CHECK_EQ(collect(&f, &bad, &c), CM_ERR_PARAM);
    bad.nonce.len = 65;
    CHECK_EQ(collect(&f, &bad, &c), CM_ERR_PARAM);
    cm_collected_free(&c);
}

TEST(memory_that_runs_out_leaves_no_folder)
{
    for (long k = 1; k < 12; k++) {
        struct fake f = {.provider = "sev_guest", .floor = 0, .auxblob = "table"};
        struct cm_collected c = {.count = 0};
        enum cm_status st = CM_OK;

        fail_alloc_at(k);
        st = collect(&f, &wish, &c);
        fail_alloc_at(-1);
        CHECK(st == CM_OK || st == CM_ERR_NOMEM);
        cm_collected_free(&c);
    }
}

/* -------------------------------------------------------------------- NSM */

struct module {
    int error;
    const char *refusal;
    bool nonsense;
    bool empty;
    size_t claims_len; /* instead of the true length */
    struct cm_span asked;
    uint8_t request[4096];
};

static int module_call(void *ctx, struct cm_span request, uint8_t *response, size_t *len)
{
    struct module *m = ctx;
    struct cm_wr w = cm_wr_init(response, *len);

    memcpy(m->request, request.ptr, request.len);
    m->asked = cm_span_make(m->request, request.len);
    if (m->error != 0) {
        return m->error;
    }
    cm_cbor_wr_map(&w, 1);
    if (m->refusal != NULL) {
        cm_cbor_wr_text(&w, "Error");
        cm_cbor_wr_text(&w, m->refusal);
    } else {
        cm_cbor_wr_text(&w, "Attestation");
        cm_cbor_wr_map(&w, 1);
        cm_cbor_wr_text(&w, "document");
        cm_cbor_wr_bytes(&w, cm_span_make("the document", m->empty ? 0 : 12));
    }
    if (m->nonsense) {
        response[0] = 0xff;
    }
    *len = m->claims_len != 0 ? m->claims_len : w.used;
    return 0;
}

static enum cm_status ask(struct module *m, struct cm_collected *c)
{
    const struct cm_nsm nsm = {m, module_call};
    struct cm_why why = {{0}};
    enum cm_status st = cm_collect_nsm(&nsm, cm_span_make("challenge", 9), c, &why);

    if (st != CM_OK) {
        CHECK(why.text[0] != '\0');
        CHECK_EQ(c->count, 0);
    }
    return st;
}

TEST(a_document_of_the_nitro_module)
{
    struct module m = {.error = 0};
    struct cm_collected c = {.count = 0};
    struct cm_cbor_node nodes[16];
    struct cm_cbor cbor;
    struct cm_span nonce = {NULL, 0};
    struct cm_cbor_value body = {NULL, 0};

    CHECK_EQ(ask(&m, &c), CM_OK);
    CHECK_EQ(c.format, CM_FORMAT_NITRO);
    REQUIRE(c.count == 1 && c.part[0].len == 12);
    CHECK_MEM(c.part[0].bytes, "the document", 12);
    REQUIRE(cm_cbor_parse(m.asked, nodes, 16, 0, &cbor, NULL) == CM_OK);
    body = cm_cbor_get_text(cm_cbor_root(&cbor), "Attestation");
    CHECK_EQ(cm_cbor_bytes(cm_cbor_get_text(body, "nonce"), &nonce), CM_OK);
    CHECK(nonce.len == 9 && memcmp(nonce.ptr, "challenge", 9) == 0);
    CHECK(cm_cbor_is(cm_cbor_get_text(body, "user_data"), CM_CBOR_NULL));
    CHECK(cm_cbor_is(cm_cbor_get_text(body, "public_key"), CM_CBOR_NULL));
    cm_collected_free(&c);
}

TEST(refusals_and_nonsense_of_the_nitro_module)
{
    struct module m = {.error = ENOENT};
    struct cm_collected c = {.count = 0};

    CHECK_EQ(ask(&m, &c), CM_ERR_NOTFOUND);
    m.error = EACCES;
    CHECK_EQ(ask(&m, &c), CM_ERR_DENIED);
    m.error = EMSGSIZE;
    CHECK_EQ(ask(&m, &c), CM_ERR_PLATFORM);
    m = (struct module){.refusal = "InvalidArgument"};
    CHECK_EQ(ask(&m, &c), CM_ERR_PLATFORM);
    m = (struct module){.nonsense = true};
    CHECK_EQ(ask(&m, &c), CM_ERR_FORMAT);
    m = (struct module){.empty = true};
    CHECK_EQ(ask(&m, &c), CM_ERR_FORMAT);
    m = (struct module){.claims_len = 1u << 20}; /* more than there is room for */
    CHECK_EQ(ask(&m, &c), CM_ERR_PLATFORM);
    m = (struct module){.claims_len = 5}; /* cut */
    CHECK_EQ(ask(&m, &c), CM_ERR_FORMAT);
}

TEST_MAIN
