/*
 * What the collateral client reads: bundles, cached files, floors and Intel's configuration file. No
 * input may crash; what is taken is bounded, and what is written again reads the same.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "collateral/collateral_client.h"
#include "collateral/collateral_document.h"
#include "collateral/collateral_files.h"
#include "collateral/floor_file.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static char dir[64];

/* A folder of this process. */
static const char *folder(void)
{
    if (dir[0] == '\0') {
        (void)snprintf(dir, sizeof(dir), "/tmp/cm_fuzz_collateral_XXXXXX");
        if (mkdtemp(dir) == NULL) {
            abort();
        }
    }
    return dir;
}

__attribute__((destructor)) static void clean(void)
{
    char command[128] = "";

    (void)snprintf(command, sizeof(command), "rm -rf '%s'", dir);
    if (dir[0] != '\0' && system(command) != 0) {
        (void)fprintf(stderr, "%s is left behind\n", dir);
    }
}

static void write_file(const char *name, const unsigned char *data, size_t size, char out[128])
{
    FILE *f = NULL;

    (void)snprintf(out, 128, "%s/%s", folder(), name);
    f = fopen(out, "wb");
    if (f == NULL || fwrite(data, 1, size, f) != size || fclose(f) != 0) {
        abort();
    }
}

static void bundle(const unsigned char *data, size_t size)
{
    struct cm_collateral_parts *parts = NULL;
    struct cm_collateral_parts *again = NULL;
    char path[128] = "";

    write_file("bundle", data, size, path);
    if (cm_parts_load(path, &parts, NULL) == CM_OK) {
        for (unsigned i = 0; i < CM_PART_COUNT; i++) {
            if (cm_parts_get(parts, (enum cm_collateral_part)i).len > CM_COLLATERAL_MAX_PART) {
                abort();
            }
        }
        if (cm_parts_save(parts, path, NULL) == CM_OK &&
            cm_parts_load(path, &again, NULL) != CM_OK) {
            abort();
        }
    }
    cm_parts_free(again);
    cm_parts_free(parts);
    (void)unlink(path);
}

static void floors(const unsigned char *data, size_t size)
{
    struct cm_floor_file *f = NULL;
    char path[128] = "";
    size_t count = 0;

    write_file("floors", data, size, path);
    if (cm_floor_file_open(path, &f, NULL) == CM_OK) {
        (void)cm_floor_file_floors(f, &count);
        if (count > CM_FLOORS_MAX) {
            abort();
        }
    }
    cm_floor_file_close(f);
    (void)unlink(path);
    (void)snprintf(path, sizeof(path), "%s/floors.lock", folder());
    (void)unlink(path);
}

static void configuration(const unsigned char *data, size_t size)
{
    struct cm_collateral_config config;
    char path[128] = "";

    write_file("qcnl.conf", data, size, path);
    (void)setenv("QCNL_CONF_PATH", path, 1);
    (void)setenv("CASEMATE_COLLATERAL_CACHE", "off", 1);
    if (cm_collateral_configure(&config, NULL) == CM_OK &&
        strstr(config.url, "/sgx/certification/v") == NULL) {
        abort();
    }
    (void)unlink(path);
}

/* A cached file under its right name: the digest keeps all but its own writer's out. */
static void cached(const unsigned char *data, size_t size)
{
    static const char url[] = "https://service.example/x";
    const struct cm_document_bytes bytes = {{data, size}, {data, size / 2}};
    struct cm_cache_entry e;

    if (size == 0) {
        return;
    }
    if (cm_cache_put(folder(), url, 1, bytes) != CM_OK ||
        cm_cache_get(folder(), url, &e) != CM_OK || e.bytes.body.len != size ||
        memcmp(e.bytes.body.ptr, data, size) != 0) {
        abort();
    }
    cm_cache_entry_free(&e);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    struct cm_collateral_key key = {.platform_ca = size % 2 == 1};

    bundle(data, size);
    floors(data, size);
    configuration(data, size);
    cached(data, size);
    for (unsigned d = 0; d < CM_DOCUMENT_COUNT; d++) {
        const struct cm_document_bytes bytes = {{data, size}, {data, size}};

        if (cm_document_check((enum cm_document)d, bytes, &key, 1700000000, NULL) == CM_OK &&
            size == 0) {
            abort();
        }
    }
    return 0;
}
