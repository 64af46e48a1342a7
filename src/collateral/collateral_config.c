/* Where collateral comes from on this machine; see collateral_client.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "collateral/collateral_client.h"
#include "collateral/collateral_http.h"
#include "common/try.h"
#include "os/os.h"
#include "token/json.h"

#define PCS_URL         "https://api.trustedservices.intel.com/sgx/certification/v4"
#define PCS_HOST        "https://api.trustedservices.intel.com/"
#define PCS_ROOT_CRL    "https://certificates.trustedservices.intel.com/IntelSGXRootCA.der"
#define AZURE_HOST      ".acccache.azure.net/"
#define AZURE_PATH      "/metadata/THIM/"
#define QCNL_CONF       "/etc/sgx_default_qcnl.conf"

#define CONF_MAX        65536u
#define CONF_NODES      4096u
#define DEFAULT_AGE     (UINT64_C(7) * 24 * 3600) /* Intel's own client: 168 hours */
#define DEFAULT_TIMEOUT 30000u

enum cm_status cm_collateral_config_for(const char *url, struct cm_collateral_config *out,
                                        struct cm_why *why)
{
    static const char marker[] = "/sgx/certification/v";
    const time_t now = time(NULL);
    size_t len = strlen(url);
    const char *at = NULL;
    enum cm_status st = CM_OK;

    memset(out, 0, sizeof(*out));
    while (len != 0 && url[len - 1] == '/') {
        len--;
    }
    if (len >= sizeof(out->url)) {
        cm_why_set(why, "the service's address is too long");
        return CM_ERR_PARAM;
    }
    memcpy(out->url, url, len);
    CM_TRY(cm_http_check_url(out->url, why));
    at = strstr(out->url, marker);
    at = at != NULL ? at + sizeof(marker) - 1 : "";
    if ((at[0] != '3' && at[0] != '4') || at[1] != '\0') {
        cm_why_set(why, "%.160s: the service's address must end with /sgx/certification/v4 or v3",
                   out->url);
        st = CM_ERR_PARAM;
        goto out;
    }
    out->kind = CM_COLLATERAL_PCCS;
    if (strncmp(out->url, PCS_HOST, sizeof(PCS_HOST) - 1) == 0) {
        out->kind = CM_COLLATERAL_PCS;
        (void)snprintf(out->root_crl_url, sizeof(out->root_crl_url), "%s", PCS_ROOT_CRL);
    } else if (strstr(out->url, AZURE_HOST) != NULL || strstr(out->url, AZURE_PATH) != NULL) {
        out->kind = CM_COLLATERAL_AZURE;
    }
    out->max_age = DEFAULT_AGE;
    out->timeout_ms = DEFAULT_TIMEOUT;
    out->now = now > 0 ? (uint64_t)now : 0;
out:
    return st;
}

/* Intel's file is JSON with lines of comment: those become spaces. */
static void drop_comments(char *text, size_t len)
{
    bool fresh = true; /* nothing but spaces on this line so far */

    for (size_t i = 0; i < len; i++) {
        if (fresh && text[i] == '/' && i + 1 < len && text[i + 1] == '/') {
            while (i < len && text[i] != '\n') {
                text[i++] = ' ';
            }
        }
        if (i < len) {
            fresh = text[i] == '\n' || (fresh && (text[i] == ' ' || text[i] == '\t'));
        }
    }
}

/* The address in a file of Intel's client. */
static enum cm_status from_conf(const char *path, char *url, size_t cap, struct cm_why *why)
{
    struct cm_json_node *nodes = NULL;
    struct cm_json_value value = {NULL, 0};
    struct cm_json doc;
    uint8_t *text = NULL;
    size_t len = 0;
    enum cm_status st = CM_OK;

    CM_TRY(cm_file_read(path, CONF_MAX, &text, &len, why));
    nodes = malloc(CONF_NODES * sizeof(*nodes));
    if (nodes == NULL) {
        st = CM_ERR_NOMEM;
        goto out;
    }
    drop_comments((char *)text, len);
    st = cm_json_parse(cm_span_make(text, len), nodes, CONF_NODES, &doc, NULL);
    if (st == CM_OK) {
        value = cm_json_get(cm_json_root(&doc), "collateral_service");
        if (value.doc == NULL) {
            value = cm_json_get(cm_json_root(&doc), "pccs_url");
        }
        st = cm_json_string(value, url, cap, NULL);
    }
    if (st != CM_OK) {
        cm_why_set(why, "%.120s is not understood: set CASEMATE_PCCS_URL to the service's address",
                   path);
        st = CM_ERR_FORMAT;
    }
out:
    free(nodes);
    free(text);
    return st;
}

static const char *variable(const char *name)
{
    const char *value = getenv(name);

    return value != NULL && value[0] != '\0' ? value : NULL;
}

static enum cm_status choose_url(char *url, size_t cap, struct cm_why *why)
{
    const char *own = variable("CASEMATE_PCCS_URL");
    const char *azure = variable("AZDCAP_BASE_CERT_URL");
    const char *version = variable("AZDCAP_COLLATERAL_VERSION");
    const char *conf = variable("QCNL_CONF_PATH");
    enum cm_status st = CM_OK;
    int n = 0;

    if (own != NULL) {
        n = snprintf(url, cap, "%s", own);
    } else if (azure != NULL) {
        n = snprintf(url, cap, "%s/%s", azure, version != NULL ? version : "v3");
    } else {
        st = from_conf(conf != NULL ? conf : QCNL_CONF, url, cap, conf != NULL ? why : NULL);
        if (st == CM_ERR_NOTFOUND && conf == NULL) {
            (void)snprintf(url, cap, "%s", PCS_URL);
            st = CM_OK;
        } else if (st != CM_OK) {
            cm_why_set(why, "%s cannot be used: set CASEMATE_PCCS_URL to the service's address",
                       conf != NULL ? conf : QCNL_CONF);
        }
    }
    if (n < 0 || (size_t)n >= cap) {
        cm_why_set(why, "the service's address is too long");
        return CM_ERR_PARAM;
    }
    return st;
}

void cm_collateral_cache(char *out, size_t cap)
{
    const char *off = variable("CASEMATE_COLLATERAL_CACHE");
    char state[900] = "";
    int n = 0;

    out[0] = '\0';
    if ((off != NULL && strcmp(off, "off") == 0) ||
        cm_state_dir(state, sizeof(state), NULL) != CM_OK) {
        return;
    }
    n = snprintf(out, cap, "%s/collateral", state);
    if (n < 0 || (size_t)n >= cap || (mkdir(out, 0700) != 0 && errno != EEXIST)) {
        out[0] = '\0';
    }
}

enum cm_status cm_collateral_configure(struct cm_collateral_config *out, struct cm_why *why)
{
    const char *ca = variable("CASEMATE_PCCS_CA");
    const char *subscription = variable("CASEMATE_PCS_SUBSCRIPTION");
    char url[CM_COLLATERAL_MAX_URL] = "";
    enum cm_status st = CM_OK;

    CM_TRY(choose_url(url, sizeof(url), why));
    CM_TRY(cm_collateral_config_for(url, out, why));
    if (ca != NULL) {
        int n = snprintf(out->ca_file, sizeof(out->ca_file), "%s", ca);

        if (n < 0 || (size_t)n >= sizeof(out->ca_file)) {
            cm_why_set(why, "CASEMATE_PCCS_CA is too long");
            return CM_ERR_PARAM;
        }
    }
    if (subscription != NULL) {
        int n = snprintf(out->subscription, sizeof(out->subscription), "%s", subscription);

        if (n < 0 || (size_t)n >= sizeof(out->subscription) ||
            strspn(subscription, "0123456789abcdefABCDEF-") != strlen(subscription)) {
            cm_why_set(why, "CASEMATE_PCS_SUBSCRIPTION is not a subscription key");
            return CM_ERR_PARAM;
        }
    }
    cm_collateral_cache(out->cache, sizeof(out->cache));
out:
    return st;
}
