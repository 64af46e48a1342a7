/*
 * The CPUID table; see cpuidtable.h. Read once: in a virtual machine each CPUID traps, at up to
 * tens of microseconds.
 */
#include "host/cpuidtable.h"

#include <cpuid.h>
#include <pthread.h>

static const struct {
    uint32_t leaf;
    uint32_t subleaf;
} wanted[] = {{0, 0},          {1, 0},          {4, 0},          {4, 1},          {4, 2},
              {4, 3},          {7, 0},          {7, 1},          {0xd, 0},        {0xd, 1},
              {0xd, 2},        {0x80000000, 0}, {0x80000001, 0}, {0x80000002, 0}, {0x80000003, 0},
              {0x80000004, 0}, {0x80000008, 0}};

static struct cm_cpuid_entry table[sizeof(wanted) / sizeof(wanted[0])];
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void fill(void)
{
    for (unsigned i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
        struct cm_cpuid_entry *e = &table[i];

        e->leaf = wanted[i].leaf;
        e->subleaf = wanted[i].subleaf;
        /* a leaf that this processor lacks reads as zero */
        (void)__get_cpuid_count(e->leaf, e->subleaf, &e->eax, &e->ebx, &e->ecx, &e->edx);
    }
}

const struct cm_cpuid_entry *cm_cpuid_table(uint64_t *count)
{
    (void)pthread_once(&once, fill);
    *count = sizeof(table) / sizeof(table[0]);
    return table;
}
