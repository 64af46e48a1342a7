/* The ecalls of the enclave that the D6 tests attack. */
#ifndef CM_TESTS_HOSTILE_SWL_H
#define CM_TESTS_HOSTILE_SWL_H

enum hostile_swl {
    HS_LINES, /* in: u64 address, u64 count: what the host says of its workers' lines; out: u64 result */
    HS_WORKER,   /* in: u64 address of a line */
    HS_ECHO,     /* marked; output = input */
    HS_UNMARKED, /* not marked */
    HS_CALL,   /* in: u64 bytes; a switchless ocall with so many each way; out: u64 result, written,
                    first word of the answer */
    HS_COUNTS, /* out: u64 calls of HS_ECHO, of HS_UNMARKED */
    HS_ABORT,  /* marked; aborts */
    HS_EMPTY,  /* marked, and an empty slot of the table */
    HS_COUNT,
};

#define HS_SECRET 0x5ec4e75ec4e75ec4

#endif
