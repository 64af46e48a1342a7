/* What is done to a store beside serving it. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/hex.h"
#include "common/try.h"
#include "keep/keep.h"
#include "serve/serve_private.h"
#include "store/store_backup.h"

static void say_copy(const struct cm_backup *b, const char *what, const char *where, FILE *out)
{
    char last[2 * CM_AUDIT_HASH + 1] = "";

    cm_hex_encode(cm_span_make(b->audit.last, CM_AUDIT_HASH), CM_HEX_LOWER, last);
    (void)fprintf(out, "%s %s: %" PRIi64 " rows, %" PRIi64 " audit records, the last %s\n", what,
                  where, b->rows, b->audit.records, last);
}

enum cm_status cm_serve_backup(const struct cm_serve_args *args, const char *file, FILE *out,
                               struct cm_why *why)
{
    struct cm_serve_config c;
    struct cm_backup b;
    enum cm_status st = cm_serve_config_load(&c, args->argc, args->argv, args->env, why);

    if (st != CM_OK) {
        return st;
    }
    CM_TRY(cm_store_backup(c.store, file, &b, why));
    say_copy(&b, "backed up to", file, out);
    (void)fprintf(out, "The root key (%.*s) is not in it: back it up apart from this file.\n",
                  (int)strcspn(c.root_key, ":"), c.root_key);
out:
    cm_serve_config_free(&c);
    return st;
}

/*
 * Who restores is root, who serves is not: what is made in the folder of the service's user is made as that user,
 * who could otherwise have root follow a link of his.
 */
static enum cm_status become_owner(const char *folder, struct cm_why *why)
{
    struct stat st;

    if (geteuid() != 0 || (stat(folder, &st) == 0 && st.st_uid == 0)) {
        return CM_OK;
    }
    if (stat(folder, &st) != 0 || setegid(st.st_gid) != 0 || seteuid(st.st_uid) != 0) {
        cm_why_set(why, "%.150s: cannot act as its owner: %s", folder, strerror(errno));
        return CM_ERR_DENIED;
    }
    return CM_OK;
}

enum cm_status cm_serve_restore(const struct cm_serve_args *args, const char *file, FILE *out,
                                struct cm_why *why)
{
    struct cm_serve_config c;
    struct cm_backup b;
    char store[512] = "";
    enum cm_status st = cm_serve_config_load(&c, args->argc, args->argv, args->env, why);

    if (st != CM_OK) {
        return st;
    }
    CM_TRY(cm_serve_folder(c.state, true, why));
    CM_TRY(become_owner(c.state, why));
    CM_TRY(cm_store_restore(file, c.store, (int64_t)time(NULL), &b, why));
    cm_serve_plain_store(c.store, store, sizeof(store));
    say_copy(&b, "restored to", store, out);
    (void)fputs("Sessions and tokens that were revoked since the backup are good again: see to"
                " them.\n",
                out);
out:
    (void)!seteuid(getuid());
    (void)!setegid(getgid());
    cm_serve_config_free(&c);
    return st;
}

enum cm_status cm_serve_rewrap(const struct cm_serve_args *args, const char *to, FILE *out,
                               struct cm_why *why)
{
    struct cm_serve_config c;
    struct cm_db *db = NULL;
    enum cm_status st = cm_serve_config_load(&c, args->argc, args->argv, args->env, why);

    if (st != CM_OK) {
        return st;
    }
    CM_TRY(cm_db_open(c.store, &db, why));
    CM_TRY(cm_keep_rewrap(c.root_key, to, db, why));
    (void)fprintf(out, "The store opens with the new root key only, from the next start on. Destroy"
                       " the old one.\n");
out:
    cm_db_close(db);
    cm_serve_config_free(&c);
    return st;
}
