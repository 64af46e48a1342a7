/*
 * The collateral client: Intel's provisioning certification service (PCS), a caching service near
 * by (PCCS), or Azure's (THIM). Answers are kept on disk. Host side only.
 *
 * Nothing that a service says is trusted: answers are bounded, must be of the right kind for the
 * platform that was asked for, and are verified by whoever uses them. TLS keeps others from
 * learning which platform is asked for and from serving old documents.
 */
#ifndef CM_COLLATERAL_CLIENT_H
#define CM_COLLATERAL_CLIENT_H

#include "collateral/collateral_parts.h"

enum cm_collateral_kind {
    CM_COLLATERAL_PCS,   /* Intel's: the root's revocation list has an address of its own */
    CM_COLLATERAL_PCCS,  /* rootcacrl beside the rest */
    CM_COLLATERAL_AZURE, /* lists by the address that they have at Intel's */
};

#define CM_COLLATERAL_MAX_URL 512

/* Where to ask, and what to keep. Plain data; made by cm_collateral_configure() or by hand. */
struct cm_collateral_config {
    enum cm_collateral_kind kind;
    char url[CM_COLLATERAL_MAX_URL];          /* ".../sgx/certification/v4": no slash at the end */
    char root_crl_url[CM_COLLATERAL_MAX_URL]; /* of PCS */
    char ca_file[1024];    /* PEM: trust these for TLS instead of the system's; "" */
    char subscription[80]; /* of PCS, which wants it for PCK certificates only; "" */
    char update[16];       /* "early", "standard" or "": which TCB info where both are published */
    char cache[1024];      /* a folder that exists; "": keep nothing */
    uint64_t max_age;      /* seconds: ask again for what is older, though it has not expired */
    uint64_t now;          /* seconds since 1970 */
    unsigned timeout_ms;   /* of each of the four requests */
};

/**
 * Kind and defaults for an address: Intel's host is PCS, a path of THIM or Azure's cache is AZURE,
 * anything else PCCS. No cache.
 * @param url  "https://localhost:8081/sgx/certification/v4/", slash or not.
 * @retval CM_ERR_PARAM not https (http for this machine only), or no /sgx/certification/v3 or v4
 */
CM_MUST_USE enum cm_status
cm_collateral_config_for(const char *url, struct cm_collateral_config *out, struct cm_why *why);

/**
 * What the user's environment says, first match:
 * - CASEMATE_PCCS_URL, with CASEMATE_PCCS_CA (a PEM file) for a service with a certificate of its own;
 * - AZDCAP_BASE_CERT_URL with AZDCAP_COLLATERAL_VERSION, as Azure's client has them;
 * - the file QCNL_CONF_PATH or /etc/sgx_default_qcnl.conf: "collateral_service", else "pccs_url";
 * - Intel's service, with CASEMATE_PCS_SUBSCRIPTION as the key that it wants for PCK certificates.
 * The cache is below the user's state folder (os/os.h) unless CASEMATE_COLLATERAL_CACHE is "off".
 * @retval CM_ERR_PARAM, CM_ERR_FORMAT  why names the variable or the file
 */
CM_MUST_USE enum cm_status cm_collateral_configure(struct cm_collateral_config *out,
                                                   struct cm_why *why);

/**
 * The folder that cm_collateral_configure() puts into cache, made when missing; "" when there is no
 * place for it, or CASEMATE_COLLATERAL_CACHE is "off".
 */
void cm_collateral_cache(char *out, size_t cap);

/**
 * All parts for a platform, with the PCK chain if the quote has none, from the cache where they are fresh, else from the service. What has not
 * expired is taken from the cache when the service cannot be reached, though it is older than
 * max_age. Failing to write the cache is no failure.
 *
 * @param key  fmspc, platform_ca and known are set when the PCK chain had to be fetched.
 * @param out  set only on CM_OK, otherwise NULL. UNTRUSTED, but well formed and for this platform.
 * @retval CM_ERR_NOTFOUND  the service does not know the platform; or libcurl is absent
 * @retval CM_ERR_MISMATCH  the service answered for another platform
 * @retval CM_ERR_EXPIRED   the service gave documents that are not valid now
 * @retval others           of cm_http_get() and of the documents' readers
 *
 * Thread-safe; several processes may share a cache.
 */
CM_MUST_USE enum cm_status cm_collateral_fetch(const struct cm_collateral_config *config,
                                               struct cm_collateral_key *key,
                                               struct cm_collateral_parts **out,
                                               struct cm_why *why);

#endif
