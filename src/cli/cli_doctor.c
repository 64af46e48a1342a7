/* Judging what cli_probe.c saw, and saying what to do about it. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli_diagnosis.h"
#include "cli/cli_text.h"
#include "os/os.h"
#include "token/json.h"

#define JSON_CAP 16384U
#define MIB      (UINT64_C(1) << 20)

static void add(struct cm_diagnosis *d, const char *id, const char *title,
                enum cm_finding_state state, const char *advice, const char *fmt, ...)
    CM_PRINTF(6, 7);

static void add(struct cm_diagnosis *d, const char *id, const char *title,
                enum cm_finding_state state, const char *advice, const char *fmt, ...)
{
    struct cm_finding *f = &d->findings[d->count];
    va_list ap;

    if (d->count == CM_MAX_FINDINGS) {
        return;
    }
    f->id = id;
    f->title = title;
    f->state = state;
    f->advice = state == CM_FINDING_MISSING ? advice : NULL;
    va_start(ap, fmt);
    (void)vsnprintf(f->detail, sizeof(f->detail), fmt, ap);
    va_end(ap);
    d->count++;
}

static enum cm_finding_state ok_if(bool good)
{
    return good ? CM_FINDING_OK : CM_FINDING_MISSING;
}

static void judge_processor(const struct cm_machine *m, struct cm_diagnosis *d)
{
    if (!m->sgx1) {
        add(d, "cpu.sgx", "Processor", CM_FINDING_MISSING,
            m->hypervisor
                ? "use a machine size that offers SGX (Azure: DCsv2, DCsv3, DCdsv3), or the "
                  "emulator"
                : "switch SGX on in the firmware if the processor has it, or use the emulator",
            "no SGX");
        return;
    }
    add(d, "cpu.sgx", "Processor", CM_FINDING_OK, NULL, "SGX1%s, EPC %llu MiB",
        m->sgx2 ? " and SGX2" : "", (unsigned long long)(m->epc_bytes / MIB));
    add(d, "cpu.flc", "Launch control", ok_if(m->flc),
        "switch flexible launch control on in the firmware; the kernel's driver needs it",
        m->flc ? "any signer's enclaves may start" : "only Intel's launch enclave decides");
}

static void judge_driver(const struct cm_machine *m, struct cm_diagnosis *d)
{
    const char *no_node =
        m->node_legacy ? "this is an out-of-tree driver's node; use Linux 5.11 or later, "
                         "which has the driver in it"
                       : "use Linux 5.11 or later on a processor with SGX and launch control";

    add(d, "driver.enclave", "/dev/sgx_enclave", ok_if(m->node_enclave_open),
        m->node_enclave ? "give your user the right: usermod -aG sgx USER (a new login is needed), "
                          "or a udev rule for the group of /dev/sgx_enclave"
                        : no_node,
        m->node_enclave_open ? "opens" : (m->node_enclave ? "no permission" : "absent"));
    add(d, "driver.vdso", "Kernel entry", ok_if(m->vdso_enter),
        "use Linux 5.11 or later, built with CONFIG_X86_SGX",
        m->vdso_enter ? "__vdso_sgx_enter_enclave" : "__vdso_sgx_enter_enclave is absent");
    if (m->node_enclave) {
        add(d, "driver.provision", "/dev/sgx_provision", ok_if(m->node_provision_open),
            "give your user the right: usermod -aG sgx_prv USER (only quoting needs it)",
            m->node_provision_open ? "opens" : (m->node_provision ? "no permission" : "absent"));
    }
}

static void judge_quoting(const struct cm_machine *m, struct cm_diagnosis *d)
{
    bool needed = m->sgx1 && m->node_enclave;
    enum cm_finding_state without = needed ? CM_FINDING_MISSING : CM_FINDING_NOTE;

    add(d, "dcap.quote", "DCAP quoting", m->dcap_quote ? CM_FINDING_OK : without,
        "install Intel's package libsgx-dcap-ql; remote attestation on hardware needs it",
        m->dcap_quote ? "libsgx_dcap_ql.so.1" : "libsgx_dcap_ql.so.1 is absent");
    add(d, "dcap.provider", "DCAP provider", m->dcap_provider ? CM_FINDING_OK : without,
        "install az-dcap-client on Azure, libsgx-dcap-default-qpl elsewhere",
        m->dcap_provider ? "libdcap_quoteprov.so.1" : "libdcap_quoteprov.so.1 is absent");
    add(d, "dcap.aesm", "AESM service", m->aesm ? CM_FINDING_OK : CM_FINDING_NOTE, NULL,
        m->aesm ? "running" : "not running (only out-of-process quoting needs it)");
    add(d, "dcap.maker", "Quotes made by", m->quoting[0] != '\0' ? CM_FINDING_OK : without,
        "install libsgx-dcap-ql, or libsgx-quote-ex where SGX_AESM_ADDR is set", "%s",
        m->quoting[0] != '\0' ? m->quoting : "nobody");
    add(d, "dcap.collateral", "Collateral from",
        m->collateral[0] != '\0' ? CM_FINDING_OK : CM_FINDING_MISSING,
        "CASEMATE_PCCS_URL, or /etc/sgx_default_qcnl.conf, must hold a service's address", "%s",
        m->collateral[0] != '\0' ? m->collateral : "nobody");
}

static void judge_emulator(const struct cm_machine *m, struct cm_diagnosis *d)
{
    add(d, "emulator.fsgsbase", "FSGSBASE", ok_if(m->fsgsbase),
        "use Linux 5.9 or later on a processor of 2012 or later, without nofsgsbase",
        m->fsgsbase ? "usable" : "not usable: the emulator switches threads with it");
    add(d, "emulator.dispatch", "Syscall dispatch", ok_if(m->user_dispatch),
        "use Linux 5.11 or later; some containers and sandboxes take it away",
        m->user_dispatch ? "usable" : "not usable: enclave code could make system calls");
    add(d, "emulator.ldt", "modify_ldt", m->modify_ldt ? CM_FINDING_OK : CM_FINDING_NOTE, NULL,
        m->modify_ldt ? "usable" : "not usable: the emulator takes its slower path");
    add(d, "emulator.preload", "Emulator library",
        m->emulator_library ? CM_FINDING_OK : CM_FINDING_NOTE, NULL,
        m->emulator_library ? "found, for casemate run --preload"
                            : "not beside this tool (casemate run --preload)");
}

static void judge_others(const struct cm_machine *m, struct cm_diagnosis *d)
{
    bool any = m->tdx_guest || m->sev_guest || m->nitro || m->tpm;

    add(d, "tee.others", "Other TEEs", CM_FINDING_NOTE, NULL, "%s%s%s%s%s",
        m->tdx_guest ? "TDX guest " : "", m->sev_guest ? "SEV-SNP guest " : "",
        m->nitro ? "Nitro enclave " : "", m->tpm ? "TPM " : "", any ? "" : "none seen");
}

void cm_machine_diagnose(const struct cm_machine *m, struct cm_diagnosis *out)
{
    memset(out, 0, sizeof(*out));
    judge_processor(m, out);
    judge_driver(m, out);
    judge_quoting(m, out);
    judge_emulator(m, out);
    judge_others(m, out);
    out->hardware = m->sgx1 && m->node_enclave_open && m->vdso_enter;
    out->emulator = m->fsgsbase && m->user_dispatch;
}

static const char *state_text(enum cm_finding_state s)
{
    switch (s) {
    case CM_FINDING_OK:
        return "ok";
    case CM_FINDING_MISSING:
        return "missing";
    case CM_FINDING_NOTE:
        return "note";
    }
    return "note";
}

struct judged {
    const struct cm_machine *machine;
    const struct cm_diagnosis *diagnosis;
};

void cm_diagnosis_members(struct cm_json_wr *w, const struct cm_machine *m,
                          const struct cm_diagnosis *d)
{
    cm_cli_json_str(w, "processor", m->cpu);
    cm_cli_json_str(w, "kernel", m->kernel);
    cm_cli_json_bool(w, "virtual_machine", m->hypervisor);
    cm_cli_json_bool(w, "enclaves_on_hardware", d->hardware);
    cm_cli_json_bool(w, "enclaves_emulated", d->emulator);
    cm_json_wr_name(w, "findings");
    cm_json_wr_array(w);
    for (size_t i = 0; i < d->count; i++) {
        const struct cm_finding *f = &d->findings[i];

        cm_json_wr_object(w);
        cm_cli_json_str(w, "id", f->id);
        cm_cli_json_str(w, "state", state_text(f->state));
        cm_cli_json_str(w, "detail", f->detail);
        if (f->advice != NULL) {
            cm_cli_json_str(w, "advice", f->advice);
        }
        cm_json_wr_end(w);
    }
    cm_json_wr_end(w);
}

static void json_members(struct cm_json_wr *w, const void *subject)
{
    const struct judged *j = subject;

    cm_diagnosis_members(w, j->machine, j->diagnosis);
}

static void print_verdict(const struct cm_diagnosis *d, FILE *out)
{
    if (d->hardware) {
        (void)fprintf(out, "\nEnclaves run here on SGX hardware.\n");
    } else if (d->emulator) {
        (void)fprintf(
            out, "\nNo usable SGX hardware: enclaves run here EMULATED (casemate run PROGRAM, or\n"
                 "OE_SIMULATION=1). The emulator runs the same signed images with the same\n"
                 "measurements, and protects nothing from this machine's owner.\n");
    } else {
        (void)fprintf(out,
                      "\nEnclaves do not run here, neither on hardware nor emulated; see what is\n"
                      "missing above.\n");
    }
}

enum cm_status cm_diagnosis_print(const struct cm_machine *m, const struct cm_diagnosis *d,
                                  bool json, FILE *out)
{
    static const char *const marks[] = {"ok     ", "MISSING", "note   "};
    const struct judged judged = {m, d};

    if (json) {
        return cm_cli_json_print(json_members, &judged, JSON_CAP, out);
    }
    (void)fprintf(out, "Processor  %s%s\nKernel     %s\n\n", m->cpu,
                  m->hypervisor ? " (virtual machine)" : "", m->kernel);
    for (size_t i = 0; i < d->count; i++) {
        const struct cm_finding *f = &d->findings[i];

        (void)fprintf(out, "%s %-19s %s\n", marks[f->state], f->title, f->detail);
        if (f->advice != NULL) {
            cm_print_wrapped(out, "        -> ", f->advice);
        }
    }
    print_verdict(d, out);
    return ferror(out) != 0 ? CM_ERR_IO : CM_OK;
}
