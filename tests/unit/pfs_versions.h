/*
 * The file that is attacked: three blocks, of which each version has other bytes everywhere.
 */
#ifndef CM_TESTS_PFS_VERSIONS_H
#define CM_TESTS_PFS_VERSIONS_H

#include "pfs_memory.h"

enum { BLOCKS = 3, TEXT = BLOCKS * CM_PFS_BLOCK - 100, LEAF_AT = 2, DATA_AT = 6 };

static int key = 7;
static uint8_t home[CM_PFS_NAME] = "home";

static inline void fill(uint8_t *text, unsigned version)
{
    for (size_t i = 0; i < TEXT; i++) {
        text[i] = (uint8_t)(i * 31 + i / 256 * 7 + version * 97 + 1);
    }
}

static inline void write_version(struct memory *m, unsigned version)
{
    static uint8_t text[TEXT];
    struct cm_pfs_ground g = memory_ground(m, &key);
    struct cm_pfs_file *f = NULL;

    fill(text, version);
    CHECK_EQ(cm_pfs_open(&g, home, CM_PFS_OPEN_WRITE, &f), 0);
    if (f != NULL) {
        CHECK_EQ(cm_pfs_write(f, text, TEXT, 0), TEXT);
        CHECK_EQ(cm_pfs_close(f), 0);
    }
}

/* A closed file of three blocks with these many versions behind it. */
static inline void made(struct memory *m, unsigned versions)
{
    struct cm_pfs_ground g = memory_ground(m, &key);

    *m = (struct memory){.bytes = NULL};
    CHECK_EQ(cm_pfs_create(&g, home), 0);
    for (unsigned v = 1; v <= versions; v++) {
        write_version(m, v);
    }
}

#endif
