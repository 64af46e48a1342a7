/* What the quoting tests share: a platform of the tests' own that the fake libraries answer with. */
#ifndef CM_TESTS_QUOTING_KIT_H
#define CM_TESTS_QUOTING_KIT_H

#include <sys/stat.h>
#include <unistd.h>

#include "harness.h"

#include "common/span.h"
#include "pki.h"
#include "quoting/quoting.h"

static char kit_dir[64];
static uint8_t kit_report[CM_QUOTING_REPORT_SIZE];

/* A platform's files for the fake libraries, and the report that its quote is of. */
static inline struct pki_bundle *kit_platform(const struct pki_spec *s)
{
    struct pki_bundle *b = pki_make(s);

    if (kit_dir[0] == '\0') {
        (void)snprintf(kit_dir, sizeof(kit_dir), "quoting-kit-%ld", (long)getpid());
        (void)mkdir(kit_dir, 0700);
    }
    if (!pki_write(b, kit_dir)) {
        TEST_FAIL("the kit's files cannot be written");
    }
    memset(kit_report, 0x33, sizeof(kit_report));
    memcpy(kit_report, s->body, 384);
    (void)setenv("FAKE_DIR", kit_dir, 1);
    (void)setenv("FAKE_CA", s->ext.platform ? "platform" : "processor", 1);
    (void)setenv("FAKE_MODE", "good", 1);
    return b;
}

__attribute__((destructor)) static void kit_clean(void)
{
    static const char *const files[] = {"quote.bin",
                                        "tcb_info.json",
                                        "tcb_info_issuer_chain.pem",
                                        "qe_identity.json",
                                        "qe_identity_issuer_chain.pem",
                                        "root_ca_crl.der",
                                        "pck_crl.der",
                                        "pck_chain.pem",
                                        "root.pem"};

    for (size_t i = 0; kit_dir[0] != '\0' && i < sizeof(files) / sizeof(files[0]); i++) {
        char path[128] = "";

        (void)snprintf(path, sizeof(path), "%s/%s", kit_dir, files[i]);
        (void)unlink(path);
    }
    if (kit_dir[0] != '\0') {
        (void)rmdir(kit_dir);
    }
}

#endif
