/* Launch measurements: the digests that virtee/sev states for its firmware, and firmware of our own. */
#include "harness.h"

#include <unistd.h>

#include "common/hex.h"
#include "crypto/hash.h"
#include "os/os.h"
#include "ovmfkit.h"
#include <casemate/snp_launch.h>

#define DIR "../shared/vectors/evidence/snp/virtee-idblock"

/* virtee/sev, tests/measurement.rs: EPYC-v4, /dev/null as kernel and initrd where there is one */
static const struct {
    const char *file;
    enum cm_snp_vmm vmm;
    uint32_t vcpus;
    uint64_t features;
    bool kernel;
    const char *cmdline;
    const char *digest;
} known[] = {
    {"ovmf_AmdSev_suffix.bin", CM_SNP_VMM_QEMU, 1, 0x1, true, "",
     "ddc5224521617a536ee7ce9dd6224d1b58a8d4fda1c741f3ac99fc4bfa04ba6e9fc98646d4a07a9079397fa385281"
     "9b5"},
    {"ovmf_AmdSev_suffix.bin", CM_SNP_VMM_QEMU, 1, 0x21, true, "",
     "329c8ce0972ae52343b64d34a434a86f245dfd74f5ed7aae15d22efc78fb9683632b9b50e4e1d7fa41179ef98a7ef"
     "198"},
    {"ovmf_AmdSev_suffix.bin", CM_SNP_VMM_QEMU, 1, 0x1, true, "console=ttyS0 loglevel=7",
     "6d287813eb5222d770f75005c664e34c204f385ce832cc2ce7d0d6f354454362f390ef83a92046c042e706363b4b0"
     "8fa"},
    {"ovmf_AmdSev_suffix.bin", CM_SNP_VMM_QEMU, 1, 0x21, true, "console=ttyS0 loglevel=7",
     "803f691094946e42068aaa3a8f9e26a5c89f36f7b73ecfb28c653360fe4b3aba7e534442e7e1e17895dfe778d0228"
     "977"},
    {"ovmf_AmdSev_suffix.bin", CM_SNP_VMM_EC2, 1, 0x1, true, "",
     "7d3756157c805bf6adf617064c8552e8c1688fa1c8756f11cbf56ba5d25c9270fb69c0505c1cbe1c5c66c0e34c6ed"
     "3be"},
    {"ovmf_AmdSev_suffix.bin", CM_SNP_VMM_EC2, 1, 0x21, true, "",
     "6ae80856486b1396af8c82a40351d6ed76a20c785e9c7fa4ffa27c22d5d6313b4b3b458cd3c9968e6f89fb5d8450d"
     "7a6"},
    {"ovmf_AmdSev_suffix.bin", CM_SNP_VMM_QEMU, 1, 0x1, false, "",
     "19358ba9a7615534a9a1e2f0dfc29384dcd4dcb7062ff9c6013b26869a5fc6ecabe033c48dd6f6db5d6d76e7c5df6"
     "32d"},
    {"ovmf_AmdSev_suffix.bin", CM_SNP_VMM_QEMU, 1, 0x21, false, "",
     "e1e1ca029dd7973ab9513295be68198472dcd4fc834bd9af9b63f6e8a1674dbf281a9278a4a2ebe0eed9f22adbcd0"
     "e2b"},
    {"ovmf_AmdSev_suffix.bin", CM_SNP_VMM_QEMU, 4, 0x1, true, "",
     "5061fffb019493a903613d56d54b94912a1a2f9e4502385f5c194616753720a92441310ba6c4933de877c36e23046"
     "ad5"},
    {"ovmf_AmdSev_suffix.bin", CM_SNP_VMM_QEMU, 4, 0x21, true, "",
     "4953b1fb416fa874980e8442b3706d345926d5f38879134e00813c5d7abcbe78eafe7b422907be0b4698e2414a631"
     "942"},
    {"ovmf_OvmfX64_suffix.bin", CM_SNP_VMM_QEMU, 1, 0x1, false, "",
     "da0296de8193586a5512078dcd719eccecbd87e2b825ad4148c44f665dc87df21e5b49e21523a9ad993afdb6a30b4"
     "005"},
    {"ovmf_OvmfX64_suffix.bin", CM_SNP_VMM_QEMU, 1, 0x21, false, "",
     "28797ae0afaba4005a81e629acebfb59e6687949d6be44007cd5506823b0dd66f146aaae26ff291eed7b493d8a64c"
     "385"},
};

static struct cm_span firmware_file(const char *name, uint8_t **owned)
{
    char path[512] = "";
    size_t len = 0;

    (void)snprintf(path, sizeof(path), DIR "/%s", name);
    *owned = NULL;
    if (cm_file_read(path, 1 << 24, owned, &len, NULL) != CM_OK) {
        return cm_span_make(NULL, 0);
    }
    return cm_span_make(*owned, len);
}

TEST(digests_of_others)
{
    if (access(DIR, R_OK) != 0) {
        SKIP("no vectors here");
    }
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        uint8_t *owned = NULL;
        struct cm_snp_launch l = {.firmware = firmware_file(known[i].file, &owned),
                                  .vmm = known[i].vmm,
                                  .vcpus = known[i].vcpus,
                                  .features = known[i].features,
                                  .has_kernel = known[i].kernel,
                                  .cmdline =
                                      cm_span_make(known[i].cmdline, strlen(known[i].cmdline))};
        uint8_t want[48] = {0};
        uint8_t got[48] = {0};

        CHECK(cm_snp_vcpu_signature("EPYC-v4", &l.vcpu_signature));
        CHECK(cm_hex_decode(cm_span_make(known[i].digest, 96), want, 48));
        CHECK_EQ(cm_snp_launch_digest(&l, got, NULL), CM_OK);
        if (memcmp(want, got, 48) != 0) {
            TEST_FAIL("row %zu", i);
        }
        if (!known[i].kernel) { /* and found again from the digest alone */
            struct cm_snp_launch found = {0};

            CHECK_EQ(cm_snp_launch_find(l.firmware, want, &found, NULL), CM_OK);
            CHECK(found.vcpus == l.vcpus && found.vcpu_signature == l.vcpu_signature &&
                  found.features == l.features);
        }
        free(owned);
    }
}

TEST(firmware_without_hash_table_measures_no_kernel)
{
    uint8_t *owned = NULL;
    uint8_t got[48] = {0};
    struct cm_snp_launch l = {.vcpus = 1, .has_kernel = true};
    struct cm_why why = {""};

    if (access(DIR, R_OK) != 0) {
        SKIP("no vectors here");
    }
    l.firmware = firmware_file("ovmf_OvmfX64_suffix.bin", &owned);
    CHECK_EQ(cm_snp_launch_digest(&l, got, &why), CM_ERR_UNSUPPORTED);
    CHECK(strstr(why.text, "hashes") != NULL);
    free(owned);
}

static enum cm_status digest(const struct ok_image *image, const struct cm_snp_launch *base,
                             uint8_t out[48])
{
    static uint8_t bytes[3 * 4096];
    struct cm_snp_launch l = *base;

    l.firmware = cm_span_make(bytes, ok_build(image, bytes, sizeof(bytes)));
    return cm_snp_launch_digest(&l, out, NULL);
}

/* the chain computed a second time, by the tables of AMD's specification and nothing else */
TEST(own_firmware_by_hand)
{
    struct ok_image image;
    uint8_t bytes[2 * 4096];
    uint8_t ld[48] = {0};
    uint8_t got[48] = {0};
    struct cm_snp_launch l = {.vcpus = 0};

    ok_init(&image);
    image.section_count = 1;
    image.sections[0] = (struct ok_section){0x800000, 0x2000, 1};
    l.firmware = cm_span_make(bytes, ok_build(&image, bytes, sizeof(bytes)));
    REQUIRE(l.firmware.len == 2 * 4096);
    for (int i = 0; i < 4; i++) { /* two pages of firmware, two of zeros */
        uint8_t info[0x70] = {0};
        uint64_t gpa =
            i < 2 ? 0xFFFFE000u + 4096u * (unsigned)i : 0x800000u + 4096u * (unsigned)(i - 2);

        memcpy(info, ld, 48);
        if (i < 2) {
            CHECK(cm_hash(CM_HASH_SHA384, cm_span_make(bytes + 4096 * i, 4096), info + 48) ==
                  CM_OK);
        }
        info[96] = 0x70;
        info[98] = i < 2 ? 1 : 3;
        memcpy(info + 104, &gpa, 8);
        CHECK(cm_hash(CM_HASH_SHA384, cm_span_make(info, 0x70), ld) == CM_OK);
    }
    CHECK_EQ(cm_snp_launch_digest(&l, got, NULL), CM_ERR_PARAM); /* no vCPU */
    l.vcpus = 1;
    l.features = 1;
    CHECK_EQ(cm_snp_launch_digest(&l, got, NULL), CM_OK);
    {
        static uint8_t vmsa[4096];
        uint8_t info[0x70] = {0};

        ok_qemu_vmsa(vmsa, 0xfffffff0u, 0);
        memcpy(info, ld, 48);
        CHECK(cm_hash(CM_HASH_SHA384, cm_span_make(vmsa, 4096), info + 48) == CM_OK);
        info[96] = 0x70;
        info[98] = 2;
        memcpy(info + 104, "\x00\xf0\xff\xff\xff\xff\x00\x00", 8);
        CHECK(cm_hash(CM_HASH_SHA384, cm_span_make(info, 0x70), ld) == CM_OK);
    }
    CHECK_MEM(ld, got, 48);
}

/* everything that is measured changes the digest */
TEST(every_input_counts)
{
    static const struct cm_snp_launch base = {.vcpus = 2,
                                              .vcpu_signature = 0x800f12,
                                              .has_kernel = true,
                                              .kernel = {(const uint8_t *)"kernel", 6},
                                              .initrd = {(const uint8_t *)"initrd", 6},
                                              .cmdline = {(const uint8_t *)"a=b", 3}};
    struct ok_image image;
    uint8_t first[48] = {0};

    ok_init(&image);
    REQUIRE(digest(&image, &base, first) == CM_OK);
    for (int i = 0; i < 11; i++) {
        struct cm_snp_launch l = base;
        struct ok_image other = image;
        uint8_t got[48] = {0};

        l.vcpus += i == 0 ? 1 : 0;
        l.vcpu_signature += i == 1 ? 1 : 0;
        l.features = i == 2 ? 0x21 : 0;
        l.kernel.len -= i == 3 ? 1 : 0;
        l.initrd.len -= i == 4 ? 1 : 0;
        l.cmdline.len -= i == 5 ? 1 : 0;
        l.has_kernel = i != 6;
        l.vmm = i == 7 ? CM_SNP_VMM_EC2 : CM_SNP_VMM_QEMU;
        other.fill = i == 8 ? 0x91 : image.fill;
        other.sections[0].gpa += i == 9 ? 4096 : 0;
        other.reset += i == 10 ? 1 : 0;
        CHECK_EQ(digest(&other, &l, got), CM_OK);
        if (memcmp(first, got, 48) == 0) {
            TEST_FAIL("input %d does not count", i);
        }
    }
}

TEST(broken_firmware)
{
    static const struct cm_snp_launch one = {.vcpus = 1};
    static const struct cm_snp_launch two = {.vcpus = 2};
    static const struct cm_snp_launch kernel = {.vcpus = 1, .has_kernel = true};
    struct ok_image image;
    uint8_t got[48] = {0};

#define EXPECT(change, launch, want)                    \
    do {                                                \
        ok_init(&image);                                \
        change;                                         \
        CHECK_EQ(digest(&image, &(launch), got), want); \
    } while (0)
    EXPECT((void)0, one, CM_OK);
    EXPECT((void)0, kernel, CM_OK);
    EXPECT(image.no_footer = true, one, CM_ERR_FORMAT);
    EXPECT(image.no_metadata = true, one, CM_ERR_FORMAT);
    EXPECT(image.metadata_version = 2, one, CM_ERR_UNSUPPORTED);
    EXPECT(image.metadata_magic = "ASEW", one, CM_ERR_FORMAT);
    EXPECT(image.metadata_offset = 1u << 30, one, CM_ERR_FORMAT);
    EXPECT(image.metadata_offset = 15, one, CM_ERR_FORMAT);
    EXPECT(image.metadata_len = 15, one, CM_ERR_FORMAT);
    EXPECT(image.metadata_len = 20, one, CM_ERR_FORMAT); /* fewer than its sections */
    EXPECT(image.metadata_count = 0xffffffff, one, CM_ERR_UNSUPPORTED);
    EXPECT(image.sections[0].kind = 5, one, CM_ERR_UNSUPPORTED);
    EXPECT(image.sections[0].gpa = 1, one, CM_ERR_FORMAT);
    EXPECT(image.sections[0].size = 1, one, CM_ERR_FORMAT);
    EXPECT(image.sections[0].size = 0, one, CM_ERR_FORMAT);
    EXPECT((image.sections[0].gpa = 0xfffff000, image.sections[0].size = 0x2000), one,
           CM_ERR_FORMAT);
    EXPECT(image.entry_size = 17, one, CM_ERR_FORMAT);
    EXPECT(image.entry_size = 0xffff, one, CM_ERR_FORMAT);
    EXPECT(image.footer_size = 0xffff, one, CM_ERR_FORMAT);
    EXPECT(image.footer_size = 17, one, CM_ERR_FORMAT);
    EXPECT(image.reset = 0, one, CM_OK);
    EXPECT(image.reset = 0, two, CM_ERR_UNSUPPORTED);
    EXPECT(image.hashes = 0, kernel, CM_ERR_UNSUPPORTED);   /* a section, and no table in it */
    EXPECT(image.hashes = 0x900000, kernel, CM_ERR_FORMAT); /* in another page */
    EXPECT(image.hashes += 4096 - 0xc00 - 100, kernel, CM_ERR_FORMAT); /* beyond the page */
    EXPECT(image.section_count = 1, kernel, CM_ERR_UNSUPPORTED);
#undef EXPECT
}

TEST(limits)
{
    static uint8_t bytes[4096];
    struct cm_snp_launch l = {.firmware = {bytes, sizeof(bytes)}, .vcpus = CM_SNP_MAX_VCPUS + 1};
    uint8_t got[48] = {0};

    CHECK_EQ(cm_snp_launch_digest(&l, got, NULL), CM_ERR_LIMIT);
    l.vcpus = 1;
    l.firmware.len = CM_SNP_MAX_FIRMWARE + 4096;
    CHECK_EQ(cm_snp_launch_digest(&l, got, NULL), CM_ERR_LIMIT);
    l.firmware.len = 100;
    CHECK_EQ(cm_snp_launch_digest(&l, got, NULL), CM_ERR_FORMAT);
    l.firmware.len = 0;
    CHECK_EQ(cm_snp_launch_digest(&l, got, NULL), CM_ERR_FORMAT);
}

TEST(processor_types)
{
    uint32_t sig = 0;
    size_t n = 0;

    CHECK(cm_snp_vcpu_signature("EPYC-v4", &sig) && sig == 0x800f12);
    CHECK(cm_snp_vcpu_signature("EPYC-Milan", &sig) && sig == 0xa00f11);
    CHECK(cm_snp_vcpu_signature("EPYC-Genoa", &sig) && sig == 0xa10f10);
    CHECK(cm_snp_vcpu_signature("EPYC-Turin", &sig) && sig == 0xb00f00);
    CHECK(!cm_snp_vcpu_signature("Skylake", &sig));
    while (cm_snp_vcpu_type(n) != NULL) {
        CHECK(cm_snp_vcpu_signature(cm_snp_vcpu_type(n), &sig));
        n++;
    }
    CHECK(n > 10);
}

TEST_MAIN
