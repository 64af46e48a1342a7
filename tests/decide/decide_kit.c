/* See decide_kit.h. */
#include "decide_kit.h"

#include <casemate/emuplat.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sgxemu/emu_keys.h"

static char folder[64];

static void demand(bool good, const char *what)
{
    if (!good) {
        (void)fprintf(stderr, "decide kit: %s\n", what);
        abort();
    }
}

void decide_kit_platform(void)
{
    (void)snprintf(folder, sizeof(folder), "/tmp/cm_decide_test_XXXXXX");
    demand(mkdtemp(folder) != NULL, "no folder");
    demand(setenv("CASEMATE_STATE_DIR", folder, 1) == 0, "no environment");
    /* a service that is asked by mistake is none */
    demand(setenv("CASEMATE_PCCS_URL", "http://127.0.0.1:9/sgx/certification/v4/", 1) == 0, "none");
    demand(setenv("CASEMATE_COLLATERAL_CACHE", "off", 1) == 0, "none");
}

void decide_kit_platform_end(void)
{
    DIR *d = opendir(folder);
    const struct dirent *e = NULL;
    char path[512] = "";

    while (d != NULL && (e = readdir(d)) != NULL) {
        (void)snprintf(path, sizeof(path), "%s/%s", folder, e->d_name);
        (void)unlink(path);
    }
    if (d != NULL) {
        (void)closedir(d);
    }
    (void)rmdir(folder);
}

struct decide_enclave decide_enclave(void)
{
    struct decide_enclave e = {.mrenclave = 0xe1, .mrsigner = 0xe2};

    memset(e.report_data, 0xda, sizeof(e.report_data));
    return e;
}

size_t decide_quote(const struct decide_enclave *e, uint8_t out[DECIDE_QUOTE_MAX])
{
    struct cm_emu_platform fuses;
    struct cm_emu_ident id;
    struct sgx_targetinfo target;
    struct sgx_report report;
    size_t size = 0;

    memset(&id, 0, sizeof(id));
    id.attributes.flags = SGX_ATTR_INIT | SGX_ATTR_MODE64 | (e->debug ? SGX_ATTR_DEBUG : 0);
    id.attributes.xfrm = 3;
    memset(id.mrenclave, e->mrenclave, 32);
    memset(id.mrsigner, e->mrsigner, 32);
    id.isvprodid = 7;
    id.isvsvn = 3;
    demand(cm_emuplat_target_info((uint8_t *)&target, NULL) == CM_OK, "no target");
    demand(cm_emu_platform_load(&fuses, NULL) == CM_OK, "no platform");
    demand(cm_emu_report_make(&fuses, &id, &target, e->report_data, &report) == SGX_SUCCESS,
           "no report");
    demand(cm_emuplat_quote((const uint8_t *)&report, out, DECIDE_QUOTE_MAX, &size, NULL) == CM_OK,
           "no quote");
    return size;
}

struct cm_collateral_parts *decide_kit_parts(void)
{
    struct cm_emuplat_bundle *bundle = NULL;
    struct cm_collateral_parts *parts = NULL;
    struct cm_dcap_collateral v;
    bool good = false;

    demand(cm_emuplat_collateral(&bundle, NULL) == CM_OK, "no collateral");
    v = cm_emuplat_bundle_view(bundle);
    good = cm_parts_create(&parts) == CM_OK &&
           cm_parts_set(parts, CM_PART_TCB_INFO, v.tcb_info) == CM_OK &&
           cm_parts_set(parts, CM_PART_TCB_INFO_CHAIN, v.tcb_info_chain) == CM_OK &&
           cm_parts_set(parts, CM_PART_QE_IDENTITY, v.qe_identity) == CM_OK &&
           cm_parts_set(parts, CM_PART_QE_IDENTITY_CHAIN, v.qe_identity_chain) == CM_OK &&
           cm_parts_set(parts, CM_PART_ROOT_CA_CRL, v.root_ca_crl) == CM_OK &&
           cm_parts_set(parts, CM_PART_PCK_CRL, v.pck_crl) == CM_OK;
    cm_emuplat_bundle_free(bundle);
    demand(good, "no parts");
    return parts;
}

static enum cm_status copy_parts(const struct cm_collateral_parts *from,
                                 struct cm_collateral_parts **out)
{
    struct cm_collateral_parts *p = NULL;
    enum cm_status st = cm_parts_create(&p);

    for (unsigned i = 0; st == CM_OK && i < CM_PART_COUNT; i++) {
        struct cm_span s = cm_parts_get(from, (enum cm_collateral_part)i);

        st = s.len == 0 ? CM_OK : cm_parts_set(p, (enum cm_collateral_part)i, s);
    }
    if (st != CM_OK) {
        cm_parts_free(p);
        p = NULL;
    }
    *out = p;
    return st;
}

static enum cm_status spoil(struct cm_collateral_parts *p)
{
    struct cm_span s = cm_parts_get(p, CM_PART_TCB_INFO);
    char *text = malloc(s.len);
    enum cm_status st = CM_ERR_NOMEM;

    if (text != NULL) {
        memcpy(text, s.ptr, s.len);
        text[s.len - 10] = text[s.len - 10] == '0' ? '1' : '0'; /* a digit of the signature */
        st = cm_parts_set(p, CM_PART_TCB_INFO, cm_span_make(text, s.len));
    }
    free(text);
    return st;
}

enum cm_status decide_source_parts(void *arg, uint64_t now, struct cm_collateral_key *key,
                                   struct cm_collateral_parts **out, struct cm_why *why)
{
    struct decide_source *s = arg;
    struct cm_collateral_parts *all = NULL;
    enum cm_status st = s->st;

    (void)now;
    (void)key;
    s->asked++;
    *out = NULL;
    if (st != CM_OK) {
        cm_why_set(why, "the emulated source is down");
        return st;
    }
    all = s->instead == NULL ? decide_kit_parts() : NULL;
    st = copy_parts(s->instead == NULL ? all : s->instead, out);
    cm_parts_free(all);
    if (st == CM_OK && s->corrupt_tcb) {
        st = spoil(*out);
    }
    return st;
}

struct cm_decide_config decide_kit_config(struct cm_trust_root *root, struct decide_source *source)
{
    demand(cm_emuplat_trust_root(root, NULL) == CM_OK, "no root");
    return (struct cm_decide_config){
        .roots = root, .root_count = 1, .parts = decide_source_parts, .parts_arg = source};
}
