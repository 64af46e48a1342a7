/* casemate predict snp: see casemate_predict.h. */
#include "casemate_predict.h"

#include <stdlib.h>
#include <string.h>

#include "casemate_args.h"
#include "cli/cli_predict.h"

static const char help_predict[] =
    "Usage: casemate predict snp --firmware FILE --vcpus N --vcpu-type TYPE [options]\n"
    "\n"
    "Prints the launch measurement (MEASUREMENT, in hexadecimal) that reports of an\n"
    "AMD SEV-SNP guest will have which QEMU or Amazon EC2 starts with this firmware.\n"
    "\n"
    "  --firmware FILE    an OVMF image with SEV metadata\n"
    "  --vcpus N          number of virtual processors\n"
    "  --vcpu-type TYPE   QEMU's name, such as EPYC-v4, EPYC-Milan, EPYC-Genoa\n"
    "  --vcpu-sig NUMBER  instead: the CPUID signature, such as 0xa00f11\n"
    "  --kernel FILE      the kernel whose hash the firmware checks; then also\n"
    "  --initrd FILE      the initrd, and\n"
    "  --append TEXT      the kernel's command line\n"
    "  --features NUMBER  SEV features of the vCPUs; default 1; 0x21 with kernels\n"
    "                     that swap debug registers\n"
    "  --vmm qemu|ec2     who starts it; default qemu\n"
    "  --json             {\"measurement\":\"...\"}\n"
    "\n"
    "Exit status: 0 done, 1 a file cannot be read or is no such firmware, 2 wrong\n"
    "usage.\n";

/* a number, decimal or 0x... */
static bool number(const char *text, uint64_t max, uint64_t *out)
{
    char *end = NULL;

    if (text[0] < '0' || text[0] > '9' || strlen(text) > 18) {
        return false;
    }
    *out = strtoull(text, &end, strncmp(text, "0x", 2) == 0 ? 16 : 10);
    return *end == '\0' && *out != 0 && *out <= max;
}

static bool number32(const char *text, uint32_t *out)
{
    uint64_t v = 0;

    if (!number(text, UINT32_MAX, &v)) {
        return false;
    }
    *out = (uint32_t)v;
    return true;
}

/* the options that are a text each; NULL: none of them */
static const char **text_place(const char *option, struct cm_cli_predict_snp *p)
{
    return strcmp(option, "--firmware") == 0    ? &p->firmware
           : strcmp(option, "--kernel") == 0    ? &p->kernel
           : strcmp(option, "--initrd") == 0    ? &p->initrd
           : strcmp(option, "--append") == 0    ? &p->append
           : strcmp(option, "--vcpu-type") == 0 ? &p->vcpu_type
                                                : NULL;
}

/* an option with a value; false: not understood */
static bool parse_value(const char *option, const char *value, struct cm_cli_predict_snp *p)
{
    const char **place = text_place(option, p);

    if (place != NULL) {
        *place = value;
        return true;
    }
    if (strcmp(option, "--vcpus") == 0) {
        return number32(value, &p->vcpus);
    }
    if (strcmp(option, "--vcpu-sig") == 0) {
        return number32(value, &p->vcpu_signature);
    }
    if (strcmp(option, "--features") == 0) {
        return number(value, UINT64_MAX, &p->features);
    }
    if (strcmp(option, "--vmm") == 0) {
        p->ec2 = strcmp(value, "ec2") == 0;
        return p->ec2 || strcmp(value, "qemu") == 0;
    }
    return false;
}

static bool parse(int argc, char **argv, struct cm_cli_predict_snp *p)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--json") == 0) {
            p->json = true;
        } else if (i + 1 < argc && parse_value(argv[i], argv[i + 1], p)) {
            i++;
        } else {
            (void)usage("predict: unknown option, or its value is not understood: ", argv[i]);
            return false;
        }
    }
    if (p->firmware == NULL || p->vcpus == 0 ||
        (p->vcpu_type == NULL) == (p->vcpu_signature == 0)) {
        (void)usage("predict snp needs --firmware, --vcpus, and --vcpu-type or --vcpu-sig", "");
        return false;
    }
    if (p->kernel == NULL && (p->initrd != NULL || p->append != NULL)) {
        (void)usage("predict: --initrd and --append count with a --kernel only", "");
        return false;
    }
    return true;
}

int cm_command_predict(int argc, char **argv)
{
    struct cm_cli_predict_snp p = {0};
    struct cm_why why = {{0}};
    enum cm_status st = CM_OK;

    if (argc >= 1 && is_help(argv[argc - 1])) {
        return help(help_predict);
    }
    if (argc < 1 || strcmp(argv[0], "snp") != 0) {
        return usage("predict: the usage is casemate predict snp --firmware FILE ...", "");
    }
    if (!parse(argc, argv, &p)) {
        return EXIT_USAGE;
    }
    st = cm_cli_predict_snp(&p, stdout, &why);
    if (st != CM_OK) {
        cm_print_wrapped(stderr, "casemate: ", why.text[0] != '\0' ? why.text : cm_status_str(st));
    }
    return st == CM_OK ? 0 : st == CM_ERR_PARAM ? EXIT_USAGE : EXIT_FAILED;
}
