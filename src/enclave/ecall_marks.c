/* For an enclave whose generated code marks no ecall with transition_using_threads: there is none. An
 * object of its own, so that the generated tables take its place. */
#include "enclave/edge.h"

const bool oe_ecalls_switchless[] = {false};
const size_t oe_ecalls_switchless_size = 0;
