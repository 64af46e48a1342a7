/* See attls_kit.h. */
#include "attls_kit.h"

#include <openssl/pem.h>
#include <stdio.h>
#include <string.h>

oe_enclave_t *kit_enclave(bool accept_emulated)
{
    oe_enclave_t *e = NULL;
    oe_result_t r = oe_create_attls_enclave(ENCLAVE, OE_ENCLAVE_TYPE_SGX, OE_ENCLAVE_FLAG_SIMULATE,
                                            NULL, 0, &e);
    oe_result_t set = OE_UNEXPECTED;

    if (r != OE_OK || enc_setup(e, &set, accept_emulated) != OE_OK || set != OE_OK) {
        (void)printf("  %s: %s, %s\n", ENCLAVE, oe_result_str(r), oe_result_str(set));
        return NULL;
    }
    return e;
}

oe_result_t kit_certificate(oe_enclave_t *e, int form, bool rsa, struct message *der)
{
    oe_result_t r = OE_UNEXPECTED;
    oe_result_t called = enc_certificate(e, &r, form, rsa, "20200101000000", "20490101000000",
                                         der->bytes, sizeof(der->bytes), &der->size);

    return called == OE_OK ? r : called;
}

struct kit_end kit_inside(oe_enclave_t *e, int slot, bool server, bool ask, bool no_certificate)
{
    struct kit_end end = {.enclave = e, .slot = slot};
    int r = -1;

    if (enc_tls_new(e, &r, slot, server, ask, no_certificate) != OE_OK || r != 0) {
        (void)printf("  no TLS inside\n");
    }
    return end;
}

struct kit_end kit_outside(const struct tls_setup *s)
{
    struct kit_end end = {.enclave = NULL};

    if (!tls_end_new(&end.host, s)) {
        (void)printf("  no TLS outside\n");
    }
    return end;
}

bool kit_plain(char pem[4096], struct message *der)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *x = X509_new();
    BIO *bio = BIO_new(BIO_s_mem());
    unsigned char *at = der->bytes;
    int n = 0;

    (void)X509_set_version(x, 2);
    (void)ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
    (void)X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC,
                                     (const unsigned char *)"plain", -1, -1, 0);
    (void)X509_set_issuer_name(x, X509_get_subject_name(x));
    (void)X509_gmtime_adj(X509_getm_notBefore(x), -60);
    (void)X509_gmtime_adj(X509_getm_notAfter(x), 86400);
    (void)X509_set_pubkey(x, key);
    n = X509_sign(x, key, EVP_sha256()) != 0 ? i2d_X509(x, &at) : 0;
    der->size = n > 0 ? (size_t)n : 0;
    n = PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) == 1
            ? BIO_read(bio, pem, 4095)
            : 0;
    pem[n > 0 ? n : 0] = '\0';
    BIO_free(bio);
    X509_free(x);
    EVP_PKEY_free(key);
    return der->size != 0 && n > 0;
}

static int step(struct kit_end *e, const struct message *in, struct message *out)
{
    int r = -1;

    if (e->enclave == NULL) {
        return tls_end_step(&e->host, in->bytes, in->size, out->bytes, sizeof(out->bytes),
                            &out->size);
    }
    return enc_tls_step(e->enclave, &r, e->slot, in->bytes, in->size, out->bytes,
                        sizeof(out->bytes), &out->size) == OE_OK
               ? r
               : -1;
}

bool kit_handshake(struct kit_end *client, struct kit_end *server)
{
    static struct message to_server;
    static struct message to_client;
    int a = 0;
    int b = 0;

    to_client.size = 0;
    for (int i = 0; i < 6 && a >= 0 && b >= 0; i++) {
        a = step(client, &to_client, &to_server);
        b = step(server, &to_server, &to_client);
    }
    return a == 1 && b == 1;
}
