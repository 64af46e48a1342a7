/* See oe_show.h. Untrusted: files and what is in them. */
#include "oe_show.h"

#include <openenclave/attestation/custom_claims.h>
#include <openenclave/attestation/sgx/evidence.h>
#include <openenclave/attestation/tdx/evidence.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "attest/attest_wire.h"
#include "collateral/collateral_parts.h"
#include "os/os.h"

#define SHOWN_MAX 64u /* bytes of a claim; longer ones are collateral */

static const struct {
    const char *name;
    oe_uuid_t id;
} formats[] = {
    {"SGX_ECDSA", {OE_FORMAT_UUID_SGX_ECDSA}},
    {"LEGACY_REPORT_REMOTE", {OE_FORMAT_UUID_LEGACY_REPORT_REMOTE}},
    {"RAW_SGX_QUOTE_ECDSA", {OE_FORMAT_UUID_RAW_SGX_QUOTE_ECDSA}},
    {"TDX_QUOTE_ECDSA", {OE_FORMAT_UUID_TDX_QUOTE_ECDSA}},
};

bool oe_show_format(const char *name, oe_uuid_t *out)
{
    for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
        if (strcasecmp(name, formats[i].name) == 0) {
            *out = formats[i].id;
            return true;
        }
    }
    return false;
}

static void complain(const char *tool, const char *text)
{
    char lead[32] = "";

    (void)snprintf(lead, sizeof(lead), "%s: ", tool);
    cm_print_wrapped(stderr, lead, text);
}

uint8_t *oe_show_read(const char *tool, const char *path, size_t *size)
{
    struct cm_why why = {""};
    uint8_t *data = NULL;
    enum cm_status st = cm_file_read(path, OE_SHOW_FILE_MAX, &data, size, &why);

    if (st == CM_OK && *size == 0) {
        cm_why_set(&why, "%.200s: empty", path);
        free(data);
        data = NULL;
    }
    if (data == NULL) {
        complain(tool, why.text[0] != '\0' ? why.text : cm_status_str(st));
    }
    return data;
}

bool oe_show_write(const char *tool, const char *path, const uint8_t *data, size_t size)
{
    struct cm_why why = {""};
    enum cm_status st = cm_file_write_atomic(path, cm_span_make(data, size), 0666, &why);

    if (st != CM_OK) {
        complain(tool, why.text[0] != '\0' ? why.text : cm_status_str(st));
    }
    return st == CM_OK;
}

/* ------------------------------------------------------------------ claims */

static void show_one(const char *indent, const oe_claim_t *claim)
{
    (void)fputs(indent, stdout);
    cm_print_escaped(stdout, claim->name, strlen(claim->name));
    (void)fputs(": 0x", stdout);
    for (size_t i = 0; i < claim->value_size && i < SHOWN_MAX; i++) {
        (void)printf("%02x", claim->value[i]);
    }
    if (claim->value_size > SHOWN_MAX) {
        (void)printf("... (%zu bytes)", claim->value_size);
    }
    (void)fputc('\n', stdout);
}

static void show_custom(const oe_claim_t *buffer)
{
    oe_claim_t *custom = NULL;
    size_t count = 0;

    if (oe_deserialize_custom_claims(buffer->value, buffer->value_size, &custom, &count) != OE_OK) {
        show_one("  ", buffer); /* the application's own form */
        return;
    }
    (void)printf("  %s:\n", buffer->name);
    for (size_t i = 0; i < count; i++) {
        show_one("    ", &custom[i]);
    }
    (void)oe_free_custom_claims(custom, count);
}

void oe_show_claims(const oe_claim_t *claims, size_t count)
{
    (void)printf("Claims:\n");
    for (size_t i = 0; i < count; i++) {
        if (strcmp(claims[i].name, OE_CLAIM_CUSTOM_CLAIMS_BUFFER) == 0) {
            show_custom(&claims[i]);
        } else {
            show_one("  ", &claims[i]);
        }
    }
}

/* ------------------------------------------------------------------- quotes */

struct cm_span oe_show_quote(struct cm_span evidence)
{
    struct cm_quote_place place;

    return cm_quote_find(evidence, &place) == CM_OK ? place.quote : cm_span_make(NULL, 0);
}

int oe_show_fmspc(const char *tool, struct cm_span evidence)
{
    struct cm_collateral_key key;
    struct cm_why why = {""};
    struct cm_span quote = oe_show_quote(evidence);

    if (quote.ptr == NULL) {
        complain(tool, "there is no quote in this evidence");
        return 1;
    }
    if (cm_collateral_key_of(quote, &key, &why) != CM_OK) {
        complain(tool, why.text);
        return 1;
    }
    if (!key.known) {
        complain(tool, "the quote holds no PCK certificate, which is where the FMSPC stands");
        return 1;
    }
    (void)printf("FMSPC: ");
    for (size_t i = 0; i < sizeof(key.fmspc); i++) {
        (void)printf("%02x", key.fmspc[i]);
    }
    (void)printf("\n");
    return 0;
}
