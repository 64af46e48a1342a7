/*
 * Exceptions of an enclave as its host sees them.
 *   cxx_enclave_test ENCLAVE REFUSING_ENCLAVE
 * An exception that no one handles ends the enclave (A9), and tells the host its type but not what it
 * says.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openenclave/host.h>

#include "cxx_u.h"

#define WAYS 9

static int failed;

static void check(bool ok, const char *what, int way)
{
    if (!ok) {
        (void)printf("  way %d: check failed: %s\n", way, what);
        failed++;
    }
}

int double_it(int value)
{
    return 2 * value;
}

static oe_result_t create(const char *path, oe_enclave_t **enclave)
{
    return oe_create_cxx_enclave(path, OE_ENCLAVE_TYPE_SGX,
                                 OE_ENCLAVE_FLAG_DEBUG | OE_ENCLAVE_FLAG_SIMULATE, NULL, 0,
                                 enclave);
}

static bool is_aborted(oe_result_t r)
{
    return r == OE_ENCLAVE_ABORTED || r == OE_ENCLAVE_ABORTING;
}

/* What the enclave wrote to stderr since to_file(). */
static int saved = -1;
static FILE *told;

static void to_file(void)
{
    (void)fflush(stderr);
    saved = dup(STDERR_FILENO);
    told = tmpfile();
    if (saved < 0 || told == NULL || dup2(fileno(told), STDERR_FILENO) < 0) {
        (void)printf("cannot redirect stderr\n");
        exit(1);
    }
}

static void from_file(char *text, size_t size)
{
    size_t len;

    (void)fflush(stderr);
    (void)dup2(saved, STDERR_FILENO);
    (void)close(saved);
    rewind(told);
    len = fread(text, 1, size - 1, told);
    text[len] = '\0';
    (void)fclose(told);
}

static void unhandled(const char *path, int way)
{
    static const char *const says[WAYS] = {
        "exception of type St13runtime_error",
        "exception of type St11logic_error",
        "", /* the ecall is over: nothing can be told any more */
        "exception of type St13runtime_error",
        "std::terminate() was called",
        "std::terminate() was called",
        "",
        "recursive initialization",
        "exception of type St11logic_error",
    };
    oe_enclave_t *enclave = NULL;
    char text[4096];
    int result = 0;
    oe_result_t r;

    if (create(path, &enclave) != OE_OK) {
        check(false, "create", way);
        return;
    }
    to_file();
    r = fail_unhandled(enclave, &result, way);
    from_file(text, sizeof(text));
    check(is_aborted(r), oe_result_str(r), way);
    check(strstr(text, says[way]) != NULL, text, way);
    check(strstr(text, "secret-what-text") == NULL, text, way);
    r = throw_and_call(enclave, &result, 1);
    check(is_aborted(r), oe_result_str(r), way);
    (void)oe_terminate_enclave(enclave);
}

static void handled(const char *path)
{
    oe_enclave_t *enclave = NULL;
    int result = -1;

    check(create(path, &enclave) == OE_OK, "create", -1);
    check(throw_and_call(enclave, &result, 12) == OE_OK && result == 0, "throw_and_call", -1);
    check(make_threads(enclave, &result, 4) == OE_OK && result == 0, "make_threads", -1);
    check(oe_terminate_enclave(enclave) == OE_OK, "terminate", -1);
}

static void refusing(const char *path)
{
    oe_enclave_t *enclave = NULL;
    char text[4096];
    oe_result_t r;

    to_file();
    r = create(path, &enclave);
    from_file(text, sizeof(text));
    check(r != OE_OK && enclave == NULL, "a constructor that throws prevents creation", -2);
    check(strstr(text, "secret-what-text") == NULL, text, -2);
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        (void)fprintf(stderr, "usage: cxx_enclave_test ENCLAVE REFUSING_ENCLAVE\n");
        return 2;
    }
    handled(argv[1]);
    for (int way = 0; way < WAYS; way++) {
        unhandled(argv[1], way);
    }
    refusing(argv[2]);
    (void)printf("%s\n", failed == 0 ? "passed" : "FAILED");
    return failed != 0;
}
