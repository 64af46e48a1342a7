/*
 * Enclave image files: no input may crash, sections lie inside the file, and what is taken is written back
 * to the same measurements. The input's CRC is made right first, or nothing behind it would be reached.
 */
#include <stdlib.h>
#include <string.h>

#include "inside.h"
#include "nitro/eif.h"

#define HEADER 548
#define CRC_AT 544

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static void same_again(const struct cm_eif *eif)
{
    struct cm_eif_pcrs before;
    struct cm_eif_pcrs after;
    struct cm_eif read;
    uint8_t *bytes = NULL;
    size_t len = 0;
    bool measured = cm_eif_measure(eif, &before, NULL) == CM_OK;

    if (cm_eif_write(eif, &bytes, &len, NULL) != CM_OK) {
        abort();
    }
    if (cm_eif_parse(cm_span_make(bytes, len), &read, NULL) != CM_OK ||
        (cm_eif_measure(&read, &after, NULL) == CM_OK) != measured ||
        (measured && memcmp(&before, &after, sizeof(before)) != 0)) {
        abort();
    }
    free(bytes);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    struct cm_cert_facts signer;
    struct cm_eif eif;
    uint8_t *file = NULL;

    if (size < HEADER || size > 1u << 20) {
        return cm_eif_parse(cm_span_make(data, size), &eif, NULL) == CM_OK && size < HEADER ? -1
                                                                                            : 0;
    }
    file = malloc(size);
    if (file == NULL) {
        return 0;
    }
    memcpy(file, data, size);
    {
        uint32_t crc = cm_crc32(cm_crc32(0, cm_span_make(file, CRC_AT)),
                                cm_span_make(file + HEADER, size - HEADER));

        for (int i = 0; i < 4; i++) {
            file[CRC_AT + i] = (uint8_t)(crc >> (24 - 8 * i));
        }
    }
    if (cm_eif_parse(cm_span_make(file, size), &eif, NULL) == CM_OK) {
        for (size_t i = 0; i < eif.section_count; i++) {
            inside(cm_span_make(file, size), eif.sections[i].data);
        }
        same_again(&eif);
        if (cm_eif_verify(&eif, 1700000000, &signer, NULL) == CM_OK && signer.key == NULL) {
            abort();
        }
        cm_cert_facts_free(&signer);
    }
    free(file);
    return 0;
}
