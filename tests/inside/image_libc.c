/* The cases that use no crypto: their image must hold none of it. */
#include "inside_case.h"

const struct cm_case cm_cases[] = {
    {"format", cm_case_format},   {"strings", cm_case_strings},
    {"heap", cm_case_heap},       {"time", cm_case_time},
    {"no_host", cm_case_no_host}, {"C5_getentropy", cm_case_getentropy},
    {"D5_locks", cm_case_locks},  {"keys", cm_case_keys},
    {"streams", cm_case_streams}, {NULL, NULL},
};
