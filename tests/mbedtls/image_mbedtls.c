/* The table of the mbedTLS cases. */
#include "mbed_case.h"

const struct cm_case cm_cases[] = {
    {"hash", cm_mbed_hash},     {"cipher", cm_mbed_cipher},
    {"sign", cm_mbed_sign},     {"C5_random", cm_mbed_random},
    {"timing", cm_mbed_timing}, {"x509", cm_mbed_x509},
    {"tls", cm_mbed_tls},       {NULL, NULL},
};
