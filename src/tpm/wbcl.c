/* See wbcl.h. */
#include "tpm/wbcl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/reader.h"
#include "token/base64.h"

#define AGGREGATION 0x40000000u /* a part that holds parts */
#define MAX_TEXT    2048u

enum form {
    FORM_BOOL,
    FORM_NUMBER, /* 1 */
    FORM_VALUE,  /* {"Value": 1}, with "String" where a policy asks for it */
    FORM_TEXT,   /* UTF-16 */
    FORM_RAW,    /* {"RawData": "..."} */
    FORM_GROUP,
};

struct part {
    uint32_t type;
    const char *name;
    enum form form;
    bool list; /* always an array: policies flatten it */
};

static const struct part parts[] = {
    {0x40010001, "EVENT_TRUSTBOUNDARY", FORM_GROUP, false},
    {0x40010002, "EVENT_ELAM_AGGREGATION", FORM_GROUP, true},
    {0x40010003, "EVENT_LOADEDMODULE_AGGREGATION", FORM_GROUP, true},
    {0x00020001, "EVENT_INFORMATION", FORM_RAW, false},
    {0x00020002, "EVENT_BOOTCOUNTER", FORM_NUMBER, false},
    {0x00020003, "EVENT_TRANSFER_CONTROL", FORM_VALUE, false},
    {0x00020004, "EVENT_APPLICATION_RETURN", FORM_RAW, false},
    {0x00020005, "EVENT_BITLOCKER_UNLOCK", FORM_VALUE, false},
    {0x00020006, "EVENT_EVENTCOUNTER", FORM_NUMBER, false},
    {0x00020007, "EVENT_COUNTERID", FORM_NUMBER, false},
    {0x00020008, "EVENT_MORBIT_NOT_CANCELABLE", FORM_BOOL, false},
    {0x00020009, "EVENT_APPLICATION_SVN", FORM_NUMBER, false},
    {0x0002000a, "EVENT_SVN_CHAIN_STATUS", FORM_VALUE, false},
    {0x00040001, "EVENT_BOOTDEBUGGING", FORM_BOOL, false},
    {0x00040002, "EVENT_BOOT_REVOCATION_LIST", FORM_RAW, false},
    {0x00050001, "EVENT_OSKERNELDEBUG", FORM_BOOL, false},
    {0x00050002, "EVENT_CODEINTEGRITY", FORM_BOOL, false},
    {0x00050003, "EVENT_TESTSIGNING", FORM_BOOL, false},
    {0x00050004, "EVENT_DATAEXECUTIONPREVENTION", FORM_VALUE, false},
    {0x00050005, "EVENT_SAFEMODE", FORM_BOOL, false},
    {0x00050006, "EVENT_WINPE", FORM_BOOL, false},
    {0x00050007, "EVENT_PHYSICALADDRESSEXTENSION", FORM_VALUE, false},
    {0x00050008, "EVENT_OSDEVICE", FORM_VALUE, false},
    {0x00050009, "EVENT_SYSTEMROOT", FORM_TEXT, false},
    {0x0005000a, "EVENT_HYPERVISOR_LAUNCH_TYPE", FORM_VALUE, false},
    {0x0005000b, "EVENT_HYPERVISOR_PATH", FORM_TEXT, false},
    {0x0005000c, "EVENT_HYPERVISOR_IOMMU_POLICY", FORM_VALUE, false},
    {0x0005000d, "EVENT_HYPERVISOR_DEBUG", FORM_BOOL, false},
    {0x0005000e, "EVENT_DRIVER_LOAD_POLICY", FORM_VALUE, false},
    {0x0005000f, "EVENT_SI_POLICY", FORM_RAW, true},
    {0x00050010, "EVENT_HYPERVISOR_MMIO_NX_POLICY", FORM_VALUE, false},
    {0x00050011, "EVENT_HYPERVISOR_MSR_FILTER_POLICY", FORM_VALUE, false},
    {0x00050012, "EVENT_VSM_LAUNCH_TYPE", FORM_VALUE, false},
    {0x00050013, "EVENT_OS_REVOCATION_LIST", FORM_RAW, false},
    {0x00050020, "EVENT_VSM_IDK_INFO", FORM_RAW, false},
    {0x00050021, "EVENT_FLIGHTSIGNING", FORM_BOOL, false},
    {0x00050022, "EVENT_PAGEFILE_ENCRYPTION_ENABLED", FORM_BOOL, false},
    {0x00050023, "EVENT_VSM_IDKS_INFO", FORM_RAW, false},
    {0x00050024, "EVENT_HIBERNATION_DISABLED", FORM_BOOL, false},
    {0x00050025, "EVENT_DUMPS_DISABLED", FORM_BOOL, false},
    {0x00050026, "EVENT_DUMP_ENCRYPTION_ENABLED", FORM_BOOL, false},
    {0x00050027, "EVENT_DUMP_ENCRYPTION_KEY_DIGEST", FORM_RAW, false},
    {0x00060001, "EVENT_NOAUTHORITY", FORM_BOOL, false},
    {0x00060002, "EVENT_AUTHORITYPUBKEY", FORM_RAW, false},
    {0x00070001, "EVENT_FILEPATH", FORM_TEXT, false},
    {0x00070002, "EVENT_IMAGESIZE", FORM_NUMBER, false},
    {0x00070003, "EVENT_HASHALGORITHMID", FORM_NUMBER, false},
    {0x00070004, "EVENT_AUTHENTICODEHASH", FORM_RAW, false},
    {0x00070005, "EVENT_AUTHORITYISSUER", FORM_TEXT, false},
    {0x00070006, "EVENT_AUTHORITYSERIAL", FORM_RAW, false},
    {0x00070007, "EVENT_IMAGEBASE", FORM_NUMBER, false},
    {0x00070008, "EVENT_AUTHORITYPUBLISHER", FORM_TEXT, false},
    {0x00070009, "EVENT_AUTHORITYSHA1THUMBPRINT", FORM_RAW, false},
    {0x0007000a, "EVENT_IMAGEVALIDATED", FORM_BOOL, false},
    {0x0007000b, "EVENT_MODULE_SVN", FORM_NUMBER, false},
    {0x00090001, "EVENT_ELAM_KEYNAME", FORM_TEXT, false},
    {0x00090002, "EVENT_ELAM_CONFIGURATION", FORM_RAW, false},
    {0x00090003, "EVENT_ELAM_POLICY", FORM_RAW, false},
    {0x00090004, "EVENT_ELAM_MEASURED", FORM_RAW, false},
    {0x000a0001, "EVENT_VBS_VSM_REQUIRED", FORM_BOOL, false},
    {0x000a0002, "EVENT_VBS_SECUREBOOT_REQUIRED", FORM_BOOL, false},
    {0x000a0003, "EVENT_VBS_IOMMU_REQUIRED", FORM_BOOL, false},
    {0x000a0004, "EVENT_VBS_MMIO_NX_REQUIRED", FORM_BOOL, false},
    {0x000a0005, "EVENT_VBS_MSR_FILTERING_REQUIRED", FORM_BOOL, false},
    {0x000a0006, "EVENT_VBS_MANDATORY_ENFORCEMENT", FORM_BOOL, false},
    {0x000a0007, "EVENT_VBS_HVCI_POLICY", FORM_VALUE, false},
    {0x000a0008, "EVENT_VBS_MICROSOFT_BOOT_CHAIN_REQUIRED", FORM_BOOL, false},
    {0x000a0009, "EVENT_VBS_DUMP_USES_AMEROOT", FORM_BOOL, false},
    {0x000a000a, "EVENT_VBS_VSM_NOSECRETS_ENFORCED", FORM_BOOL, false},
    {0x000b0001, "EVENT_KSR_SIGNATURE", FORM_RAW, false},
    {0x000c0001, "EVENT_DRTM_STATE_AUTH", FORM_RAW, false}, /* its signature is not verified here */
    {0x000c0002, "EVENT_DRTM_SMM", FORM_VALUE, false},
    {0x000c0003, "EVENT_DRTM_AMD_SMM_HASH", FORM_RAW, false},
    {0x000c0004, "EVENT_DRTM_AMD_SMM_SIGNER_KEY", FORM_RAW, false},
};

#define HVCI_POLICY 0x000a0007u

static const struct part *find(uint32_t type)
{
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        if (parts[i].type == type) {
            return &parts[i];
        }
    }
    return NULL;
}

/* The next part of a group; false at its end, or when it is malformed (r->bad). */
static bool next(struct cm_rd *r, uint32_t *type, struct cm_span *data)
{
    if (r->left == 0 || r->bad) {
        return false;
    }
    *type = cm_rd_u32le(r);
    *data = cm_rd_take(r, cm_rd_u32le(r));
    return !r->bad;
}

static bool valid_group(struct cm_span data, unsigned depth)
{
    struct cm_rd r = cm_rd_init(data);
    struct cm_span inner = {NULL, 0};
    uint32_t type = 0;
    unsigned count = 0;

    while (next(&r, &type, &inner)) {
        if (++count > CM_WBCL_MAX_PARTS ||
            ((type & AGGREGATION) != 0 &&
             (depth == CM_WBCL_MAX_DEPTH || !valid_group(inner, depth + 1)))) {
            return false;
        }
    }
    return count != 0 && cm_rd_finish(&r) == CM_OK;
}

bool cm_wbcl_valid(struct cm_span data)
{
    return valid_group(data, 1);
}

static void walk(struct cm_span data, unsigned depth,
                 void (*on)(void *arg, uint32_t type, struct cm_span data), void *arg)
{
    struct cm_rd r = cm_rd_init(data);
    struct cm_span inner = {NULL, 0};
    uint32_t type = 0;

    while (depth <= CM_WBCL_MAX_DEPTH && next(&r, &type, &inner)) {
        on(arg, type, inner);
        if ((type & AGGREGATION) != 0) {
            walk(inner, depth + 1, on, arg);
        }
    }
}

void cm_wbcl_walk(struct cm_span data, void (*on)(void *arg, uint32_t type, struct cm_span data),
                  void *arg)
{
    walk(data, 1, on, arg);
}

void cm_wbcl_write_bytes(struct cm_json_wr *w, struct cm_span bytes)
{
    const size_t cap = bytes.len + bytes.len / 3 + 4;
    char *text = malloc(cap);
    size_t len = 0;

    if (text == NULL || cm_base64url_encode(bytes, text, cap, &len) != CM_OK) {
        w->out.bad = true; /* sticky: the whole of it is not claimed */
    } else {
        cm_json_wr_text(w, cm_span_make(text, len));
    }
    free(text);
}

static size_t put_utf8(char *out, uint32_t c)
{
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    if (c < 0x800) {
        out[0] = (char)(0xc0 | c >> 6);
        out[1] = (char)(0x80 | (c & 0x3f));
        return 2;
    }
    if (c < 0x10000) {
        out[0] = (char)(0xe0 | c >> 12);
        out[1] = (char)(0x80 | (c >> 6 & 0x3f));
        out[2] = (char)(0x80 | (c & 0x3f));
        return 3;
    }
    out[0] = (char)(0xf0 | c >> 18);
    out[1] = (char)(0x80 | (c >> 12 & 0x3f));
    out[2] = (char)(0x80 | (c >> 6 & 0x3f));
    out[3] = (char)(0x80 | (c & 0x3f));
    return 4;
}

void cm_wbcl_write_utf16(struct cm_json_wr *w, struct cm_span text)
{
    char out[MAX_TEXT + 4] = "";
    struct cm_rd r;
    size_t n = 0;
    bool good = text.len % 2 == 0;

    if (good && text.len >= 2 && text.ptr[text.len - 1] == 0 && text.ptr[text.len - 2] == 0) {
        text.len -= 2;
    }
    r = cm_rd_init(text);
    while (good && r.left != 0) {
        uint32_t c = cm_rd_u16le(&r);

        if (c >= 0xd800 && c < 0xdc00 && r.left != 0) {
            const uint32_t low = cm_rd_u16le(&r);

            good = low >= 0xdc00 && low < 0xe000;
            c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
        }
        good = good && c != 0 && !(c >= 0xd800 && c < 0xe000) && n < MAX_TEXT;
        n += good ? put_utf8(out + n, c) : 0;
    }
    if (good) {
        cm_json_wr_text(w, cm_span_make(out, n));
    } else {
        cm_json_wr_null(w);
    }
}

/* Little endian, of 1 to 8 bytes. */
static void write_number(struct cm_json_wr *w, struct cm_span data)
{
    uint64_t v = 0;

    if (data.len == 0 || data.len > 8) {
        cm_json_wr_null(w);
        return;
    }
    for (size_t i = data.len; i > 0; i--) {
        v = v << 8 | data.ptr[i - 1];
    }
    cm_json_wr_u64(w, v);
}

static void write_value(struct cm_json_wr *w, uint32_t type, struct cm_span data)
{
    cm_json_wr_object(w);
    cm_json_wr_name(w, "Value");
    write_number(w, data);
    /* the one name of a value that is published */
    if (type == HVCI_POLICY && data.len != 0 && data.ptr[0] == 1) {
        cm_json_wr_name(w, "String");
        cm_json_wr_str(w, "HypervisorEnforcedCodeIntegrityEnable");
    }
    cm_json_wr_end(w);
}

static void write_raw(struct cm_json_wr *w, struct cm_span data)
{
    cm_json_wr_object(w);
    cm_json_wr_name(w, "RawData");
    cm_wbcl_write_bytes(w, data);
    cm_json_wr_end(w);
}

static void write_part(struct cm_json_wr *w, uint32_t type, struct cm_span data)
{
    const struct part *p = find(type);
    const enum form form = (type & AGGREGATION) != 0 ? FORM_GROUP : p == NULL ? FORM_RAW : p->form;

    switch (form) {
    case FORM_BOOL:
        if (data.len == 1 && data.ptr[0] <= 1) {
            cm_json_wr_bool(w, data.ptr[0] == 1);
        } else {
            cm_json_wr_null(w);
        }
        break;
    case FORM_NUMBER:
        write_number(w, data);
        break;
    case FORM_VALUE:
        write_value(w, type, data);
        break;
    case FORM_TEXT:
        cm_wbcl_write_utf16(w, data);
        break;
    case FORM_RAW:
        write_raw(w, data);
        break;
    case FORM_GROUP:
        cm_wbcl_write(w, data);
        break;
    }
}

/* All parts of a type in a group, as one member of an object. */
static void write_member(struct cm_json_wr *w, struct cm_span group, uint32_t type, unsigned count)
{
    const struct part *p = find(type);
    const bool list = count > 1 || (p != NULL && p->list);
    struct cm_rd r = cm_rd_init(group);
    struct cm_span data = {NULL, 0};
    char name[24] = "";
    uint32_t at = 0;

    (void)snprintf(name, sizeof(name), "EVENT_%08X", (unsigned)type);
    cm_json_wr_name(w, p == NULL ? name : p->name);
    if (list) {
        cm_json_wr_array(w);
    }
    while (next(&r, &at, &data)) {
        if (at == type) {
            write_part(w, type, data);
        }
    }
    if (list) {
        cm_json_wr_end(w);
    }
}

void cm_wbcl_write(struct cm_json_wr *w, struct cm_span data)
{
    uint32_t seen[CM_WBCL_MAX_PARTS];
    struct cm_rd r = cm_rd_init(data);
    struct cm_span inner = {NULL, 0};
    size_t total = 0;
    uint32_t type = 0;

    while (total < CM_WBCL_MAX_PARTS && next(&r, &type, &inner)) {
        seen[total++] = type;
    }
    cm_json_wr_object(w);
    for (size_t i = 0; i < total; i++) {
        unsigned count = 0;
        bool first = true;

        for (size_t k = 0; k < total; k++) {
            count += seen[k] == seen[i];
            first = first && (k >= i || seen[k] != seen[i]);
        }
        if (first) {
            write_member(w, data, seen[i], count);
        }
    }
    cm_json_wr_end(w);
}
