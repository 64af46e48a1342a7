/*
 * Files that hold a quote, as the commands take them: a quote alone, evidence behind an attestation
 * header (OE_EVIDENCE_FLAGS_EMBED_FORMAT_ID), or a remote report. Nothing is verified here.
 */
#ifndef CM_CLI_QUOTE_FILE_H
#define CM_CLI_QUOTE_FILE_H

#include <casemate/status.h>
#include <stdio.h>

#include "common/span.h"

struct cm_cli_quote_file {
    uint8_t *data;        /* owned; the spans point into it */
    struct cm_span quote; /* UNTRUSTED: what cm_quote_parse() is to judge */
    struct cm_span rest;  /* behind a quote that has a header: its custom claims */
    const char *wrapping; /* what the quote was in; NULL: alone */
};

/**
 * Read a file and find the quote. Without an attestation header the quote is all that there is, so
 * that bytes behind it are refused.
 *
 * @param path  UNTRUSTED file of at most 8 MiB.
 * @param out   all zero; cm_cli_quote_close() it in any case.
 * @retval CM_ERR_IO, CM_ERR_NOTFOUND, ...  as cm_file_read(); why says which
 */
CM_MUST_USE enum cm_status cm_cli_quote_open(const char *path, struct cm_cli_quote_file *out,
                                             struct cm_why *why);

/** Say for people what the quote was in and what behind it is not looked at; nothing if alone. */
void cm_cli_quote_note(const struct cm_cli_quote_file *f, FILE *out);

/** Also one that is all zero. */
void cm_cli_quote_close(struct cm_cli_quote_file *f);

#endif
