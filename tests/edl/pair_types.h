/* Types that pair.edl names but does not declare. */
#ifndef PAIR_TYPES_H
#define PAIR_TYPES_H

#include <stdint.h>

#define PAIR_WIDTH 7

typedef struct pair_foreign {
    uint32_t a;
    uint32_t b;
} * pair_foreign_ptr;
typedef uint16_t pair_foreign_array[5];
typedef uint32_t pair_length;

#endif
