/* Finding a token and its key by p11-kit; see keep_token.h. Trusted: the module that the operator names. */
#include "keep/keep_token.h"

#include <p11-kit/p11-kit.h>
#include <p11-kit/uri.h>
#include <stdlib.h>
#include <string.h>

#include "common/try.h"
#include "common/wipe.h"
#include "os/os.h"

#define PIN_MAX   256u
#define SLOTS_MAX 64u

/* p11-kit's functions, and what of modules was loaded by them. */
struct cm_token_modules {
    P11KitUri *(*uri_new)(void);
    int (*uri_parse)(const char *text, P11KitUriType type, P11KitUri *uri);
    void (*uri_free)(P11KitUri *uri);
    int (*uri_unrecognized)(P11KitUri *uri);
    const char *(*pin_source)(P11KitUri *uri);
    const char *(*pin_value)(P11KitUri *uri);
    const char *(*module_path)(P11KitUri *uri);
    CK_ATTRIBUTE *(*attribute)(P11KitUri *uri, CK_ATTRIBUTE_TYPE type);
    int (*match_token)(const P11KitUri *uri, const CK_TOKEN_INFO *info);
    int (*match_module)(const P11KitUri *uri, const CK_INFO *info);
    CK_FUNCTION_LIST **(*load_all)(int flags);
    void (*release_all)(CK_FUNCTION_LIST **modules);
    CK_FUNCTION_LIST *(*load_one)(const char *path, int flags);
    CK_RV (*initialize_one)(CK_FUNCTION_LIST *module);
    CK_RV (*finalize_one)(CK_FUNCTION_LIST *module);
    void (*release_one)(CK_FUNCTION_LIST *module);

    P11KitUri *uri;
    CK_FUNCTION_LIST **all; /* of those that p11-kit knows; or */
    CK_FUNCTION_LIST *one[2];
    bool initialized;
};

enum cm_status cm_token_said(CK_RV rv, const char *what, struct cm_why *why)
{
    if (rv == CKR_OK) {
        return CM_OK;
    }
    if (rv == CKR_PIN_INCORRECT || rv == CKR_PIN_LOCKED || rv == CKR_PIN_LEN_RANGE) {
        cm_why_set(why, "the token refuses the PIN%s",
                   rv == CKR_PIN_LOCKED ? ": it is locked" : "");
        return CM_ERR_DENIED;
    }
    cm_why_set(why, "the token cannot %s: error 0x%lx", what, rv);
    return rv == CKR_HOST_MEMORY ? CM_ERR_NOMEM : CM_ERR_PLATFORM;
}

static enum cm_status load_p11(struct cm_token_modules *m, struct cm_why *why)
{
    const struct cm_library_symbol symbols[] = {
        {"p11_kit_uri_new", &m->uri_new, true},
        {"p11_kit_uri_parse", &m->uri_parse, true},
        {"p11_kit_uri_free", &m->uri_free, true},
        {"p11_kit_uri_any_unrecognized", &m->uri_unrecognized, true},
        {"p11_kit_uri_get_pin_source", &m->pin_source, true},
        {"p11_kit_uri_get_pin_value", &m->pin_value, true},
        {"p11_kit_uri_get_module_path", &m->module_path, true},
        {"p11_kit_uri_get_attribute", &m->attribute, true},
        {"p11_kit_uri_match_token_info", &m->match_token, true},
        {"p11_kit_uri_match_module_info", &m->match_module, true},
        {"p11_kit_modules_load_and_initialize", &m->load_all, true},
        {"p11_kit_modules_finalize_and_release", &m->release_all, true},
        {"p11_kit_module_load", &m->load_one, true},
        {"p11_kit_module_initialize", &m->initialize_one, true},
        {"p11_kit_module_finalize", &m->finalize_one, true},
        {"p11_kit_module_release", &m->release_one, true},
    };

    return cm_library_load("libp11-kit.so.0", "libp11-kit0", symbols,
                           sizeof(symbols) / sizeof(symbols[0]), why);
}

static enum cm_status parse_uri(struct cm_token_modules *m, const char *text, struct cm_why *why)
{
    m->uri = m->uri_new();
    if (m->uri == NULL) {
        return CM_ERR_NOMEM;
    }
    if (m->uri_parse(text, P11_KIT_URI_FOR_ANY, m->uri) != P11_KIT_URI_OK ||
        m->uri_unrecognized(m->uri) != 0) {
        cm_why_set(why, "not a PKCS#11 URI as of RFC 7512");
        return CM_ERR_PARAM;
    }
    if (m->pin_value(m->uri) != NULL) {
        cm_why_set(why,
                   "a PIN in the URI is seen by everybody who sees the command line: put it into a "
                   "file, and pin-source=file:PATH into the URI");
        return CM_ERR_PARAM;
    }
    if (m->pin_source(m->uri) == NULL) {
        cm_why_set(why, "the URI names no PIN: add pin-source=file:PATH");
        return CM_ERR_PARAM;
    }
    return CM_OK;
}

static enum cm_status load_modules(struct cm_token_modules *m, struct cm_why *why)
{
    const char *path = m->module_path(m->uri);
    enum cm_status st = CM_OK;

    if (path == NULL) {
        m->all = m->load_all(0);
        if (m->all == NULL) {
            cm_why_set(why, "p11-kit cannot load its modules");
            return CM_ERR_PLATFORM;
        }
        return CM_OK;
    }
    m->one[0] = m->load_one(path, 0);
    if (m->one[0] == NULL) {
        cm_why_set(why, "the PKCS#11 module %s cannot be loaded", path);
        return CM_ERR_NOTFOUND;
    }
    m->all = m->one;
    st = cm_token_said(m->initialize_one(m->one[0]), "be initialised", why);
    m->initialized = st == CM_OK;
    return st;
}

/* ------------------------------------------------------------------- token */

struct found {
    CK_FUNCTION_LIST *f;
    CK_SLOT_ID slot;
    size_t count;
    CK_TOKEN_INFO info;
};

static void look_at_slots(const struct cm_token_modules *m, CK_FUNCTION_LIST *f,
                          struct found *found)
{
    CK_SLOT_ID slots[SLOTS_MAX];
    CK_ULONG count = SLOTS_MAX;
    CK_INFO module;

    if (f->C_GetInfo(&module) != CKR_OK || m->match_module(m->uri, &module) != 1 ||
        f->C_GetSlotList(CK_TRUE, slots, &count) != CKR_OK) {
        return;
    }
    for (CK_ULONG i = 0; i < count; i++) {
        CK_TOKEN_INFO info;

        if (f->C_GetTokenInfo(slots[i], &info) == CKR_OK &&
            (info.flags & CKF_TOKEN_INITIALIZED) != 0 && m->match_token(m->uri, &info) == 1) {
            *found = (struct found){f, slots[i], found->count + 1, info};
        }
    }
}

static enum cm_status find_token(struct cm_token *t, CK_SLOT_ID *slot, struct cm_why *why)
{
    struct found found = {.count = 0};
    size_t len = sizeof(found.info.label);

    for (size_t i = 0; t->modules->all[i] != NULL; i++) {
        look_at_slots(t->modules, t->modules->all[i], &found);
    }
    if (found.count != 1) {
        cm_why_set(why, found.count == 0 ? "no PKCS#11 token is as the URI says"
                                         : "more than one PKCS#11 token is as the URI says");
        return CM_ERR_NOTFOUND;
    }
    t->f = found.f;
    *slot = found.slot;
    while (len > 0 && found.info.label[len - 1] == ' ') { /* fixed length, padded */
        len--;
    }
    memcpy(t->label, found.info.label, len);
    t->label[len] = '\0';
    return CM_OK;
}

static enum cm_status log_in(struct cm_token *t, CK_SLOT_ID slot, struct cm_why *why)
{
    const char *source = t->modules->pin_source(t->modules->uri);
    uint8_t *pin = NULL;
    size_t len = 0;
    size_t used = 0;
    CK_RV rv = CKR_OK;
    enum cm_status st = CM_OK;

    if (strncmp(source, "file:", 5) == 0) {
        source += 5;
    }
    CM_TRY(cm_file_read_private(source, PIN_MAX, &pin, &len, why));
    used = len > 0 && pin[len - 1] == '\n' ? len - 1 : len;
    CM_TRY(cm_token_said(t->f->C_OpenSession(slot, CKF_SERIAL_SESSION, NULL, NULL, &t->session),
                         "open a session", why));
    t->has_session = true;
    rv = t->f->C_Login(t->session, CKU_USER, pin, used);
    CM_TRY(rv == CKR_USER_ALREADY_LOGGED_IN ? CM_OK : cm_token_said(rv, "log in", why));
out:
    cm_wipe(pin, len);
    free(pin);
    return st;
}

/* --------------------------------------------------------------------- key */

/* How many keys of a class the URI names; the last one found. */
static enum cm_status count_keys(struct cm_token *t, CK_OBJECT_CLASS class, CK_KEY_TYPE type,
                                 size_t *count, struct cm_why *why)
{
    P11KitUri *uri = t->modules->uri;
    const CK_ATTRIBUTE *label = t->modules->attribute(uri, CKA_LABEL);
    const CK_ATTRIBUTE *id = t->modules->attribute(uri, CKA_ID);
    const CK_ATTRIBUTE *asked = t->modules->attribute(uri, CKA_CLASS);
    CK_ATTRIBUTE want[4] = {{CKA_CLASS, &class, sizeof(class)},
                            {CKA_KEY_TYPE, &type, sizeof(type)}};
    CK_OBJECT_HANDLE keys[2] = {0, 0};
    CK_ULONG n = 2;
    CK_ULONG found = 0;
    enum cm_status st = CM_OK;

    if (asked != NULL &&
        (asked->ulValueLen != sizeof(class) || memcmp(asked->pValue, &class, sizeof(class)) != 0)) {
        return CM_OK;
    }
    if (label != NULL) {
        want[n++] = *label;
    }
    if (id != NULL) {
        want[n++] = *id;
    }
    CM_TRY(cm_token_said(t->f->C_FindObjectsInit(t->session, want, n), "look for keys", why));
    st = cm_token_said(t->f->C_FindObjects(t->session, keys, 2, &found), "look for keys", why);
    (void)t->f->C_FindObjectsFinal(t->session);
    if (st == CM_OK && found > 0) {
        t->key = keys[0];
        t->rsa = type == CKK_RSA;
        *count += found;
    }
out:
    return st;
}

static enum cm_status find_key(struct cm_token *t, struct cm_why *why)
{
    size_t count = 0;
    enum cm_status st = CM_OK;

    CM_TRY(count_keys(t, CKO_SECRET_KEY, CKK_AES, &count, why));
    CM_TRY(count_keys(t, CKO_PRIVATE_KEY, CKK_RSA, &count, why));
    if (count != 1) {
        cm_why_set(why,
                   count == 0
                       ? "the token has no AES or RSA key as the URI says (object=, id=, type=)"
                       : "the token has more than one key as the URI says: add id= or type=");
        st = CM_ERR_NOTFOUND;
    }
out:
    return st;
}

/* ------------------------------------------------------------------ public */

enum cm_status cm_token_open(const char *uri, struct cm_token **out, struct cm_why *why)
{
    struct cm_token *t = calloc(1, sizeof(*t));
    CK_SLOT_ID slot = 0;
    enum cm_status st = CM_ERR_NOMEM;

    *out = NULL;
    if (t == NULL) {
        return CM_ERR_NOMEM;
    }
    t->modules = calloc(1, sizeof(*t->modules));
    if (t->modules == NULL) {
        goto out;
    }
    CM_TRY(load_p11(t->modules, why));
    CM_TRY(parse_uri(t->modules, uri, why));
    CM_TRY(load_modules(t->modules, why));
    CM_TRY(find_token(t, &slot, why));
    CM_TRY(log_in(t, slot, why));
    CM_TRY(find_key(t, why));
    *out = t;
    t = NULL;
out:
    cm_token_close(t);
    return st;
}

void cm_token_close(struct cm_token *t)
{
    struct cm_token_modules *m = t == NULL ? NULL : t->modules;

    if (t == NULL) {
        return;
    }
    if (t->has_session) {
        (void)t->f->C_Logout(t->session);
        (void)t->f->C_CloseSession(t->session);
    }
    if (m != NULL && m->one[0] != NULL) {
        if (m->initialized) {
            (void)m->finalize_one(m->one[0]);
        }
        m->release_one(m->one[0]);
    } else if (m != NULL && m->all != NULL) {
        m->release_all(m->all);
    }
    if (m != NULL && m->uri != NULL) {
        m->uri_free(m->uri);
    }
    free(m);
    free(t);
}
