/* Private to src/keep: a session with a PKCS#11 token, logged in, and the one key on it that a URI names. */
#ifndef CM_KEEP_KEEP_TOKEN_H
#define CM_KEEP_KEEP_TOKEN_H

#include <casemate/status.h>
#include <stdbool.h>

#include <p11-kit/pkcs11.h>

struct cm_token_modules;

struct cm_token {
    CK_FUNCTION_LIST *f;
    CK_SESSION_HANDLE session;
    CK_OBJECT_HANDLE key;
    bool rsa; /* an RSA private key; else an AES key */
    char label[33];
    struct cm_token_modules *modules; /* private to keep_token.c */
    bool has_session;
};

/**
 * @param uri  RFC 7512: must name one token and one key on it; the PIN stands in the file that
 *             pin-source names ("file:PATH", mode 0600); module-path names the module, else those that
 *             p11-kit knows are asked.
 * @retval CM_ERR_PARAM     not such a URI; pin-value in it
 * @retval CM_ERR_NOTFOUND  p11-kit, the module, the token or the key is absent, or more than one fits
 * @retval CM_ERR_DENIED    the PIN; CM_ERR_PLATFORM, CM_ERR_NOMEM
 */
CM_MUST_USE enum cm_status cm_token_open(const char *uri, struct cm_token **out,
                                         struct cm_why *why);
/** Accepts NULL. Logs out and unloads. */
void cm_token_close(struct cm_token *t);

/** CM_OK, or CM_ERR_PLATFORM and "the token cannot WHAT: error 0x...". */
CM_MUST_USE enum cm_status cm_token_said(CK_RV rv, const char *what, struct cm_why *why);

#endif
