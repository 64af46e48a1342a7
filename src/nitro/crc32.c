/* CRC-32 of IEEE 802.3, eight bits a step; see eif.h. It finds accidents, not attacks. */
#include "nitro/eif.h"

#define POLYNOMIAL 0xedb88320u /* bits reversed */

uint32_t cm_crc32(uint32_t crc, struct cm_span data)
{
    uint32_t table[256];

    for (uint32_t i = 0; i < 256; i++) {
        uint32_t c = i;

        for (int bit = 0; bit < 8; bit++) {
            c = (c & 1) != 0 ? (c >> 1) ^ POLYNOMIAL : c >> 1;
        }
        table[i] = c;
    }
    crc = ~crc;
    for (size_t i = 0; i < data.len; i++) {
        crc = table[(crc ^ data.ptr[i]) & 0xff] ^ (crc >> 8);
    }
    return ~crc;
}
