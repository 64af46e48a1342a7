/* Firmware of our own: two pages with OVMF's tables at the end, and a vCPU's state as QEMU makes it. */
#ifndef CM_TESTS_OVMFKIT_H
#define CM_TESTS_OVMFKIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ok_section {
    uint32_t gpa;
    uint32_t size;
    uint32_t kind;
};

struct ok_image {
    uint8_t fill;
    uint32_t reset;
    uint32_t hashes;
    bool no_footer;
    bool no_metadata;
    const char *metadata_magic;
    uint32_t metadata_version;
    uint32_t metadata_offset; /* 0: right */
    uint32_t metadata_len;    /* 0: right */
    uint32_t metadata_count;  /* 0: right */
    uint16_t entry_size;      /* of the reset block; 0: right */
    uint16_t footer_size;     /* 0: right */
    struct ok_section sections[8];
    size_t section_count;
};

/** Zeroed memory, kernel hashes, secrets, CPUID. */
void ok_init(struct ok_image *image);
/** The image: two pages; returns their size. */
size_t ok_build(const struct ok_image *image, uint8_t *out, size_t cap);
/** What QEMU gives a vCPU, SNP only. */
void ok_qemu_vmsa(uint8_t page[4096], uint32_t start, uint32_t signature);

#endif
