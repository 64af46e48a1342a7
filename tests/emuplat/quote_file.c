/* Writes a quote of an invented enclave on this user's emulated platform to a file. */
#include <stdio.h>

#include "emuplat_report.h"

int main(int argc, char **argv)
{
    static uint8_t quote[KIT_QUOTE_MAX];
    size_t size = argc == 2 ? kit_quote(quote) : 0;
    FILE *f = size == 0 ? NULL : fopen(argv[1], "wb");
    bool good = f != NULL && fwrite(quote, 1, size, f) == size;

    if (f != NULL && fclose(f) != 0) {
        good = false;
    }
    if (!good) {
        (void)fprintf(stderr, "usage: quote_file OUT (and a state folder that works)\n");
    }
    return good ? 0 : 1;
}
