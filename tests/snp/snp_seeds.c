/* Writes evidence of our own to a folder: fuzz/corpus/fuzz_snp_report was made by this. A second argument
 * is a folder for firmware instead: fuzz/corpus/fuzz_snp_launch. */
#include <stdio.h>
#include <string.h>

#include "ovmfkit.h"
#include "snpkit.h"

static void put(const char *dir, const char *name, char kind, const uint8_t *bytes, size_t len)
{
    char path[512] = "";
    FILE *f = NULL;

    (void)snprintf(path, sizeof(path), "%s/%s", dir, name);
    f = fopen(path, "wb");
    if (f != NULL) {
        if (kind != 0) {
            (void)fputc(kind, f);
        }
        (void)fwrite(bytes, 1, len, f);
        (void)fclose(f);
    }
}

int main(int argc, char **argv)
{
    static const char *const products[] = {"Milan", "Genoa", "Turin", "Venice"};
    static struct sk_world w;
    uint8_t key[0x404];
    static uint8_t auth[4096];

    if (argc == 3) { /* the other folder: fuzz/corpus/fuzz_snp_launch */
        static uint8_t image[2 * 4096];
        struct ok_image ok;

        ok_init(&ok);
        put(argv[2], "image", 0, image, ok_build(&ok, image, sizeof(image)));
        ok.no_metadata = true;
        put(argv[2], "no-metadata", 0, image, ok_build(&ok, image, sizeof(image)));
        return 0;
    }
    if (argc != 2) {
        return 2;
    }
    for (size_t i = 0; i < 4; i++) {
        char name[40] = "";

        sk_init(&w, products[i]);
        sk_build(&w);
        (void)snprintf(name, sizeof(name), "report-%s", products[i]);
        put(argv[1], name, 'r', w.report, w.report_len);
        (void)snprintf(name, sizeof(name), "vcek-%s", products[i]);
        put(argv[1], name, 'v', w.ders[2], w.ders_len[2]);
    }
    sk_append_table(&w, "varx", false);
    put(argv[1], "report-table", 'r', w.report, w.report_len);
    put(argv[1], "table", 't', w.report + 1184, w.report_len - 1184);
    sk_init_vlek(&w, "Milan");
    sk_build(&w);
    put(argv[1], "report-vlek", 'r', w.report, w.report_len);
    put(argv[1], "vlek", 'v', w.ders[2], w.ders_len[2]);
    sk_key(ck_key("p384", 0), key);
    auth[0] = 1;
    memcpy(auth + 0x240, key, sizeof(key));
    put(argv[1], "id-auth", 'i', auth, sizeof(auth));
    return 0;
}
