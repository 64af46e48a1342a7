/*
 * Evidence bound to a TLS connection (casemate/attls.h), and the attacks that it is for (rows I1, I2,
 * I3, I5): relay, also with the enclave's own TLS key, reflection, replay, another service. Enclaves
 * are clients and servers; the host is the other end, or the man in the middle.
 */
#include "harness.h"

#include "attls_kit.h"
#include "common/span.h"

static const char service[] = "ledger.test/transfer";

static oe_enclave_t *a;
static oe_enclave_t *b;
static struct message cert_a;
static struct message cert_b;
static char plain_key[4096];
static struct message plain_cert;
static uint8_t measurement[32];

static struct message challenge;
static struct message answer;

/* ------------------------------------------------------------------ helpers */

static struct cm_attls *open_outside(struct kit_end *e, const char *name)
{
    struct cm_attls *c = NULL;
    struct cm_why why = {""};

    CHECK_EQ(cm_attls_open(e->host.ssl, name, &c, &why), CM_OK);
    CHECK_STR(why.text, "");
    return c;
}

static int open_inside(struct kit_end *e, const char *name)
{
    int r = -1;

    return enc_open(e->enclave, &r, e->slot, name) == OE_OK ? r : -1;
}

static int ask_inside(struct kit_end *e)
{
    int r = -1;

    challenge.size = CM_ATTLS_CHALLENGE_SIZE;
    return enc_challenge(e->enclave, &r, e->slot, challenge.bytes) == OE_OK ? r : -1;
}

static void ask_outside(struct cm_attls *c)
{
    challenge.size = CM_ATTLS_CHALLENGE_SIZE;
    CHECK_EQ(cm_attls_challenge(c, challenge.bytes), CM_OK);
}

static int answer_inside(struct kit_end *e)
{
    int r = -1;

    return enc_answer(e->enclave, &r, e->slot, challenge.bytes, challenge.size, answer.bytes,
                      sizeof(answer.bytes), &answer.size) == OE_OK
               ? r
               : -1;
}

static int check_inside(struct kit_end *e)
{
    int r = -1;

    return enc_check(e->enclave, &r, e->slot, answer.bytes, answer.size, measurement) == OE_OK ? r
                                                                                               : -1;
}

static enum cm_status check_outside(struct cm_attls *c)
{
    struct cm_attls_policy policy = {.unique_id = measurement};

    return cm_attls_check(c, cm_span_make(answer.bytes, answer.size), &policy, NULL, NULL, NULL);
}

static struct tls_setup host_setup(bool server, bool ask, bool certificate)
{
    struct tls_setup s = {.server = server,
                          .ask = ask,
                          .key = certificate ? plain_key : NULL,
                          .der = plain_cert.bytes,
                          .der_len = plain_cert.size};

    return s;
}

/* A host client connected to enclave a; both opened. */
struct pair {
    struct kit_end client;
    struct kit_end server;
    struct cm_attls *outside;
};

static bool host_to_enclave(struct pair *p, int slot, bool ask)
{
    struct tls_setup s = host_setup(false, false, true);

    p->server = kit_inside(a, slot, true, ask, false);
    p->client = kit_outside(&s);
    if (!kit_handshake(&p->client, &p->server)) {
        return false;
    }
    p->outside = open_outside(&p->client, service);
    return p->outside != NULL && open_inside(&p->server, service) == CM_OK;
}

static void pair_end(struct pair *p)
{
    cm_attls_close(p->outside);
    tls_end_free(&p->client.host);
}

static oe_result_t learn(oe_claim_t *claims, size_t count, void *arg)
{
    (void)arg;
    for (size_t i = 0; i < count; i++) {
        if (strcmp(claims[i].name, OE_CLAIM_UNIQUE_ID) == 0 && claims[i].value_size == 32) {
            memcpy(measurement, claims[i].value, 32);
        }
    }
    return OE_OK;
}

/* -------------------------------------------------------------------- tests */

TEST(setup)
{
    CHECK_EQ(oe_verifier_initialize(), OE_OK);
    a = kit_enclave(true);
    b = kit_enclave(true);
    REQUIRE(a != NULL && b != NULL);
    REQUIRE(kit_certificate(a, 0, false, &cert_a) == OE_OK);
    REQUIRE(kit_certificate(b, 0, false, &cert_b) == OE_OK);
    REQUIRE(kit_plain(plain_key, &plain_cert));
}

TEST(H1_emulated_peer_is_refused_by_default)
{
    struct pair p = {.outside = NULL};

    REQUIRE(host_to_enclave(&p, 0, false));
    ask_outside(p.outside);
    CHECK_EQ(answer_inside(&p.server), CM_OK);
    CHECK_EQ(check_outside(p.outside), CM_ERR_SIGNATURE);
    pair_end(&p);
    cm_attest_accept_emulated();
}

TEST(I1_host_client_enclave_server)
{
    for (int ask = 0; ask < 2; ask++) { /* with and without a certificate of the client */
        struct cm_attls_policy policy = {.accept = learn};
        struct pair p = {.outside = NULL};
        oe_claim_t *claims = NULL;
        size_t count = 0;

        REQUIRE(host_to_enclave(&p, 0, ask != 0));
        ask_outside(p.outside);
        REQUIRE(answer_inside(&p.server) == CM_OK);
        CHECK_EQ(cm_attls_check(p.outside, cm_span_make(answer.bytes, answer.size), &policy,
                                &claims, &count, NULL),
                 CM_OK);
        CHECK(claims != NULL && count >= OE_REQUIRED_CLAIMS_COUNT);
        CHECK_EQ(oe_free_claims(claims, count), OE_OK);
        CHECK(measurement[0] != 0 || measurement[1] != 0);
        ask_outside(p.outside); /* once more, now by measurement */
        REQUIRE(answer_inside(&p.server) == CM_OK);
        CHECK_EQ(check_outside(p.outside), CM_OK);
        pair_end(&p);
    }
}

TEST(I1_enclave_client_host_server)
{
    for (int ask = 0; ask < 2; ask++) {
        struct tls_setup s = host_setup(true, ask != 0, true);
        struct kit_end server = kit_outside(&s);
        struct kit_end client = kit_inside(a, 1, false, false, false);
        struct cm_attls *outside = NULL;

        REQUIRE(kit_handshake(&client, &server));
        outside = open_outside(&server, service);
        REQUIRE(outside != NULL && open_inside(&client, service) == CM_OK);
        ask_outside(outside);
        REQUIRE(answer_inside(&client) == CM_OK);
        CHECK_EQ(check_outside(outside), CM_OK);
        cm_attls_close(outside);
        tls_end_free(&server.host);
    }
}

TEST(I1_two_enclaves_attest_each_other)
{
    struct kit_end server = kit_inside(a, 0, true, true, false);
    struct kit_end client = kit_inside(b, 0, false, false, false);

    REQUIRE(kit_handshake(&client, &server));
    REQUIRE(open_inside(&server, service) == CM_OK && open_inside(&client, service) == CM_OK);
    REQUIRE(ask_inside(&client) == CM_OK && answer_inside(&server) == CM_OK);
    CHECK_EQ(check_inside(&client), CM_OK);
    REQUIRE(ask_inside(&server) == CM_OK && answer_inside(&client) == CM_OK);
    CHECK_EQ(check_inside(&server), CM_OK);
}

/* The man in the middle: a server towards the host's client, a client towards enclave a. */
struct relay {
    struct kit_end victim;
    struct kit_end front;
    struct kit_end back;
    struct kit_end enclave;
    struct cm_attls *outside;
};

static bool relay_up(struct relay *r, const char *key, const struct message *cert)
{
    struct tls_setup victim = host_setup(false, false, false);
    struct tls_setup back = host_setup(false, false, false);
    struct tls_setup front = {
        .server = true, .key = key, .der = cert->bytes, .der_len = cert->size};

    r->victim = kit_outside(&victim);
    r->front = kit_outside(&front);
    r->back = kit_outside(&back);
    r->enclave = kit_inside(a, 0, true, false, false);
    if (!kit_handshake(&r->victim, &r->front) || !kit_handshake(&r->back, &r->enclave)) {
        return false;
    }
    r->outside = open_outside(&r->victim, service);
    return r->outside != NULL && open_inside(&r->enclave, service) == CM_OK;
}

static void relay_down(struct relay *r)
{
    cm_attls_close(r->outside);
    tls_end_free(&r->victim.host);
    tls_end_free(&r->front.host);
    tls_end_free(&r->back.host);
}

TEST(I1_relay_through_another_key)
{
    struct relay r = {.outside = NULL};
    struct cm_attls *back = NULL;
    uint8_t honest[CM_ATTLS_CHALLENGE_SIZE];

    REQUIRE(relay_up(&r, plain_key, &plain_cert));
    ask_outside(r.outside);
    /* passed on as it is, the enclave sees that its peer sees another key */
    CHECK_EQ(answer_inside(&r.enclave), CM_ERR_MISMATCH);
    /* corrected to the enclave's key, the enclave answers, and the victim refuses */
    back = open_outside(&r.back, service);
    REQUIRE(back != NULL && cm_attls_challenge(back, honest) == CM_OK);
    memcpy(challenge.bytes + 40, honest + 40, 32);
    REQUIRE(answer_inside(&r.enclave) == CM_OK);
    CHECK_EQ(check_outside(r.outside), CM_ERR_MISMATCH);
    cm_attls_close(back);
    relay_down(&r);
}

TEST(I1_relay_with_the_enclaves_own_tls_key)
{
    struct relay r = {.outside = NULL};
    char leaked[4096];
    int given = -1;

    CHECK(enc_private_key(a, &given, leaked, sizeof(leaked)) == OE_OK && given == 0);
    REQUIRE(relay_up(&r, leaked, &cert_a));
    /* the certificate verifies: it is the enclave's own. This is why the connection is attested */
    CHECK_EQ(oe_verify_attestation_certificate_with_evidence(cert_a.bytes, cert_a.size, NULL, NULL),
             OE_OK);
    ask_outside(r.outside);
    REQUIRE(answer_inside(&r.enclave) == CM_OK);
    CHECK_EQ(check_outside(r.outside), CM_ERR_MISMATCH); /* the exporter is of another connection */
    relay_down(&r);
}

TEST(I1_replay)
{
    static struct message old;
    struct pair p = {.outside = NULL};
    struct pair q = {.outside = NULL};

    REQUIRE(host_to_enclave(&p, 0, false));
    CHECK_EQ(check_outside(p.outside), CM_ERR_STATE); /* nothing was asked */
    ask_outside(p.outside);
    REQUIRE(answer_inside(&p.server) == CM_OK);
    CHECK_EQ(check_outside(p.outside), CM_OK);
    CHECK_EQ(check_outside(p.outside), CM_ERR_STATE); /* each question is good for one answer */
    ask_outside(p.outside);
    CHECK_EQ(check_outside(p.outside), CM_ERR_MISMATCH); /* the old answer to a new question */
    CHECK_EQ(check_outside(p.outside), CM_ERR_STATE);    /* a wrong answer uses it up as well */
    old = answer;
    REQUIRE(host_to_enclave(&q, 1, false)); /* the same ends, another connection */
    ask_outside(q.outside);
    answer = old;
    CHECK_EQ(check_outside(q.outside), CM_ERR_MISMATCH);
    /* two questions: the first is replaced */
    ask_outside(p.outside);
    REQUIRE(answer_inside(&p.server) == CM_OK);
    ask_outside(p.outside);
    CHECK_EQ(check_outside(p.outside), CM_ERR_MISMATCH);
    pair_end(&p);
    pair_end(&q);
}

TEST(I2_reflection)
{
    struct pair p = {.outside = NULL};

    REQUIRE(host_to_enclave(&p, 0, false));
    REQUIRE(ask_inside(&p.server) == CM_OK);
    CHECK_EQ(answer_inside(&p.server), CM_ERR_MISMATCH); /* its own question */
    ask_outside(p.outside);
    REQUIRE(answer_inside(&p.server) == CM_OK);
    REQUIRE(ask_inside(&p.server) == CM_OK);
    CHECK_EQ(check_inside(&p.server), CM_ERR_MISMATCH); /* its own answer */
    REQUIRE(ask_inside(&p.server) == CM_OK);
    answer.bytes[8] = 'C'; /* the same under the other role's name */
    CHECK_EQ(check_inside(&p.server), CM_ERR_MISMATCH);
    ask_outside(p.outside); /* and the right one under the wrong name */
    REQUIRE(answer_inside(&p.server) == CM_OK);
    answer.bytes[8] = 'C';
    CHECK_EQ(check_outside(p.outside), CM_ERR_MISMATCH);
    pair_end(&p);
}

/* Two enclaves of one program, and the host echoes: nobody may take its own evidence for the peer's. */
TEST(I2_the_same_program_on_both_ends)
{
    struct kit_end server = kit_inside(a, 0, true, true, false);
    struct kit_end client = kit_inside(a, 1, false, false, false);

    REQUIRE(kit_handshake(&client, &server));
    REQUIRE(open_inside(&server, service) == CM_OK && open_inside(&client, service) == CM_OK);
    REQUIRE(ask_inside(&client) == CM_OK);
    CHECK_EQ(answer_inside(&client), CM_ERR_MISMATCH);
    REQUIRE(ask_inside(&server) == CM_OK && answer_inside(&client) == CM_OK);
    CHECK_EQ(check_inside(&client), CM_ERR_MISMATCH);
    CHECK_EQ(check_inside(&server), CM_OK);
}

TEST(I1_another_service)
{
    struct pair p = {.outside = NULL};
    struct cm_attls *other = NULL;

    REQUIRE(host_to_enclave(&p, 0, false));
    other = open_outside(&p.client, "ledger.test/transfes");
    REQUIRE(other != NULL);
    ask_outside(other);
    REQUIRE(answer_inside(&p.server) == CM_OK);
    CHECK_EQ(check_outside(other), CM_ERR_MISMATCH);
    cm_attls_close(other);
    pair_end(&p);
}

static oe_result_t refuse(oe_claim_t *claims, size_t count, void *arg)
{
    (void)claims;
    (void)count;
    (void)arg;
    return OE_FAILURE;
}

static oe_result_t copy_signer(oe_claim_t *claims, size_t count, void *arg)
{
    uint8_t *to = arg;

    for (size_t i = 0; i < count; i++) {
        if (strcmp(claims[i].name, OE_CLAIM_SIGNER_ID) == 0) {
            memcpy(to, claims[i].value, 32);
        }
        if (strcmp(claims[i].name, OE_CLAIM_PRODUCT_ID) == 0) {
            memcpy(to + 32, claims[i].value, 16);
        }
    }
    return OE_OK;
}

TEST(I5_policies)
{
    struct pair p = {.outside = NULL};
    uint8_t who[48] = {0};
    uint8_t other[32];
    uint8_t other_product[16] = {9};
    struct cm_attls_policy find = {.accept = copy_signer, .accept_arg = who};
    const struct {
        struct cm_attls_policy policy;
        enum cm_status want;
    } cases[] = {
        {{.unique_id = NULL}, CM_ERR_POLICY},
        {{.min_security_version = 1}, CM_ERR_POLICY},
        {{.signer_id = who}, CM_ERR_POLICY},
        {{.unique_id = measurement, .product_id = who + 32}, CM_ERR_POLICY},
        {{.unique_id = measurement}, CM_OK},
        {{.unique_id = other}, CM_ERR_POLICY},
        {{.signer_id = who, .product_id = who + 32}, CM_OK},
        {{.signer_id = who, .product_id = who + 32, .min_security_version = 4}, CM_OK},
        {{.signer_id = who, .product_id = who + 32, .min_security_version = 5}, CM_ERR_POLICY},
        {{.signer_id = other, .product_id = who + 32}, CM_ERR_POLICY},
        {{.signer_id = who, .product_id = other_product}, CM_ERR_POLICY},
        {{.unique_id = measurement, .accept = refuse}, CM_ERR_POLICY},
        {{.unique_id = other, .accept = learn}, CM_ERR_POLICY},
    };

    REQUIRE(host_to_enclave(&p, 0, false));
    ask_outside(p.outside);
    REQUIRE(answer_inside(&p.server) == CM_OK);
    CHECK_EQ(
        cm_attls_check(p.outside, cm_span_make(answer.bytes, answer.size), &find, NULL, NULL, NULL),
        CM_OK);
    memcpy(other, measurement, sizeof(other));
    other[31] ^= 1;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        oe_claim_t *claims = NULL;
        size_t count = 0;
        enum cm_status st = CM_OK;

        ask_outside(p.outside);
        REQUIRE(answer_inside(&p.server) == CM_OK);
        st = cm_attls_check(p.outside, cm_span_make(answer.bytes, answer.size), &cases[i].policy,
                            &claims, &count, NULL);
        if (st != cases[i].want) {
            TEST_FAIL("policy %zu: %d, not %d", i, st, cases[i].want);
        }
        CHECK_EQ(claims != NULL, st == CM_OK);
        (void)oe_free_claims(claims, count);
    }
    pair_end(&p);
}

TEST(I1_changed_answers)
{
    struct pair p = {.outside = NULL};
    int accepted = 0;

    REQUIRE(host_to_enclave(&p, 0, false));
    ask_outside(p.outside);
    REQUIRE(answer_inside(&p.server) == CM_OK);
    for (size_t n = 0; n < answer.size; n += 331) {
        struct cm_attls_policy policy = {.unique_id = measurement};
        uint8_t unused[CM_ATTLS_CHALLENGE_SIZE];

        CHECK_EQ(cm_attls_challenge(p.outside, unused), CM_OK);
        accepted += cm_attls_check(p.outside, cm_span_make(answer.bytes, n), &policy, NULL, NULL,
                                   NULL) == CM_OK;
    }
    CHECK_EQ(accepted, 0);
    pair_end(&p);
}

/* ------------------------------------------------------------------- opening */

TEST(I1_only_full_handshakes_of_tls_1_3)
{
    struct tls_setup cs = host_setup(false, false, false);
    struct tls_setup ss = host_setup(true, false, true);
    struct kit_end client;
    struct kit_end server;
    struct cm_attls *c = NULL;
    SSL_SESSION *session = NULL;

    client = kit_outside(&cs);
    server = kit_outside(&ss);
    CHECK_EQ(cm_attls_open(client.host.ssl, service, &c, NULL), CM_ERR_STATE);
    REQUIRE(kit_handshake(&client, &server));
    CHECK_EQ(cm_attls_open(client.host.ssl, "", &c, NULL), CM_ERR_PARAM);
    CHECK_EQ(cm_attls_open(client.host.ssl, NULL, &c, NULL), CM_ERR_PARAM);
    CHECK_EQ(cm_attls_open(NULL, service, &c, NULL), CM_ERR_PARAM);
    CHECK_EQ(cm_attls_open(client.host.ssl, service, NULL, NULL), CM_ERR_PARAM);
    CHECK_EQ(cm_attls_open(client.host.ssl, service, &c, NULL), CM_OK);
    cm_attls_close(c);
    c = NULL;

    /* resumed with the ticket that came */
    session = SSL_get1_session(client.host.ssl);
    /* a session that was not closed cannot be resumed */
    SSL_set_shutdown(client.host.ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    tls_end_free(&client.host);
    cs.session = session;
    client = kit_outside(&cs);
    SSL_free(server.host.ssl);
    server.host.ssl = SSL_new(server.host.ctx);
    server.host.in = BIO_new(BIO_s_mem());
    server.host.out = BIO_new(BIO_s_mem());
    SSL_set_bio(server.host.ssl, server.host.in, server.host.out);
    SSL_set_accept_state(server.host.ssl);
    REQUIRE(kit_handshake(&client, &server));
    CHECK_EQ(SSL_session_reused(client.host.ssl), 1);
    CHECK_EQ(cm_attls_open(client.host.ssl, service, &c, NULL), CM_ERR_UNSUPPORTED);
    CHECK_EQ(cm_attls_open(server.host.ssl, service, &c, NULL), CM_ERR_UNSUPPORTED);
    SSL_SESSION_free(session);
    tls_end_free(&client.host);
    tls_end_free(&server.host);

    cs.session = NULL;
    cs.version = ss.version = TLS1_2_VERSION;
    client = kit_outside(&cs);
    server = kit_outside(&ss);
    REQUIRE(kit_handshake(&client, &server));
    CHECK_EQ(cm_attls_open(client.host.ssl, service, &c, NULL), CM_ERR_UNSUPPORTED);
    CHECK(c == NULL);
    tls_end_free(&client.host);
    tls_end_free(&server.host);
}

TEST(arguments)
{
    struct pair p = {.outside = NULL};
    struct cm_attls_policy policy = {.unique_id = measurement};
    oe_claim_t *claims = NULL;
    int r = -1;

    REQUIRE(host_to_enclave(&p, 0, false));
    CHECK_EQ(cm_attls_challenge(NULL, challenge.bytes), CM_ERR_PARAM);
    CHECK_EQ(cm_attls_challenge(p.outside, NULL), CM_ERR_PARAM);
    ask_outside(p.outside);
    CHECK_EQ(cm_attls_check(NULL, cm_span_make(answer.bytes, 1), &policy, NULL, NULL, NULL),
             CM_ERR_PARAM);
    CHECK_EQ(cm_attls_check(p.outside, cm_span_make(NULL, 1), &policy, NULL, NULL, NULL),
             CM_ERR_PARAM);
    CHECK_EQ(cm_attls_check(p.outside, cm_span_make(answer.bytes, 1), NULL, NULL, NULL, NULL),
             CM_ERR_PARAM);
    CHECK_EQ(cm_attls_check(p.outside, cm_span_make(answer.bytes, 1), &policy, &claims, NULL, NULL),
             CM_ERR_PARAM);
    CHECK_EQ(cm_attls_check(p.outside, cm_span_make(answer.bytes, 0), &policy, NULL, NULL, NULL),
             CM_ERR_FORMAT);
    cm_attls_close(NULL);
    CHECK(enc_answer(a, &r, 0, challenge.bytes, 71, answer.bytes, sizeof(answer.bytes),
                     &answer.size) == OE_OK);
    CHECK_EQ(r, CM_ERR_FORMAT);
    CHECK(enc_answer(a, &r, 3, challenge.bytes, 72, answer.bytes, sizeof(answer.bytes),
                     &answer.size) == OE_OK);
    CHECK_EQ(r, CM_ERR_PARAM); /* never opened */
    pair_end(&p);
    CHECK_EQ(oe_terminate_enclave(a), OE_OK);
    CHECK_EQ(oe_terminate_enclave(b), OE_OK);
}

TEST_MAIN
