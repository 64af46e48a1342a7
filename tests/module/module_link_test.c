/*
 * The enclave's half of linking, outside of one: what it does with a block that no signer leaves. All of it is
 * measured, so nothing of this can come from a host; still nothing is written that lies behind the limit.
 */
#include "harness.h"

#include "enclave/module_link.c"

/* | image | module | block | behind the limit | */
enum { PAGE = 4096, MODULE = 4 * PAGE, BLOCK = 8 * PAGE, LIMIT = 10 * PAGE, ALL = 11 * PAGE };

static uint8_t memory[ALL] __attribute__((aligned(PAGE)));
static oe_sgx_enclave_properties_t properties;
uint64_t cm_image_base;

const volatile oe_sgx_enclave_properties_t *cm_properties(void)
{
    return &properties;
}

static struct cm_module_block *block(void)
{
    return (struct cm_module_block *)(void *)(memory + BLOCK);
}

static struct cm_module_link *link_number(uint64_t n)
{
    return (struct cm_module_link *)(void *)(block() + 1) + n;
}

static uint64_t word_at(uint64_t place)
{
    uint64_t word = 0;

    memcpy(&word, memory + place, sizeof(word));
    return word;
}

static void set_size(uint64_t size)
{
    properties.image_info.reloc_size = size;
}

/* one link, which says nothing wrong */
static void fresh(void)
{
    memset(memory, 0, sizeof(memory));
    cm_image_base = (uint64_t)memory;
    properties.image_info.reloc_rva = BLOCK;
    set_size(sizeof(struct cm_module_block) + sizeof(struct cm_module_link));
    *block() = (struct cm_module_block){
        .magic = CM_MODULE_MAGIC, .base = MODULE, .size = BLOCK - MODULE, .link_count = 1};
    *link_number(0) =
        (struct cm_module_link){.where = MODULE, .kind = CM_LINK_CONSTANT, .value = 77};
}

TEST(each_kind_is_done)
{
    fresh();
    CHECK(cm_module_link(LIMIT));
    CHECK_EQ(word_at(MODULE), 77);
    link_number(0)->kind = CM_LINK_ADDRESS;
    link_number(0)->where = PAGE + 2;
    CHECK(cm_module_link(LIMIT));
    CHECK_EQ(word_at(PAGE + 2), (uint64_t)memory + 77);
    memcpy(memory + MODULE + 100, "some bytes", 10);
    *link_number(0) = (struct cm_module_link){
        .where = PAGE + 1, .kind = CM_LINK_COPY, .size = 10, .value = MODULE + 100};
    CHECK(cm_module_link(LIMIT));
    CHECK(memcmp(memory + PAGE, "\0some bytes\0", 12) == 0);
}

TEST(G3_a_block_that_is_none)
{
    fresh();
    block()->magic++;
    CHECK(!cm_module_link(LIMIT));
    fresh();
    set_size(sizeof(struct cm_module_block) - 1);
    block()->link_count =
        UINT64_MAX / sizeof(struct cm_module_link); /* as many as less than 0 bytes hold */
    CHECK(!cm_module_link(LIMIT));
    CHECK_EQ(word_at(MODULE), 0);
    fresh();
    block()->link_count = 2; /* more than its size says */
    CHECK(!cm_module_link(LIMIT));
    block()->link_count = 0;
    CHECK(!cm_module_link(LIMIT));
    CHECK_EQ(word_at(MODULE), 0);
    fresh();
    CHECK(!cm_module_link(BLOCK + sizeof(struct cm_module_block))); /* it ends behind the limit */
    CHECK(!cm_module_link(BLOCK - 1));
}

TEST(G3_a_module_that_is_not_before_its_block)
{
    fresh();
    block()->size = BLOCK - MODULE + 1;
    CHECK(!cm_module_link(LIMIT));
    fresh();
    block()->base = BLOCK + 1;
    CHECK(!cm_module_link(LIMIT));
    fresh();
    block()->size = UINT64_MAX - MODULE + 2; /* its end wraps */
    CHECK(!cm_module_link(LIMIT));
    CHECK_EQ(word_at(MODULE), 0);
}

static bool refuses(uint64_t where, uint32_t kind, uint32_t size, uint64_t value)
{
    fresh();
    *link_number(0) =
        (struct cm_module_link){.where = where, .kind = kind, .size = size, .value = value};
    return !cm_module_link(LIMIT);
}

TEST(G3_nothing_is_written_or_read_behind_the_limit)
{
    CHECK(!refuses(LIMIT - 8, CM_LINK_CONSTANT, 0, 5));
    CHECK(refuses(LIMIT - 7, CM_LINK_CONSTANT, 0, 5));
    CHECK(refuses(LIMIT - 7, CM_LINK_ADDRESS, 0, 5));
    CHECK(refuses(UINT64_MAX - 3, CM_LINK_CONSTANT, 0, 5));
    CHECK(!refuses(LIMIT - 9, CM_LINK_COPY, 9, MODULE));
    CHECK(refuses(LIMIT - 9, CM_LINK_COPY, 10, MODULE));
    CHECK(refuses(UINT64_MAX - 9, CM_LINK_COPY, 20, MODULE));
    CHECK(!refuses(MODULE, CM_LINK_COPY, 9, LIMIT - 9));
    CHECK(refuses(MODULE, CM_LINK_COPY, 10, LIMIT - 9));
    CHECK(refuses(MODULE, CM_LINK_COPY, 20, UINT64_MAX - 9));
    CHECK(refuses(MODULE, 0, 0, 5));
    CHECK(refuses(MODULE, 4, 0, 5));
    for (size_t i = LIMIT; i < ALL; i++) {
        CHECK(memory[i] == 0);
    }
}

/* ---- constructors and destructors */

static char order[8];
static size_t used;

static void one(void)
{
    order[used++] = '1';
}

static void two(void)
{
    order[used++] = '2';
}

TEST(constructors_go_up_and_destructors_down)
{
    init_func both[2] = {one, two};

    fresh();
    cm_module_begin();
    cm_module_end();
    CHECK_STR(order, "");
    memcpy(memory + MODULE, both, sizeof(both));
    block()->init_array = MODULE;
    block()->init_count = 2;
    block()->fini_array = MODULE;
    block()->fini_count = 2;
    cm_module_begin();
    CHECK_STR(order, "12");
    cm_module_end();
    CHECK_STR(order, "1221");
    CHECK(cm_module_header() == memory + MODULE);
}

TEST_MAIN
