/*
 * The smallest image that oesign takes: no runtime, never run. Built by
 * tests/sign/CMakeLists.txt as a static PIE with TLS, bss, relocations, one
 * ENCLU site; with -DMINI_BAD=... also with instructions that must be refused.
 */
#include <openenclave/bits/properties.h>

#ifdef MINI_SGX2
OE_SET_ENCLAVE_SGX2(11, 12, ({1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}),
                    ({16, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1}), 0, 1, 1, 1, 0x20000,
                    8, 2, 1);
#else
OE_SET_ENCLAVE_SGX(7, 3, 1, 1024, 16, 3);
#endif

int mini_zeros[5000];
static _Thread_local long mini_tls[20] = {1, 2, 3};

__asm__(".text\n"
        ".balign 16\n"
        ".globl mini_enclu\n"
        ".type mini_enclu, @function\n"
        "mini_enclu:\n"
        ".byte 0x0f, 0x01, 0xd7, 0xc3\n"
        ".ascii \"CASEMATE\"\n"
        ".byte 0, 0, 0, 0\n"
        ".size mini_enclu, 16\n");

void mini_enclu(void);
int mini_add(int a, int b);
void mini_bad(void);
void mini_start(void);

int mini_add(int a, int b)
{
    return a + b + (int)mini_tls[a & 7];
}

/* words that need a relocation */
static int (*const mini_table[])(int, int) = {mini_add, mini_add, mini_add};
static int *mini_pointer = &mini_zeros[17];

void mini_bad(void)
{
#ifdef MINI_BAD
    __asm__ volatile(MINI_BAD);
#endif
}

void mini_start(void)
{
    int (*volatile const *table)(int, int) = mini_table;

    *mini_pointer = table[1](1, 2);
    mini_bad();
    mini_enclu();
}
