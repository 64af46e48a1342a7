/*
 * The root key sealed by the keeper (cm_keeper.edl), an enclave; see keep.h. The enclave lives only while the
 * key is fetched. Untrusted: the note, which the enclave judges.
 */
#include <openenclave/host.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cm_keeper_u.h"
#include "common/try.h"
#include "common/wipe.h"
#include "keep/keep_root.h"

#define QUOTE_MAX 16384u

/* as the host library chooses: OE_SIMULATION=1, which it announces on standard error */
static bool is_emulated(void)
{
    const char *variable = getenv("OE_SIMULATION");

    return variable != NULL && strcmp(variable, "1") == 0;
}

static enum cm_status start(const char *image, oe_enclave_t **out, struct cm_why *why)
{
    FILE *there = fopen(image, "re");
    oe_result_t r = OE_OK;

    *out = NULL;
    if (there == NULL) {
        cm_why_set(why, "the keeper's image %s cannot be read", image);
        return CM_ERR_NOTFOUND;
    }
    (void)fclose(there);
    r = oe_create_cm_keeper_enclave(image, OE_ENCLAVE_TYPE_SGX, 0, NULL, 0, out);
    if (r != OE_OK) {
        cm_why_set(why, "the keeper %s cannot be started: %s", image, oe_result_str(r));
        return r == OE_OUT_OF_MEMORY ? CM_ERR_NOMEM : CM_ERR_PLATFORM;
    }
    return CM_OK;
}

static void say(const char *image, struct cm_root *root)
{
    root->emulated = is_emulated();
    (void)snprintf(root->says, sizeof(root->says), "the %senclave %s",
                   root->emulated ? "EMULATED (it protects nothing) " : "", image);
}

static enum cm_status find_enclave(const char *image, const struct cm_root_note *note,
                                   struct cm_root *root, struct cm_why *why)
{
    oe_enclave_t *enclave = NULL;
    oe_result_t said = OE_FAILURE;
    oe_result_t r = OE_OK;
    enum cm_status st = CM_OK;

    CM_TRY(start(image, &enclave, why));
    r = cm_keeper_find(enclave, &said, note->bytes, note->len, root->key);
    if (r == OE_OK) {
        r = said;
    }
    if (r != OE_OK) {
        cm_wipe(root->key, sizeof(root->key));
        cm_why_set(why,
                   "the keeper %s does not open this store's root key: another machine, another "
                   "enclave, or a newer version sealed it (%s)",
                   image, oe_result_str(r));
        st = r == OE_OUT_OF_MEMORY ? CM_ERR_NOMEM : CM_ERR_MISMATCH;
        goto out;
    }
    say(image, root);
out:
    if (enclave != NULL) {
        (void)oe_terminate_enclave(enclave);
    }
    return st;
}

static enum cm_status make(const char *image, uint32_t exact, struct cm_root_note *note,
                           struct cm_root *root, struct cm_why *why)
{
    oe_enclave_t *enclave = NULL;
    oe_result_t said = OE_FAILURE;
    oe_result_t r = OE_OK;
    enum cm_status st = CM_OK;

    CM_TRY(start(image, &enclave, why));
    r = cm_keeper_make(enclave, &said, exact, note->bytes, sizeof(note->bytes), &note->len,
                       root->key);
    if (r == OE_OK) {
        r = said;
    }
    if (r != OE_OK || note->len > sizeof(note->bytes)) {
        cm_wipe(root->key, sizeof(root->key));
        cm_why_set(why, "the keeper %s cannot seal a root key: %s", image, oe_result_str(r));
        st = CM_ERR_PLATFORM;
        goto out;
    }
    say(image, root);
out:
    if (enclave != NULL) {
        (void)oe_terminate_enclave(enclave);
    }
    return st;
}

static enum cm_status quote_enclave(const char *image, const struct cm_root_note *note,
                                    const uint8_t data[32], uint8_t **out, size_t *len,
                                    struct cm_why *why)
{
    oe_enclave_t *enclave = NULL;
    uint8_t *quote = malloc(QUOTE_MAX);
    oe_result_t said = OE_FAILURE;
    oe_result_t r = OE_OK;
    enum cm_status st = quote == NULL ? CM_ERR_NOMEM : CM_OK;

    CM_TRY(st);
    CM_TRY(start(image, &enclave, why));
    r = cm_keeper_quote(enclave, &said, note->bytes, note->len, data, quote, QUOTE_MAX, len);
    r = r == OE_OK ? said : r;
    if (r != OE_OK || *len > QUOTE_MAX) {
        cm_why_set(why, "the keeper %s gives no quote: %s", image, oe_result_str(r));
        st = CM_ERR_PLATFORM;
        goto out;
    }
    *out = quote;
    quote = NULL;
out:
    if (enclave != NULL) {
        (void)oe_terminate_enclave(enclave);
    }
    free(quote);
    return st;
}

static enum cm_status make_enclave(const char *image, struct cm_root_note *note,
                                   struct cm_root *root, struct cm_why *why)
{
    return make(image, 0, note, root, why);
}

static enum cm_status make_exact(const char *image, struct cm_root_note *note, struct cm_root *root,
                                 struct cm_why *why)
{
    return make(image, 1, note, root, why);
}

const struct cm_root_way cm_root_enclave = {.scheme = "enclave",
                                            .number = 4,
                                            .says = "an enclave's signer",
                                            .make = make_enclave,
                                            .find = find_enclave,
                                            .quote = quote_enclave};

const struct cm_root_way cm_root_enclave_exact = {.scheme = "enclave-exact",
                                                  .number = 5,
                                                  .says = "an enclave's measurement",
                                                  .make = make_exact,
                                                  .find = find_enclave,
                                                  .quote = quote_enclave};
