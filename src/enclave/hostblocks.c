/* See hostblocks.h. A sorted array under a lock: enclaves hold few host blocks at a time. */
#include "enclave/hostblocks.h"

#include <stddef.h>
#include <string.h>

#include <openenclave/advanced/allocator.h>

#include "enclave/spin.h"

struct block {
    uint64_t address;
    uint64_t size;
    uint64_t own; /* the runtime's, not the application's */
};

static struct cm_spin lock;
static struct block *blocks;
static size_t count;
static size_t room;

/* Index of the first block that begins at or above address. */
static size_t lower_bound(uint64_t address)
{
    size_t low = 0;
    size_t high = count;

    while (low < high) {
        const size_t mid = low + (high - low) / 2;

        if (blocks[mid].address < address) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    return low;
}

static bool grow(void)
{
    const size_t more = room == 0 ? 64 : room * 2;
    struct block *p = oe_allocator_realloc(blocks, more * sizeof(*p));

    if (p == NULL) {
        return false;
    }
    blocks = p;
    room = more;
    return true;
}

static void drop(size_t from, size_t to)
{
    if (from == to) {
        return; /* there may be no list yet, and NULL + 0 is undefined in C */
    }
    memmove(&blocks[from], &blocks[to], (count - to) * sizeof(*blocks));
    count -= to - from;
}

static bool add(uint64_t address, uint64_t size, bool own)
{
    size_t i = lower_bound(address);
    size_t end = i;

    if (i > 0 && address - blocks[i - 1].address < blocks[i - 1].size) {
        i--;
    }
    while (end < count && blocks[end].address - address < size) {
        end++;
    }
    for (size_t k = i; k < end; k++) {
        if (blocks[k].own != 0) {
            return false;
        }
    }
    drop(i, end);
    if (count == room && !grow()) {
        return false;
    }
    memmove(&blocks[i + 1], &blocks[i], (count - i) * sizeof(*blocks));
    blocks[i].address = address;
    blocks[i].size = size;
    blocks[i].own = own;
    count++;
    return true;
}

bool cm_host_block_add(uint64_t address, uint64_t size, bool own)
{
    bool added;

    cm_spin_lock(&lock);
    added = add(address, size, own);
    cm_spin_unlock(&lock);
    return added;
}

uint64_t cm_host_block_size(uint64_t address)
{
    uint64_t size = 0;
    size_t i;

    cm_spin_lock(&lock);
    i = lower_bound(address);
    if (i < count && blocks[i].address == address) {
        size = blocks[i].size;
    }
    cm_spin_unlock(&lock);
    return size;
}

bool cm_host_block_remove(uint64_t address)
{
    bool found;
    size_t i;

    cm_spin_lock(&lock);
    i = lower_bound(address);
    found = i < count && blocks[i].address == address;
    if (found) {
        drop(i, i + 1);
    }
    cm_spin_unlock(&lock);
    return found;
}
