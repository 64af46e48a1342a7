/* Looking at the machine for `casemate doctor`: the processor, the kernel, devices, libraries. */
#include <cpuid.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "cli/cli.h"
#include "collateral/collateral_client.h"
#include "quoting/quoting.h"

#define CPUID_SGX            0x12U
#define EPC_SECTIONS_MAX     16U
#define HWCAP2_FSGSBASE_BIT  2UL
#define USER_DISPATCH_OPTION 59 /* PR_SET_SYSCALL_USER_DISPATCH */
#define LDT_BYTES            16

static void probe_cpu_name(struct cm_machine *m)
{
    unsigned r[4] = {0};
    char name[49] = {0};
    const char *text = name;

    if ((unsigned)__get_cpuid_max(0x80000000U, NULL) < 0x80000004U) {
        return;
    }
    for (unsigned i = 0; i < 3; i++) {
        if (__get_cpuid(0x80000002U + i, &r[0], &r[1], &r[2], &r[3]) == 1) {
            memcpy(name + (size_t)16 * i, r, sizeof(r));
        }
    }
    text += strspn(text, " ");
    (void)snprintf(m->cpu, sizeof(m->cpu), "%s", text);
}

/* SDM Vol. 3D 34.7.2: leaf 12H says what SGX offers and where the EPC is */
static void probe_sgx(struct cm_machine *m)
{
    unsigned a = 0;
    unsigned b = 0;
    unsigned c = 0;
    unsigned d = 0;

    if (__get_cpuid(1, &a, &b, &c, &d) == 1) {
        m->hypervisor = (c >> 31 & 1U) != 0;
    }
    if (__get_cpuid_count(7, 0, &a, &b, &c, &d) != 1 || (b >> 2 & 1U) == 0) {
        return;
    }
    m->flc = (c >> 30 & 1U) != 0;
    if (__get_cpuid_count(CPUID_SGX, 0, &a, &b, &c, &d) != 1) {
        return;
    }
    m->sgx1 = (a & 1U) != 0;
    m->sgx2 = (a >> 1 & 1U) != 0;
    for (unsigned i = 0; i < EPC_SECTIONS_MAX; i++) {
        if (__get_cpuid_count(CPUID_SGX, 2 + i, &a, &b, &c, &d) != 1 || (a & 0xfU) != 1) {
            break;
        }
        m->epc_bytes += (uint64_t)(c & 0xfffff000U) | (uint64_t)(d & 0xfffffU) << 32;
    }
}

static bool there(const char *path)
{
    struct stat info;

    return stat(path, &info) == 0;
}

static bool opens(const char *path)
{
    int fd = open(path, O_RDWR | O_CLOEXEC);

    if (fd < 0) {
        return false;
    }
    (void)close(fd);
    return true;
}

static bool loads(const char *library)
{
    void *handle = dlopen(library, RTLD_LAZY | RTLD_LOCAL);

    if (handle == NULL) {
        return false;
    }
    (void)dlclose(handle);
    return true;
}

/* Who would make quotes and give collateral; nobody is asked for anything. */
static void probe_attestation(struct cm_machine *m)
{
    const struct cm_quoting *quoting = NULL;
    struct cm_collateral_config config;
    const char *bundle = getenv("CASEMATE_COLLATERAL");
    bool own = getenv("CASEMATE_PCCS_URL") != NULL;

    if (cm_quoting_choose(false, &quoting, NULL) == CM_OK) {
        (void)snprintf(m->quoting, sizeof(m->quoting), "%s", cm_quoting_name(quoting));
    }
    if (bundle != NULL && bundle[0] != '\0') {
        (void)snprintf(m->collateral, sizeof(m->collateral), "CASEMATE_COLLATERAL");
    } else if (m->dcap_provider && !own) {
        (void)snprintf(m->collateral, sizeof(m->collateral), "libdcap_quoteprov.so.1");
    } else if (cm_collateral_configure(&config, NULL) == CM_OK) {
        const char *host = strstr(config.url, "://");
        size_t len = host != NULL ? (size_t)(host + 3 - config.url) + strcspn(host + 3, "/") : 0;

        /* without the path, which they all share; and so that a line of 80 columns holds it */
        (void)snprintf(m->collateral, sizeof(m->collateral), "%.*s", len > 52 ? 52 : (int)len,
                       config.url);
    }
}

static bool vdso_has(const char *symbol)
{
    void *vdso = dlopen("linux-vdso.so.1", RTLD_LAZY | RTLD_NOLOAD);
    bool found = false;

    if (vdso != NULL) {
        found = dlsym(vdso, symbol) != NULL;
        (void)dlclose(vdso);
    }
    return found;
}

static void probe_kernel(struct cm_machine *m)
{
    struct utsname u;
    uint8_t table[LDT_BYTES];

    if (uname(&u) == 0) {
        (void)snprintf(m->kernel, sizeof(m->kernel), "%.20s %.48s", u.sysname, u.release);
    }
    m->vdso_enter = vdso_has("__vdso_sgx_enter_enclave");
    m->fsgsbase = (getauxval(AT_HWCAP2) & HWCAP2_FSGSBASE_BIT) != 0;
    /* off, which it is anyway: only a kernel that knows the option takes it */
    m->user_dispatch = prctl(USER_DISPATCH_OPTION, 0UL, 0UL, 0UL, 0UL) == 0;
    m->modify_ldt = syscall(SYS_modify_ldt, 0, table, sizeof(table)) >= 0;
}

void cm_machine_probe(struct cm_machine *out)
{
    char path[4096];

    memset(out, 0, sizeof(*out));
    probe_cpu_name(out);
    probe_sgx(out);
    probe_kernel(out);
    out->node_enclave = there("/dev/sgx_enclave");
    out->node_enclave_open = opens("/dev/sgx_enclave");
    out->node_provision = there("/dev/sgx_provision");
    out->node_provision_open = opens("/dev/sgx_provision");
    out->node_legacy = there("/dev/sgx/enclave") || there("/dev/isgx");
    out->dcap_quote = loads("libsgx_dcap_ql.so.1");
    out->dcap_provider = loads("libdcap_quoteprov.so.1");
    out->dcap_verify = loads("libsgx_dcap_quoteverify.so.1");
    out->aesm = there("/var/run/aesmd/aesm.socket");
    probe_attestation(out);
    out->emulator_library = cm_cli_find("libcasemate-sgxemu.so", path, sizeof(path)) == CM_OK;
    out->tdx_guest = there("/dev/tdx_guest") || there("/dev/tdx-guest");
    out->sev_guest = there("/dev/sev-guest");
    out->nitro = there("/dev/nsm");
    out->tpm = there("/dev/tpm0") || there("/dev/tpmrm0");
}
