/*
 * Row E1 (SmashEx), and A2: an exception at every single instruction that the enclave executes in an
 * ecall, an ocall and its return, a refused entry, and the handling of an exception itself.
 *
 * A child runs a scenario between two INT3. Its parent steps it once and writes down where in the
 * enclave it was; then it stops a new run at each of these places and sends a signal there. The
 * handler is a host that tries every entry that it must not get, then invents a page fault (it could
 * have a real one, by taking the page away) and makes the enclave judge it. Whatever comes of it,
 * the call ends as it would have, or the enclave has aborted.
 */
#include <signal.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include "enclave/td.h"
#include "harness.h"
#include "hostile_host.h"
#include "hostile_ids.h"

#define ECALL(func) CM_CALL_WORD(CM_CODE_ECALL, func, 0, 0)
#define PAGE_FAULT  (SGX_EXITINFO_VALID | (SGX_EXIT_HARDWARE << 8) | SGX_VEC_PF)

enum {
    PLACES_MAX = 8192,
    STEPS_MAX = 400000,
    RFLAGS_TF = 0x100,
    RFLAGS_DF_AC = 0x40400,
    DR7_FIRST = 1
};

enum outcome { NOT_THERE, REFUSED, HANDLED, ENDED, NO_FRAME, OUTCOMES };

/* what the child says, in memory that both have */
static struct said {
    uint64_t base, size, entry_text, entry_text_len;
    uint32_t outcome; /* of the last injection */
    uint32_t bad;     /* the first thing that went wrong */
    oe_result_t result;
    uint64_t secret; /* the parent's word: what the ecall's data are made of */
} * said;

static struct hh e;

#define MARK() __asm__ volatile("int3" ::: "memory")

/* --------------------------------------------------------------------------- the child */

static void wrong(uint32_t what)
{
    said->bad = said->bad == 0 ? what : said->bad;
}

/* An entry on top of the interrupted one; 0 when there is no SSA frame for it. */
static uint64_t enter_above(uint64_t word)
{
    struct sgx_enclave_run run;
    uint64_t arg = 0;

    return hh_enter(&e, 0, word, &arg, &run);
}

static void on_signal(int sig)
{
    struct sgx_ssa_gpr *gpr = (struct sgx_ssa_gpr *)(hh_tcs(&e, 0) + CM_TCS_TO_GPR(0));
    const uint64_t exception = ECALL(CM_ECALL_VIRTUAL_EXCEPTION);
    const uint64_t forged[] = {ECALL(CM_ECALL_CALL_FUNCTION), ECALL(CM_ECALL_INIT),
                               CM_CALL_WORD(CM_CODE_ORET, CM_OCALL_CALL_FUNCTION, 0, 0)};
    const uint64_t rip = gpr->rip;
    uint64_t word = enter_above(exception); /* nothing has happened */

    (void)sig;
    if (word == 0) {
        said->outcome = NO_FRAME;
        return;
    }
    if (CM_CALL_RESULT(word) != OE_OK && CM_CALL_RESULT(word) != OE_UNEXPECTED) {
        wrong(1);
    }
    for (size_t i = 0; i < sizeof(forged) / sizeof(forged[0]); i++) {
        if (CM_CALL_RESULT(enter_above(forged[i])) != OE_UNEXPECTED) {
            wrong(2);
        }
    }
    if (gpr->rip != rip) {
        wrong(3);
    }
    gpr->exitinfo = (uint32_t)PAGE_FAULT;
    word = enter_above(exception);
    said->outcome = CM_CALL_RESULT(word) == OE_OK                 ? HANDLED
                    : CM_CALL_RESULT(word) == OE_UNEXPECTED       ? REFUSED
                    : CM_CALL_RESULT(word) == OE_ENCLAVE_ABORTING ? ENDED
                                                                  : NOT_THERE;
    if (said->outcome == NOT_THERE) {
        wrong(4);
    }
}

static bool start(void)
{
    uint64_t in[2] = {1, 0};
    uint64_t out[2] = {9, 9};
    struct hostile_fault seen;

    hh_unload(&e);
    if (!hh_load(&e, 0xa5) || hh_init(&e) != OE_OK ||
        hh_call(&e, 0, HE_HANDLER, in, 8, out, 16) != OE_OK || out[0] != OE_OK) {
        return false;
    }
    in[0] = HF_STAY;
    for (int i = 0; i < 10; i++) { /* until the way of a call does not change any more (D4) */
        if (hh_call(&e, 0, HE_FAULT, in, 16, &seen, sizeof(seen)) != OE_OK ||
            hh_call(&e, 0, HE_ECHO, in, 16, out, 16) != OE_OK ||
            hh_call(&e, 0, HE_SEEN, NULL, 0, &seen, sizeof(seen)) != OE_OK ||
            hh_call(&e, 0, HE_RESULT, NULL, 0, out, 16) != OE_OK) {
            return false;
        }
    }
    said->base = e.base;
    said->size = e.size;
    return true;
}

static oe_result_t scenario_ecall(void)
{
    const uint64_t s = said->secret;
    uint64_t in[4] = {s, ~s, s * 3, s << 9};
    uint64_t out[4] = {0, 0, 0, 0};
    oe_result_t r;

    MARK();
    r = hh_call(&e, 0, HE_ECHO, in, sizeof(in), out, sizeof(out));
    MARK();
    if (r == OE_OK && memcmp(in, out, sizeof(in)) != 0) {
        wrong(10);
    }
    return r;
}

static void serve(struct hh *h, unsigned n, struct cm_call_args *args)
{
    (void)h;
    (void)n;
    args->result = OE_OK;
    args->output_bytes_written = 16;
}

static oe_result_t scenario_ocall(void)
{
    uint64_t out[2] = {9, 9};
    oe_result_t r;

    hh_function = serve;
    MARK();
    r = hh_call(&e, 0, HE_RESULT, NULL, 0, out, sizeof(out));
    MARK();
    if (r == OE_OK && said->outcome != ENDED && (out[0] != OE_OK || out[1] != 16)) {
        wrong(11);
    }
    return r;
}

static void nest(struct hh *h, unsigned n, struct cm_call_args *args)
{
    const oe_result_t r = hh_call(h, n, HE_NULL, NULL, 0, NULL, 0);

    if (r != OE_REENTRANT_ECALL && r != OE_ENCLAVE_ABORTING) {
        wrong(12);
    }
    serve(h, n, args);
}

static oe_result_t scenario_refused(void)
{
    uint64_t out[2] = {9, 9};
    oe_result_t r;

    hh_function = nest;
    MARK();
    r = hh_call(&e, 0, HE_RESULT, NULL, 0, out, sizeof(out));
    MARK();
    return r;
}

/* A real exception as a host serves it: UD2 inside, judged, resumed, as often as there is one. */
static oe_result_t scenario_exception(void)
{
    static struct cm_call_args args __attribute__((aligned(64)));
    static uint64_t in[2] __attribute__((aligned(64))) = {HF_STAY, 1};
    static struct hostile_fault out __attribute__((aligned(64)));
    struct sgx_enclave_run run;
    uint64_t arg = (uint64_t)&args;
    struct hh_regs r;

    memset(&r, 0, offsetof(struct hh_regs, zmm));
    memset(&args, 0, sizeof(args));
    args.function_id = HE_FAULT;
    args.input_buffer = (uint64_t)in;
    args.input_buffer_size = sizeof(in);
    args.output_buffer = (uint64_t)&out;
    args.output_buffer_size = sizeof(out);
    args.result = OE_FAILURE;
    MARK();
    r.rdi = hh_enter(&e, 0, ECALL(CM_ECALL_CALL_FUNCTION), &arg, &run);
    for (int i = 0; i < 20 && run.function == SGX_ERESUME; i++) {
        if (CM_CALL_RESULT(enter_above(ECALL(CM_ECALL_VIRTUAL_EXCEPTION))) != OE_OK) {
            break;
        }
        memset(&run, 0, sizeof(run));
        run.tcs = hh_tcs(&e, 0);
        r.rflags = 2;
        r.mxcsr = 0x1f80;
        r.fcw = 0x37f;
        (void)hh_enter_raw(&r, SGX_ERESUME, &run);
    }
    MARK();
    if (run.function != SGX_EEXIT) {
        return OE_ENCLAVE_ABORTING; /* it did not take the exception, so it is not resumed */
    }
    if (CM_CALL_RESULT(r.rdi) == OE_OK && args.result == OE_OK && out.kept != 0) {
        wrong(13);
    }
    return CM_CALL_RESULT(r.rdi) != OE_OK ? (oe_result_t)CM_CALL_RESULT(r.rdi)
                                          : (oe_result_t)args.result;
}

/* Row D4: what the handler left is wiped with the rest. */
static bool stack_is_zero(void)
{
    const uint64_t top = hh_tcs(&e, 0) - CM_GUARD_SIZE;
    uint64_t any = 0;

    for (uint64_t p = top - 32 * CM_PAGE_SIZE; p < top; p += 8) {
        any |= *(const uint64_t *)p;
    }
    return any == 0;
}

/* After a run: the enclave works, or every entry says that it aborted. */
static void check_after(oe_result_t r, uint64_t handled_before)
{
    struct hostile_fault seen;
    const uint32_t outcome = said->outcome;
    const oe_result_t after = hh_call(&e, 0, HE_SEEN, NULL, 0, &seen, sizeof(seen));

    said->result = r;
    if (outcome == ENDED) {
        if (after != OE_ENCLAVE_ABORTING) {
            wrong(20);
        }
    } else if (r != OE_OK || after != OE_OK) {
        wrong(21);
    } else if (!stack_is_zero()) {
        wrong(25);
    } else if (seen.stray != 0) {
        wrong(22);
    } else if (outcome == HANDLED && seen.total == handled_before) {
        wrong(23);
    } else if (outcome == REFUSED && seen.total > handled_before + 1) {
        wrong(24);
    }
}

static void child(oe_result_t (*scenario)(void))
{
    struct sigaction sa;

    memset(&sa, 0, sizeof(sa));
    sa.sa_handler = on_signal;
    (void)sigaction(SIGUSR1, &sa, NULL);
    (void)ptrace(PTRACE_TRACEME, 0, NULL, NULL);
    (void)raise(SIGSTOP);
    for (said->outcome = ENDED;;) {
        struct hostile_fault seen;
        oe_result_t r;

        if (said->outcome == ENDED && !start()) {
            _exit(1);
        }
        if (hh_call(&e, 0, HE_SEEN, NULL, 0, &seen, sizeof(seen)) != OE_OK) {
            _exit(2);
        }
        said->outcome = NOT_THERE;
        r = scenario();
        check_after(r, seen.total);
    }
}

/* -------------------------------------------------------------------------- the parent */

enum stop { STOP_MARK, STOP_STEP, STOP_EXIT };

/* Linux takes the trap flag for the program's own once an instruction has pushed or popped flags. */
static void forget_trap_flag(pid_t pid)
{
    struct user_regs_struct r;

    (void)ptrace(PTRACE_GETREGS, pid, NULL, &r);
    if ((r.eflags & RFLAGS_TF) != 0) {
        r.eflags &= ~(unsigned long long)RFLAGS_TF;
        (void)ptrace(PTRACE_SETREGS, pid, NULL, &r);
    }
}

/* Go on until the next stop that means something; other signals are passed on. */
static enum stop go(pid_t pid, int request, int sig)
{
    int status = 0;

    for (;;) {
        siginfo_t si;

        if (ptrace((enum __ptrace_request)request, pid, NULL, (void *)(intptr_t)sig) != 0 ||
            waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status)) {
            (void)printf("  child: %s %d\n", WIFEXITED(status) ? "exit" : "signal",
                         WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
            return STOP_EXIT;
        }
        sig = WSTOPSIG(status);
        if (sig == SIGTRAP) {
            sig = 0;
            (void)ptrace(PTRACE_GETSIGINFO, pid, NULL, &si);
            forget_trap_flag(pid);
            if (si.si_code == SI_KERNEL) {
                return STOP_MARK;
            }
            if (request == PTRACE_SINGLESTEP || si.si_code == TRAP_HWBKPT) {
                return STOP_STEP;
            }
        }
    }
}

static bool set_break(pid_t pid, uint64_t address, bool on)
{
    return ptrace(PTRACE_POKEUSER, pid, offsetof(struct user, u_debugreg[0]), address) == 0 &&
           ptrace(PTRACE_POKEUSER, pid, offsetof(struct user, u_debugreg[7]), on ? DR7_FIRST : 0) ==
               0;
}

/* Where the enclave was in one run, each place once, relative to its base. */
static struct places {
    uint32_t at[PLACES_MAX];
    size_t count;
    uint64_t steps;
    uint64_t hash; /* of the way, step by step */
    uint8_t seen[1 << 24];
} places;

/* Row A2: what the host set in RFLAGS is gone by the time that an entry passes its fence. */
static bool flags_at_fence_ok(pid_t pid, const struct user_regs_struct *r)
{
    const long code = ptrace(PTRACE_PEEKTEXT, pid, (void *)r->rip, NULL);

    return (code & 0xffffff) != 0xe8ae0f || (r->eflags & RFLAGS_DF_AC) == 0;
}

static bool record(pid_t pid)
{
    enum stop s = go(pid, PTRACE_CONT, 0);

    memset(&places, 0, sizeof(places));
    for (long steps = 0; s != STOP_EXIT && steps < STEPS_MAX; steps++) {
        struct user_regs_struct r;
        uint64_t at;

        s = go(pid, PTRACE_SINGLESTEP, 0);
        if (s == STOP_MARK) {
            return true;
        }
        (void)ptrace(PTRACE_GETREGS, pid, NULL, &r);
        at = r.rip - said->base;
        if (at < said->size && at < sizeof(places.seen)) {
            places.steps++;
            places.hash = (places.hash ^ at) * 0x100000001b3ull;
            if (!flags_at_fence_ok(pid, &r)) {
                TEST_FAIL("A2: DF or AC is set at the fence at 0x%llx", (unsigned long long)at);
            }
            if (places.seen[at] == 0 && places.count < PLACES_MAX) {
                places.seen[at] = 1;
                places.at[places.count++] = (uint32_t)at;
            }
        }
    }
    return false;
}

/* One run with a signal at the first time that a place is reached. False when the child is gone. */
static bool inject(pid_t pid, uint32_t at)
{
    if (go(pid, PTRACE_CONT, 0) != STOP_MARK || !set_break(pid, said->base + at, true)) {
        return false;
    }
    switch (go(pid, PTRACE_CONT, 0)) {
    case STOP_MARK:
        return set_break(pid, 0, false); /* not there this time */
    case STOP_STEP:
        return set_break(pid, 0, false) && go(pid, PTRACE_CONT, SIGUSR1) == STOP_MARK;
    case STOP_EXIT:
        break;
    }
    return false;
}

/* The child of a scenario, stopped before its first run; 0 when there is none. */
static pid_t begin(oe_result_t (*scenario)(void))
{
    pid_t pid;
    int status = 0;

    said = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (said == MAP_FAILED) {
        return 0;
    }
    (void)fflush(stdout);
    pid = fork();
    if (pid == 0) {
        child(scenario);
    }
    (void)waitpid(pid, &status, 0);
    (void)ptrace(PTRACE_SETOPTIONS, pid, NULL, (void *)PTRACE_O_EXITKILL);
    return pid;
}

static void end(pid_t pid)
{
    int status = 0;

    (void)kill(pid, SIGKILL);
    (void)waitpid(pid, &status, 0);
    (void)munmap(said, 4096);
}

static void at_every_instruction(oe_result_t (*scenario)(void), uint64_t counts[OUTCOMES])
{
    const pid_t pid = begin(scenario);
    uint32_t last = 0;
    bool ok = true;

    memset(counts, 0, OUTCOMES * sizeof(counts[0]));
    REQUIRE(pid > 0);
    if (!set_break(pid, 0, false)) {
        end(pid);
        SKIP("no debug registers here");
    }
    ok = record(pid);
    CHECK(ok && places.count > 100 && places.count < PLACES_MAX);
    for (size_t i = 0; ok && i <= places.count; i++) {
        /* what came of an injection is known when the next run begins */
        ok = i == places.count ? go(pid, PTRACE_CONT, 0) == STOP_MARK : inject(pid, places.at[i]);
        if (i != 0 && said->bad != 0) {
            TEST_FAIL("%u after an exception at 0x%x: %s", said->bad, last,
                      oe_result_str(said->result));
            ok = false;
        }
        if (ok && i != places.count) {
            counts[said->outcome]++;
            last = places.at[i];
        } else if (!ok) {
            TEST_FAIL("after an exception at 0x%x", last);
        }
    }
    (void)printf("  %zu instructions: %llu refused, %llu handled, %llu ended the enclave, %llu had "
                 "no frame, %llu not reached\n",
                 places.count, (unsigned long long)counts[REFUSED],
                 (unsigned long long)counts[HANDLED], (unsigned long long)counts[ENDED],
                 (unsigned long long)counts[NO_FRAME], (unsigned long long)counts[NOT_THERE]);
    CHECK(counts[NOT_THERE] < places.count / 10);
    end(pid);
}

TEST(E1_exception_at_every_instruction_of_an_ecall)
{
    uint64_t counts[OUTCOMES];

    at_every_instruction(scenario_ecall, counts);
    CHECK(counts[REFUSED] > 80 && counts[HANDLED] > 300 && counts[ENDED] > 0);
}

TEST(E1_exception_at_every_instruction_of_an_ocall)
{
    uint64_t counts[OUTCOMES];

    at_every_instruction(scenario_ocall, counts);
    CHECK(counts[REFUSED] > 100 && counts[HANDLED] > 400 && counts[ENDED] > 0);
}

TEST(E1_exception_at_every_instruction_of_a_refused_entry)
{
    uint64_t counts[OUTCOMES];

    at_every_instruction(scenario_refused, counts);
    CHECK(counts[REFUSED] > 100 && counts[HANDLED] > 400 && counts[ENDED] > 0);
}

TEST(E1_exception_at_every_instruction_of_handling_one)
{
    uint64_t counts[OUTCOMES];

    at_every_instruction(scenario_exception, counts);
    CHECK(counts[NO_FRAME] > 50 && counts[HANDLED] > 200);
}

/* A host that steps the enclave and sees where it is learns nothing of an ecall's data by that. */
TEST(E7_way_of_an_ecall_does_not_depend_on_its_data)
{
    static const uint64_t secrets[] = {0, 1, UINT64_MAX, 0x8000000000000000ull,
                                       0x123456789abcdefull};
    const pid_t pid = begin(scenario_ecall);
    uint64_t steps = 0;
    uint64_t hash = 0;

    REQUIRE(pid > 0);
    for (size_t i = 0; i < sizeof(secrets) / sizeof(secrets[0]); i++) {
        said->secret = secrets[i];
        CHECK(record(pid));
        CHECK(places.steps > 500);
        if (i > 0) {
            CHECK_EQ(places.steps, steps);
            CHECK_EQ(places.hash, hash);
        }
        steps = places.steps;
        hash = places.hash;
    }
    end(pid);
}

TEST_MAIN
