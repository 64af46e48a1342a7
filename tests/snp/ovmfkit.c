/* Firmware of our own; see ovmfkit.h. */
#include "ovmfkit.h"

#include <string.h>

void ok_init(struct ok_image *image)
{
    memset(image, 0, sizeof(*image));
    image->fill = 0x90;
    image->reset = 0x80b004;
    image->hashes = 0x810c00;
    image->metadata_magic = "ASEV";
    image->metadata_version = 1;
    image->sections[0] = (struct ok_section){0x800000, 0x3000, 1};
    image->sections[1] = (struct ok_section){0x810000, 0x1000, 0x10};
    image->sections[2] = (struct ok_section){0x80d000, 0x1000, 2};
    image->sections[3] = (struct ok_section){0x80e000, 0x1000, 3};
    image->section_count = 4;
}

static void put(uint8_t *at, uint64_t value, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        at[i] = (uint8_t)(value >> (8 * i));
    }
}

/* an entry that ends at end; returns where it begins */
static size_t entry(uint8_t *out, size_t end, const char *guid, const void *data, size_t len,
                    uint16_t size)
{
    memcpy(out + end - 16, guid, 16);
    put(out + end - 18, size == 0 ? len + 18 : size, 2);
    memcpy(out + end - 18 - len, data, len);
    return end - 18 - len;
}

size_t ok_build(const struct ok_image *image, uint8_t *out, size_t cap)
{
    const size_t size = 2 * 4096;
    const size_t table_end = size - 32 - 18;
    size_t at = table_end;
    size_t meta = 4096 + 1024;
    uint8_t number[8] = {0};

    if (cap < size) {
        return 0;
    }
    memset(out, image->fill, size);
    memcpy(out + meta, image->metadata_magic, 4);
    put(out + meta + 4,
        image->metadata_len != 0 ? image->metadata_len : 16 + 12 * image->section_count, 4);
    put(out + meta + 8, image->metadata_version, 4);
    put(out + meta + 12, image->metadata_count != 0 ? image->metadata_count : image->section_count,
        4);
    for (size_t i = 0; i < image->section_count; i++) {
        put(out + meta + 16 + 12 * i, image->sections[i].gpa, 4);
        put(out + meta + 20 + 12 * i, image->sections[i].size, 4);
        put(out + meta + 24 + 12 * i, image->sections[i].kind, 4);
    }
    put(number, image->reset, 4);
    at = entry(out, at, "\xde\x71\xf7\x00\x7e\x1a\xcb\x4f\x89\x0e\x68\xc7\x7e\x2f\xb4\x4e", number,
               4, image->entry_size);
    put(number, image->hashes, 4);
    put(number + 4, 0x400, 4);
    at = entry(out, at, "\x1f\x37\x55\x72\x3b\x3a\x04\x4b\x92\x7b\x1d\xa6\xef\xa8\xd4\x54", number,
               8, 0);
    if (!image->no_metadata) {
        put(number, image->metadata_offset != 0 ? image->metadata_offset : size - meta, 4);
        at = entry(out, at, "\x66\x65\x88\xdc\x4a\x98\x98\x47\xa7\x5e\x55\x85\xa7\xbf\x67\xcc",
                   number, 4, 0);
    }
    if (!image->no_footer) {
        (void)entry(out, table_end + 18,
                    "\xde\x82\xb5\x96\xb2\x1f\xf7\x45\xba\xea\xa3\x66\xc5\x5a\x08\x2d", number, 0,
                    image->footer_size != 0 ? image->footer_size : (uint16_t)(table_end - at + 18));
    }
    return size;
}

void ok_qemu_vmsa(uint8_t page[4096], uint32_t start, uint32_t signature)
{
    /* selector, attributes of ES, CS, SS, DS, FS, GS, GDTR, LDTR, IDTR, TR */
    static const uint8_t attributes[10] = {0x93, 0x9b, 0x93, 0x93, 0x93, 0x93, 0, 0x82, 0, 0x8b};

    memset(page, 0, 4096);
    for (size_t i = 0; i < 10; i++) {
        page[16 * i + 2] = attributes[i];
        put(page + 16 * i + 4, 0xffff, 4);
    }
    put(page + 0x10, 0xf000, 2);
    put(page + 0x18, start & 0xffff0000u, 8);
    put(page + 0xD0, 0x1000, 8);
    put(page + 0x148, 0x40, 8);
    put(page + 0x158, 0x10, 8);
    put(page + 0x160, 0x400, 8);
    put(page + 0x168, 0xffff0ff0u, 8);
    put(page + 0x170, 2, 8);
    put(page + 0x178, start & 0xffffu, 8);
    put(page + 0x268, UINT64_C(0x0007040600070406), 8);
    put(page + 0x310, signature, 8);
    put(page + 0x3B0, 1, 8);
    put(page + 0x3E8, 1, 8);
    put(page + 0x408, 0x1f80, 4);
    put(page + 0x410, 0x37f, 2);
}
