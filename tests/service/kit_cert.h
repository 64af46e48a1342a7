/* A certificate authority that is thrown away, and a TLS certificate under it. */
#ifndef CM_TESTS_KIT_CERT_H
#define CM_TESTS_KIT_CERT_H

/** names: NULL-terminated DNS names; 127.0.0.1 and localhost are added. The caller frees all three. */
void kit_make_certificate(const char *const *names, char **ca_pem, char **cert_pem, char **key_pem);

#endif
