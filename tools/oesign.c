/* oesign: sign enclave images, prepare and take in external signatures, show and predict. */
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "casemate_args.h"
#include "common/try.h"
#include "common/wipe.h"
#include "crypto/crypto.h"
#include "os/os.h"
#include "sign/sign.h"

enum { SMALL_FILE = 64 * 1024, FILE_MODE = 0666 };

struct options {
    const char *image;
    const char *config;
    const char *key;
    const char *cert;
    const char *signature; /* sign -d: in; digest -d: out */
    const char *output;
    const char *engine;
    const char *key_id;
    const char *load_path;
    bool explain;
    bool strict;
};

struct bytes {
    uint8_t *ptr;
    size_t len;
};

static const char help_text[] =
    "Usage: oesign <command> [options]\n"
    "\n"
    "Commands:\n"
    "  sign     Sign an enclave image; writes IMAGE.signed\n"
    "             -e IMAGE [-c CONFIG] -k KEY.pem [-o OUT]\n"
    "             -e IMAGE [-c CONFIG] -x CERT.pem -d SIGNATURE [-o OUT]\n"
    "             -e IMAGE [-c CONFIG] -n ENGINE -i KEYID [-p LOADPATH] [-o OUT]\n"
    "  digest   Write the 32 bytes that an external signer has to sign\n"
    "             -e IMAGE [-c CONFIG] -d DIGEST_FILE\n"
    "  dump     Show the properties and the signature, and verify them\n"
    "             -e IMAGE\n"
    "  predict  Print the MRENCLAVE that the image gets; needs no key\n"
    "             -e IMAGE [-c CONFIG] [--explain]\n"
    "\n"
    "Options:\n"
    "  -e, --enclave-image FILE     the enclave image (ELF)\n"
    "  -c, --config-file FILE       overrides what OE_SET_ENCLAVE_SGX says\n"
    "  -k, --key-file FILE          RSA-3072 private key with exponent 3, PEM\n"
    "                               (openssl genrsa -3 -out KEY.pem 3072)\n"
    "  -x, --x509 FILE              certificate of the external signer, PEM\n"
    "  -d, --digest-signature FILE  its RSA PKCS#1 v1.5 SHA-256 signature, 384 bytes;\n"
    "                               for the digest command: the file to write\n"
    "  -n, --engine NAME            OpenSSL engine or provider that holds the key\n"
    "  -i, --key-id ID              the key's name there, such as a pkcs11: URI\n"
    "  -p, --load-path PATH         the engine's library (a provider: its folder)\n"
    "  -o, --output-file FILE       instead of IMAGE.signed\n"
    "      --explain                list every page: offset, rights, measured, hash\n"
    "      --strict                 warnings of the instruction check are errors\n"
    "  -h, --help                   this text\n"
    "      --version                the version of this program\n"
    "\n"
    "The configuration file has lines NAME=VALUE: Debug, NumHeapPages, NumStackPages,\n"
    "NumTCS, ProductID, SecurityVersion, FamilyID, ExtendedProductID,\n"
    "CapturePFGPExceptions, CreateZeroBaseEnclave, StartAddress, SigningDate.\n"
    "SIGSTRUCT's date is SigningDate, else SOURCE_DATE_EPOCH, else a constant, so\n"
    "that signing twice gives the same file.\n"
    "\n"
    "Exit status: 0 done, 1 failed, 2 wrong usage. No file is written on failure.\n";

static void complain(const char *what, enum cm_status st, const struct cm_why *why)
{
    const char *reason = why->text[0] != '\0' ? why->text : cm_status_str(st);
    char text[8192] = "";

    (void)snprintf(text, sizeof(text), "%s%s%s", what != NULL ? what : "", what != NULL ? ": " : "",
                   reason);
    cm_print_wrapped(stderr, "oesign: error: ", text);
}

static int misuse(const char *problem, const char *detail)
{
    return misuse_of("oesign: error: ", "oesign", problem, detail);
}

static void bytes_free(struct bytes *b)
{
    if (b->ptr != NULL) {
        cm_wipe(b->ptr, b->len); /* it may be a private key */
    }
    free(b->ptr);
    b->ptr = NULL;
}

static struct cm_span span_of(const struct bytes *b)
{
    return cm_span_make(b->ptr, b->len);
}

static enum cm_status read_named(const char *path, size_t max, struct bytes *out)
{
    struct cm_why why = {{0}};
    const enum cm_status st = cm_file_read(path, max, &out->ptr, &out->len, &why);

    if (st != CM_OK) {
        complain(why.text[0] == '\0' ? path : NULL, st, &why);
    }
    return st;
}

static enum cm_status read_config(const struct options *o, struct cm_sign_config *config,
                                  uint32_t *date)
{
    enum cm_status st = CM_OK;
    struct bytes text = {NULL, 0};
    struct cm_why why = {{0}};

    if (o->config != NULL) {
        CM_TRY(read_named(o->config, SMALL_FILE, &text));
        st = cm_sign_config_parse(span_of(&text), config, &why);
        if (st != CM_OK) {
            complain(o->config, st, &why);
            goto out;
        }
    }
    st = cm_sign_date(o->config != NULL ? config : NULL, getenv("SOURCE_DATE_EPOCH"), date, &why);
    if (st != CM_OK) {
        complain(NULL, st, &why);
    }
out:
    bytes_free(&text);
    return st;
}

static enum cm_status open_job(const struct options *o, struct bytes *file, struct cm_sign_job *job)
{
    enum cm_status st = CM_OK;
    struct cm_sign_config config = {0};
    struct cm_why why = {{0}};
    uint32_t date = 0;

    CM_TRY(read_config(o, &config, &date));
    CM_TRY(read_named(o->image, CM_IMAGE_FILE_MAX, file));
    st = cm_sign_job_open(span_of(file), o->image, o->config != NULL ? &config : NULL, date, job,
                          &why);
    if (st != CM_OK) {
        complain(o->image, st, &why);
    }
out:
    return st;
}

static enum cm_status sign_with_key_file(struct cm_sign_job *job, const char *path)
{
    enum cm_status st = CM_OK;
    struct bytes pem = {NULL, 0};
    struct cm_rsa_key *key = NULL;
    struct cm_why why = {{0}};

    CM_TRY(read_named(path, SMALL_FILE, &pem));
    st = cm_rsa_key_from_pem(span_of(&pem), &key, &why);
    if (st == CM_OK) {
        st = cm_sigstruct_sign(job->sigstruct, key, &why);
    }
    if (st != CM_OK) {
        complain(path, st, &why);
    }
out:
    cm_rsa_key_free(key);
    bytes_free(&pem);
    return st;
}

static enum cm_status sign_with_signature(struct cm_sign_job *job, const struct options *o)
{
    enum cm_status st = CM_OK;
    struct bytes cert = {NULL, 0};
    struct bytes signature = {NULL, 0};
    struct cm_why why = {{0}};

    CM_TRY(read_named(o->cert, SMALL_FILE, &cert));
    CM_TRY(read_named(o->signature, SMALL_FILE, &signature));
    st = cm_sign_attach(job, span_of(&cert), span_of(&signature), &why);
    if (st != CM_OK) {
        complain(o->signature, st, &why);
    }
out:
    bytes_free(&signature);
    bytes_free(&cert);
    return st;
}

static enum cm_status sign_with_engine(struct cm_sign_job *job, const struct options *o)
{
    enum cm_status st = CM_OK;
    struct cm_key_store *store = NULL;
    struct cm_rsa_key *key = NULL;
    struct cm_why why = {{0}};

    CM_TRY(cm_key_store_open(o->engine, o->load_path, &store, &why));
    CM_TRY(cm_key_store_key(store, o->key_id, &key, &why));
    CM_TRY(cm_sigstruct_sign(job->sigstruct, key, &why));
out:
    if (st != CM_OK) {
        complain(o->engine, st, &why);
    }
    cm_rsa_key_free(key);
    cm_key_store_close(store);
    return st;
}

/* The output must not be one of the inputs: a key or a certificate would be lost for good. */
static bool is_input(const char *out, const struct options *o, bool signature_too)
{
    const char *const inputs[] = {o->key, o->cert, o->config, signature_too ? o->signature : NULL};

    for (size_t i = 0; i < sizeof(inputs) / sizeof(inputs[0]); i++) {
        if (inputs[i] != NULL && cm_file_same(out, inputs[i])) {
            return true;
        }
    }
    return false;
}

static enum cm_status write_signed(const struct cm_sign_job *job, const struct options *o)
{
    enum cm_status st = CM_OK;
    char path[4096] = "";
    const int len = o->output != NULL ? snprintf(path, sizeof(path), "%s", o->output)
                                      : snprintf(path, sizeof(path), "%s.signed", o->image);
    struct cm_why why = {{0}};

    if (len < 0 || (size_t)len >= sizeof(path)) {
        cm_why_set(&why, "the name of the output file is too long");
        st = CM_ERR_PARAM;
    } else if (is_input(path, o, true)) {
        cm_why_set(&why, "%s is an input too, and would be lost; name another -o FILE", path);
        st = CM_ERR_PARAM;
    } else {
        st = cm_sign_write(job, path, &why);
    }
    if (st != CM_OK) {
        complain(NULL, st, &why);
        return st;
    }
    (void)printf("Created %s\n", path);
    return CM_OK;
}

static int command_sign(const struct options *o)
{
    enum cm_status st = CM_OK;
    struct cm_sign_job job = {0};
    struct bytes file = {NULL, 0};
    struct cm_why why = {{0}};
    const int ways = (o->key != NULL) + (o->cert != NULL || o->signature != NULL) +
                     (o->engine != NULL || o->key_id != NULL || o->load_path != NULL);

    if (ways != 1) {
        return misuse(
            "sign needs one of: -k KEY, -x CERT with -d SIGNATURE, -n ENGINE with -i KEYID", "");
    }
    if ((o->cert == NULL) != (o->signature == NULL)) {
        return misuse("-x CERT and -d SIGNATURE go together", "");
    }
    if ((o->engine == NULL) != (o->key_id == NULL) || (o->load_path != NULL && o->engine == NULL)) {
        return misuse("-n ENGINE and -i KEYID go together", "");
    }
    CM_TRY(open_job(o, &file, &job));
    st = cm_sign_scan(stderr, job.image, o->strict, &why);
    if (st != CM_OK) {
        complain(o->image, st, &why);
        goto out;
    }
    if (o->key != NULL) {
        CM_TRY(sign_with_key_file(&job, o->key));
    } else if (o->cert != NULL) {
        CM_TRY(sign_with_signature(&job, o));
    } else {
        CM_TRY(sign_with_engine(&job, o));
    }
    if (o->explain) {
        CM_TRY(cm_sign_explain(stdout, job.plan));
    }
    CM_TRY(write_signed(&job, o));
out:
    cm_sign_job_close(&job);
    bytes_free(&file);
    return st == CM_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int command_digest(const struct options *o)
{
    enum cm_status st = CM_OK;
    struct cm_sign_job job = {0};
    struct bytes file = {NULL, 0};
    uint8_t digest[CM_SHA256_SIZE] = {0};
    struct cm_why why = {{0}};

    if (o->signature == NULL) {
        return misuse("digest needs -d DIGEST_FILE", "");
    }
    if (is_input(o->signature, o, false) || cm_file_same(o->signature, o->image)) {
        return misuse("the digest would replace an input: ", o->signature);
    }
    CM_TRY(open_job(o, &file, &job));
    st = cm_sign_scan(stderr, job.image, o->strict, &why);
    if (st == CM_OK) {
        st = cm_sigstruct_digest(job.sigstruct, digest);
    }
    if (st == CM_OK) {
        st = cm_file_write_atomic(o->signature, cm_span_make(digest, sizeof(digest)), FILE_MODE,
                                  &why);
    }
    if (st != CM_OK) {
        complain(NULL, st, &why);
        goto out;
    }
    (void)printf("Created %s\n", o->signature);
out:
    cm_sign_job_close(&job);
    bytes_free(&file);
    return st == CM_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int command_dump(const struct options *o)
{
    enum cm_status st = CM_OK;
    struct bytes file = {NULL, 0};
    struct cm_image *image = NULL;
    uint8_t *module = NULL;
    struct cm_why why = {{0}};

    CM_TRY(read_named(o->image, CM_IMAGE_FILE_MAX, &file));
    st = cm_image_open(span_of(&file), &image, &why);
    if (st == CM_OK) {
        st = cm_sign_module(image, o->image, &module, &why);
    }
    if (st == CM_OK) {
        st = cm_sign_dump(stdout, image, &why);
    }
    if (st != CM_OK) {
        complain(o->image, st, &why);
    }
out:
    cm_image_free(image);
    free(module);
    bytes_free(&file);
    return st == CM_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int command_predict(const struct options *o)
{
    enum cm_status st = CM_OK;
    struct cm_sign_job job = {0};
    struct bytes file = {NULL, 0};

    CM_TRY(open_job(o, &file, &job));
    if (o->explain) {
        CM_TRY(cm_sign_explain(stdout, job.plan));
    }
    (void)printf("mrenclave=");
    for (size_t i = 0; i < sizeof(job.mrenclave); i++) {
        (void)printf("%02x", job.mrenclave[i]);
    }
    (void)printf("\n");
out:
    cm_sign_job_close(&job);
    bytes_free(&file);
    return st == CM_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}

struct command {
    const char *name;
    const char
        *letters; /* the options that it takes, as getopt's short ones; E explain, S strict */
    int (*run)(const struct options *o);
};

static const struct command commands[] = {
    {"sign", "eckxdoinpES", command_sign},
    {"digest", "ecdS", command_digest},
    {"dump", "e", command_dump},
    {"predict", "ecE", command_predict},
};

static const struct option long_options[] = {
    {"enclave-image", required_argument, NULL, 'e'},
    {"config-file", required_argument, NULL, 'c'},
    {"key-file", required_argument, NULL, 'k'},
    {"x509", required_argument, NULL, 'x'},
    {"digest-signature", required_argument, NULL, 'd'},
    {"digest-file", required_argument, NULL, 'd'},
    {"output-file", required_argument, NULL, 'o'},
    {"engine", required_argument, NULL, 'n'},
    {"key-id", required_argument, NULL, 'i'},
    {"load-path", required_argument, NULL, 'p'},
    {"explain", no_argument, NULL, 'E'},
    {"strict", no_argument, NULL, 'S'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

/* Where an option's argument goes; NULL for those without one. */
static const char **place_of(struct options *o, int letter)
{
    switch (letter) {
    case 'e':
        return &o->image;
    case 'c':
        return &o->config;
    case 'k':
        return &o->key;
    case 'x':
        return &o->cert;
    case 'd':
        return &o->signature;
    case 'o':
        return &o->output;
    case 'n':
        return &o->engine;
    case 'i':
        return &o->key_id;
    case 'p':
        return &o->load_path;
    default:
        return NULL;
    }
}

/* 0, or the exit status. */
static int parse(int argc, char **argv, const struct command *command, struct options *o)
{
    int letter = 0;

    opterr = 0;
    while ((letter = getopt_long(argc, argv, "+e:c:k:x:d:o:n:i:p:h", long_options, NULL)) != -1) {
        const char **place = place_of(o, letter);

        if (letter == '?' || strchr(command->letters, letter) == NULL) {
            return misuse("unknown option, or one without its argument: ", argv[optind - 1]);
        }
        if (place != NULL && *place != NULL) {
            return misuse("option given twice: ", argv[optind - 1]);
        }
        if (place != NULL) {
            *place = optarg;
        }
        /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): o is main's own structure */
        o->explain = o->explain || letter == 'E';
        o->strict = o->strict || letter == 'S';
    }
    if (optind != argc) {
        return misuse("unexpected argument: ", argv[optind]);
    }
    if (o->image == NULL) {
        return misuse("-e IMAGE is missing", "");
    }
    return 0;
}

static int dispatch(int argc, char **argv)
{
    struct options o = {0};
    const struct command *command = NULL;
    int status = 0;

    for (int i = 1; i < argc; i++) {
        if (is_help(argv[i])) {
            (void)fputs(help_text, stdout);
            return EXIT_SUCCESS;
        }
    }
    if (argc == 2 && strcmp(argv[1], "--version") == 0) {
        return printf("oesign %s\n", CM_VERSION) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
    }
    if (argc < 2) {
        (void)fputs(help_text, stderr);
        return EXIT_USAGE;
    }
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        if (strcmp(argv[1], commands[i].name) == 0) {
            command = &commands[i];
        }
    }
    if (command == NULL) {
        return misuse("unknown command: ", argv[1]);
    }
    status = parse(argc - 1, argv + 1, command, &o);
    return status != 0 ? status : command->run(&o);
}

int main(int argc, char **argv)
{
    struct cm_why why = {{0}};
    const int status = dispatch(argc, argv);
    const enum cm_status st = cm_stdout_finish(&why);

    if (st == CM_OK) {
        return status;
    }
    complain(NULL, st, &why);
    return status != 0 ? status : EXIT_FAILURE;
}
