/* The bank sample's CSV reader and book on anything; the first byte says how it is cut up. */
#include <stdlib.h>
#include <string.h>

#include "bank/common/bank_core.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bank_agreement a = {.bank_count = 2,
                               .min_length = 2,
                               .max_length = 4,
                               .window_seconds = 86400,
                               .keep_percent = 50,
                               .names = {"one", "two"}};
    struct bank_book *b = NULL;
    struct bank_why why = {{0}};
    uint64_t done = 0;
    uint64_t total = 1;
    enum bank_status st = BANK_OK;
    size_t half = size / 2;
    size_t step = size == 0 ? 1 : data[0] % 64U + 1U;

    if (size > 65536 || bank_book_new(&a, 7, &b) != BANK_OK) {
        return 0;
    }
    for (uint32_t bank = 0; bank < 2 && st == BANK_OK; bank++) {
        size_t end = bank == 0 ? half : size;

        for (size_t i = bank == 0 ? (size != 0 ? 1 : 0) : half; i < end && st == BANK_OK;
             i += step) {
            st = bank_book_feed(b, bank, data + i, end - i < step ? end - i : step, &why);
        }
        if (st == BANK_OK) {
            st = bank_book_end_file(b, bank, &why);
        }
    }
    if (st == BANK_OK) {
        st = bank_book_join(b, &why);
    }
    while (st == BANK_OK && done < total) {
        st = bank_book_search(b, 10, &done, &total, &why);
    }
    if (st != BANK_OK && why.text[0] == '\0') {
        abort(); /* a refusal without a reason */
    }
    bank_book_free(b);
    return 0;
}
