/*
 * Real quotes with the data that their enclaves held, as Microsoft publishes them (../shared/vectors, where it
 * is): their bodies are taken apart, bound to what was held, and their measurements are those that are stated
 * beside them. Their collateral of 2020 is nowhere any more, so the service refuses them, and says so.
 */
#include "harness.h"

#include <dirent.h>

#include "common/hex.h"
#include "evidence/quote.h"
#include "maa/maa_private.h"
#include "maa_kit.h"

#define ROOT "../shared/vectors/service/maa-samples/"
#define MISS "../shared/vectors/service is not here"

static struct cm_maa_bytes from_hex(const json_t *sample, const char *name)
{
    const char *text = json_string_value(json_object_get(sample, name));
    struct cm_maa_bytes out = {NULL, 0};

    if (text != NULL) {
        out.len = strlen(text) / 2;
        out.ptr = malloc(out.len + 1);
        if (out.ptr == NULL || !cm_hex_decode(cm_span_make(text, strlen(text)), out.ptr, out.len)) {
            TEST_FAIL("%s is no hexadecimal", name);
        }
    }
    return out;
}

/* The body that a client would send of a sample; oe is set if it has Open Enclave's header. */
static json_t *body_of(const json_t *sample, bool *oe)
{
    struct cm_maa_bytes quote = from_hex(sample, "QuoteHex");
    struct cm_maa_bytes held = from_hex(sample, "EnclaveHeldDataHex");
    char *data = maa_b64(cm_maa_span(&held));
    json_t *out = NULL;

    *oe = quote.len > 4 && quote.ptr[0] == 1;
    out = maa_body(*oe ? "report" : "quote", cm_maa_span(&quote));
    (void)json_object_set_new(out, "runtimeData",
                              json_pack("{s:s, s:s}", "data", data, "dataType", "Binary"));
    free(data);
    free(quote.ptr);
    free(held.ptr);
    return out;
}

static void check_measurement(struct cm_span field, const json_t *sample, const char *name)
{
    struct cm_maa_bytes stated = from_hex(sample, name);

    CHECK(stated.len == field.len && memcmp(stated.ptr, field.ptr, field.len) == 0);
    free(stated.ptr);
}

static void check_sample(const json_t *sample, const char *name)
{
    struct cm_maa_request *r = calloc(1, sizeof(*r));
    struct cm_why why = {""};
    struct cm_quote quote;
    bool oe = false;
    json_t *body = body_of(sample, &oe);

    if (r == NULL) {
        abort();
    }
    r->tee = oe ? CM_MAA_OE : CM_MAA_SGX;
    if (cm_maa_request_read(body, r, &why) != CM_OK ||
        cm_quote_parse(cm_maa_span(&r->evidence), &quote, &why) != CM_OK) {
        TEST_FAIL("%s: %s", name, why.text);
    } else {
        check_measurement(quote.sgx.mrenclave, sample, "MrEnclaveHex");
        check_measurement(quote.sgx.mrsigner, sample, "MrSignerHex");
        CHECK_EQ(quote.sgx.isvsvn, json_integer_value(json_object_get(sample, "SecurityVersion")));
        CHECK_MEM(quote.sgx.reportdata.ptr, r->expected, 32);
    }
    cm_maa_request_free(r);
    CHECK_EQ(maa_attest(oe ? "OpenEnclave" : "SgxEnclave", body)->status, 400);
    CHECK(kit_json("token") == NULL && kit_string("error.message") != NULL);
}

TEST(published_quotes_are_bound_to_the_data_that_is_published_beside_them)
{
    DIR *d = opendir(ROOT);
    const struct dirent *e = NULL;
    int count = 0;

    if (d == NULL) {
        SKIP(MISS);
    }
    maa_start_invented(NULL, NULL);
    while ((e = readdir(d)) != NULL) {
        char path[512] = "";
        json_t *sample = NULL;

        if (strstr(e->d_name, "enclave.info") == NULL) {
            continue;
        }
        (void)snprintf(path, sizeof(path), ROOT "%s", e->d_name);
        sample = json_load_file(path, 0, NULL);
        if (sample == NULL) {
            TEST_FAIL("%s is no JSON", path);
        } else {
            check_sample(sample, e->d_name);
            count++;
        }
        json_decref(sample);
    }
    (void)closedir(d);
    CHECK_EQ(count, 8);
    maa_stop();
}

TEST(the_published_body_of_2020_is_taken_apart)
{
    json_t *body = json_load_file(
        ROOT "sgx.attest.sample.oe.sdk_validatequotes.net_samples_post.attest.body.json", 0, NULL);
    struct cm_maa_request *r = calloc(1, sizeof(*r));
    struct cm_quote quote;
    struct cm_why why = {""};

    if (body == NULL || r == NULL) {
        free(r);
        SKIP(MISS);
    }
    r->tee = CM_MAA_OE;
    if (cm_maa_request_read(body, r, &why) != CM_OK ||
        cm_quote_parse(cm_maa_span(&r->evidence), &quote, &why) != CM_OK) {
        TEST_FAIL("%s", why.text);
    } else {
        CHECK_EQ(quote.sgx.isvsvn, 8888); /* as in the published token of it */
        CHECK_MEM(quote.sgx.reportdata.ptr, r->expected, 32);
    }
    cm_maa_request_free(r);
    json_decref(body);
}

TEST_MAIN
