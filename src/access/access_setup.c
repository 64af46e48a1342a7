/*
 * The first admin: whoever can read a file of the user that runs the service, soon after its start. The
 * store holds the code's hash and end; enrolling takes it away within the same transaction.
 */
#include "access/access_setup.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "access/access_private.h"
#include "common/hex.h"
#include "common/try.h"
#include "common/wipe.h"
#include "crypto/keyenc.h"
#include "os/os.h"

#define SETTING   "access.setup"
#define LIFE      900 /* seconds */
#define FILE_NAME "setup-code"
#define HASH_HEX  ((size_t)2 * CM_SHA256_SIZE)
#define VALUE_CAP (HASH_HEX + 24)

void cm_setup_text(const uint8_t code[CM_SETUP_BYTES], char out[CM_SETUP_CAP])
{
    char *at = out;

    for (size_t i = 0; i < CM_SETUP_BYTES; i += 2) {
        if (i != 0) {
            *at++ = '-';
        }
        cm_hex_encode(cm_span_make(code + i, 2), CM_HEX_LOWER, at);
        at += 4;
    }
}

enum cm_status cm_setup_parse(const char *text, uint8_t out[CM_SETUP_BYTES])
{
    char digits[2 * CM_SETUP_BYTES];
    size_t n = 0;
    bool good = true;

    for (size_t i = 0; text[i] != '\0' && good; i++) {
        if (text[i] == '-' || text[i] == ' ') {
            continue;
        }
        good = n < sizeof(digits);
        if (good) {
            digits[n++] = text[i];
        }
    }
    good = good && cm_hex_decode(cm_span_make(digits, n), out, CM_SETUP_BYTES);
    cm_wipe(digits, sizeof(digits));
    return good ? CM_OK : CM_ERR_FORMAT;
}

bool cm_access_setup_needed(const struct access_view *v)
{
    for (size_t i = 0; i < v->account_count; i++) {
        if (!v->accounts[i].disabled && (v->accounts[i].roles & CM_ROLE_ADMIN) != 0) {
            return false;
        }
    }
    return true;
}

/* --------------------------------------------------------------------- start */

static enum cm_status file_path(struct access *a, struct cm_why *why)
{
    const char *dir = cm_service_config(a->service)->state_dir;
    char own[3072] = "";
    int n = 0;
    enum cm_status st = CM_OK;

    if (dir == NULL) {
        CM_TRY(cm_state_dir(own, sizeof(own), why));
        dir = own;
    }
    n = snprintf(a->setup_file, sizeof(a->setup_file), "%s/" FILE_NAME, dir);
    if (n < 0 || (size_t)n >= sizeof(a->setup_file)) {
        cm_why_set(why, "the state folder's path is too long");
        st = CM_ERR_LIMIT;
    }
out:
    return st;
}

static enum cm_status put_run(struct cm_db *db, void *arg, struct cm_why *why)
{
    return cm_setting_put(db, SETTING, arg, why);
}

/* To a person's terminal, never into what a program collects. */
static void show(const struct access *a, const char *code)
{
    FILE *to = isatty(STDERR_FILENO) == 1 ? stderr : isatty(STDOUT_FILENO) == 1 ? stdout : NULL;

    if (to != NULL) {
        (void)fprintf(
            to, "\nSet-up code for the first admin, good for %d minutes: %s\nEnter it at %s\n\n",
            LIFE / 60, code, cm_service_config(a->service)->public_url);
        (void)fflush(to);
    }
}

static enum cm_status new_code(struct access *a, struct cm_why *why)
{
    uint8_t code[CM_SETUP_BYTES];
    uint8_t hash[CM_SHA256_SIZE];
    char text[CM_SETUP_CAP + 1] = "";
    char hex[HASH_HEX + 1] = "";
    char value[VALUE_CAP] = "";
    const uint64_t until = cm_service_now(a->service) + LIFE;
    enum cm_status st = CM_OK;

    CM_TRY(cm_random_bytes(code, sizeof(code)));
    CM_TRY(cm_sha256_of(cm_span_make(code, sizeof(code)), hash));
    cm_hex_encode(cm_span_make(hash, sizeof(hash)), CM_HEX_LOWER, hex);
    (void)snprintf(value, sizeof(value), "%s %" PRIu64, hex, until);
    CM_TRY(cm_service_write(a->service, put_run, value, why));
    cm_setup_text(code, text);
    show(a, text);
    text[strlen(text)] = '\n';
    (void)unlink(a->setup_file); /* whatever is there is not written through */
    CM_TRY(cm_file_write_atomic(a->setup_file, cm_span_make(text, strlen(text)), 0600, why));
    atomic_store(&a->setup_until, until);
    cm_service_log(a->service, CM_LOG_WARNING, "there is no admin: the set-up code waits",
                   (const char *const[]){"file", a->setup_file}, 1);
out:
    cm_wipe(code, sizeof(code));
    cm_wipe(text, sizeof(text));
    return st;
}

enum cm_status cm_access_setup_start(struct access *a, struct cm_why *why)
{
    struct access_view *v = cm_access_view(a);
    const bool needed = cm_access_setup_needed(v);
    enum cm_status st = CM_OK;

    cm_access_view_put(v);
    CM_TRY(file_path(a, why));
    if (needed) {
        st = new_code(a, why);
    } else {
        (void)unlink(a->setup_file);
    }
out:
    return st;
}

void cm_access_setup_tick(struct access *a, uint64_t now)
{
    const uint64_t until = atomic_load(&a->setup_until);

    if (until != 0 && now >= until) {
        atomic_store(&a->setup_until, 0);
        (void)unlink(a->setup_file);
        cm_service_log(a->service, CM_LOG_WARNING,
                       "the set-up code has expired: start the service anew for another", NULL, 0);
    }
}

/* --------------------------------------------------------------------- enrol */

struct enrolling {
    struct access_new account;
    uint8_t hash[CM_SHA256_SIZE];
    uint64_t now;
};

/* @retval CM_ERR_EXISTS there is an admin   @retval CM_ERR_SIGNATURE not the code, or no more */
static enum cm_status check_code(struct cm_db *db, const struct enrolling *e, struct cm_why *why)
{
    uint8_t hash[CM_SHA256_SIZE];
    char value[VALUE_CAP] = "";
    int64_t admins = 0;
    enum cm_status st = CM_OK;

    CM_TRY(cm_access_admins(db, &admins, why));
    if (admins != 0) {
        return CM_ERR_EXISTS;
    }
    st = cm_setting_get(db, SETTING, value, sizeof(value), why);
    if (st == CM_ERR_NOTFOUND) {
        return CM_ERR_SIGNATURE;
    }
    CM_TRY(st);
    if (strlen(value) < HASH_HEX + 2 ||
        !cm_hex_decode(cm_span_make(value, HASH_HEX), hash, sizeof(hash)) ||
        !cm_ct_equal(hash, e->hash, sizeof(hash)) ||
        e->now >= strtoull(value + HASH_HEX + 1, NULL, 10)) {
        st = CM_ERR_SIGNATURE;
    }
out:
    return st;
}

static enum cm_status enrol_run(struct cm_db *db, void *arg, struct cm_why *why)
{
    const struct enrolling *e = arg;
    enum cm_status st = CM_OK;

    CM_TRY(cm_access_guard(db, why));
    CM_TRY(check_code(db, e, why));
    CM_TRY(cm_access_insert(db, &e->account, why));
    CM_TRY(cm_setting_put(db, SETTING, "", why));
    CM_TRY(cm_service_touch(e->account.service, db, ACCESS_TOPIC, why));
out:
    return st;
}

static void refuse(struct cm_call *call, enum cm_status st, const struct cm_why *why)
{
    if (st == CM_ERR_EXISTS) {
        cm_call_fail(call, 409, "AlreadySetUp", "there is an admin already: log in");
    } else if (st == CM_ERR_SIGNATURE || st == CM_ERR_FORMAT) {
        cm_call_fail(
            call, 403, "SetupCode",
            "the set-up code is wrong, used or too old: start the service anew for another,"
            " which it leaves in the file " FILE_NAME " of its state folder");
    } else {
        cm_call_fail_status(call, st, why);
    }
}

static void enrol(struct cm_call *call, struct access *a, const json_t *body, struct enrolling *e)
{
    uint8_t code[CM_SETUP_BYTES];
    struct cm_why why = {""};
    const enum cm_status form = cm_setup_parse(cm_access_text(body, "code"), code);
    enum cm_status st = CM_OK;

    e->now = cm_service_now(a->service);
    if (form == CM_OK) {
        st = cm_sha256_of(cm_span_make(code, sizeof(code)), e->hash);
    }
    cm_wipe(code, sizeof(code));
    /* the code first: a password's hash is expensive, and not for everybody to ask for */
    if (st == CM_OK) { /* whatever the code looks like: with an admin no code will do */
        st = check_code(call->db, e, &why);
    }
    if (st == CM_OK) {
        st = form;
    }
    if (st != CM_OK) {
        refuse(call, st, &why);
        return;
    }
    if (cm_password_check(cm_access_text(body, "password"), &why) != CM_OK) {
        cm_call_fail(call, 400, "WeakPassword", "%s", why.text);
        return;
    }
    st = cm_access_new_make(a, cm_access_text(body, "name"), CM_ROLE_ADMIN,
                            cm_access_text(body, "password"), &e->account, &why);
    if (st == CM_OK) {
        st = cm_call_write(call, enrol_run, e, "setup", e->account.name, NULL, &why);
    }
    if (st != CM_OK) {
        refuse(call, st, &why);
        return;
    }
    atomic_store(&a->setup_until, 0);
    (void)unlink(a->setup_file);
    cm_access_session_begin(call, a, e->account.name, e->account.hash);
}

void cm_access_post_setup(struct cm_call *call, void *state)
{
    static const char *const names[] = {"code", "name", "password", NULL};
    json_t *body = NULL;
    struct enrolling e;

    if (!cm_access_same_origin(call)) {
        cm_call_fail(call, 403, "CsrfToken", "another site asks; open the dashboard at %s",
                     cm_service_config(call->service)->public_url);
        return;
    }
    body = cm_access_body(call, names);
    if (body == NULL) {
        return;
    }
    memset(&e, 0, sizeof(e));
    if (cm_access_text(body, "code") == NULL || cm_access_text(body, "name") == NULL ||
        cm_access_text(body, "password") == NULL) {
        cm_call_fail(call, 400, "InvalidParameter", "a code, a name and a password are wanted");
    } else {
        enrol(call, state, body, &e);
    }
    cm_access_wipe_text(body, "code");
    cm_access_wipe_text(body, "password");
    cm_wipe(&e, sizeof(e));
}
