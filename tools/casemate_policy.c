/* casemate policy: see casemate_policy.h. */
#include "casemate_policy.h"

#include <string.h>

#include "casemate_args.h"
#include "casemate_evidence.h"
#include "cli/cli_policy.h"

#define EXIT_REFUSED 8
#define MAX_ARGS     96

static const char help_policy[] =
    "Usage: casemate policy check [--json] FILE...\n"
    "       casemate policy hash FILE\n"
    "       casemate policy explain FILE --claims JSON [--custom JSON] [options]\n"
    "       casemate policy explain FILE --evidence EVIDENCE [options of verify]\n"
    "       casemate policy test FILE|FOLDER...\n"
    "\n"
    "FILE is a policy in the language of Azure Attestation (1.0, 1.1, 1.2), such a\n"
    "policy as a token (its signature is not verified), or a key release policy of\n"
    "Azure Key Vault (JSON). docs/policy.md has the languages.\n"
    "\n"
    "  check     what FILE is, or the line and column where it is none; and warnings\n"
    "  hash      the policy's hash as Azure Attestation gives it (x-ms-policy-hash)\n"
    "  explain   every rule and what became of it, over the claims in a file or over\n"
    "            those of evidence, which is verified first\n"
    "  test      the cases in FILE, or in every *.test.json of FOLDER\n"
    "\n"
    "  --claims FILE     a JSON object: the service's claims; of a key release\n"
    "                    policy: the claims of a token\n"
    "  --custom FILE     a JSON object: what the attester says of himself\n"
    "  --issuer URL      who issued that token; default: its claim iss\n"
    "  --allow-emulated  accept an emulator's claims: they protect nothing\n"
    "  --json            for programs\n"
    "\n"
    "Exit status: 0 good, or permitted; 1 not a policy, a test failed, or a file\n"
    "cannot be read; 2 wrong usage; 8 the policy refuses; explain --evidence has\n"
    "those of verify.\n";

static int failed(enum cm_status st, const struct cm_why *why)
{
    cm_print_wrapped(stderr, "casemate: ", why->text[0] != '\0' ? why->text : cm_status_str(st));
    return EXIT_FAILED;
}

static int check(int argc, char **argv)
{
    bool json = argc > 0 && strcmp(argv[0], "--json") == 0;
    int code = 0;

    argc -= json ? 1 : 0;
    argv += json ? 1 : 0;
    if (argc == 0 || argv[0][0] == '-') {
        return usage("policy check needs a FILE", "");
    }
    for (int i = 0; i < argc; i++) {
        struct cm_why why = {{0}};
        enum cm_status st = cm_cli_policy_check(argv[i], json, stdout, &why);

        code = st == CM_OK ? code : failed(st, &why);
    }
    return code;
}

static int hash(int argc, char **argv)
{
    struct cm_why why = {{0}};
    enum cm_status st = CM_OK;

    if (argc != 1 || argv[0][0] == '-') {
        return usage("policy hash needs one FILE", "");
    }
    st = cm_cli_policy_hash(argv[0], stdout, &why);
    return st == CM_OK ? 0 : failed(st, &why);
}

/* explain FILE --evidence EVIDENCE ...: verify --policy FILE --explain EVIDENCE ... */
static int explain_evidence(int argc, char **argv, int at)
{
    char *args[MAX_ARGS];
    char option_policy[] = "--policy";
    char option_explain[] = "--explain";
    int n = 0;

    if (argc + 4 > MAX_ARGS) {
        return usage("policy explain: too many arguments", "");
    }
    args[n++] = option_policy;
    args[n++] = argv[0];
    args[n++] = option_explain;
    for (int i = 1; i < argc; i++) {
        if (i != at) {
            args[n++] = argv[i];
        }
    }
    return cm_command_verify(n, args);
}

static int explain_claims(struct cm_cli_explain *e)
{
    struct cm_why why = {{0}};
    enum cm_status st = CM_OK;

    if (e->claims == NULL) {
        return usage("policy explain needs --claims or --evidence", "");
    }
    st = cm_cli_policy_explain(e, stdout, &why);
    if (st == CM_OK) {
        return 0;
    }
    return st == CM_ERR_POLICY && why.text[0] == '\0' ? EXIT_REFUSED : failed(st, &why);
}

static int explain(int argc, char **argv)
{
    struct cm_cli_explain e = {0};

    if (argc == 0 || argv[0][0] == '-') {
        return usage("policy explain needs a FILE first", "");
    }
    e.policy = argv[0];
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--evidence") == 0 && i + 1 < argc) {
            return explain_evidence(argc, argv, i);
        }
    }
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--json") == 0) {
            e.json = true;
        } else if (strcmp(argv[i], "--allow-emulated") == 0) {
            e.allow_emulated = true;
        } else if (strcmp(argv[i], "--claims") == 0 && i + 1 < argc) {
            i++;
            e.claims = argv[i];
        } else if (strcmp(argv[i], "--custom") == 0 && i + 1 < argc) {
            i++;
            e.custom = argv[i];
        } else if (strcmp(argv[i], "--issuer") == 0 && i + 1 < argc) {
            i++;
            e.issuer = argv[i];
        } else {
            return usage("policy explain: unknown option, or its value is missing: ", argv[i]);
        }
    }
    return explain_claims(&e);
}

static int test(int argc, char **argv)
{
    size_t all = 0;

    if (argc == 0 || argv[0][0] == '-') {
        return usage("policy test needs a FILE or a FOLDER", "");
    }
    for (int i = 0; i < argc; i++) {
        struct cm_why why = {{0}};
        size_t bad = 0;
        enum cm_status st = cm_cli_policy_test(argv[i], stdout, &bad, &why);

        if (st != CM_OK) {
            return failed(st, &why);
        }
        all += bad;
    }
    return all == 0 ? 0 : EXIT_FAILED;
}

int cm_command_policy(int argc, char **argv)
{
    static const struct {
        const char *name;
        int (*run)(int argc, char **argv);
    } commands[] = {{"check", check}, {"hash", hash}, {"explain", explain}, {"test", test}};

    if (argc >= 1 && (is_help(argv[0]) || is_help(argv[argc - 1]))) {
        return help(help_policy);
    }
    for (size_t i = 0; argc >= 1 && i < sizeof(commands) / sizeof(commands[0]); i++) {
        if (strcmp(argv[0], commands[i].name) == 0) {
            return commands[i].run(argc - 1, argv + 1);
        }
    }
    return usage("policy: check, hash, explain or test is expected, not ",
                 argc >= 1 ? argv[0] : "nothing");
}
