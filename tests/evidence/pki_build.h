/* Private to pki*.c: the parts in OpenSSL's types. */
#ifndef CM_TESTS_PKI_BUILD_H
#define CM_TESTS_PKI_BUILD_H

#include <openssl/x509.h>

#include "pki.h"

X509 *pki_build_cert(const struct pki_cert *c, const struct pki_ext *ext);
X509_CRL *pki_build_crl(const struct pki_crl *c);

/** Header to certification data, everything signed. Returns the length; out holds 16384. */
size_t pki_build_quote(const struct pki_spec *s, struct cm_span cert_data, uint8_t *out);

#endif
