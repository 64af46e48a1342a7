/*
 * SEV-SNP reports that come without certificates: AMD's key distribution service, played on loopback with a
 * chain of the tests' own, answers, fails, lies and goes back.
 */
#include "harness.h"

#include <casemate/verify.h>
#include <pthread.h>
#include <semaphore.h>

#include "decide/decide_engine.h"
#include "decide/decide_kds.h"
#include "decide_kit.h"
#include "serve.h"
#include "snpkit.h"

static const char permit_all[] = "version=1.0; authorizationrules { => permit(); };";
static struct cm_policy *policy;
static struct cm_rule_version in_force = {.type = "SevSnpVm", .version = 1, .text = permit_all};

static enum cm_status active(void *arg, const char *type, const struct cm_rule_version **out)
{
    (void)arg;
    (void)type;
    in_force.policy = policy;
    *out = &in_force;
    return CM_OK;
}

static void release(const struct cm_rule_version *v)
{
    (void)v;
}

/* What the service serves, and what it was asked. */
struct kds {
    struct sk_world world;
    struct ck_crl crl;
    int status;     /* of every answer; 0: 200 */
    bool wrong_key; /* a certificate of another chip's */
    sem_t *arrived; /* posted by a request, which then waits for go; NULL: it does not */
    sem_t *go;
    unsigned asked;
    char last[512];
};

static bool answer(struct serve_connection *c, const char *request, const char *path, void *arg)
{
    struct kds *k = arg;
    const struct sk_world *w = &k->world;
    char pem[2][8192] = {""};
    char chain[16384] = "";
    uint8_t der[8192];
    size_t len = 0;

    (void)request;
    k->asked++;
    (void)snprintf(k->last, sizeof(k->last), "%s", path);
    if (k->arrived != NULL) {
        (void)sem_post(k->arrived);
        (void)sem_wait(k->go);
    }
    if (k->status != 0) {
        return serve_whole(c, k->status, "", "no", 2);
    }
    if (strstr(path, "/cert_chain") != NULL) {
        (void)ck_pem(cm_span_make(w->ders[1], w->ders_len[1]), pem[1], sizeof(pem[1]));
        (void)ck_pem(cm_span_make(w->ders[0], w->ders_len[0]), pem[0], sizeof(pem[0]));
        (void)snprintf(chain, sizeof(chain), "%s%s", pem[1], pem[0]);
        return serve_whole(c, 200, "", chain, strlen(chain));
    }
    if (strstr(path, "/crl") != NULL) {
        len = ck_crl(&k->crl, der, sizeof(der));
        return serve_whole(c, 200, "", der, len);
    }
    return k->wrong_key ? serve_whole(c, 200, "", w->ders[1], w->ders_len[1])
                        : serve_whole(c, 200, "", w->ders[2], w->ders_len[2]);
}

struct scene {
    struct cm_engine *engine;
    struct kds kds;
    struct serve *server;
    char url[64];
    struct cm_decide_config config;
    struct cm_engine_ask ask;
    struct cm_decide_job job;
    struct cm_decision *d;
    struct cm_why why; /* when there is no decision */
};

static void configure(struct scene *s)
{
    s->config.roots = &s->kds.world.root;
    s->config.root_count = 1;
    s->config.kds_url = s->url;
    if (cm_engine_configure(s->engine, &s->config, NULL) != CM_OK) {
        abort();
    }
}

static struct scene *scene_new(const char *line, bool vlek)
{
    static const struct cm_engine_ops ops = {{active, release, NULL}, NULL, NULL, NULL, NULL, 0};
    struct scene *s = calloc(1, sizeof(*s));

    if (s == NULL || cm_engine_create(&ops, &s->engine) != CM_OK) {
        abort();
    }
    (vlek ? sk_init_vlek : sk_init)(&s->kds.world, line);
    sk_build(&s->kds.world);
    s->kds.crl = (struct ck_crl){.issuer = s->kds.world.names[0],
                                 .signer = s->kds.world.ark.key,
                                 .md = EVP_sha384(),
                                 .pss = true,
                                 .numbered = true};
    s->server = serve_start(false, answer, &s->kds);
    (void)snprintf(s->url, sizeof(s->url), "http://127.0.0.1:%u", serve_port(s->server));
    configure(s);
    s->ask = (struct cm_engine_ask){CK_NOW, false, true};
    s->job.api = "test";
    s->job.evidence = cm_span_make(s->kds.world.report, s->kds.world.report_len);
    return s;
}

static void scene_free(struct scene *s)
{
    cm_decision_free(s->d);
    cm_engine_free(s->engine);
    serve_stop(s->server);
    free(s);
}

static enum cm_status decide(struct scene *s)
{
    enum cm_status st = CM_OK;

    cm_decision_free(s->d);
    s->d = NULL;
    s->why.text[0] = '\0';
    st = cm_engine_decide(s->engine, &s->job, &s->ask, &s->d, &s->why);
    return st == CM_OK ? s->d->st : st;
}

#define CHECK_SAYS(s, words)                                                   \
    do {                                                                       \
        if ((s)->d == NULL || strstr((s)->d->why.text, words) == NULL) {       \
            TEST_FAIL("\"%s\" does not say \"%s\"",                            \
                      (s)->d == NULL ? "(nothing)" : (s)->d->why.text, words); \
        }                                                                      \
    } while (0)

TEST(a_bare_report_gets_its_certificates)
{
    static const char *const products[] = {"Milan", "Genoa", "Turin"};

    for (size_t i = 0; i < 3; i++) {
        struct scene *s = scene_new(products[i], false);

        CHECK_EQ(decide(s), CM_OK);
        CHECK_STR(s->d->policy_type, "SevSnpVm");
        CHECK_EQ(s->kds.asked, 3); /* chain, list, the chip's certificate */
        CHECK_EQ(decide(s), CM_OK);
        s->ask.may_wait = false;
        CHECK_EQ(decide(s), CM_OK);
        CHECK_EQ(s->kds.asked, 3);
        scene_free(s);
    }
}

TEST(addresses_are_amds)
{
    struct cm_kds_ask a = {.line = "Milan"};
    char url[CM_KDS_MAX_URL] = "";

    memset(a.chip, 0xab, sizeof(a.chip));
    memcpy(a.tcb, (const uint8_t[8]){3, 0, 0, 0, 0, 0, 8, 115}, 8);
    CHECK_EQ(cm_kds_url("https://k", &a, CM_KDS_KEY, url), CM_OK);
    CHECK(strncmp(url, "https://k/vcek/v1/Milan/abab", 28) == 0);
    CHECK_STR(strchr(url, '?'), "?blSPL=03&teeSPL=00&snpSPL=08&ucodeSPL=115");
    CHECK_EQ(strchr(url, '?') - url, 24 + 128);
    (void)snprintf(a.line, sizeof(a.line), "Turin");
    memcpy(a.tcb, (const uint8_t[8]){1, 2, 3, 4, 0, 0, 0, 81}, 8);
    CHECK_EQ(cm_kds_url("https://k", &a, CM_KDS_KEY, url), CM_OK);
    CHECK_STR(url, "https://k/vcek/v1/Turin/"
                   "abababababababab?fmcSPL=01&blSPL=02&teeSPL=03&snpSPL=04&ucodeSPL=81");
    a.vlek = true;
    CHECK_EQ(cm_kds_url("https://k", &a, CM_KDS_CHAIN, url), CM_OK);
    CHECK_STR(url, "https://k/vlek/v1/Turin/cert_chain");
    CHECK_EQ(cm_kds_url("https://k", &a, CM_KDS_CRL, url), CM_OK);
    CHECK_STR(url, "https://k/vlek/v1/Turin/crl");
}

TEST(a_loop_does_not_wait_for_it)
{
    struct scene *s = scene_new("Milan", false);

    s->ask.may_wait = false;
    CHECK_EQ(decide(s), CM_ERR_BUSY);
    CHECK_EQ(s->kds.asked, 0);
    scene_free(s);
}

TEST(certificates_that_come_along_need_the_list_only)
{
    struct scene *s = scene_new("Milan", false);

    s->job.materials = s->kds.world.materials;
    s->job.material_count = 3;
    CHECK_EQ(decide(s), CM_OK);
    CHECK_EQ(s->kds.asked, 2);
    scene_free(s);
}

TEST(a_providers_key_must_come_along)
{
    struct scene *s = scene_new("Milan", true);

    CHECK_EQ(decide(s), CM_ERR_NOTFOUND);
    CHECK_SAYS(s, "VLEK");
    s->job.materials = &s->kds.world.materials[2]; /* it alone */
    s->job.material_count = 1;
    CHECK_EQ(decide(s), CM_OK);
    scene_free(s);
}

TEST(without_a_revocation_list_nothing_is_permitted)
{
    struct scene *s = scene_new("Milan", false);

    s->job.materials = s->kds.world.materials;
    s->job.material_count = 3;
    s->kds.status = 503;
    CHECK_EQ(decide(s), CM_ERR_NOTFOUND);
    CHECK_SAYS(s, "busy");
    s->config.crl_optional = true; /* but for who asks for that */
    configure(s);
    CHECK_EQ(decide(s), CM_OK);
    scene_free(s);
}

TEST(a_clients_own_list_does_not_stand_in_for_ours)
{
    struct scene *s = scene_new("Milan", false);
    struct cm_material with[4];
    uint8_t der[8192];

    memcpy(with, s->kds.world.materials, 3 * sizeof(with[0]));
    with[3] =
        (struct cm_material){CM_MATERIAL_CRL, "old", {der, ck_crl(&s->kds.crl, der, sizeof(der))}};
    s->job.materials = with;
    s->job.material_count = 4;
    s->kds.status = 404;
    CHECK_EQ(decide(s), CM_ERR_NOTFOUND);
    CHECK_SAYS(s, "collateral cannot be had");
    s->kds.status = 0;
    s->ask.now += 31;
    CHECK_EQ(decide(s), CM_OK);
    CHECK_EQ(s->kds.asked, 3);
    scene_free(s);
}

TEST(a_revoked_intermediate_is_refused)
{
    struct scene *s = scene_new("Milan", false);

    s->kds.crl.revokes = true;
    s->kds.crl.serial = s->kds.world.ask.serial;
    CHECK_EQ(decide(s), CM_ERR_REVOKED);
    scene_free(s);
}

TEST(a_stale_list_refuses)
{
    struct scene *s = scene_new("Milan", false);

    s->kds.world.ark.to = s->kds.world.ask.to = s->kds.world.vek.to = CK_NOW + 100 * CK_DAY;
    sk_build(&s->kds.world);
    CHECK_EQ(decide(s), CM_OK);
    s->kds.status = 500;
    s->ask.now += 2 * CK_DAY;
    CHECK_EQ(decide(s), CM_ERR_EXPIRED);
    CHECK_SAYS(s, "500");
    s->config.grace = 3 * CK_DAY;
    configure(s);
    CHECK_EQ(decide(s), CM_OK);
    s->config.grace = 0;
    s->kds.status = 0; /* back, with a new list */
    s->kds.crl.to = CK_NOW + 50 * CK_DAY;
    s->kds.crl.number = 6;
    configure(s);
    s->ask.now += 3601;
    CHECK_EQ(decide(s), CM_OK);
    scene_free(s);
}

TEST(a_list_that_goes_back_is_refused)
{
    struct scene *s = scene_new("Milan", false);
    struct scene *fresh = scene_new("Milan", false);
    struct cm_floors *floors = NULL;
    struct cm_floor_set *set = NULL;
    bool rose = false;

    s->kds.crl.number = 9;
    CHECK_EQ(decide(s), CM_OK);
    floors = cm_engine_floors(s->engine);
    set = cm_floors_hold(floors);
    CHECK_EQ(set->count, 1);
    CHECK_STR(set->floor[0].name, "snp.Milan.crl");
    CHECK_EQ(set->floor[0].value, 9);
    cm_floors_drop(set);
    CHECK_EQ(cm_floors_raise(cm_engine_floors(fresh->engine), s->d->evidence, &rose), CM_OK);
    CHECK(rose); /* as after a start with what the store has of floors, and nothing else */
    fresh->kds.crl.number = 8;
    CHECK_EQ(decide(fresh), CM_ERR_POLICY);
    CHECK_SAYS(fresh, "rollback");
    scene_free(fresh);
    scene_free(s);
}

TEST(what_it_says_is_verified)
{
    struct scene *s = scene_new("Milan", false);

    s->kds.crl.signer = ck_key("rsa2048", 3); /* a list that somebody else signed */
    CHECK_EQ(decide(s), CM_ERR_NOTFOUND);
    CHECK_SAYS(s, "does not verify");
    s->kds.crl.signer = s->kds.world.ark.key;
    s->kds.wrong_key = true;
    s->ask.now += 31;
    CHECK_EQ(decide(s), CM_ERR_NOTFOUND);
    CHECK_SAYS(s, "no certificate of a chip");
    s->kds.wrong_key = false;
    s->ask.now += 31;
    CHECK_EQ(decide(s), CM_OK);
    scene_free(s);
}

/* row H13 */
TEST(a_service_behind_a_bad_certificate_is_none)
{
    static const char ca[] = "decide-kds-ca.pem";
    struct scene *s = scene_new("Milan", false);
    struct serve *tls = serve_start(true, answer, &s->kds);
    FILE *f = fopen(ca, "w");

    REQUIRE(f != NULL && fputs(serve_certificate(tls), f) >= 0 && fclose(f) == 0);
    (void)snprintf(s->url, sizeof(s->url), "https://localhost:%u", serve_port(tls));
    configure(s);
    CHECK_EQ(decide(s), CM_ERR_NOTFOUND);
    CHECK_EQ(s->kds.asked, 0);
    s->config.kds_ca_file = ca; /* but when it is the one that is trusted */
    configure(s);
    CHECK_EQ(decide(s), CM_OK);
    s->config.kds_url = "http://192.0.2.1"; /* nor is it asked without TLS beyond this machine */
    CHECK_EQ(cm_engine_configure(s->engine, &s->config, NULL), CM_ERR_PARAM);
    serve_stop(tls);
    scene_free(s);
    (void)remove(ca);
}

/* A chip that is nobody's: what is wrong with the report is seen only once its certificate was asked for. */
static void invent(struct scene *s, unsigned number)
{
    s->kds.world.report[0x1A0 + 5] = (uint8_t)number; /* in the chip's id */
    s->kds.world.report[0x1A0 + 6] = (uint8_t)(number >> 8);
}

/* A scene that has AMD's chain, and whose chip's own certificate is not there yet. */
static struct scene *with_chain(uint8_t honest[2])
{
    struct scene *s = scene_new("Milan", false);

    memcpy(honest, &s->kds.world.report[0x1A0 + 5], 2);
    s->kds.status = 0;
    s->job.client = "operator";
    s->ask.now -= 60; /* its budget is another minute's */
    invent(s, 0xffff);
    CHECK(decide(s) != CM_OK);
    s->ask.now += 60;
    s->kds.status = 404;
    return s;
}

/* What it says when the service asks of AMD no more; nothing was decided, so nobody is refused. */
static void check_busy(struct scene *s, const char *words)
{
    CHECK_EQ(decide(s), CM_ERR_BUSY);
    CHECK(s->d == NULL);
    if (strstr(s->why.text, words) == NULL) {
        TEST_FAIL("\"%s\" does not say \"%s\"", s->why.text, words);
    }
}

/* The attack: one client invents chips, so that nobody else's is asked for. */
TEST(a_client_that_invents_chips_starves_himself_only)
{
    uint8_t honest[2];
    struct scene *s = with_chain(honest);
    const unsigned before = s->kds.asked;

    s->job.client = "mallory";
    for (unsigned i = 0; i < CM_KEEPER_UNVOUCHED_CLIENT; i++) {
        invent(s, i);
        CHECK_EQ(decide(s), CM_ERR_NOTFOUND);
    }
    for (unsigned i = 0; i < CM_KEEPER_UNVOUCHED; i++) {
        invent(s, 1000 + i);
        check_busy(s, "too many unknown platforms");
    }
    CHECK_EQ(s->kds.asked - before, CM_KEEPER_UNVOUCHED_CLIENT);
    s->job.client = "alice";
    s->kds.status = 0;
    memcpy(&s->kds.world.report[0x1A0 + 5], honest, 2);
    CHECK_EQ(decide(s), CM_OK);
    s->job.client = "mallory"; /* what is there is for everybody, and a new minute a new budget */
    CHECK_EQ(decide(s), CM_OK);
    s->kds.status = 404;
    s->ask.now += 60;
    invent(s, 2000);
    CHECK_EQ(decide(s), CM_ERR_NOTFOUND);
    scene_free(s);
}

TEST(invented_chips_are_asked_for_now_and_then_only)
{
    uint8_t honest[2];
    struct scene *s = with_chain(honest);
    const unsigned before = s->kds.asked;
    char client[16] = "";

    s->job.client = client;
    for (unsigned i = 0; i < 2 * CM_KEEPER_UNVOUCHED; i++) { /* each time somebody else */
        (void)snprintf(client, sizeof(client), "client%u", i);
        invent(s, i);
        if (i < CM_KEEPER_UNVOUCHED) {
            CHECK_EQ(decide(s), CM_ERR_NOTFOUND);
        } else {
            check_busy(s, "too many unknown platforms");
        }
    }
    CHECK_EQ(s->kds.asked - before, CM_KEEPER_UNVOUCHED);
    scene_free(s);
}

/* Who has one IPv6 address has 2^64 of them. */
TEST(addresses_of_one_network_are_one_client)
{
    uint8_t honest[2];
    struct scene *s = with_chain(honest);
    char client[40] = "";

    s->job.client = client;
    for (unsigned i = 0; i <= CM_KEEPER_UNVOUCHED_CLIENT; i++) {
        (void)snprintf(client, sizeof(client), "2001:db8::%x:1", i + 1);
        invent(s, i);
        CHECK_EQ(decide(s), i < CM_KEEPER_UNVOUCHED_CLIENT ? CM_ERR_NOTFOUND : CM_ERR_BUSY);
    }
    (void)snprintf(client, sizeof(client), "2001:db8:0:1::1");
    CHECK_EQ(decide(s), CM_ERR_NOTFOUND);
    for (unsigned i = 0; i <= CM_KEEPER_UNVOUCHED_CLIENT; i++) { /* but IPv4's are each their own */
        (void)snprintf(client, sizeof(client), "::ffff:192.0.2.%u", i + 1);
        invent(s, 100 + i);
        CHECK_EQ(decide(s), CM_ERR_NOTFOUND);
    }
    scene_free(s);
}

/* One decision on a thread of its own, with evidence of its own. */
struct other {
    struct scene *s;
    struct cm_decide_job job;
    uint8_t report[2048];
    struct cm_decision *d;
    enum cm_status st;
};

static void *decide_other(void *arg)
{
    struct other *o = arg;

    o->st = cm_engine_decide(o->s->engine, &o->job, &o->s->ask, &o->d, NULL);
    return NULL;
}

/* The attack: a slow source, and as many reports as there are workers, each of which waits for it. */
TEST(one_thread_at_most_waits_for_a_slow_source)
{
    uint8_t honest[2];
    struct scene *s = with_chain(honest);
    struct other o = {.s = s};
    const unsigned before = s->kds.asked;
    pthread_t thread;
    sem_t arrived;
    sem_t go;

    REQUIRE(sem_init(&arrived, 0, 0) == 0 && sem_init(&go, 0, 0) == 0);
    REQUIRE(s->kds.world.report_len <= sizeof(o.report));
    memcpy(&s->kds.world.report[0x1A0 + 5], honest, 2);
    memcpy(o.report, s->kds.world.report, s->kds.world.report_len);
    o.job = s->job;
    o.job.client = "alice";
    o.job.evidence = cm_span_make(o.report, s->kds.world.report_len);
    s->kds.status = 0;
    s->kds.go = &go;
    s->kds.arrived = &arrived;
    REQUIRE(pthread_create(&thread, NULL, decide_other, &o) == 0);
    (void)sem_wait(&arrived); /* now AMD thinks about alice's chip */
    s->job.client = "bob";
    check_busy(s, "another unknown platform"); /* of the same chip */
    invent(s, 7);
    for (unsigned i = 0; i < 2 * CM_KEEPER_UNVOUCHED_CLIENT; i++) { /* and of another */
        check_busy(s, "another unknown platform");
    }
    s->kds.arrived = NULL;
    (void)sem_post(&go);
    (void)pthread_join(thread, NULL);
    CHECK(o.st == CM_OK && o.d->st == CM_OK);
    CHECK_EQ(s->kds.asked - before, 1);
    s->kds.status = 404;
    CHECK_EQ(decide(s), CM_ERR_NOTFOUND); /* it is his turn, and waiting has cost him nothing */
    CHECK_EQ(s->kds.asked - before, 2);
    cm_decision_free(o.d);
    (void)sem_destroy(&arrived);
    (void)sem_destroy(&go);
    scene_free(s);
}

int main(int argc, char **argv)
{
    int result = 0;

    if (cm_policy_parse(cm_span_make(permit_all, strlen(permit_all)), &policy, NULL) != CM_OK) {
        return 1;
    }
    result = test_main(argc, argv);
    cm_policy_free(policy);
    return result;
}
