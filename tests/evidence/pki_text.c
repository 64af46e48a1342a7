/* The tests' own hierarchy: the SGX extension in DER and the signed JSON documents; see pki.h. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "pki.h"

/* -------------------------------------------------------------------- DER */

struct der {
    uint8_t b[1024];
    size_t len;
};

static void put(struct der *d, uint8_t tag, const void *content, size_t len)
{
    pki_must(d->len + len + 4 <= sizeof(d->b), "DER room");
    d->b[d->len++] = tag;
    if (len >= 256) {
        d->b[d->len++] = 0x82;
        d->b[d->len++] = (uint8_t)(len >> 8);
    } else if (len >= 128) {
        d->b[d->len++] = 0x81;
    }
    d->b[d->len++] = (uint8_t)len;
    memcpy(d->b + d->len, content, len);
    d->len += len;
}

/* SEQUENCE { OID base.arcs, value } */
static void entry(struct der *list, uint8_t arc, uint8_t sub, const struct der *value)
{
    uint8_t oid[11] = {0x2a, 0x86, 0x48, 0x86, 0xf8, 0x4d, 0x01, 0x0d, 0x01, arc, sub};
    struct der e = {{0}, 0};

    put(&e, 0x06, oid, sub == 0 ? 10 : 11);
    pki_must(e.len + value->len <= sizeof(e.b), "DER room");
    memcpy(e.b + e.len, value->b, value->len);
    e.len += value->len;
    put(list, 0x30, e.b, e.len);
}

static void number_entry(struct der *list, uint8_t arc, uint8_t sub, unsigned v)
{
    uint8_t bytes[3] = {0, (uint8_t)(v >> 8), (uint8_t)v};
    size_t from = v > 0x7fff ? 0 : v > 0x7f ? 1 : 2;
    struct der value = {{0}, 0};

    if (v > 0x7f && v <= 0xff) { /* a leading zero, since it is no negative number */
        bytes[1] = 0;
    }
    put(&value, arc == 5 ? 0x0a : 0x02, bytes + from, 3 - from);
    entry(list, arc, sub, &value);
}

static void octets_entry(struct der *list, uint8_t arc, uint8_t sub, const uint8_t *v, size_t len)
{
    struct der value = {{0}, 0};

    put(&value, 0x04, v, len);
    entry(list, arc, sub, &value);
}

size_t pki_sgx_extension(const struct pki_ext *e, uint8_t *out)
{
    static const uint8_t ppid[16] = "PPID of the test";
    static const uint8_t cpusvn[16] = {5, 5, 5, 5};
    static const uint8_t instance[16] = "platform instan";
    struct der list = {{0}, 0};
    struct der tcb = {{0}, 0};
    struct der all = {{0}, 0};
    struct der seq = {{0}, 0};

    if (e->raw != NULL) {
        memcpy(out, e->raw, e->raw_len);
        return e->raw_len;
    }
    octets_entry(&list, 1, 0, ppid, 16);
    for (uint8_t i = 0; i < 16; i++) {
        number_entry(&tcb, 2, i + 1, e->comp[i]);
    }
    number_entry(&tcb, 2, 17, e->pcesvn);
    octets_entry(&tcb, 2, 18, cpusvn, 16);
    put(&seq, 0x30, tcb.b, tcb.len);
    entry(&list, 2, 0, &seq);
    octets_entry(&list, 3, 0, e->pceid, 2);
    octets_entry(&list, 4, 0, e->fmspc, 6);
    number_entry(&list, 5, 0, 1);
    if (e->platform) {
        struct der flags = {{0}, 0};

        octets_entry(&list, 6, 0, instance, 16);
        for (uint8_t i = 1; i <= 3; i++) {
            struct der value = {{0}, 0};

            put(&value, 0x01, i == 2 && !e->cached_keys ? "\x00" : "\xff", 1);
            entry(&flags, 7, i, &value);
        }
        seq.len = 0;
        put(&seq, 0x30, flags.b, flags.len);
        entry(&list, 7, 0, &seq);
    }
    put(&all, 0x30, list.b, list.len);
    memcpy(out, all.b, all.len);
    return all.len;
}

/* ------------------------------------------------------------------- JSON */

struct text {
    char *p;
    size_t len;
    size_t cap;
};

static void say(struct text *t, const char *fmt, ...) CM_PRINTF(2, 3);

static void say(struct text *t, const char *fmt, ...)
{
    va_list ap;
    int n = 0;

    if (t->cap - t->len < 1024) {
        t->cap += 16384;
        t->p = realloc(t->p, t->cap);
        pki_must(t->p != NULL, "memory");
    }
    va_start(ap, fmt);
    n = vsnprintf(t->p + t->len, t->cap - t->len, fmt, ap);
    va_end(ap);
    pki_must(n >= 0 && (size_t)n < t->cap - t->len, "text");
    t->len += (size_t)n;
}

static void say_hex(struct text *t, const char *name, const uint8_t *v, size_t len)
{
    say(t, "\"%s\":\"", name);
    for (size_t i = 0; i < len; i++) {
        say(t, "%02X", v[i]);
    }
    say(t, "\",");
}

static void say_filled(struct text *t, const char *name, uint8_t v, size_t len)
{
    uint8_t bytes[64];

    memset(bytes, v, len);
    say_hex(t, name, bytes, len);
}

static void say_date(struct text *t, const char *name, uint64_t when)
{
    time_t time = (time_t)when;
    char out[32] = "";
    struct tm tm;

    pki_must(gmtime_r(&time, &tm) != NULL &&
                 strftime(out, sizeof(out), "%Y-%m-%dT%H:%M:%SZ", &tm) != 0,
             "date");
    say(t, "\"%s\":\"%s\",", name, out);
}

static void say_status(struct text *t, const char *status, const char *advisory, unsigned age)
{
    say_date(t, "tcbDate", PKI_NOW - (100 + age) * PKI_DAY);
    say(t, "\"tcbStatus\":\"%s\"", status);
    if (advisory != NULL) {
        say(t, ",\"advisoryIDs\":[\"%s\"]", advisory);
    }
    say(t, "}");
}

static void say_components(struct text *t, const char *name, const uint8_t *svn, unsigned count)
{
    say(t, "\"%s\":[", name);
    for (unsigned i = 0; i < count; i++) {
        say(t, "%s{\"svn\":%u}", i == 0 ? "" : ",", svn[i % 16]);
    }
    say(t, "],");
}

static void say_isv_levels(struct text *t, const struct pki_isv *levels)
{
    say(t, "\"tcbLevels\":[");
    for (unsigned i = 0; i < PKI_LEVELS && levels[i].status != NULL; i++) {
        say(t, "%s{\"tcb\":{\"isvsvn\":%u},", i == 0 ? "" : ",", levels[i].isvsvn);
        say_status(t, levels[i].status, levels[i].advisory, 10 * i);
    }
    say(t, "]");
}

static void say_levels(struct text *t, const struct pki_spec *s)
{
    say(t, "\"tcbLevels\":[");
    for (unsigned i = 0; i < PKI_LEVELS && s->levels[i].status != NULL; i++) {
        const struct pki_level *l = &s->levels[i];

        say(t, "%s{\"tcb\":{", i == 0 ? "" : ",");
        if (s->tcb_version == 2) {
            for (unsigned k = 0; k < s->tcb_components; k++) {
                say(t, "\"sgxtcbcomp%02usvn\":%u,", k + 1, l->sgx[k % 16]);
            }
        } else {
            say_components(t, "sgxtcbcomponents", l->sgx, s->tcb_components);
            if (s->body_type != 1) {
                say_components(t, "tdxtcbcomponents", l->tdx, s->tcb_components);
            }
        }
        say(t, "\"pcesvn\":%u},", l->pcesvn);
        say_status(t, l->status, l->advisory, i);
    }
    say(t, "]");
}

static void say_modules(struct text *t, const struct pki_spec *s)
{
    if (!s->no_module) {
        say(t, "\"tdxModule\":{");
        say_filled(t, "mrsigner", s->module_mrsigner, 48);
        say_filled(t, "attributes", s->module_attributes, 8);
        say(t, "\"attributesMask\":\"FFFFFFFFFFFFFFFF\"},");
    }
    if (s->modules[0].id == NULL) {
        return;
    }
    say(t, "\"tdxModuleIdentities\":[");
    for (unsigned i = 0; i < PKI_LEVELS && s->modules[i].id != NULL; i++) {
        say(t, "%s{\"id\":\"%s\",", i == 0 ? "" : ",", s->modules[i].id);
        say_filled(t, "mrsigner", s->modules[i].mrsigner, 48);
        say_filled(t, "attributes", s->modules[i].attributes, 8);
        say(t, "\"attributesMask\":\"FFFFFFFFFFFFFFFF\",");
        say_isv_levels(t, s->modules[i].levels);
        say(t, "}");
    }
    say(t, "],");
}

char *pki_tcb_body(const struct pki_spec *s)
{
    struct text t = {NULL, 0, 0};

    say(&t, "{");
    if (s->tcb_id != NULL) {
        say(&t, "\"id\":\"%s\",", s->tcb_id);
    }
    say(&t, "\"version\":%u,", s->tcb_version);
    say_date(&t, "issueDate", s->tcb_issued);
    say_date(&t, "nextUpdate", s->tcb_next);
    say_hex(&t, "fmspc", s->tcb_fmspc, 6);
    say_hex(&t, "pceId", s->tcb_pceid, 2);
    say(&t, "\"tcbType\":%u,\"tcbEvaluationDataNumber\":%u,", s->tcb_type, s->tcb_evaluation);
    if (s->body_type != 1) {
        say_modules(&t, s);
    }
    say_levels(&t, s);
    say(&t, "}");
    return t.p;
}

char *pki_qe_body(const struct pki_spec *s)
{
    uint8_t attr[16] = {s->qe_attr};
    uint8_t mask[16];
    uint8_t misc[4] = {s->qe_misc};
    struct text t = {NULL, 0, 0};

    memset(mask, 0xff, sizeof(mask));
    mask[0] = s->qe_attr_mask;
    say(&t, "{\"id\":\"%s\",\"version\":%u,", s->qe_id, s->qe_version);
    say_date(&t, "issueDate", s->qe_issued);
    say_date(&t, "nextUpdate", s->qe_next);
    say(&t, "\"tcbEvaluationDataNumber\":%u,", s->qe_evaluation);
    say_hex(&t, "miscselect", misc, 4);
    say_filled(&t, "miscselectMask", 0xff, 4);
    say_hex(&t, "attributes", attr, 16);
    say_hex(&t, "attributesMask", mask, 16);
    say_filled(&t, "mrsigner", s->qe_mrsigner, 32);
    say(&t, "\"isvprodid\":%u,", s->qe_isvprodid);
    say_isv_levels(&t, s->qe_levels);
    say(&t, "}");
    return t.p;
}

char *pki_signed_json(const char *name, const char *body, enum pki_key signer)
{
    struct text t = {NULL, 0, 0};
    size_t len = strlen(body);
    uint8_t sig[64] = {0};

    pki_sign(signer, body, len, sig);
    t.cap = len + 2048;
    t.p = malloc(t.cap);
    pki_must(t.p != NULL, "memory");
    t.len = (size_t)snprintf(t.p, t.cap, "{\"%s\":", name);
    memcpy(t.p + t.len, body, len);
    t.len += len;
    say(&t, ",\"signature\":\"");
    for (size_t i = 0; i < sizeof(sig); i++) {
        say(&t, "%02x", sig[i]);
    }
    say(&t, "\"}");
    return t.p;
}
