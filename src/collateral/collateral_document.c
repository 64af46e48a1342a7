/* Documents of a collateral service: their addresses, and what makes them usable. */
#include "collateral/collateral_document.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/hex.h"
#include "common/try.h"
#include "evidence/certs.h"
#include "evidence/collateral.h"

/* Azure's service knows Intel's lists by the addresses that they have (had) there */
#define AZURE_QUERY "clientid=production_client&api-version=2021-07-22-preview"
#define AZURE_ROOT  "https%3a%2f%2fcertificates.trustedservices.intel.com%2fintelsgxrootca.crl"
#define AZURE_PROCESSOR                                       \
    "https%3a%2f%2fcertificates.trustedservices.intel.com%2f" \
    "intelsgxpckprocessor.crl"
#define AZURE_PLATFORM                                                          \
    "https%3a%2f%2fapi.trustedservices.intel.com%2fsgx%2fcertification%2fv3%2f" \
    "pckcrl%3fca%3dplatform%26encoding%3dpem"

const char *cm_document_name(enum cm_document d)
{
    static const char *const names[CM_DOCUMENT_COUNT] = {
        [CM_DOCUMENT_PCK] = "PCK certificate",
        [CM_DOCUMENT_TCB_INFO] = "TCB info",
        [CM_DOCUMENT_QE_IDENTITY] = "QE identity",
        [CM_DOCUMENT_PCK_CRL] = "PCK revocation list",
        [CM_DOCUMENT_ROOT_CRL] = "root revocation list",
    };

    return (unsigned)d < CM_DOCUMENT_COUNT ? names[d] : "document";
}

const char *const *cm_document_headers(enum cm_document d)
{
    static const char *const pck[] = {"SGX-PCK-Certificate-Issuer-Chain", NULL};
    /* of v4, and of v3 */
    static const char *const tcb[] = {"TCB-Info-Issuer-Chain", "SGX-TCB-Info-Issuer-Chain", NULL};
    static const char *const qe[] = {"SGX-Enclave-Identity-Issuer-Chain",
                                     "SGX-QE-Identity-Issuer-Chain", NULL};

    switch (d) {
    case CM_DOCUMENT_PCK:
        return pck;
    case CM_DOCUMENT_TCB_INFO:
        return tcb;
    case CM_DOCUMENT_QE_IDENTITY:
        return qe;
    case CM_DOCUMENT_PCK_CRL:
    case CM_DOCUMENT_ROOT_CRL:
    case CM_DOCUMENT_COUNT:
        break;
    }
    return NULL;
}

/* The base address with /sgx/ become /tdx/; config_for() has seen to it that it is there. */
static void base_of(const struct cm_collateral_config *config, bool tdx,
                    char out[CM_COLLATERAL_MAX_URL])
{
    char *at = NULL;

    (void)snprintf(out, CM_COLLATERAL_MAX_URL, "%s", config->url);
    at = strstr(out, "/sgx/certification/");
    if (tdx && at != NULL) {
        at[1] = 't';
        at[2] = 'd';
    }
}

static int crl_url(const struct cm_collateral_config *config, bool platform_ca, bool root,
                   char *out, size_t cap)
{
    const char *ca = platform_ca ? "platform" : "processor";
    const char *azure = root ? AZURE_ROOT : platform_ca ? AZURE_PLATFORM : AZURE_PROCESSOR;

    if (config->kind == CM_COLLATERAL_AZURE) {
        return snprintf(out, cap, "%s/pckcrl?uri=%s&" AZURE_QUERY, config->url, azure);
    }
    if (!root) {
        return snprintf(out, cap, "%s/pckcrl?ca=%s&encoding=der", config->url, ca);
    }
    if (config->kind == CM_COLLATERAL_PCS) {
        return snprintf(out, cap, "%s", config->root_crl_url);
    }
    return snprintf(out, cap, "%s/rootcacrl", config->url);
}

/* The query that every document of a kind has, behind "?" or "&". */
static const char *common_query(const struct cm_collateral_config *config)
{
    return config->kind == CM_COLLATERAL_AZURE ? AZURE_QUERY : "";
}

static int json_url(const struct cm_collateral_config *config, const struct cm_collateral_key *key,
                    bool tcb, char *out, size_t cap)
{
    char base[CM_COLLATERAL_MAX_URL] = "";
    char update[32] = "";
    const char *query = common_query(config);
    const uint8_t *f = key->fmspc;

    base_of(config, key->tdx, base);
    if (config->update[0] != '\0') {
        (void)snprintf(update, sizeof(update), "update=%.16s", config->update);
    }
    if (tcb) {
        return snprintf(out, cap, "%s/tcb?fmspc=%02X%02X%02X%02X%02X%02X%s%s%s%s", base, f[0], f[1],
                        f[2], f[3], f[4], f[5], update[0] != '\0' ? "&" : "", update,
                        query[0] != '\0' ? "&" : "", query);
    }
    return snprintf(out, cap, "%s/qe/identity%s%s%s%s", base,
                    update[0] != '\0' || query[0] != '\0' ? "?" : "", update,
                    update[0] != '\0' && query[0] != '\0' ? "&" : "", query);
}

/*
 * A caching service knows platforms by their QE; Intel's by the PPID alone. Both take an encrypted
 * PPID of RSA-3072 only and refuse an empty or a shorter one, where a caching service does without.
 */
static int pck_url(const struct cm_collateral_config *config, const struct cm_pck_key *key,
                   char *out, size_t cap)
{
    const bool by_qe = config->kind != CM_COLLATERAL_PCS;
    const bool by_ppid = key->ppid_len == CM_PPID_MAX;
    const char *query = common_query(config);
    char ppid[2 * CM_PPID_MAX + 1] = "";
    char qe_id[2 * sizeof(key->qe_id) + 1] = "";
    char cpusvn[2 * sizeof(key->cpusvn) + 1] = "";

    if (by_ppid) {
        cm_hex_encode(cm_span_make(key->ppid, key->ppid_len), CM_HEX_LOWER, ppid);
    }
    cm_hex_encode(cm_span_make(key->qe_id, sizeof(key->qe_id)), CM_HEX_LOWER, qe_id);
    cm_hex_encode(cm_span_make(key->cpusvn, sizeof(key->cpusvn)), CM_HEX_LOWER, cpusvn);
    return snprintf(out, cap, "%s/pckcert?%s%s%s%s%s%scpusvn=%s&pcesvn=%02x%02x&pceid=%02x%02x%s%s",
                    config->url, by_qe ? "qeid=" : "", by_qe ? qe_id : "", by_qe ? "&" : "",
                    by_ppid ? "encrypted_ppid=" : "", ppid, by_ppid ? "&" : "", cpusvn,
                    key->pcesvn[0], key->pcesvn[1], key->pceid[0], key->pceid[1],
                    query[0] != '\0' ? "&" : "", query);
}

enum cm_status cm_document_url(const struct cm_collateral_config *config,
                               const struct cm_collateral_key *key, enum cm_document d,
                               char out[CM_DOCUMENT_MAX_URL], struct cm_why *why)
{
    const size_t cap = CM_DOCUMENT_MAX_URL;
    int n = 0;

    if (d == CM_DOCUMENT_PCK) {
        if (config->kind == CM_COLLATERAL_PCS && key->pck.ppid_len != CM_PPID_MAX) {
            cm_why_set(why,
                       "the quote holds neither a PCK chain nor %s: only a caching service "
                       "(CASEMATE_PCCS_URL) can know its platform",
                       key->pck.ppid_len == 0 ? "an encrypted PPID"
                                              : "a PPID encrypted with RSA-3072, which Intel's "
                                                "service asks for");
            return CM_ERR_UNSUPPORTED;
        }
        n = pck_url(config, &key->pck, out, cap);
    } else if (d == CM_DOCUMENT_TCB_INFO || d == CM_DOCUMENT_QE_IDENTITY) {
        if (key->tdx && strstr(config->url, "/v3") != NULL) {
            cm_why_set(why, "collateral for TDX needs version 4 of the service's interface");
            return CM_ERR_UNSUPPORTED;
        }
        n = json_url(config, key, d == CM_DOCUMENT_TCB_INFO, out, cap);
    } else {
        n = crl_url(config, key->platform_ca, d == CM_DOCUMENT_ROOT_CRL, out, cap);
    }
    if (n < 0 || (size_t)n >= cap) {
        cm_why_set(why, "the service's address is too long");
        return CM_ERR_PARAM;
    }
    return CM_OK;
}

/* ------------------------------------------------------------------- check */

static enum cm_status valid_now(struct cm_period p, uint64_t now)
{
    return now >= p.not_before && now <= p.not_after ? CM_OK : CM_ERR_EXPIRED;
}

static enum cm_status check_tcb_info(struct cm_span body, const struct cm_collateral_key *key,
                                     uint64_t now, struct cm_why *why)
{
    struct cm_tcb_info *info = calloc(1, sizeof(*info));
    enum cm_status st = CM_OK;

    if (info == NULL) {
        return CM_ERR_NOMEM;
    }
    CM_TRY(cm_tcb_info_parse(body, info, why));
    if (info->tdx != key->tdx || memcmp(info->fmspc, key->fmspc, sizeof(info->fmspc)) != 0) {
        st = CM_ERR_MISMATCH;
        goto out;
    }
    st = valid_now((struct cm_period){info->dates.issue_date, info->dates.next_update}, now);
out:
    cm_tcb_info_free(info);
    free(info);
    return st;
}

static enum cm_status check_qe_identity(struct cm_span body, const struct cm_collateral_key *key,
                                        uint64_t now, struct cm_why *why)
{
    struct cm_qe_identity *id = calloc(1, sizeof(*id));
    enum cm_status st = CM_OK;

    if (id == NULL) {
        return CM_ERR_NOMEM;
    }
    CM_TRY(cm_qe_identity_parse(body, id, why));
    if (id->tdx != key->tdx) {
        st = CM_ERR_MISMATCH;
        goto out;
    }
    st = valid_now((struct cm_period){id->dates.issue_date, id->dates.next_update}, now);
out:
    cm_qe_identity_free(id);
    free(id);
    return st;
}

static enum cm_status check_crl(struct cm_span body, uint64_t now)
{
    struct cm_crl *crl = NULL;
    enum cm_status st = CM_OK;

    CM_TRY(cm_crl_parse(body, &crl));
    st = valid_now(cm_crl_period(crl), now);
    cm_crl_free(crl);
out:
    return st;
}

static enum cm_status check_chain(struct cm_span pem)
{
    const struct cm_cert *chain[CM_CERTS_MAX_CHAIN] = {NULL};
    struct cm_certs *certs = NULL;
    size_t count = 0;
    enum cm_status st = CM_OK;

    CM_TRY(cm_certs_create(&certs));
    CM_TRY(cm_certs_pem(certs, pem, chain, &count));
    st = count == 2 ? CM_OK : CM_ERR_FORMAT; /* the signer and the root */
out:
    cm_certs_free(certs);
    return st;
}

static enum cm_status check_pck(struct cm_span body, const struct cm_collateral_key *key,
                                uint64_t now)
{
    const struct cm_cert *chain[CM_CERTS_MAX_CHAIN] = {NULL};
    struct cm_collateral_key found = {0};
    struct cm_certs *certs = NULL;
    struct cm_pck_ext pck;
    size_t count = 0;
    enum cm_status st = CM_OK;

    CM_TRY(cm_certs_create(&certs));
    CM_TRY(cm_certs_pem(certs, body, chain, &count));
    if (count != 1) {
        st = CM_ERR_FORMAT;
        goto out;
    }
    CM_TRY(cm_collateral_key_pck(body, &found, &pck));
    st = memcmp(pck.pceid, key->pck.pceid, sizeof(pck.pceid)) == 0 &&
                 (!key->known || memcmp(pck.fmspc, key->fmspc, sizeof(pck.fmspc)) == 0)
             ? valid_now(cm_cert_period(chain[0]), now)
             : CM_ERR_MISMATCH;
out:
    cm_certs_free(certs);
    return st;
}

enum cm_status cm_document_check(enum cm_document d, struct cm_document_bytes bytes,
                                 const struct cm_collateral_key *key, uint64_t now,
                                 struct cm_why *why)
{
    struct cm_why cause = {""};
    enum cm_status st = CM_ERR_PARAM;

    switch (d) {
    case CM_DOCUMENT_PCK:
        st = check_pck(bytes.body, key, now);
        break;
    case CM_DOCUMENT_TCB_INFO:
        st = check_tcb_info(bytes.body, key, now, &cause);
        break;
    case CM_DOCUMENT_QE_IDENTITY:
        st = check_qe_identity(bytes.body, key, now, &cause);
        break;
    case CM_DOCUMENT_PCK_CRL:
    case CM_DOCUMENT_ROOT_CRL:
        st = check_crl(bytes.body, now);
        break;
    case CM_DOCUMENT_COUNT:
        break;
    }
    if (st == CM_OK && cm_document_headers(d) != NULL) {
        st = check_chain(bytes.chain);
        if (st != CM_OK) {
            cm_why_set(&cause, "its issuer chain is missing or malformed");
        }
    }
    if (st != CM_OK) {
        cm_why_set(why, "the %s that was served: %.120s", cm_document_name(d),
                   cause.text[0] != '\0'   ? cause.text
                   : st == CM_ERR_MISMATCH ? "it is for another platform"
                   : st == CM_ERR_EXPIRED  ? "it is not valid at this time"
                                           : cm_status_str(st));
    }
    return st == CM_ERR_SYNTAX ? CM_ERR_FORMAT : st;
}
