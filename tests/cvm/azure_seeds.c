/* Writes evidence of our own to a folder: fuzz/corpus/fuzz_cvm_azure was made by this. */
#include <stdio.h>

#include "azurekit.h"

static void put(const char *dir, const char *name, const void *bytes, size_t len)
{
    char path[512] = "";
    FILE *f = NULL;

    (void)snprintf(path, sizeof(path), "%s/%s", dir, name);
    f = fopen(path, "wb");
    if (f != NULL) {
        (void)fwrite(bytes, 1, len, f);
        (void)fclose(f);
    }
}

int main(int argc, char **argv)
{
    static struct vm v;

    if (argc != 2) {
        return 2;
    }
    vm_init(&v);
    vm_build(&v);
    put(argv[1], "hcl-snp", v.blob, v.blob_len);
    put(argv[1], "json-1", v.json, vm_json(&v, 1, 24));
    put(argv[1], "json-2", v.json, vm_json(&v, 2, 3));
    vm_init(&v);
    v.kind = 4;
    vm_build(&v);
    put(argv[1], "hcl-tdx", v.blob, v.blob_len);
    vm_free(&v);
    return 0;
}
