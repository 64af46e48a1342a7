/*
 * oe_seal, oe_unseal and the table of plugins. Everything that a plugin gets has been checked here: it
 * lies inside the enclave, so the host cannot change it under the plugin.
 */
#include <string.h>

#include <openenclave/corelibc/stdlib.h>
#include <openenclave/enclave.h>
#include <openenclave/seal.h>

#include "enclave/edge.h"
#include "enclave/internal.h"
#include "enclave/runtime.h"
#include "enclave/spin.h"

enum { MAX_PLUGINS = 16 };

/* the default plugin is the first */
static const oe_seal_plugin_definition_t *plugins[MAX_PLUGINS];
static size_t plugin_count;
static struct cm_spin lock;

static bool same_id(const oe_uuid_t *a, const oe_uuid_t *b)
{
    return memcmp(a->b, b->b, sizeof(a->b)) == 0;
}

/* Its place, or plugin_count. Under the lock. */
static size_t place_of(const oe_uuid_t *id)
{
    size_t i = 0;

    while (i < plugin_count && !same_id(&plugins[i]->id, id)) {
        i++;
    }
    return i;
}

oe_result_t oe_register_seal_plugin(const oe_seal_plugin_definition_t *plugin, bool make_default)
{
    oe_result_t result = OE_OK;
    size_t at = 0;

    if (plugin == NULL || !oe_is_within_enclave(plugin, sizeof(*plugin)) || plugin->seal == NULL ||
        plugin->unseal == NULL) {
        return OE_INVALID_PARAMETER;
    }
    cm_spin_lock(&lock);
    at = place_of(&plugin->id);
    if (at == MAX_PLUGINS) {
        result = OE_OUT_OF_MEMORY;
    } else {
        plugin_count += at == plugin_count ? 1 : 0;
        if (make_default) {
            plugins[at] = plugins[0];
            at = 0;
        }
        plugins[at] = plugin;
    }
    cm_spin_unlock(&lock);
    return result;
}

oe_result_t oe_unregister_seal_plugin(const oe_uuid_t *plugin_id)
{
    oe_result_t result = OE_NOT_FOUND;
    size_t at = 0;

    if (plugin_id == NULL) {
        return OE_INVALID_PARAMETER;
    }
    cm_spin_lock(&lock);
    at = place_of(plugin_id);
    if (at < plugin_count) {
        plugin_count--;
        for (; at < plugin_count; at++) {
            plugins[at] = plugins[at + 1];
        }
        plugins[plugin_count] = NULL;
        result = OE_OK;
    }
    cm_spin_unlock(&lock);
    return result;
}

/* NULL id: the default one. NULL when there is none. */
static const oe_seal_plugin_definition_t *find(const oe_uuid_t *id)
{
    const oe_seal_plugin_definition_t *found = NULL;
    size_t at = 0;

    cm_spin_lock(&lock);
    at = id == NULL ? 0 : place_of(id);
    found = at < plugin_count ? plugins[at] : NULL;
    cm_spin_unlock(&lock);
    return found;
}

/* Bytes that a caller gave: absent, or wholly inside. */
static bool inside(const void *p, size_t n)
{
    return n == 0 || (p != NULL && oe_is_within_enclave(p, n));
}

static bool settings_inside(const oe_seal_setting_t *settings, size_t count)
{
    size_t bytes = 0;

    if ((settings == NULL) != (count == 0)) {
        return false;
    }
    if (__builtin_mul_overflow(count, sizeof(*settings), &bytes) || !inside(settings, bytes)) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        if (settings[i].size != 0 && !inside(settings[i].value.p, settings[i].size)) {
            return false;
        }
    }
    return true;
}

/* NOLINTNEXTLINE(readability-function-size): the API's parameters */
oe_result_t oe_seal(const oe_uuid_t *plugin_id, const oe_seal_setting_t *settings,
                    size_t settings_count, const uint8_t *plaintext, size_t plaintext_size,
                    const uint8_t *additional_data, size_t additional_data_size, uint8_t **blob,
                    size_t *blob_size)
{
    const oe_seal_plugin_definition_t *plugin = NULL;
    oe_result_t result = OE_OK;
    uint8_t *made = NULL;
    size_t made_size = 0;

    if (blob == NULL || blob_size == NULL) {
        return OE_INVALID_PARAMETER;
    }
    *blob = NULL;
    *blob_size = 0;
    if (!settings_inside(settings, settings_count) || !inside(plaintext, plaintext_size) ||
        !inside(additional_data, additional_data_size)) {
        return OE_INVALID_PARAMETER;
    }
    plugin = find(plugin_id);
    if (plugin == NULL) {
        return OE_NOT_FOUND;
    }
    result = plugin->seal(settings, settings_count, plaintext, plaintext_size, additional_data,
                          additional_data_size, &made, &made_size);
    if (result == OE_OK) {
        *blob = made;
        *blob_size = made_size;
    }
    return result;
}

/* One plugin after the other; the lock is not held while one works. */
static oe_result_t try_all(const uint8_t *blob, size_t blob_size, const uint8_t *additional_data,
                           size_t additional_data_size, uint8_t **plaintext, size_t *plaintext_size)
{
    const oe_seal_plugin_definition_t *all[MAX_PLUGINS];
    size_t count = 0;

    cm_spin_lock(&lock);
    count = plugin_count;
    memcpy(all, plugins, sizeof(all));
    cm_spin_unlock(&lock);
    for (size_t i = 0; i < count; i++) {
        oe_result_t result = OE_OK;

        *plaintext = NULL;
        *plaintext_size = 0;
        result = all[i]->unseal(blob, blob_size, additional_data, additional_data_size, plaintext,
                                plaintext_size);
        if (result == OE_OK || result == OE_OUT_OF_MEMORY) {
            return result;
        }
    }
    return OE_UNSUPPORTED;
}

oe_result_t oe_unseal(const uint8_t *blob, size_t blob_size, const uint8_t *additional_data,
                      size_t additional_data_size, uint8_t **plaintext, size_t *plaintext_size)
{
    oe_result_t result = OE_OK;
    uint8_t *copy = NULL;
    uint8_t *opened = NULL;
    size_t opened_size = 0;

    if ((plaintext == NULL) != (plaintext_size == NULL)) {
        return OE_INVALID_PARAMETER;
    }
    if (plaintext != NULL) {
        *plaintext = NULL;
        *plaintext_size = 0;
    }
    if (blob == NULL || blob_size == 0 || !inside(additional_data, additional_data_size)) {
        return OE_INVALID_PARAMETER;
    }
    if (oe_is_outside_enclave(blob, blob_size)) {
        cm_lfence();
        copy = oe_malloc(blob_size);
        if (copy == NULL) {
            return OE_OUT_OF_MEMORY;
        }
        cm_copy_in(copy, blob, blob_size);
        blob = copy;
    } else if (!oe_is_within_enclave(blob, blob_size)) {
        return OE_INVALID_PARAMETER;
    }
    result = try_all(blob, blob_size, additional_data, additional_data_size, &opened, &opened_size);
    oe_free(copy);
    if (result == OE_OK && plaintext != NULL) {
        *plaintext = opened;
        *plaintext_size = opened_size;
    } else {
        cm_free_wiped(opened);
    }
    return result;
}
