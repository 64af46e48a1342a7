/* oeedger8r: C code for both sides of the enclave boundary from EDL files. Arguments only. */
#include <string.h>

#include "edl/edl.h"
#include "os/os.h"

#define MAX_ARGS 1024

static const char usage[] =
    "usage: oeedger8r [options] <file> ...\n"
    "\n"
    "[options]\n"
    "--search-path <path>  Specify the search path of EDL files\n"
    "--use-prefix          Prefix untrusted proxy with Enclave name\n"
    "--header-only         Only generate header files\n"
    "--untrusted           Generate untrusted proxy and bridge\n"
    "--trusted             Generate trusted proxy and bridge\n"
    "--untrusted-dir <dir> Specify the directory for saving untrusted code\n"
    "--trusted-dir   <dir> Specify the directory for saving trusted code\n"
    "-D<name>              Define the name to be used by the C-style preprocessor\n"
    "-W<option>            Enable a warning\n"
    "  all                   every warning below\n"
    "  error                 Turn warnings into errors, but for reserved-name and\n"
    "                        user-check, which must be named for that\n"
    "  foreign-type-ptr      a parameter points to a type that is not in the EDL\n"
    "  non-portable-type     wchar_t, long or long double (on by default)\n"
    "  ptr-in-struct         a struct member is a pointer without size or count\n"
    "  ptr-in-function       a parameter is a pointer without a direction\n"
    "  reserved-name         a name that compiles in some uses only (on by default)\n"
    "  return-ptr            a function returns a pointer\n"
    "  signed-size-or-count  a size or count is signed (on by default)\n"
    "  unsupported-allow     allow(...) is ignored\n"
    "  user-check            nothing checks a pointer (on by default)\n"
    "-Wno-<option>         Disable the warning\n"
    "-Werror=<option>      Turn the warning into an error\n"
    "--experimental        Enable experimental features\n"
    "--help                Print this help message\n"
    "--version             Print the version of this program\n"
    "\n"
    "If neither `--untrusted' nor `--trusted' is specified, generate both.\n";

struct arguments {
    struct cm_edl_options options;
    const char *paths[MAX_ARGS];
    size_t path_count;
    const char *search_paths[MAX_ARGS];
    const char *defines[MAX_ARGS];
    const char *trusted_dir;
    const char *untrusted_dir;
};

static void say(const char *what, const char *arg)
{
    char text[512] = "";

    (void)snprintf(text, sizeof(text), "%s%s", what, arg);
    cm_print_wrapped(stderr, "error: ", text);
    (void)fputs(usage, stderr);
}

/* text behind -W; false when there is no such warning */
static bool take_warning(struct cm_edl_options *o, const char *text)
{
    bool *flags = o->warn_on;
    enum cm_edl_warning w = CM_EDL_W_MAX;

    if (strcmp(text, "all") == 0) {
        o->warn_all = true;
        return true;
    }
    if (strcmp(text, "error") == 0) {
        o->werror = true;
        return true;
    }
    if (strncmp(text, "no-", 3) == 0) {
        flags = o->warn_off;
        text += 3;
    } else if (strncmp(text, "error=", 6) == 0) {
        flags = o->warn_error;
        text += 6;
    }
    if (!cm_edl_warning_find(text, &w)) {
        return false;
    }
    flags[w] = true;
    return true;
}

static bool take_flag(struct cm_edl_options *o, const char *arg)
{
    if (strcmp(arg, "--use-prefix") == 0) {
        o->use_prefix = true;
    } else if (strcmp(arg, "--header-only") == 0) {
        o->header_only = true;
    } else if (strcmp(arg, "--untrusted") == 0) {
        o->untrusted = true;
    } else if (strcmp(arg, "--trusted") == 0) {
        o->trusted = true;
    } else {
        /* nothing is experimental here; accepted so that build files need no change */
        return strcmp(arg, "--experimental") == 0;
    }
    return true;
}

/* options with a value in the next argument; NULL when arg is none of them */
static const char **value_of(struct arguments *a, const char *arg)
{
    if (strcmp(arg, "--search-path") == 0) {
        return &a->search_paths[a->options.search_path_count++];
    }
    if (strcmp(arg, "--trusted-dir") == 0) {
        return &a->trusted_dir;
    }
    if (strcmp(arg, "--untrusted-dir") == 0) {
        return &a->untrusted_dir;
    }
    if (strcmp(arg, "-MF") == 0) {
        return &a->options.dep_file;
    }
    return NULL;
}

/* -1 to go on, otherwise the exit code */
static int parse(struct arguments *a, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        const char *arg = argv[i];
        const char **value = value_of(a, arg);

        if (value != NULL) {
            if (i + 1 == argc) {
                say("missing value after ", arg);
                return 1;
            }
            *value = argv[++i];
        } else if (strcmp(arg, "--help") == 0) {
            (void)fputs(usage, stdout);
            return 1;
        } else if (strncmp(arg, "-D", 2) == 0) {
            if (arg[2] == '\0') {
                say("macro name missing after ", arg);
                return 255;
            }
            a->defines[a->options.define_count++] = arg + 2;
        } else if (strncmp(arg, "-W", 2) == 0) {
            if (!take_warning(&a->options, arg + 2)) {
                say("unknown warning option ", arg);
                return 255;
            }
        } else if (arg[0] == '-') {
            if (!take_flag(&a->options, arg)) {
                say("unknown option ", arg);
                return 255;
            }
        } else {
            a->paths[a->path_count++] = arg;
        }
    }
    if (a->path_count == 0) {
        say("missing edl filename", "");
        return 255;
    }
    return -1;
}

static int run(int argc, char **argv)
{
    static struct arguments a;
    int rc = 0;

    if (argc == 1) {
        (void)fputs(usage, stdout);
        return 1;
    }
    if (argc > MAX_ARGS) {
        say("too many arguments", "");
        return 255;
    }
    if (argc == 2 && strcmp(argv[1], "--version") == 0) {
        return printf("oeedger8r %s\n", CM_VERSION) < 0 ? 1 : 0;
    }
    a.trusted_dir = ".";
    a.untrusted_dir = ".";
    rc = parse(&a, argc, argv);
    if (rc >= 0) {
        return rc;
    }
    a.options.search_paths = a.search_paths;
    a.options.defines = a.defines;
    a.options.trusted_dir = a.trusted_dir;
    a.options.untrusted_dir = a.untrusted_dir;
    (void)printf("Generating edge routine, for the Open Enclave SDK.\n");
    if (cm_edl_compile(&a.options, a.paths, a.path_count, stderr, stdout) != CM_OK) {
        return 1;
    }
    (void)printf("Success.\n");
    return 0;
}

int main(int argc, char **argv)
{
    struct cm_why why = {{0}};
    const int code = run(argc, argv);

    if (cm_stdout_finish(&why) == CM_OK) {
        return code;
    }
    cm_print_wrapped(stderr, "error: ", why.text);
    return code != 0 ? code : 1;
}
