/*
 * What the PCCS answers; see cli_pccs.h. Paths, headers and forms are those of Intel's service:
 * version 3 gives TCB info of version 2 under SGX-TCB-Info-Issuer-Chain, version 4 gives version 3
 * under TCB-Info-Issuer-Chain. Untrusted: the URI.
 */
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cli/cli_pccs.h"
#include "cli/cli_pccs_query.h"
#include "cli/cli_text.h"
#include "common/hex.h"
#include "token/base64.h"

#define TYPE_JSON "application/json"
#define TYPE_PEM  "application/x-pem-file"
#define TYPE_CRL  "application/pkix-crl"
#define TYPE_TEXT "text/plain"

/* One request on its way to its answer. */
struct ask {
    unsigned version; /* of the API: 3 or 4 */
    const struct cm_emuplat_info *info;
    struct cm_pccs_query query;
    struct cm_pccs_answer *out;
    bool no_memory;
};

static const char *sentence(int status)
{
    switch (status) {
    case 200:
        return "OK";
    case 400:
        return "Invalid request parameters.";
    case 404:
        return "No cache data for this platform.";
    case 405:
        return "Only GET and HEAD: nothing can be changed here.";
    case 410:
        return "The TCB evaluation data number is not served any more.";
    case 413:
        return "Requests have no body here.";
    case 414:
        return "The URI is too long.";
    default:
        return "Internal server error occurred.";
    }
}

static void set_body(struct ask *a, const char *type, struct cm_span bytes)
{
    a->out->body = malloc(bytes.len + 1);
    if (a->out->body == NULL) {
        a->no_memory = true;
        return;
    }
    memcpy(a->out->body, bytes.ptr, bytes.len);
    a->out->body_len = bytes.len;
    a->out->content_type = type;
    a->out->status = 200;
    a->out->reason = sentence(200);
}

static void refuse(struct ask *a, int status)
{
    const char *text = sentence(status);

    set_body(a, TYPE_TEXT, cm_span_make(text, strlen(text)));
    a->out->status = status;
    a->out->reason = text;
}

/* Takes value over; NULL means that there was no memory for it. */
static void add_header(struct ask *a, const char *name, char *value)
{
    if (value == NULL || a->out->header_count == CM_PCCS_MAX_HEADERS) {
        a->no_memory = true;
        free(value);
        return;
    }
    a->out->headers[a->out->header_count].name = name;
    a->out->headers[a->out->header_count].value = value;
    a->out->header_count++;
}

static void add_chain(struct ask *a, const char *name, struct cm_span pem)
{
    add_header(a, name, cm_pccs_escape(pem));
}

static void add_hex(struct ask *a, const char *name, const uint8_t *p, size_t n)
{
    char *hex = malloc(2 * n + 1);

    if (hex != NULL) {
        cm_hex_encode(cm_span_make(p, n), CM_HEX_UPPER, hex);
    }
    add_header(a, name, hex);
}

/* A list as text: PEM, or hexadecimal as the root's is served. */
static void list_pem(struct ask *a, struct cm_span der)
{
    static const char label[] = "X509 CRL";
    size_t cap = CM_PEM_ENCODED(der.len) + 2 * sizeof(label);
    uint8_t *pem = malloc(cap);
    struct cm_wr wr = cm_wr_init(pem, pem == NULL ? 0 : cap);

    cm_pem_write(&wr, label, der);
    if (pem != NULL && cm_wr_finish(&wr) == CM_OK) {
        set_body(a, TYPE_PEM, cm_span_make(pem, wr.used));
    } else {
        a->no_memory = true;
    }
    free(pem);
}

static void list_hex(struct ask *a, struct cm_span der)
{
    char *hex = malloc(2 * der.len + 1);

    if (hex == NULL) {
        a->no_memory = true;
        return;
    }
    cm_cli_hex(der.ptr, der.len, hex);
    set_body(a, TYPE_TEXT, cm_span_make(hex, 2 * der.len));
    free(hex);
}

/* Whether the asked-for TCB, component by component, is at least that of the certificate. */
static bool tcb_reached(const struct ask *a, const uint8_t cpusvn[16], const uint8_t pcesvn[2])
{
    unsigned pce = (unsigned)pcesvn[0] | (unsigned)pcesvn[1] << 8;

    for (size_t i = 0; i < 16; i++) {
        if (cpusvn[i] < a->info->cpusvn[i]) {
            return false;
        }
    }
    return pce >= a->info->pcesvn;
}

static void answer_pckcert(struct ask *a)
{
    const char *qeid = cm_pccs_query_get(&a->query, "qeid");
    const char *cpusvn = cm_pccs_query_get(&a->query, "cpusvn");
    const char *pcesvn = cm_pccs_query_get(&a->query, "pcesvn");
    const char *pceid = cm_pccs_query_get(&a->query, "pceid");
    const char *ppid = cm_pccs_query_get(&a->query, "encrypted_ppid");
    uint8_t id[16] = {0};
    uint8_t svn[16] = {0};
    uint8_t pce_svn[2] = {0};
    uint8_t pce[2] = {0};
    uint8_t encrypted[384] = {0};
    uint8_t tcbm[18] = {0};

    if (qeid == NULL || cpusvn == NULL || pcesvn == NULL || pceid == NULL || qeid[0] == '\0' ||
        strlen(qeid) > 260 || !cm_pccs_query_hex(cpusvn, svn, 16) ||
        !cm_pccs_query_hex(pcesvn, pce_svn, 2) || !cm_pccs_query_hex(pceid, pce, 2) ||
        (ppid != NULL && !cm_pccs_query_hex(ppid, encrypted, sizeof(encrypted)))) {
        refuse(a, 400);
        return;
    }
    if (!cm_pccs_query_hex(qeid, id, 16) || memcmp(id, a->info->qe_id, 16) != 0 ||
        memcmp(pce, a->info->pceid, 2) != 0 || !tcb_reached(a, svn, pce_svn)) {
        refuse(a, 404);
        return;
    }
    memcpy(tcbm, a->info->cpusvn, 16);
    tcbm[16] = (uint8_t)a->info->pcesvn;
    tcbm[17] = (uint8_t)(a->info->pcesvn >> 8);
    add_hex(a, "SGX-TCBm", tcbm, sizeof(tcbm));
    add_hex(a, "SGX-FMSPC", a->info->fmspc, sizeof(a->info->fmspc));
    add_header(a, "SGX-PCK-Certificate-CA-Type", strdup("platform"));
    add_chain(a, "SGX-PCK-Certificate-Issuer-Chain", a->info->pck_ca);
    set_body(a, TYPE_PEM, a->info->pck);
}

static void answer_pckcrl(struct ask *a)
{
    const char *ca = cm_pccs_query_get(&a->query, "ca");
    const char *encoding = cm_pccs_query_get(&a->query, "encoding");
    bool der = encoding != NULL && strcasecmp(encoding, "der") == 0;

    if (ca == NULL || (strcasecmp(ca, "platform") != 0 && strcasecmp(ca, "processor") != 0) ||
        (encoding != NULL && !der && strcasecmp(encoding, "pem") != 0)) {
        refuse(a, 400);
        return;
    }
    if (strcasecmp(ca, "platform") != 0) {
        refuse(a, 404); /* there is only a platform CA */
        return;
    }
    add_chain(a, "SGX-PCK-CRL-Issuer-Chain", a->info->pck_ca);
    if (der) {
        set_body(a, TYPE_CRL, a->info->pck_crl);
    } else {
        list_pem(a, a->info->pck_crl);
    }
}

/* update= and tcbEvaluationDataNumber= choose an edition; there is one. 200 goes on. */
static int edition(const struct ask *a)
{
    const char *update = cm_pccs_query_get(&a->query, "update");
    const char *number = cm_pccs_query_get(&a->query, "tcbEvaluationDataNumber");
    char *end = NULL;
    unsigned long long n = 0;

    if (update != NULL && strcmp(update, "early") != 0 && strcmp(update, "standard") != 0) {
        return 400;
    }
    if (number == NULL) {
        return 200;
    }
    if (update != NULL || a->version < 4 || number[0] < '0' || number[0] > '9' ||
        strlen(number) > 10) {
        return 400;
    }
    n = strtoull(number, &end, 10);
    if (*end != '\0') {
        return 400;
    }
    if (n < a->info->evaluation) {
        return 410;
    }
    return n == a->info->evaluation ? 200 : 404;
}

static void answer_tcb(struct ask *a)
{
    const char *fmspc = cm_pccs_query_get(&a->query, "fmspc");
    uint8_t id[6] = {0};
    int status = edition(a);

    if (fmspc == NULL || !cm_pccs_query_hex(fmspc, id, sizeof(id)) || status == 400) {
        refuse(a, 400);
    } else if (memcmp(id, a->info->fmspc, sizeof(id)) != 0) {
        refuse(a, 404);
    } else if (status != 200) {
        refuse(a, status);
    } else {
        add_chain(a, a->version == 3 ? "SGX-TCB-Info-Issuer-Chain" : "TCB-Info-Issuer-Chain",
                  a->info->tcb_chain);
        set_body(a, TYPE_JSON, a->version == 3 ? a->info->tcb_info_v2 : a->info->tcb_info);
    }
}

static void answer_qe_identity(struct ask *a)
{
    int status = edition(a);

    if (status != 200) {
        refuse(a, status);
        return;
    }
    add_chain(a, "SGX-Enclave-Identity-Issuer-Chain", a->info->tcb_chain);
    set_body(a, TYPE_JSON, a->info->qe_identity);
}

static void answer_absent(struct ask *a)
{
    refuse(a, 404);
}

static void answer_rootcacrl(struct ask *a)
{
    list_hex(a, a->info->root_crl);
}

static void answer_crl(struct ask *a)
{
    const char *uri = cm_pccs_query_get(&a->query, "uri");

    if (uri != NULL && strcmp(uri, a->info->root_crl_uri) == 0) {
        set_body(a, TYPE_CRL, a->info->root_crl);
    } else if (uri != NULL && strcmp(uri, a->info->pck_crl_uri) == 0) {
        set_body(a, TYPE_CRL, a->info->pck_crl);
    } else {
        refuse(a, 400);
    }
}

/* The answer for a path; NULL: there is no such path. */
static void (*route(struct cm_span path, unsigned *version))(struct ask *)
{
    static const struct {
        const char *path;
        void (*answer)(struct ask *);
    } routes[] = {
        {"pckcert", answer_pckcert},
        {"pckcrl", answer_pckcrl},
        {"tcb", answer_tcb},
        {"qe/identity", answer_qe_identity},
        {"qve/identity", answer_absent},
        {"rootcacrl", answer_rootcacrl},
        {"crl", answer_crl},
    };
    static const char sgx[] = "/sgx/certification/v";
    const size_t lead = sizeof(sgx) - 1;

    if (path.len < lead + 2 || memcmp(path.ptr, sgx, lead) != 0 || path.ptr[lead + 1] != '/' ||
        (path.ptr[lead] != '3' && path.ptr[lead] != '4')) {
        return NULL;
    }
    *version = (unsigned)(path.ptr[lead] - '0');
    for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
        if (path.len - lead - 2 == strlen(routes[i].path) &&
            memcmp(path.ptr + lead + 2, routes[i].path, path.len - lead - 2) == 0) {
            return routes[i].answer;
        }
    }
    return NULL;
}

static void add_request_id(struct ask *a)
{
    uint8_t id[16] = {0};
    char *hex = malloc(2 * sizeof(id) + 1);

    if (RAND_bytes(id, sizeof(id)) != 1) {
        memset(id, 0, sizeof(id)); /* names a request in a log, no more */
    }
    if (hex != NULL) {
        cm_cli_hex(id, sizeof(id), hex);
    }
    add_header(a, "Request-ID", hex);
}

enum cm_status cm_pccs_answer(enum cm_pccs_method method, const char *uri,
                              const struct cm_emuplat_info *info, struct cm_pccs_answer *out)
{
    struct ask *a = calloc(1, sizeof(*a));
    const size_t len = strnlen(uri, CM_PCCS_MAX_URI + 1);
    const size_t path = strcspn(uri, "?");
    void (*answer)(struct ask *) = NULL;
    bool no_memory = false;

    memset(out, 0, sizeof(*out));
    if (a == NULL) {
        return CM_ERR_NOMEM;
    }
    a->info = info;
    a->out = out;
    add_request_id(a);
    if (len > CM_PCCS_MAX_URI) {
        refuse(a, 414);
    } else if (method == CM_PCCS_BODY) {
        refuse(a, 413);
        add_header(a, "Connection", strdup("close")); /* what follows is no request */
    } else if ((answer = route(cm_span_make(uri, path), &a->version)) == NULL) {
        refuse(a, 404);
    } else if (method != CM_PCCS_READ) {
        refuse(a, 405);
        add_header(a, "Allow", strdup("GET, HEAD"));
    } else if (path < len && cm_pccs_query_parse(cm_span_make(uri + path + 1, len - path - 1),
                                                 &a->query) != CM_OK) {
        refuse(a, 400);
    } else {
        answer(a);
    }
    no_memory = a->no_memory;
    free(a);
    if (no_memory) {
        cm_pccs_answer_free(out);
        return CM_ERR_NOMEM;
    }
    return CM_OK;
}

void cm_pccs_answer_free(struct cm_pccs_answer *a)
{
    for (size_t i = 0; i < a->header_count; i++) {
        free(a->headers[i].value);
    }
    free(a->body);
    memset(a, 0, sizeof(*a));
}

void cm_pccs_answer_failed(struct cm_pccs_answer *out)
{
    memset(out, 0, sizeof(*out));
    out->status = 500;
    out->reason = sentence(500);
    out->content_type = TYPE_TEXT;
}
