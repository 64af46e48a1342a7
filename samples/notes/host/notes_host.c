/* The host of the notes: lends a folder, hands texts in, prints what the enclave shows. */
#include <stdio.h>
#include <string.h>

#include <openenclave/host.h>

#include "notes_u.h"

/* called by the enclave */
void notes_show(uint32_t number, const char *text)
{
    (void)printf("%u: %s\n", number, text);
}

static int run(oe_enclave_t *enclave, int argc, char **argv)
{
    uint32_t count = 0;
    int error = 0;
    oe_result_t result = notes_open(enclave, &error, argv[0]);

    if (result == OE_OK && error == 0) {
        result = argc == 4 ? notes_add(enclave, &error, argv[2], argv[3])
                           : notes_list(enclave, &error, argv[2], &count);
    }
    if (result != OE_OK || error != 0) {
        (void)fprintf(stderr, "notes: %s\n",
                      result != OE_OK ? oe_result_str(result) : strerror(error));
        return 1;
    }
    (void)printf(argc == 4 ? "added\n" : "%u notes\n", count);
    return 0;
}

int main(int argc, char **argv)
{
    uint32_t flags = OE_ENCLAVE_FLAG_DEBUG;
    oe_enclave_t *enclave = NULL;
    oe_result_t result = OE_FAILURE;
    int status = 1;

    if (argc > 2 && strcmp(argv[1], "--simulate") == 0) {
        flags |= OE_ENCLAVE_FLAG_SIMULATE;
        (void)puts("EMULATED: this run shows how it works and protects nothing.");
        argc--;
        argv++;
    }
    if (!((argc == 5 && strcmp(argv[3], "list") == 0) ||
          (argc == 6 && strcmp(argv[3], "add") == 0))) {
        (void)fprintf(stderr, "usage: notes_host [--simulate] ENCLAVE.signed FOLDER "
                              "list NAME | add NAME TEXT\n");
        return 2;
    }
    result = oe_create_notes_enclave(argv[1], OE_ENCLAVE_TYPE_SGX, flags, NULL, 0, &enclave);
    if (result != OE_OK) {
        (void)fprintf(stderr, "notes: %s\n", oe_result_str(result));
        return 1;
    }
    status = run(enclave, argc - 2, argv + 2);
    return oe_terminate_enclave(enclave) == OE_OK ? status : 1;
}
