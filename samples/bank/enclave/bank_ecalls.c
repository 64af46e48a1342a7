/*
 * The enclave's calls of bank.edl: one session at a time, under one lock. Pointers are copies that
 * the generated code made inside the enclave; sizes are checked here.
 */
#include <openenclave/enclave.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "bank_evidence.h"
#include "bank_result.h"
#include "bank_session.h"
#include "bank_t.h"

#include "../common/bank_text.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct bank_session *session;
static struct bank_why reason;

/* take the lock and forget the last reason */
static void enter(void)
{
    (void)pthread_mutex_lock(&lock);
    memset(&reason, 0, sizeof(reason));
}

static int leave(enum bank_status st)
{
    if (st != BANK_OK) {
        (void)bank_fail(&reason, st, "%s", bank_status_text(st));
    }
    (void)pthread_mutex_unlock(&lock);
    return (int)st;
}

static enum bank_status need(int sizes_fit)
{
    if (!sizes_fit) {
        return bank_fail(&reason, BANK_SYNTAX, "host and enclave are of different builds");
    }
    if (session == NULL) {
        return bank_fail(&reason, BANK_STATE, "there is no agreement yet");
    }
    return BANK_OK;
}

int ecall_bank_open(const void *agreement, size_t agreement_size)
{
    struct bank_agreement a;
    enum bank_status st = BANK_SYNTAX;

    enter();
    if (agreement != NULL && agreement_size == sizeof(a)) {
        memcpy(&a, agreement, sizeof(a));
        bank_session_free(session);
        session = NULL;
        st = bank_session_new(&a, &session, &reason);
    }
    return leave(st);
}

int ecall_bank_evidence(const uint8_t *nonce, size_t nonce_size, uint8_t *evidence, size_t capacity,
                        size_t *evidence_size)
{
    enum bank_status st = BANK_OK;

    enter();
    st = need(nonce != NULL && nonce_size == BANK_NONCE_SIZE && evidence != NULL &&
              evidence_size != NULL);
    if (st == BANK_OK) {
        st = bank_evidence_make(bank_session_key(session), nonce, evidence, capacity, evidence_size,
                                &reason);
    }
    return leave(st);
}

int ecall_bank_file_begin(uint32_t bank, const uint8_t *header, size_t header_size)
{
    enum bank_status st = BANK_OK;

    enter();
    st = need(header != NULL && header_size == BANK_HEADER_SIZE);
    if (st == BANK_OK) {
        st = bank_session_begin(session, bank, header, &reason);
    }
    return leave(st);
}

int ecall_bank_file_chunk(uint32_t bank, const uint8_t *sealed, size_t sealed_size)
{
    enum bank_status st = BANK_OK;

    enter();
    st = need(sealed != NULL);
    if (st == BANK_OK) {
        st = bank_session_chunk(session, bank, sealed, sealed_size, &reason);
    }
    return leave(st);
}

int ecall_bank_file_end(uint32_t bank)
{
    enum bank_status st = BANK_OK;

    enter();
    st = need(1);
    if (st == BANK_OK) {
        st = bank_session_end(session, bank, &reason);
    }
    return leave(st);
}

int ecall_bank_join(void)
{
    enum bank_status st = BANK_OK;

    enter();
    st = need(1);
    if (st == BANK_OK) {
        st = bank_book_join(bank_session_book(session), &reason);
    }
    return leave(st);
}

int ecall_bank_search(uint64_t count, uint64_t *done, uint64_t *total)
{
    enum bank_status st = BANK_OK;

    enter();
    st = need(done != NULL && total != NULL);
    if (st == BANK_OK) {
        st = bank_book_search(bank_session_book(session), count, done, total, &reason);
    }
    return leave(st);
}

int ecall_bank_summary(void *summary, size_t summary_size)
{
    struct bank_summary sum;
    enum bank_status st = BANK_OK;

    memset(&sum, 0, sizeof(sum));
    enter();
    st = need(summary != NULL && summary_size == sizeof(sum));
    if (st == BANK_OK) {
        st = bank_book_summary(bank_session_book(session), &sum, &reason);
    }
    if (st == BANK_OK) {
        memcpy(summary, &sum, sizeof(sum));
    }
    return leave(st);
}

int ecall_bank_circle(uint64_t index, void *circle, size_t circle_size)
{
    struct bank_circle c;
    enum bank_status st = BANK_OK;

    memset(&c, 0, sizeof(c));
    enter();
    st = need(circle != NULL && circle_size == sizeof(c));
    if (st == BANK_OK) {
        st = bank_book_circle(bank_session_book(session), index, &c, &reason);
    }
    if (st == BANK_OK) {
        memcpy(circle, &c, sizeof(c));
    }
    return leave(st);
}

int ecall_bank_runtime(char *runtime, size_t capacity, uint8_t *report, size_t report_capacity,
                       size_t *report_size)
{
    const char *text = NULL;
    enum bank_status st = BANK_OK;

    enter();
    st = need(runtime != NULL && report != NULL && report_size != NULL);
    if (st == BANK_OK) {
        st = bank_session_runtime(session, &text, &reason);
    }
    if (st == BANK_OK && snprintf(runtime, capacity, "%s", text) >= (int)capacity) {
        st = bank_fail(&reason, BANK_LIMIT, "no room for the key's description");
    }
    if (st == BANK_OK) {
        st = bank_evidence_report(text, report, report_capacity, report_size, &reason);
    }
    return leave(st);
}

int ecall_bank_released(uint32_t bank, const uint8_t *wrapped, size_t wrapped_size)
{
    enum bank_status st = BANK_OK;

    enter();
    st = need(wrapped != NULL);
    if (st == BANK_OK) {
        st = bank_session_released(session, bank, wrapped, wrapped_size, &reason);
    }
    return leave(st);
}

int ecall_bank_result_seal(uint8_t *sealed, size_t capacity, size_t *sealed_size)
{
    struct bank_result result;
    enum bank_status st = BANK_OK;

    memset(&result, 0, sizeof(result));
    enter();
    st = need(sealed != NULL && sealed_size != NULL);
    if (st == BANK_OK) {
        result.agreement = *bank_session_agreement(session);
        st = bank_book_summary(bank_session_book(session), &result.summary, &reason);
    }
    if (st == BANK_OK) {
        st = bank_result_seal(&result, sealed, capacity, sealed_size, &reason);
    }
    bank_wipe(&result, sizeof(result));
    return leave(st);
}

int ecall_bank_result_open(const uint8_t *sealed, size_t sealed_size, void *result,
                           size_t result_size)
{
    enum bank_status st = BANK_SYNTAX;

    enter();
    if (sealed != NULL && result != NULL && result_size == sizeof(struct bank_result)) {
        st = bank_result_open(sealed, sealed_size, result, &reason);
    }
    return leave(st);
}

int ecall_bank_why(char *text, size_t text_size)
{
    if (text == NULL || text_size == 0) {
        return (int)BANK_SYNTAX;
    }
    (void)pthread_mutex_lock(&lock);
    (void)snprintf(text, text_size, "%s", reason.text);
    (void)pthread_mutex_unlock(&lock);
    return (int)BANK_OK;
}

void ecall_bank_close(void)
{
    enter();
    bank_session_free(session);
    session = NULL;
    (void)leave(BANK_OK);
}

OE_SET_ENCLAVE_SGX(1,     /* product */
                   1,     /* security version */
                   true,  /* a host may start it for debugging: the banks then refuse it */
                   65536, /* heap pages: 256 MiB, for 2 million transfers */
                   64,    /* stack pages a thread */
                   1);    /* threads */
