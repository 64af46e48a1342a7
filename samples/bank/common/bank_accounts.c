/*
 * A hash table with open addressing. It grows by copying, wiping and freeing (never realloc, which
 * would leave account numbers behind in freed memory).
 */
#include "bank_accounts.h"

#include <stdlib.h>
#include <string.h>

#include "bank_text.h"

#define FIRST_ACCOUNTS 1024U

void bank_accounts_init(struct bank_accounts *a, uint64_t secret)
{
    memset(a, 0, sizeof(*a));
    a->secret = secret;
}

void bank_accounts_free(struct bank_accounts *a)
{
    bank_wipe_free(a->list, a->cap * sizeof(a->list[0]));
    bank_wipe_free(a->text, a->text_cap);
    bank_wipe_free(a->slots, a->slot_count * sizeof(a->slots[0]));
    memset(a, 0, sizeof(*a));
}

__extension__ typedef unsigned __int128 uint128;

/* Keyed: 8 bytes at a time into a 64x64 -> 128 bit product, folded. */
static uint64_t hash(const struct bank_accounts *a, const char *text, size_t len)
{
    const uint64_t factor = (a->secret ^ UINT64_C(0xa0761d6478bd642f)) | 1U;
    uint64_t h = a->secret ^ (len * UINT64_C(0x9e3779b97f4a7c15));

    while (len != 0) {
        size_t n = len < 8 ? len : 8;
        uint64_t word = 0;
        uint128 wide = 0;

        memcpy(&word, text, n);
        wide = (uint128)(h ^ word) * factor;
        h = (uint64_t)wide ^ (uint64_t)(wide >> 64) ^ UINT64_C(0xd6e8feb86659fd93);
        text += n;
        len -= n;
    }
    return h ^ (h >> 29);
}

static uint32_t find_slot(const struct bank_accounts *a, const char *text, size_t len)
{
    uint32_t i = (uint32_t)hash(a, text, len) & (a->slot_count - 1);

    while (a->slots[i] != 0) {
        const struct bank_account *x = &a->list[a->slots[i] - 1];

        if (x->length == len && memcmp(a->text + x->text, text, len) == 0) {
            break;
        }
        i = (i + 1) & (a->slot_count - 1);
    }
    return i;
}

/* a larger copy of old; old is wiped and freed */
static void *grown(void *old, size_t old_size, size_t new_size)
{
    void *p = calloc(1, new_size);

    if (p != NULL && old != NULL) {
        memcpy(p, old, old_size);
        bank_wipe_free(old, old_size);
    }
    return p;
}

static enum bank_status grow_list(struct bank_accounts *a)
{
    uint32_t cap = a->cap == 0 ? FIRST_ACCOUNTS : a->cap * 2;
    uint32_t *slots = NULL;
    struct bank_account *list = NULL;

    if (a->count >= BANK_MAX_ACCOUNTS) {
        return BANK_LIMIT;
    }
    if (a->count < a->cap) {
        return BANK_OK;
    }
    slots = calloc((size_t)cap * 2, sizeof(slots[0]));
    if (slots == NULL) {
        return BANK_NO_MEMORY;
    }
    list = grown(a->list, a->cap * sizeof(list[0]), cap * sizeof(list[0]));
    if (list == NULL) {
        free(slots);
        return BANK_NO_MEMORY;
    }
    bank_wipe_free(a->slots, a->slot_count * sizeof(slots[0]));
    a->list = list;
    a->cap = cap;
    a->slots = slots;
    a->slot_count = cap * 2;
    for (uint32_t i = 0; i < a->count; i++) {
        const struct bank_account *x = &list[i];

        slots[find_slot(a, a->text + x->text, x->length)] = i + 1;
    }
    return BANK_OK;
}

static enum bank_status grow_text(struct bank_accounts *a)
{
    uint32_t cap = a->text_cap == 0 ? FIRST_ACCOUNTS * BANK_ACCOUNT_MAX : a->text_cap * 2;
    char *text = NULL;

    if (a->text_cap - a->text_used >= BANK_ACCOUNT_MAX) {
        return BANK_OK;
    }
    text = grown(a->text, a->text_cap, cap);
    if (text == NULL) {
        return BANK_NO_MEMORY;
    }
    a->text = text;
    a->text_cap = cap;
    return BANK_OK;
}

enum bank_status bank_accounts_number(struct bank_accounts *a, const char *text, size_t len,
                                      uint32_t *out)
{
    enum bank_status st = BANK_OK;
    uint32_t slot = 0;

    if (len == 0 || len > BANK_ACCOUNT_MAX) {
        return BANK_SYNTAX;
    }
    if (a->slot_count != 0) {
        slot = find_slot(a, text, len);
        if (a->slots[slot] != 0) {
            *out = a->slots[slot] - 1;
            return BANK_OK;
        }
    }
    st = grow_list(a);
    if (st == BANK_OK) {
        st = grow_text(a);
    }
    if (st != BANK_OK) {
        return st;
    }
    slot = find_slot(a, text, len);
    memcpy(a->text + a->text_used, text, len);
    a->list[a->count].text = a->text_used;
    a->list[a->count].length = (uint8_t)len;
    a->list[a->count].bank = BANK_NO_BANK;
    a->text_used += (uint32_t)len;
    *out = a->count;
    a->count++;
    a->slots[slot] = a->count;
    return BANK_OK;
}

void bank_accounts_text(const struct bank_accounts *a, uint32_t number, char out[BANK_ACCOUNT_SIZE])
{
    const struct bank_account *x = &a->list[number];

    memset(out, 0, BANK_ACCOUNT_SIZE);
    memcpy(out, a->text + x->text, x->length);
}

int bank_accounts_compare(const struct bank_accounts *a, uint32_t left, uint32_t right)
{
    const struct bank_account *l = &a->list[left];
    const struct bank_account *r = &a->list[right];
    size_t n = l->length < r->length ? l->length : r->length;
    int c = memcmp(a->text + l->text, a->text + r->text, n);

    return c != 0 ? c : (int)l->length - (int)r->length;
}
