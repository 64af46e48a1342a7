/* The command line of the bank sample. */
#ifndef BANK_OPTIONS_H
#define BANK_OPTIONS_H

#include <stdbool.h>

#include "bank_generate.h"
#include "bank_run.h"

struct bank_options {
    const char *enclave;  /* NULL: beside the program */
    const char *policy;   /* NULL: bank.policy beside the program */
    const char *input;    /* NULL: made-up data */
    const char *generate; /* write made-up data there and stop */
    const char *service;  /* NULL: each bank verifies the enclave itself */
    const char *ca;
    const char *bank_token; /* files */
    const char *host_token;
    const char *result; /* where the sealed result goes; NULL: nowhere */
    const char *open;   /* a sealed result to be read; NULL */
    bool simulate;
    bool accept_emulated;
    enum bank_attack attack;
    bool help;
    uint64_t circles;
    struct bank_rules rules;
    struct bank_plan plan;
};

extern const char bank_usage[];

/** False after a message on stderr that says what is wrong. */
bool bank_options_parse(int argc, char **argv, struct bank_options *out);

#endif
