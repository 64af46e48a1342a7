/* Types that cases/compat.edl names but does not declare. */
#ifndef COMPAT_TYPES_H
#define COMPAT_TYPES_H

#include <stdint.h>

#define EXT_SIZE 24

typedef struct foreign_pair {
    int a;
    int b;
} foreign_pair;
typedef foreign_pair *foreign_ptr;
typedef int foreign_array[8];
struct foreign_tagged {
    uint64_t id;
};

#endif
