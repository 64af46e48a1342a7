/* Writes a quote of an invented enclave on this user's emulated platform to a file, with the report data given. */
#include <stdio.h>

#include "common/hex.h"
#include "emuplat_report.h"

#define REPORT 432

static bool make_report(const char *hex, uint8_t out[REPORT])
{
    uint8_t data[64] = {0};

    if (hex == NULL) {
        return kit_report(out);
    }
    return strlen(hex) <= 2 * sizeof(data) &&
           cm_hex_decode(cm_span_make(hex, strlen(hex)), data, strlen(hex) / 2) &&
           kit_report_of(0, data, out);
}

int main(int argc, char **argv)
{
    static uint8_t quote[KIT_QUOTE_MAX];
    uint8_t report[REPORT];
    size_t size = 0;
    FILE *f = NULL;
    bool good = (argc == 2 || argc == 3) && make_report(argc == 3 ? argv[2] : NULL, report) &&
                cm_emuplat_quote(report, quote, sizeof(quote), &size, NULL) == CM_OK;

    if (good) {
        f = fopen(argv[1], "wb");
        good = f != NULL && fwrite(quote, 1, size, f) == size;
    }
    if (f != NULL && fclose(f) != 0) {
        good = false;
    }
    if (!good) {
        (void)fprintf(stderr, "usage: quote_file OUT [REPORT-DATA in hexadecimal, zeros behind it]"
                              " (and a state folder that works)\n");
    }
    return good ? 0 : 1;
}
