/*
 * The commands behind `casemate`. tools/casemate.c parses the command line and calls one function
 * here; each writes to the stream it is given and leaves the rest of the process alone.
 */
#ifndef CM_CLI_CLI_H
#define CM_CLI_CLI_H

#include <casemate/status.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* ----------------------------------------------------------------- doctor */

/* What can be seen of this machine without root. */
struct cm_machine {
    char cpu[64];
    char kernel[72];
    bool hypervisor; /* a virtual machine */
    bool sgx1;
    bool sgx2;
    bool flc; /* launch control: enclaves of any signer */
    uint64_t epc_bytes;
    bool node_enclave; /* /dev/sgx_enclave exists */
    bool node_enclave_open;
    bool node_provision;
    bool node_provision_open;
    bool node_legacy; /* a node of an out-of-tree driver */
    bool vdso_enter;
    bool dcap_quote; /* libsgx_dcap_ql.so.1 */
    bool dcap_provider;
    bool dcap_verify;
    bool aesm;
    char quoting[96];    /* who makes quotes here; "" nobody */
    char collateral[96]; /* who gives collateral here: a library, or the address of a service */
    bool fsgsbase;
    bool user_dispatch;
    bool modify_ldt;
    bool emulator_library; /* libcasemate-sgxemu.so beside this tool, for `run --preload` */
    bool tdx_guest;
    bool sev_guest;
    bool nitro;
    bool tpm;
};

enum cm_finding_state {
    CM_FINDING_OK,
    CM_FINDING_MISSING, /* and advice says what to do */
    CM_FINDING_NOTE,    /* neither good nor bad */
};

struct cm_finding {
    const char *id; /* stable, for scripts */
    const char *title;
    enum cm_finding_state state;
    char detail[120];
    const char *advice; /* NULL when there is nothing to do */
};

#define CM_MAX_FINDINGS 24U

struct cm_diagnosis {
    bool hardware; /* enclaves run on SGX here */
    bool emulator; /* enclaves run in the emulator here */
    size_t count;
    struct cm_finding findings[CM_MAX_FINDINGS];
};

/** Look. Never fails: what cannot be seen is not there. Opens devices for a moment, reads nothing. */
void cm_machine_probe(struct cm_machine *out);

/** Judge. Pure. */
void cm_machine_diagnose(const struct cm_machine *m, struct cm_diagnosis *out);

/** Write for people or as JSON. @retval CM_ERR_IO the stream failed */
CM_MUST_USE enum cm_status cm_diagnosis_print(const struct cm_machine *m,
                                              const struct cm_diagnosis *d, bool json, FILE *out);

/**
 * Try SGX hardware: create an enclave, have its report quoted, fetch collateral, verify; and write a
 * report of it that can be sent to others: what the machine and its libraries are and what passed,
 * no quote, no certificate, nothing that names the platform or its user.
 *
 * @param version  of this tool.
 * @param output   a file; NULL: the report goes to out.
 * @param passed   set on CM_OK: everything did, on hardware.
 * @retval CM_ERR_NOTFOUND the self-test's program is not installed
 */
CM_MUST_USE enum cm_status cm_cli_selftest(const char *version, const char *output, FILE *out,
                                           bool *passed, struct cm_why *why);

/* ---------------------------------------------------------------- inspect */

/**
 * Say all about an enclave image: properties, measurement, signer, pages, warnings.
 *
 * @param path  UNTRUSTED file.
 * @retval CM_ERR_NOTFOUND, CM_ERR_FORMAT, ...  why names what is wrong with the file
 */
CM_MUST_USE enum cm_status cm_cli_inspect(const char *path, bool json, FILE *out,
                                          struct cm_why *why);

/* -------------------------------------------------------------------- new */

/**
 * Make a project: DIR/NAME with host, enclave, EDL, build file, editor tasks.
 *
 * @param name  1 to 32 of a-z 0-9 _, beginning with a letter: it becomes part of C names.
 * @retval CM_ERR_EXISTS  DIR/NAME is there already; nothing was changed
 * @retval CM_ERR_PARAM   the name cannot be used; why says why
 */
CM_MUST_USE enum cm_status cm_cli_new(const char *dir, const char *name, FILE *out,
                                      struct cm_why *why);

/* -------------------------------------------------------------------- run */

struct cm_run {
    char **argv;   /* the program and its arguments, NULL terminated */
    bool preload;  /* serve /dev/sgx_enclave from the emulator to a program of any SDK */
    bool hardware; /* do not ask for simulation */
    bool profile;
    bool json;
    const char *output; /* where the profile goes; NULL: standard error */
};

/**
 * Run the program as asked.
 *
 * @param exit_code  always set. CM_OK: the program's, or 128 + the signal that ended it. Otherwise
 *                   what to exit with: 127 not found, 126 cannot be started (or cannot be served:
 *                   static, setuid), 125 something of ours failed
 * @retval CM_ERR_NOTFOUND  no such program, or no emulator library; why says which
 * @retval ...  of cm_cli_program_check
 */
CM_MUST_USE enum cm_status cm_cli_run(const struct cm_run *r, int *exit_code, struct cm_why *why);

/** Merge what liboehost wrote into CASEMATE_PROFILE (UNTRUSTED text) and print it. */
CM_MUST_USE enum cm_status cm_cli_profile(const char *text, size_t len, bool json, FILE *out,
                                          struct cm_why *why);

/* ----------------------------------------------------------------- shared */

/** A file of this installation or build tree by its path below the prefix; CM_ERR_NOTFOUND. */
CM_MUST_USE enum cm_status cm_cli_find(const char *relative, char *out, size_t cap);

#endif
