/* casemate eif: see casemate_eif.h. */
#include "casemate_eif.h"

#include <errno.h>
#include <stdlib.h>

#include "casemate_args.h"
#include "cli/cli_eif.h"

static const char help_eif[] =
    "Usage: casemate eif describe [--json] IMAGE\n"
    "       casemate eif pcrs [--json] IMAGE\n"
    "       casemate eif build --kernel FILE --cmdline TEXT --ramdisk FILE... --output IMAGE\n"
    "                          [options]\n"
    "       casemate eif sign --certificate FILE --key FILE [--output IMAGE] IMAGE\n"
    "\n"
    "Enclave image files of AWS Nitro Enclaves.\n"
    "\n"
    "  describe              sections, measurements, signer and metadata; fails if the\n"
    "                        CRC or a signature is bad\n"
    "  pcrs                  what PCR0, PCR1, PCR2 and PCR8 of the enclave will be\n"
    "  build                 an image; it prints the measurements\n"
    "  sign                  the image with a new signature, in place without --output\n"
    "\n"
    "  --json                for programs\n"
    "  --kernel FILE         the kernel\n"
    "  --cmdline TEXT        its command line\n"
    "  --ramdisk FILE        a ramdisk; the first one counts into PCR1, the others\n"
    "                        into PCR2\n"
    "  --metadata FILE       metadata in JSON, not measured; without it they are made of\n"
    "  --name TEXT           the image's name, and\n"
    "  --image-version TEXT  its version; the time is SOURCE_DATE_EPOCH's, or 1970\n"
    "  --arch ARCH           x86_64 (the default) or aarch64\n"
    "  --memory BYTES        the default memory: 1073741824 without this\n"
    "  --cpus N              the default number of processors: 2 without this\n"
    "  --certificate FILE    sign with this certificate (PEM)\n"
    "  --key FILE            and its private key (PEM, on P-256, P-384 or P-521)\n"
    "  --output IMAGE        where the image goes\n"
    "\n"
    "Exit status: 0 done, 1 failed or the image is bad, 2 wrong usage.\n";

struct options {
    struct cm_cli_eif_parts parts;
    const char *image;
    bool json;
};

static bool number(const char *text, uint64_t *out)
{
    char *end = NULL;

    errno = 0;
    *out = strtoull(text, &end, 10);
    return errno == 0 && text[0] >= '0' && text[0] <= '9' && *end == '\0';
}

/* An option with a value: 1 taken, 0 not one of them, -1 after a message. */
static int take_value(struct options *o, const char *name, const char *value)
{
    struct cm_cli_eif_parts *p = &o->parts;
    const struct {
        const char *name;
        const char **to;
    } texts[] = {{"--kernel", &p->kernel},
                 {"--cmdline", &p->cmdline},
                 {"--metadata", &p->metadata},
                 {"--name", &p->name},
                 {"--image-version", &p->image_version},
                 {"--certificate", &p->certificate},
                 {"--key", &p->key},
                 {"--output", &p->output}};

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        if (strcmp(name, texts[i].name) == 0) {
            *texts[i].to = value;
            return 1;
        }
    }
    if (strcmp(name, "--ramdisk") == 0) {
        if (p->ramdisk_count == CM_CLI_EIF_RAMDISKS) {
            (void)usage("eif: too many ramdisks", "");
            return -1;
        }
        p->ramdisks[p->ramdisk_count++] = value;
        return 1;
    }
    if (strcmp(name, "--arch") == 0) {
        p->arm64 = strcmp(value, "aarch64") == 0;
        if (!p->arm64 && strcmp(value, "x86_64") != 0) {
            (void)usage("eif: --arch takes x86_64 or aarch64, not ", value);
            return -1;
        }
        return 1;
    }
    if (strcmp(name, "--memory") == 0 || strcmp(name, "--cpus") == 0) {
        if (!number(value, strcmp(name, "--cpus") == 0 ? &p->cpus : &p->memory)) {
            (void)usage("eif: not a number: ", value);
            return -1;
        }
        return 1;
    }
    return 0;
}

static bool parse(int argc, char **argv, struct options *o)
{
    for (int i = 0; i < argc; i++) {
        int taken = 0;

        if (strcmp(argv[i], "--json") == 0) {
            o->json = true;
            continue;
        }
        if (argv[i][0] != '-') {
            if (o->image != NULL) {
                (void)usage("eif takes one IMAGE, not also ", argv[i]);
                return false;
            }
            o->image = argv[i];
            continue;
        }
        taken = i + 1 < argc ? take_value(o, argv[i], argv[i + 1]) : 0;
        if (taken <= 0) {
            if (taken == 0) {
                (void)usage("eif: unknown option, or its value is missing: ", argv[i]);
            }
            return false;
        }
        i++;
    }
    return true;
}

static int ended(enum cm_status st, const struct cm_why *why)
{
    if (st == CM_OK) {
        return 0;
    }
    cm_print_wrapped(stderr, "casemate: ", why->text[0] != '\0' ? why->text : cm_status_str(st));
    return EXIT_FAILED;
}

static bool parts_given(const struct cm_cli_eif_parts *p)
{
    return p->kernel != NULL || p->cmdline != NULL || p->ramdisk_count != 0 ||
           p->metadata != NULL || p->name != NULL || p->image_version != NULL;
}

static int run_build(struct options *o)
{
    const char *epoch = getenv("SOURCE_DATE_EPOCH");
    struct cm_why why = {{0}};

    if (o->parts.kernel == NULL || o->parts.cmdline == NULL || o->parts.ramdisk_count == 0 ||
        o->parts.output == NULL || o->image != NULL || o->json ||
        (o->parts.certificate == NULL) != (o->parts.key == NULL)) {
        return usage("eif build needs --kernel, --cmdline, --ramdisk and --output, and either "
                     "both or none of --certificate and --key",
                     "");
    }
    if (o->parts.metadata != NULL && (o->parts.name != NULL || o->parts.image_version != NULL)) {
        return usage("eif build: --metadata says the name and the version", "");
    }
    if (epoch != NULL && !number(epoch, &o->parts.build_time)) {
        return usage("SOURCE_DATE_EPOCH is not a number of seconds: ", epoch);
    }
    return ended(cm_cli_eif_build(&o->parts, stdout, &why), &why);
}

static int run_sign(const struct options *o)
{
    struct cm_why why = {{0}};

    if (o->image == NULL || o->parts.certificate == NULL || o->parts.key == NULL || o->json ||
        parts_given(&o->parts)) {
        return usage("eif sign needs --certificate, --key and one IMAGE", "");
    }
    return ended(cm_cli_eif_sign(o->image, o->parts.certificate, o->parts.key, o->parts.output,
                                 stdout, &why),
                 &why);
}

int cm_command_eif(int argc, char **argv)
{
    struct options o = {.parts = {.memory = UINT64_C(1) << 30, .cpus = 2}};
    struct cm_why why = {{0}};
    enum cm_status st = CM_OK;

    if (argc >= 1 && is_help(argv[argc - 1])) {
        return help(help_eif);
    }
    if (argc < 1) {
        return usage("eif needs describe, pcrs, build or sign", "");
    }
    if (!parse(argc - 1, argv + 1, &o)) {
        return EXIT_USAGE;
    }
    if (strcmp(argv[0], "build") == 0) {
        return run_build(&o);
    }
    if (strcmp(argv[0], "sign") == 0) {
        return run_sign(&o);
    }
    if (strcmp(argv[0], "describe") != 0 && strcmp(argv[0], "pcrs") != 0) {
        return usage("eif: no such command: ", argv[0]);
    }
    if (o.image == NULL || parts_given(&o.parts) || o.parts.certificate != NULL ||
        o.parts.key != NULL || o.parts.output != NULL) {
        return usage("eif takes one IMAGE, and --json: ", argv[0]);
    }
    st = strcmp(argv[0], "pcrs") == 0 ? cm_cli_eif_pcrs(o.image, o.json, stdout, &why)
                                      : cm_cli_eif_describe(o.image, o.json, stdout, &why);
    return ended(st, &why);
}
