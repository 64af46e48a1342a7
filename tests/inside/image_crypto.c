/* The cases that use OpenSSL. */
#include "inside_case.h"

const struct cm_case cm_cases[] = {
    {"hash", cm_case_hash}, {"cipher", cm_case_cipher},    {"sign", cm_case_sign},
    {"x509", cm_case_x509}, {"C5_random", cm_case_random}, {"tls", cm_case_tls},
    {NULL, NULL},
};
