/* casemate audit: the service's audit log, straight from its store. */
#include "casemate_audit.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "access/access_export.h"
#include "casemate_args.h"
#include "common/hex.h"
#include "common/try.h"

#define EXIT_BROKEN 8

static const char help_audit[] =
    "Usage: casemate audit verify --store STORE [--known HASH] [--json]\n"
    "       casemate audit export --store STORE [--after SEQ]\n"
    "\n"
    "STORE is the one that `casemate serve` was given: sqlite:FILE, or postgresql://...\n"
    "The service may run meanwhile.\n"
    "\n"
    "  verify    follow the chain of hashes through every record: one that was\n"
    "            changed, taken away, put in or put elsewhere is named; prints how\n"
    "            many records there are and the last hash\n"
    "  export    the records as lines of JSON, oldest first\n"
    "\n"
    "  --known HASH  a hash that an earlier verify printed and that was kept where\n"
    "                nobody with the store can change it: it must be in the chain,\n"
    "                which shows that the log was not cut or written anew\n"
    "  --after SEQ   only records behind this one\n"
    "  --json        for programs\n"
    "\n"
    "Exit status: 0 the chain holds, or exported; 8 it does not hold, or HASH is not\n"
    "in it; 1 the store cannot be read; 2 wrong usage.\n";

struct audit_options {
    const char *store;
    const char *known;
    uint64_t after;
    bool json;
};

static int failed(enum cm_status st, const struct cm_why *why)
{
    cm_print_wrapped(stderr, "casemate: ", why->text[0] != '\0' ? why->text : cm_status_str(st));
    return EXIT_FAILED;
}

static int parse(int argc, char **argv, bool verify, struct audit_options *o)
{
    for (int i = 0; i < argc; i++) {
        if (strcmp(argv[i], "--store") == 0 && i + 1 < argc) {
            i++;
            o->store = argv[i];
        } else if (verify && strcmp(argv[i], "--known") == 0 && i + 1 < argc) {
            i++;
            o->known = argv[i];
        } else if (verify && strcmp(argv[i], "--json") == 0) {
            o->json = true;
        } else if (!verify && strcmp(argv[i], "--after") == 0 && i + 1 < argc) {
            const size_t digits = strspn(argv[++i], "0123456789");

            if (digits == 0 || digits > 18 || argv[i][digits] != '\0') {
                return usage("audit: --after takes a number, not ", argv[i]);
            }
            o->after = strtoull(argv[i], NULL, 10);
        } else {
            return usage("audit: unknown option, or its value is missing: ", argv[i]);
        }
    }
    return o->store == NULL ? usage("audit needs --store", "") : 0;
}

/* A file that is not there must not be made and then found to hold. */
static enum cm_status open_store(const char *store, struct cm_db **db, struct cm_why *why)
{
    static const char sqlite[] = "sqlite:";
    const size_t n = sizeof(sqlite) - 1;

    if (strncmp(store, sqlite, n) == 0 && access(store + n, R_OK) != 0) {
        cm_why_set(why, "%s: %s", store + n, strerror(errno));
        return CM_ERR_NOTFOUND;
    }
    return cm_db_open(store, db, why);
}

static int say(const struct audit_options *o, enum cm_status st,
               const struct cm_audit_verdict *verdict, const struct cm_why *why)
{
    char last[2 * CM_AUDIT_HASH + 1] = "";

    cm_hex_encode(cm_span_make(verdict->last, CM_AUDIT_HASH), CM_HEX_LOWER, last);
    if (o->json) {
        (void)printf("{\"ok\":%s,\"records\":%lld,\"cut\":%lld,\"last\":\"%s\",\"found\":%s}\n",
                     st == CM_OK ? "true" : "false", (long long)verdict->records,
                     (long long)verdict->cut, last,
                     o->known == NULL ? "null"
                     : verdict->found ? "true"
                                      : "false");
    } else {
        (void)printf("%s\nrecords: %lld\nlast:    %s\n",
                     st == CM_OK ? "The audit log holds." : "THE AUDIT LOG DOES NOT HOLD.",
                     (long long)verdict->records, last);
        if (verdict->cut != 0) {
            (void)printf("cut:     up to %lld, by retention\n", (long long)verdict->cut);
        }
    }
    if (st == CM_OK) {
        return 0;
    }
    (void)failed(st, why);
    return EXIT_BROKEN;
}

static int verify(int argc, char **argv)
{
    struct audit_options o = {0};
    struct cm_audit_verdict verdict = {0};
    struct cm_why why = {{0}};
    struct cm_db *db = NULL;
    uint8_t known[CM_AUDIT_HASH];
    enum cm_status st = CM_OK;
    int code = parse(argc, argv, true, &o);

    if (code != 0) {
        return code;
    }
    if (o.known != NULL &&
        !cm_hex_decode(cm_span_make(o.known, strlen(o.known)), known, sizeof(known))) {
        return usage("audit: --known takes 64 hexadecimal digits, not ", o.known);
    }
    st = open_store(o.store, &db, &why);
    if (st == CM_OK) {
        st = cm_audit_verify(db, o.known != NULL ? known : NULL, &verdict, &why);
    }
    code = st == CM_OK || st == CM_ERR_SIGNATURE || st == CM_ERR_MISMATCH
               ? say(&o, st, &verdict, &why)
               : failed(st, &why);
    cm_db_close(db);
    return code;
}

static int export(int argc, char **argv)
{
    struct audit_options o = {0};
    struct cm_why why = {{0}};
    struct cm_db *db = NULL;
    enum cm_status st = CM_OK;
    const int code = parse(argc, argv, false, &o);

    if (code != 0) {
        return code;
    }
    CM_TRY(open_store(o.store, &db, &why));
    CM_TRY(cm_audit_export(db, (int64_t)o.after, SIZE_MAX, stdout, &why));
out:
    cm_db_close(db);
    return st == CM_OK ? 0 : failed(st, &why);
}

int cm_command_audit(int argc, char **argv)
{
    if (argc >= 1 && (is_help(argv[0]) || is_help(argv[argc - 1]))) {
        return help(help_audit);
    }
    if (argc >= 1 && strcmp(argv[0], "verify") == 0) {
        return verify(argc - 1, argv + 1);
    }
    if (argc >= 1 && strcmp(argv[0], "export") == 0) {
        return export(argc - 1, argv + 1);
    }
    return usage("audit: verify or export is expected, not ", argc >= 1 ? argv[0] : "nothing");
}
