/* Revocation lists put together byte by byte, each with one thing that is forbidden; unsigned. */
#include "der_parts.h"

#include "evidence/certs.h"

#define NUMBER "\x30\x0a\x06\x03\x55\x1d\x14\x04\x03\x02\x01\x07"
#define ENTRY                      \
    "\x30\x12\x02\x01\x05\x17\x0d" \
    "230101000000Z"

struct crl_parts {
    struct cm_span version;
    struct cm_span alg_inside;
    struct cm_span issuer;
    struct cm_span this_update;
    struct cm_span next_update;
    struct cm_span entries; /* content; ptr NULL: no list */
    struct cm_span exts;    /* content; ptr NULL: none */
    struct cm_span behind_exts;
    struct cm_span alg;
    struct cm_span behind;
};

static const struct crl_parts good_crl = {B("\x02\x01\x01"),
                                          B(ALG),
                                          B(NAME),
                                          B("\x17\x0d"
                                            "230101000000Z"),
                                          B("\x17\x0d"
                                            "330101000000Z"),
                                          B(ENTRY),
                                          B(NUMBER),
                                          {NULL, 0},
                                          B(ALG),
                                          {NULL, 0}};

static enum cm_status parse_crl(const struct crl_parts *p)
{
    struct out tbs = {{0}, 0};
    struct out entries = {{0}, 0};
    struct out list = {{0}, 0};
    struct out seq = {{0}, 0};
    struct out sig = {{0}, 0};
    struct out all = {{0}, 0};
    struct out whole = {{0}, 0};
    /* of a real one's length: a list of less than 128 bytes could be read as hexadecimal */
    const struct cm_span signature = B("\x00\x30\x44\x02\x20"
                                       "0123456789abcdef0123456789abcdef"
                                       "\x02\x20"
                                       "0123456789abcdef0123456789abcdef");
    struct cm_crl *crl = NULL;
    enum cm_status st = CM_OK;

    add(&tbs, p->version);
    add(&tbs, p->alg_inside);
    add(&tbs, p->issuer);
    add(&tbs, p->this_update);
    add(&tbs, p->next_update);
    add(&entries, p->entries);
    if (p->entries.ptr != NULL) {
        wrap(&tbs, 0x30, &entries);
    }
    add(&list, p->exts);
    wrap(&seq, 0x30, &list);
    if (p->exts.ptr != NULL) {
        wrap(&tbs, 0xa0, &seq);
    }
    add(&tbs, p->behind_exts);
    wrap(&all, 0x30, &tbs);
    add(&all, p->alg);
    add(&sig, signature);
    wrap(&all, 0x03, &sig);
    wrap(&whole, 0x30, &all);
    add(&whole, p->behind);
    st = cm_crl_parse(cm_span_make(whole.b, whole.len), &crl);
    cm_crl_free(crl);
    return st;
}

static void crl_at(int line, const struct crl_parts *p, enum cm_status want)
{
    enum cm_status st = parse_crl(p);

    if (st != want) {
        TEST_FAIL("line %d: %s", line, cm_status_str(st));
    }
}

#define CRL(part, text, want)                \
    do {                                     \
        struct crl_parts p = good_crl;       \
        const struct cm_span with = B(text); \
        p.part = with;                       \
        crl_at(__LINE__, &p, want);          \
    } while (0)

TEST(revocation_lists_byte_by_byte)
{
    struct crl_parts less = good_crl;

    CHECK_EQ(parse_crl(&less), CM_OK);
    less.entries.ptr = NULL;
    less.entries.len = 0;
    CHECK_EQ(parse_crl(&less), CM_OK); /* none revoked */
    less.exts.ptr = NULL;
    less.exts.len = 0;
    CHECK_EQ(parse_crl(&less), CM_ERR_FORMAT);
    CRL(version, "\x02\x01\x00", CM_ERR_FORMAT);
    CRL(version, "", CM_ERR_FORMAT); /* version 1 */
    CRL(alg_inside, "\x30\x0a\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x03", CM_ERR_FORMAT);
    CRL(alg_inside, "\x30\x0c\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x02\x05\x00", CM_ERR_FORMAT);
    CRL(alg, "\x30\x0a\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x03", CM_ERR_UNSUPPORTED);
    CRL(issuer,
        "\x30\x0d\x32\x0b\x30\x09\x06\x03\x55\x04\x03\x0c\x02"
        "CA",
        CM_ERR_FORMAT);
    CRL(this_update,
        "\x17\x0d"
        "231301000000Z",
        CM_ERR_FORMAT);
    CRL(next_update,
        "\x17\x0d"
        "331301000000Z",
        CM_ERR_FORMAT);
    CRL(next_update, "", CM_ERR_FORMAT);
    CRL(behind_exts, "\x05\x00", CM_ERR_FORMAT);
    CRL(behind, "\x00", CM_ERR_FORMAT);
}

TEST(revocation_list_entries)
{
    CRL(entries, "", CM_OK);
    CRL(entries, ENTRY ENTRY, CM_OK);
    CRL(entries, ENTRY "\x00", CM_ERR_FORMAT);
    CRL(entries,
        "\x30\x11\x02\x00\x17\x0d"
        "230101000000Z",
        CM_ERR_FORMAT); /* no number */
    CRL(entries,
        "\x30\x13\x02\x02\x00\x85\x17\x0d"
        "230101000000Z",
        CM_OK);
    CRL(entries,
        "\x30\x13\x02\x02\x00\x05\x17\x0d"
        "230101000000Z",
        CM_ERR_FORMAT);                                  /* a second form of 5 */
    CRL(entries, "\x30\x03\x02\x01\x05", CM_ERR_FORMAT); /* no date */
    CRL(entries,
        "\x30\x12\x02\x01\x05\x17\x0d"
        "231301000000Z",
        CM_ERR_FORMAT);
    CRL(entries,
        "\x30\x14\x02\x01\x05\x17\x0d"
        "230101000000Z"
        "\x05\x00",
        CM_ERR_FORMAT);
    CRL(entries,
        "\x30\x20\x02\x01\x05\x17\x0d"
        "230101000000Z"
        "\x30\x0c\x30\x0a\x06\x03\x55\x1d\x15\x04\x03\x0a\x01\x01",
        CM_OK);
    CRL(entries,
        "\x30\x22\x02\x01\x05\x17\x0d"
        "230101000000Z"
        "\x30\x0c\x30\x0a\x06\x03\x55\x1d\x15\x04\x03\x0a\x01\x01\x05\x00",
        CM_ERR_FORMAT);
    CRL(entries,
        "\x30\x14\x02\x01\x05\x17\x0d"
        "230101000000Z"
        "\x30\x00",
        CM_ERR_FORMAT);
    /* the second entry is of another issuer: certificateIssuer, critical */
    CRL(entries,
        ENTRY "\x30\x23\x02\x01\x06\x17\x0d"
              "230101000000Z"
              "\x30\x0f\x30\x0d\x06\x03\x55\x1d\x1d\x01\x01\xff\x04\x03\x0a\x01\x01",
        CM_ERR_FORMAT);
}

TEST(revocation_list_extensions)
{
    CRL(exts, "", CM_ERR_FORMAT);
    CRL(exts, "\x30\x0c\x06\x03\x55\x1d\x23\x04\x05\x30\x03\x80\x01\x07",
        CM_ERR_FORMAT); /* no number */
    CRL(exts, NUMBER "\x30\x0c\x06\x03\x55\x1d\x23\x04\x05\x30\x03\x80\x01\x07", CM_OK);
    CRL(exts, NUMBER "\x30\x0b\x06\x03\x55\x1d\x23\x04\x04\x30\x02\x80\x00", CM_ERR_FORMAT);
    CRL(exts, NUMBER NUMBER, CM_ERR_FORMAT);
    CRL(exts, "\x30\x0a\x06\x03\x55\x1d\x14\x04\x03\x02\x01\x87", CM_ERR_FORMAT); /* negative */
    CRL(exts, "\x30\x0c\x06\x03\x55\x1d\x14\x04\x05\x02\x01\x07\x05\x00", CM_ERR_FORMAT);
    CRL(exts, "\x30\x11\x06\x03\x55\x1d\x14\x04\x0a\x02\x08\x7f\xff\xff\xff\xff\xff\xff\xff",
        CM_OK);
    CRL(exts, "\x30\x12\x06\x03\x55\x1d\x14\x04\x0b\x02\x09\x00\xff\xff\xff\xff\xff\xff\xff\xff",
        CM_ERR_FORMAT);
}

/* A digit that is none must not be read as some digit. */
TEST(hexadecimal_lists_are_digits_only)
{
    struct pki_spec s;
    struct pki_bundle *b = NULL;
    unsigned high = 0;
    unsigned low = 0;

    pki_defaults(&s, 3, 1);
    s.pck_crl.form = 2;
    s.pck_crl.revoked = 0x7fffff;
    b = pki_make(&s);
    for (size_t i = 0; i < b->col.pck_crl.len; i++) {
        char *digit = (char *)(uintptr_t)b->col.pck_crl.ptr + i;
        char keep = *digit;
        struct cm_crl *crl = NULL;

        if (keep != 'f') { /* minus one, cut to four bits, would be it */
            continue;
        }
        *digit = 'g';
        CHECK_EQ(cm_crl_parse(b->col.pck_crl, &crl), CM_ERR_FORMAT);
        *digit = keep;
        *(i % 2 == 0 ? &high : &low) += 1;
    }
    CHECK(high > 0 && low > 0);
    pki_free(b);
}

TEST_MAIN
