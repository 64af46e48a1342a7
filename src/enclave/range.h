/*
 * Whether a range of addresses lies inside or outside the enclave: the two predicates that every
 * pointer from the host goes through (B1 to B3). Proved with Frama-C for all 2^256 inputs
 * (tests/proof) and run on every input with 8-bit addresses (tests/unit/enclave_range_test.c).
 *
 * CM_ADDR is the address type; the 8-bit twin includes range.c with another one.
 */
#ifndef CM_ENCLAVE_RANGE_H
#define CM_ENCLAVE_RANGE_H

#include <stdbool.h>
#include <stdint.h>

#ifndef CM_ADDR
#define CM_ADDR uint64_t
#endif

/*
 * An enclave occupies [base, base + size); size > 0 and base + size may be at most 2^n (SECS says
 * so: size is a power of two, base a multiple of it).
 *
 * A range of 0 bytes counts as 1 byte, so that every pointer is on one side. NULL is on neither,
 * and neither is a range that wraps.
 */
/*@ logic integer extent(integer n) = n == 0 ? 1 : n; */

/*@ requires size > 0 && base + size <= 0x10000000000000000;
    assigns \nothing;
    ensures \result <==> p != 0 && base <= p && p + extent(n) <= base + size;
*/
bool cm_range_within(CM_ADDR base, CM_ADDR size, CM_ADDR p, CM_ADDR n);

/*@ requires size > 0 && base + size <= 0x10000000000000000;
    assigns \nothing;
    ensures \result <==> p != 0 && p + extent(n) <= 0x10000000000000000 &&
                         (p + extent(n) <= base || base + size <= p);
*/
bool cm_range_outside(CM_ADDR base, CM_ADDR size, CM_ADDR p, CM_ADDR n);

#endif
