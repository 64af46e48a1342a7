/*
 * An enclave with a shared library: what both halves see of each other, what the host is told, and that
 * neither file can be exchanged, left away or moved once they are signed.
 */
#include "harness.h"

#include <fcntl.h>
#include <openenclave/host.h>
#include <openenclave/trace.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "modt_u.h"
#include "modx_u.h"

#define IMAGE   FOLDER "/modt_enclave.signed"
#define LIBRARY FOLDER "/libmodt.so"

static oe_enclave_t *c;
static oe_enclave_t *cxx;
static char told[256];
static char logged[8192];

void modt_told(const char *text)
{
    size_t used = strlen(told);

    (void)snprintf(told + used, sizeof(told) - used, "%s;", text);
}

void modx_unused(void)
{
}

static void keep_log(void *context, bool is_enclave, const struct tm *t, long int usecs,
                     oe_log_level_t level, uint64_t host_thread_id, const char *message)
{
    size_t used = strlen(logged);

    (void)context, (void)is_enclave, (void)t, (void)usecs, (void)level, (void)host_thread_id;
    (void)snprintf(logged + used, sizeof(logged) - used, "%s\n", message);
}

static oe_result_t create(const char *path, oe_enclave_t **e)
{
    logged[0] = '\0';
    return oe_create_modt_enclave(path, OE_ENCLAVE_TYPE_SGX,
                                  OE_ENCLAVE_FLAG_SIMULATE | OE_ENCLAVE_FLAG_DEBUG, NULL, 0, e);
}

TEST(they_start)
{
    CHECK_EQ(oe_log_set_callback(NULL, keep_log), OE_OK);
    CHECK_EQ(create(IMAGE, &c), OE_OK);
    CHECK_EQ(oe_create_modx_enclave(FOLDER "/modx_enclave.signed", OE_ENCLAVE_TYPE_SGX,
                                    OE_ENCLAVE_FLAG_SIMULATE, NULL, 0, &cxx),
             OE_OK);
}

TEST(functions_cross)
{
    int line = -1;

    REQUIRE(c != NULL);
    CHECK_EQ(modt_calls(c, &line), OE_OK);
    CHECK_EQ(line, 0); /* of modt_enclave.c */
}

TEST(data_cross)
{
    int line = -1;

    REQUIRE(c != NULL);
    CHECK_EQ(modt_data(c, &line), OE_OK);
    CHECK_EQ(line, 0);
}

TEST(constructors_of_the_library_come_first)
{
    int line = -1;

    REQUIRE(c != NULL);
    CHECK_EQ(modt_order(c, &line), OE_OK);
    CHECK_EQ(line, 0);
}

TEST(the_library_uses_the_c_library)
{
    int line = -1;

    REQUIRE(c != NULL);
    CHECK_EQ(modt_library(c, &line), OE_OK);
    CHECK_EQ(line, 0);
}

static void *on_thread(void *number)
{
    int line = -1;

    if (modt_threads(c, &line, *(int *)number) != OE_OK) {
        line = -2;
    }
    *(int *)number = line;
    return NULL;
}

TEST(threads_have_their_own_variables)
{
    pthread_t threads[3];
    int numbers[3] = {1000, 2000, 3000};

    REQUIRE(c != NULL);
    for (size_t i = 0; i < 3; i++) {
        CHECK_EQ(pthread_create(&threads[i], NULL, on_thread, &numbers[i]), 0);
    }
    for (size_t i = 0; i < 3; i++) {
        CHECK_EQ(pthread_join(threads[i], NULL), 0);
        CHECK_EQ(numbers[i], 0);
    }
}

TEST(exceptions_types_and_objects_cross)
{
    static const int wanted[] = {17, 2, 5, 1, 36, 23, -1, 1, 18};

    REQUIRE(cxx != NULL);
    for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
        int r = -2;

        CHECK_EQ(modx_run(cxx, &r, (int)i), OE_OK);
        CHECK_EQ(r, wanted[i]);
    }
}

TEST(a_backtrace_names_both)
{
    char text[2048] = "";
    int n = 0;

    REQUIRE(c != NULL);
    CHECK_EQ(modt_names(c, &n, text, sizeof(text)), OE_OK);
    CHECK(n > 4);
    CHECK(strstr(text, "take_names") != NULL);
    CHECK(strstr(text, "mod_deep") != NULL);
    CHECK(strstr(text, "modt_names") != NULL);
    CHECK(strstr(text, "mod_deep") > strstr(text, "take_names"));
}

TEST(destructors_of_the_image_come_first)
{
    REQUIRE(c != NULL);
    told[0] = '\0';
    CHECK_EQ(oe_terminate_enclave(c), OE_OK);
    CHECK_STR(told, "image ends;library ends;");
    CHECK_EQ(oe_terminate_enclave(cxx), OE_OK);
}

TEST(the_log_of_an_abort_names_functions_of_the_library)
{
    oe_enclave_t *e = NULL;

    CHECK_EQ(create(IMAGE, &e), OE_OK);
    REQUIRE(e != NULL);
    CHECK_EQ(modt_abort(e), OE_ENCLAVE_ABORTING);
    CHECK(strstr(logged, "mod_deep") != NULL);
    CHECK(strstr(logged, "modt_abort+0x") != NULL);
    (void)oe_terminate_enclave(e);
}

/* ---- two files, one measurement */

static char folder[64];

static uint8_t *read_file(const char *path, size_t *size)
{
    FILE *f = fopen(path, "rb");
    uint8_t *bytes = malloc(8 << 20);

    *size = f == NULL || bytes == NULL ? 0 : fread(bytes, 1, 8 << 20, f);
    if (f != NULL) {
        (void)fclose(f);
    }
    return bytes;
}

static void write_file(const char *name, const uint8_t *bytes, size_t size)
{
    char path[128] = "";
    FILE *f = NULL;

    (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
    f = fopen(path, "wb");
    CHECK(f != NULL && fwrite(bytes, 1, size, f) == size);
    if (f != NULL) {
        (void)fclose(f);
    }
}

static oe_result_t create_there(void)
{
    char path[128] = "";
    oe_enclave_t *e = NULL;
    oe_result_t r;

    (void)snprintf(path, sizeof(path), "%s/image", folder);
    r = create(path, &e);
    if (r == OE_OK) {
        (void)oe_terminate_enclave(e);
    }
    return r;
}

/* the last byte of the library's file that is a part of its code: inside mod_square, found by its bytes */
static size_t code_of(const uint8_t *bytes, size_t size)
{
    static const uint8_t square[] = {0x0f, 0xaf}; /* IMUL */

    for (size_t i = 0x1000; i + 2 < size; i++) {
        if (memcmp(bytes + i, square, 2) == 0) {
            return i;
        }
    }
    return 0;
}

TEST(G3_the_files_belong_together)
{
    size_t image_size = 0;
    size_t library_size = 0;
    size_t other_size = 0;
    uint8_t *image = read_file(IMAGE, &image_size);
    uint8_t *library = read_file(LIBRARY, &library_size);
    uint8_t *other = read_file(FOLDER "/libmodx.so", &other_size);

    (void)snprintf(folder, sizeof(folder), "/tmp/cm-module-XXXXXX");
    REQUIRE(mkdtemp(folder) != NULL && image_size != 0 && library_size != 0 && other_size != 0);
    write_file("image", image, image_size);
    CHECK_EQ(create_there(), OE_NOT_FOUND);
    CHECK(strstr(logged, "libmodt.so") != NULL);
    write_file("libmodt.so", library, library_size);
    CHECK_EQ(create_there(), OE_OK);

    /* one changed instruction: EINIT refuses what was not signed */
    const size_t at = code_of(library, library_size);

    REQUIRE(at != 0);
    library[at] ^= 1;
    write_file("libmodt.so", library, library_size);
    CHECK_EQ(create_there(), OE_VERIFY_FAILED);
    CHECK(strstr(logged, "changed after it was signed") != NULL);
    library[at] ^= 1;

    /* another library under its name; one that is cut off; one that is none */
    write_file("libmodt.so", other, other_size);
    CHECK(create_there() == OE_UNSUPPORTED_ENCLAVE_IMAGE || create_there() == OE_INVALID_IMAGE);
    write_file("libmodt.so", library, library_size / 2);
    CHECK_EQ(create_there(), OE_INVALID_IMAGE);
    CHECK(strstr(logged, "the shared library libmodt.so: ") != NULL);
    write_file("libmodt.so", image, image_size);
    CHECK_EQ(create_there(), OE_INVALID_IMAGE);
    write_file("libmodt.so", library, library_size);
    CHECK_EQ(create_there(), OE_OK);
    free(image);
    free(library);
    free(other);
}

TEST(an_image_in_memory_has_no_library_beside_it)
{
    size_t size = 0;
    uint8_t *image = read_file(IMAGE, &size);
    char path[64] = "";
    oe_enclave_t *e = NULL;
    const int memory = memfd_create("image", MFD_CLOEXEC);

    REQUIRE(memory >= 0 && write(memory, image, size) == (ssize_t)size);
    (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", memory);
    CHECK_EQ(create(path, &e), OE_UNSUPPORTED_ENCLAVE_IMAGE);
    CHECK(strstr(logged, "is in memory, where there is no folder") != NULL);
    (void)close(memory);
    free(image);
}

TEST_MAIN
