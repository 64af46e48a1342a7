/*
 * A hostile host answers the ocalls of the trusted half of generated code: codes, sizes, strings,
 * deep copies that lie, and memory that changes after it was read.
 */
#include "pair_fixture.h"

/* ---- hostile answers to an ocall ---- */

static oe_result_t ocall_strings_with(void (*change)(uint8_t *out, size_t out_size,
                                                     size_t *written))
{
    size_t n = 0;
    oe_result_t r = OE_OK;

    change_answer = change;
    loop_after_ocall = change == NULL ? NULL : on_answer;
    CHECK_EQ(e_ocall_strings(enclave, &r, &n), OE_OK);
    loop_after_ocall = NULL;
    return r;
}

static void answer_unterminated(uint8_t *out, size_t out_size, size_t *written)
{
    (void)out_size;
    (void)written;
    out[region_of(sizeof(o_strings_args_t)) + 10] = 'x';
}

static void answer_wide_unterminated(uint8_t *out, size_t out_size, size_t *written)
{
    (void)written;
    (void)out_size;
    out[region_of(sizeof(o_strings_args_t)) + 16 + 4 * sizeof(wchar_t)] = 'x';
}

static void answer_written_less(uint8_t *out, size_t out_size, size_t *written)
{
    (void)out;
    *written = out_size - 16;
}

static void answer_written_more(uint8_t *out, size_t out_size, size_t *written)
{
    (void)out;
    *written = out_size + 16;
}

static void answer_error(uint8_t *out, size_t out_size, size_t *written)
{
    (void)out_size;
    (void)written;
    ((o_strings_args_t *)(void *)out)->oe_result = OE_NOT_FOUND;
}

static void answer_bad_code(uint8_t *out, size_t out_size, size_t *written)
{
    uint32_t code = 0x80000001;

    (void)out_size;
    (void)written;
    memcpy(out, &code, sizeof(code));
}

TEST(B4_B9_B14_answers_of_an_ocall_are_checked_before_use)
{
    uint64_t sent = 0;

    start();
    memcpy(&sent, "round tr", sizeof(sent));
    CHECK_EQ(ocall_strings_with(NULL), OE_OK);
    CHECK_EQ(ocall_strings_with(answer_unterminated), OE_INVALID_PARAMETER);
    CHECK(!loop_peer()->residue(sent)); /* wiped on the way of an error too */
    CHECK_EQ(ocall_strings_with(answer_wide_unterminated), OE_INVALID_PARAMETER);
    CHECK_EQ(ocall_strings_with(answer_written_less), OE_FAILURE);
    CHECK_EQ(ocall_strings_with(answer_written_more), OE_FAILURE);
    CHECK_EQ(ocall_strings_with(answer_error), OE_NOT_FOUND);
    CHECK_EQ(ocall_strings_with(answer_bad_code), OE_UNEXPECTED);
    finish();
}

/* ---- B9: the host writes over what was only meant for it to read ---- */

/* every parameter of the answer, its pointers and counts: all but the result, and the bytes of io */
static void answer_parameters(uint8_t *out, size_t out_size, size_t *written)
{
    o_buffers_args_t *a = (o_buffers_args_t *)(void *)out;
    const oe_result_t result = a->oe_result;
    const uint8_t *const end = out + region_of(sizeof(*a));

    (void)written;
    memset(out, 0xee, sizeof(*a));
    a->oe_result = result;
    CHECK(out + out_size >= end + 16); /* io comes back behind it */
    memset(out + region_of(sizeof(*a)), 0xee, out_size - region_of(sizeof(*a)));
}

TEST(B9_what_only_goes_out_is_not_changed_by_an_answer)
{
    oe_result_t r = OE_FAILURE;
    int untouched = 0;

    start();
    change_answer = answer_parameters;
    loop_after_ocall = on_answer;
    CHECK_EQ(e_ocall_mine(enclave, &r, &untouched), OE_OK);
    CHECK_EQ(r, OE_OK);
    CHECK(untouched == 1);
    loop_after_ocall = NULL;
    finish();
}

/* ---- B5: one read of each byte; what changes afterwards does not matter ---- */

/* what follows an ocall are the reads of its answer */
static void new_answer(uint64_t id, uint8_t *out, size_t out_size, size_t *written)
{
    (void)id;
    (void)out;
    (void)out_size;
    (void)written;
    read_count = 0;
}

TEST(B5_host_memory_is_read_once)
{
    size_t n = 0;
    oe_result_t r = OE_OK;
    int line = -1;
    uint64_t seed = 42;
    uint64_t hash = 0;
    uint64_t want = 0;
    tree t[2];
    leaf l;

    start();
    watch_reads();
    loop_after_ocall = new_answer;
    CHECK_EQ(e_ocall_strings(enclave, &r, &n), OE_OK);
    CHECK_EQ(r, OE_OK);
    CHECK_EQ(n, strlen("round trip"));
    CHECK_EQ(read_count, 3); /* the reply, and the two strings that come back */
    CHECK_EQ(e_ocall_deep_out(enclave, &r, &hash), OE_OK);
    CHECK_EQ(r, OE_OK);
    CHECK_EQ(read_count, 4); /* the reply, the block it names, and the two arrays of structs */
    CHECK_EQ(e_drive(enclave, &line, 5, 1), OE_OK);
    CHECK_EQ(line, 0); /* every kind of parameter, while the host changes what was read */
    CHECK(!read_twice);
    want = 7;
    for (int i = 0; i < 2; i++) {
        pair_fill_tree(&seed, &t[i]);
        want = pair_hash_tree(want, &t[i]);
        pair_free_tree(&t[i]);
    }
    pair_fill_leaf(&seed, &l);
    want = pair_hash_leaf(want, &l);
    pair_free_leaf(&l);
    CHECK_EQ(hash, want);
    finish();
}

/* ---- B6: a deep copy from a hostile host ---- */

static int deep_attack;

static void answer_deep(uint8_t *out, size_t out_size, size_t *written)
{
    o_deep_out_args_t *a = (o_deep_out_args_t *)(void *)out;
    tree *t = (tree *)(void *)(out + region_of(sizeof(*a)));

    (void)out_size;
    (void)written;
    switch (deep_attack) {
    case 0: /* a block in the enclave */
        free(a->deepcopy_out_buffer);
        a->deepcopy_out_buffer = loop_peer()->arena + 64;
        break;
    case 1: /* straddling its start */
        free(a->deepcopy_out_buffer);
        a->deepcopy_out_buffer = loop_peer()->arena - 16;
        break;
    case 2: /* wrapping around */
        free(a->deepcopy_out_buffer);
        a->deepcopy_out_buffer = (uint8_t *)(size_t)-32;
        a->deepcopy_out_buffer_size = 64;
        break;
    case 3: /* less than the members say */
        a->deepcopy_out_buffer_size -= 16;
        break;
    case 4: /* none at all, but members that say present */
        free(a->deepcopy_out_buffer);
        a->deepcopy_out_buffer = NULL;
        break;
    case 5: /* a count that is too big */
        t->wide = (uint32_t *)(void *)out;
        t->wide_count = 0x7fffffff;
        break;
    case 6: /* a count that wraps */
        t->wide = (uint32_t *)(void *)out;
        t->wide_count = -1;
        t->wide_size = -1;
        break;
    case 7: /* unaligned */
        free(a->deepcopy_out_buffer);
        a->deepcopy_out_buffer = (uint8_t *)(size_t)0x10004;
        break;
    case 8: /* every pointer present although most data are not there */
        t[0].pair = t[1].pair = (branch *)(void *)out;
        t[0].wide = t[1].wide = (uint32_t *)(void *)(loop_peer()->arena + 64);
        a->deepcopy_out_buffer_size = 48;
        break;
    default: /* nothing, with a size of everything */
        a->deepcopy_out_buffer_size = SIZE_MAX & ~(size_t)15;
        free(a->deepcopy_out_buffer);
        a->deepcopy_out_buffer = (uint8_t *)(size_t)16;
        break;
    }
}

TEST(B6_deep_copy_of_a_hostile_host_is_refused)
{
    start();
    for (deep_attack = 0; deep_attack <= 9; deep_attack++) {
        oe_result_t r = OE_OK;
        uint64_t hash = 0;

        change_answer = answer_deep;
        loop_after_ocall = on_answer;
        CHECK_EQ(e_ocall_deep_out(enclave, &r, &hash), OE_OK);
        if (r == OE_OK || r == OE_UNEXPECTED) {
            TEST_FAIL("attack %d gave %d", deep_attack, (int)r);
        }
        CHECK_EQ(loop_peer()->live_blocks(), 0);
    }
    finish();
}

/* random damage to every byte of an ocall's answer */
static uint64_t damage;

static void answer_damaged(uint8_t *out, size_t out_size, size_t *written)
{
    o_deep_out_args_t *a = (o_deep_out_args_t *)(void *)out;
    uint8_t *block = a->deepcopy_out_buffer;
    size_t size = a->deepcopy_out_buffer_size;

    (void)written;
    for (uint64_t k = pair_random(&damage) % 4; k < 4; k++) {
        out[pair_random(&damage) % out_size] ^= (uint8_t)(1u << (pair_random(&damage) % 8));
        if (block != NULL && size != 0) {
            block[pair_random(&damage) % size] ^= (uint8_t)(1u << (pair_random(&damage) % 8));
        }
    }
    if (a->deepcopy_out_buffer != block || a->deepcopy_out_buffer_size > size) {
        /* the harness cannot survive reading any address; the other cases do that */
        a->deepcopy_out_buffer = block;
        a->deepcopy_out_buffer_size = size;
    }
    if ((a->oe_result != OE_OK || *written != out_size) && block != NULL) {
        free(block); /* the wrapper gives up before it takes the block over */
        a->deepcopy_out_buffer = NULL;
    }
    if (a->deepcopy_out_buffer != NULL && a->deepcopy_out_buffer_size % 8 != 0) {
        free(block);
        a->deepcopy_out_buffer = NULL;
    }
    if (a->deepcopy_out_buffer != NULL && a->deepcopy_out_buffer_size == 0) {
        free(block);
        a->deepcopy_out_buffer = NULL;
    }
}

TEST(B6_random_damage_to_an_answer)
{
    start();
    damage = 4711;
    change_answer = answer_damaged;
    loop_after_ocall = on_answer;
    for (int i = 0; i < 3000; i++) {
        oe_result_t r = OE_OK;
        uint64_t hash = 0;

        CHECK_EQ(e_ocall_deep_out(enclave, &r, &hash), OE_OK);
        CHECK_EQ(loop_peer()->live_blocks(), 0);
    }
    finish();
}

/* ---- bool: a byte that is neither 0 nor 1 ---- */

static void answer_flags(uint8_t *out, size_t out_size, size_t *written)
{
    (void)written;
    memset(out + out_size - 16, 0xff, 16);
}

static void input_bools(uint8_t *in, size_t in_size)
{
    (void)in_size;
    memset(&((e_scalars_args_t *)(void *)in)->a, 0x80, 1);
    memset(&((e_scalars_args_t *)(void *)in)->m.seen, 0x02, 1);
    memset(&((e_scalars_args_t *)(void *)in)->n.where[1].seen, 0xff, 1);
}

TEST(bools_from_outside_are_0_or_1)
{
    oe_result_t r = OE_OK;
    uint8_t a = 9;
    uint8_t b = 9;
    point m;
    mixed n;
    uint64_t want = 0;
    uint64_t got = 0;

    start();
    change_answer = answer_flags;
    loop_after_ocall = on_answer;
    CHECK_EQ(e_ocall_flags(enclave, &r, &a, &b), OE_OK);
    CHECK_EQ(r, OE_OK);
    CHECK(a == 1 && b == 1);
    loop_after_ocall = NULL;
    memset(&m, 0, sizeof(m));
    memset(&n, 0, sizeof(n));
    m.seen = n.where[1].seen = true;
    CHECK_EQ(e_scalars(enclave, &want, true, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, RED, m, n, 0), OE_OK);
    m.seen = n.where[1].seen = false;
    change_input = input_bools;
    loop_before_ecall = on_input;
    CHECK_EQ(e_scalars(enclave, &got, false, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, RED, m, n, 0), OE_OK);
    CHECK_EQ(got, want);
    finish();
}

TEST_MAIN
