/*
 * A service for clients of other makers: over the emulated platform, by the real clock, under its own CA.
 * Writes one line of JSON that says where it is and what to send, and serves until its input ends.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "maa_kit.h"
#include "rules_signer_kit.h"

#define DATA "{\"keys\":[{\"kid\":\"k\",\"kty\":\"oct\"}]}"

/* A key and its certificate in PEM. */
static json_t *signer_json(const struct signer *s)
{
    char key[8192] = "";

    if (cm_privkey_pem(s->key, key, sizeof(key)) != CM_OK) {
        abort();
    }
    return json_pack("{s:s, s:s}", "key", key, "certificate", s->pem);
}

static void put_bytes(json_t *out, const char *name, const void *bytes, size_t len)
{
    char *text = maa_b64_std(cm_span_make(bytes, len));

    (void)json_object_set_new(out, name, json_string(text));
    free(text);
}

int main(void)
{
    static uint8_t report[DECIDE_QUOTE_MAX + 16] = {1, 0, 0, 0, 2};
    uint64_t len = 0;
    struct signer *alice = NULL;
    struct signer *bob = NULL;
    json_t *out = NULL;
    char *text = NULL;

    maa_start_emulated();
    len = maa_quote(DATA, report + 16);
    memcpy(report + 8, &len, sizeof(len)); /* Open Enclave's header: version, type, size */
    alice = signer_ca(2048);
    bob = signer_ca(2048);
    out = json_pack("{s:s, s:s, s:s, s:o, s:o}", "url", kit_url(), "ca", kit_ca_file(), "data",
                    DATA, "alice", signer_json(alice), "bob", signer_json(bob));
    put_bytes(out, "quote", report + 16, len);
    put_bytes(out, "report", report, len + 16);
    text = json_dumps(out, JSON_COMPACT);
    (void)printf("%s\n", text);
    (void)fflush(stdout);
    while (getchar() != EOF) {
    }
    free(text);
    json_decref(out);
    signer_free(alice);
    signer_free(bob);
    maa_stop();
    return 0;
}
