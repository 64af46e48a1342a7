/* The fake device and the fake enclave behind it; see fake_device.h. */
#include "fake_device.h"

#include <errno.h>
#include <fcntl.h>
#include <openenclave/edger8r/host.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "abi/call.h"
#include "arch/sgx.h"
#include "os/os.h"
#include "sign/elf_fixture.h"

const oe_ecall_info_t fake_names[FAKE_NAMES] = {
    {"null"},      {"sum"},  {"ocalls"},   {"ocall_raw"}, {"fault"}, {"crash"},
    {"fault_bad"}, {"word"}, {"no_entry"}, {"einval"},    {"abort"}, {"absent"},
};
_Thread_local uint32_t fake_raw_func;
_Thread_local uint64_t fake_word = UINT64_MAX;
_Thread_local uint64_t fake_raw_arg;
_Thread_local uint64_t fake_last_tcs;
_Thread_local uint64_t fake_arena;
oe_result_t fake_init_result = OE_OK;
int fake_fail_ioctl;
int fake_errno = EIO;
bool fake_partial;
int fake_open_count;
size_t fake_mapped;
uint64_t fake_pages_added;
struct sgx_secs fake_secs;

/* what a TCS remembers between an ocall and its return */
struct fake_tcs {
    uint64_t tcs;
    struct cm_call_args *args;
    enum fake_ecall which;
    uint64_t left;
    bool in_ocall;
};
static _Thread_local struct fake_tcs stack[8];
static _Thread_local unsigned depth;

static void *pointer(uint64_t address)
{
    return (void *)(uintptr_t)address; /* NOLINT(performance-no-int-to-ptr) */
}

static int fake_open(void)
{
    int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

    __atomic_add_fetch(&fake_open_count, 1, __ATOMIC_SEQ_CST);
    return fd;
}

static int fake_close(int fd)
{
    __atomic_sub_fetch(&fake_open_count, 1, __ATOMIC_SEQ_CST);
    return close(fd);
}

static int fake_ioctl(int fd, unsigned long request, void *arg)
{
    static int calls;
    struct sgx_enclave_add_pages *add = arg;

    (void)fd;
    if (fake_fail_ioctl != 0 && --fake_fail_ioctl == 0) {
        errno = fake_errno;
        return -1;
    }
    if (request == SGX_IOC_CREATE) {
        memcpy(&fake_secs, pointer(((struct sgx_enclave_create *)arg)->src), sizeof(fake_secs));
    }
    if (request == SGX_IOC_ADD_PAGES) {
        add->count = fake_partial ? SGX_PAGE_SIZE : add->length;
        if (fake_partial && ++calls % 3 == 0) {
            add->count = 0;
            errno = EINTR;
            return -1;
        }
        __atomic_add_fetch(&fake_pages_added, add->count / SGX_PAGE_SIZE, __ATOMIC_SEQ_CST);
    }
    return 0;
}

static void *fake_mmap(void *addr, size_t len, int prot, int flags, int fd, off_t offset)
{
    (void)fd;
    (void)prot;
    if ((flags & (MAP_SHARED | MAP_FIXED)) != (MAP_SHARED | MAP_FIXED)) {
        errno = EINVAL;
        return MAP_FAILED;
    }
    __atomic_add_fetch(&fake_mapped, len, __ATOMIC_SEQ_CST);
    return mmap(addr, len, PROT_NONE, MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS, -1, offset);
}

/* of all of ELRANGE, or nothing */
static int fake_munmap(void *addr, size_t len)
{
    __atomic_store_n(&fake_mapped, 0, __ATOMIC_SEQ_CST);
    return munmap(addr, len);
}

const struct cm_sgx_device fake_device = {
    .name = "fake",
    .emulated = 1,
    .open = fake_open,
    .close = fake_close,
    .ioctl = fake_ioctl,
    .mmap = fake_mmap,
    .mprotect = mprotect,
    .munmap = fake_munmap,
    .enter = cm_fake_enter,
};

static void leave(struct cm_regs *regs, struct sgx_enclave_run *run, uint64_t word, uint64_t arg)
{
    regs->rdi = word;
    regs->rsi = arg;
    run->function = SGX_EEXIT;
}

static void except(struct sgx_enclave_run *run, uint32_t function, uint16_t vector)
{
    run->function = function;
    run->exception_vector = vector;
}

static uint64_t eret(oe_result_t result)
{
    return CM_CALL_WORD(CM_CODE_ERET, CM_ECALL_CALL_FUNCTION, 0, result);
}

static uint64_t answer_init(uint64_t arg)
{
    struct cm_init_args *args = pointer(arg);
    const char *name = pointer(args->names);
    uint64_t *ids = pointer(args->ids);

    for (uint64_t i = 0; i < args->name_count; i++) {
        ids[i] = UINT64_MAX;
        for (uint64_t k = 0; k < FAKE_COUNT; k++) {
            if (strcmp(name, fake_names[k].name) == 0) {
                ids[i] = FAKE_COUNT - 1 - k;
            }
        }
        name += strlen(name) + 1;
    }
    return CM_CALL_WORD(CM_CODE_ERET, CM_ECALL_INIT, 0, fake_init_result);
}

/* the next step of a function that makes ocalls */
static void step(struct fake_tcs *t, struct cm_regs *regs, struct sgx_enclave_run *run)
{
    t->in_ocall = true;
    if (t->which == FAKE_OCALL_RAW) {
        leave(regs, run, CM_CALL_WORD(CM_CODE_OCALL, fake_raw_func, 0, 0), fake_raw_arg);
        return;
    }
    if (t->left-- == 0) {
        depth--;
        leave(regs, run, eret(OE_OK), 0);
        return;
    }
    {
        struct cm_call_args *o = pointer(t->args->arena);

        memset(o, 0, sizeof(*o));
        leave(regs, run, CM_CALL_WORD(CM_CODE_OCALL, CM_OCALL_CALL_FUNCTION, 0, 0), t->args->arena);
    }
}

static void ecall(struct cm_regs *regs, struct sgx_enclave_run *run)
{
    struct cm_call_args *args = pointer(regs->rsi);
    enum fake_ecall which = (enum fake_ecall)(FAKE_COUNT - 1 - args->function_id);
    uint64_t in = args->input_buffer_size >= 8 ? *(uint64_t *)pointer(args->input_buffer) : 0;
    uint64_t scratch = 0;
    uint64_t *out = args->output_buffer_size >= 8 ? pointer(args->output_buffer) : &scratch;

    fake_last_tcs = run->tcs;
    fake_arena = args->arena;
    args->output_bytes_written = args->output_buffer_size;
    switch (which) {
    case FAKE_SUM:
        *out = in + 1;
        break;
    case FAKE_OCALLS:
    case FAKE_OCALL_RAW:
        stack[depth++] = (struct fake_tcs){run->tcs, args, which, in, false};
        step(&stack[depth - 1], regs, run);
        return;
    case FAKE_FAULT:
    case FAKE_CRASH:
    case FAKE_FAULT_BAD:
        stack[depth++] = (struct fake_tcs){run->tcs, args, which, in, false};
        except(run, SGX_ERESUME, SGX_VEC_UD);
        return;
    case FAKE_WORD:
        leave(regs, run, fake_word, 0);
        return;
    case FAKE_ABORT:
        leave(regs, run, eret(OE_ENCLAVE_ABORTING), 0);
        return;
    case FAKE_NO_ENTRY:
        except(run, SGX_EENTER, SGX_VEC_GP);
        return;
    case FAKE_NULL:
    case FAKE_EINVAL:
    case FAKE_COUNT:
    case FAKE_NAMES:
        break;
    }
    leave(regs, run, eret(OE_OK), 0);
}

int cm_fake_enclave(struct cm_regs *regs, uint32_t function, struct sgx_enclave_run *run)
{
    struct fake_tcs *t = depth == 0 ? NULL : &stack[depth - 1];
    uint32_t func = CM_CALL_FUNC(regs->rdi);

    if (function == SGX_ERESUME) {
        depth--;
        leave(regs, run, eret(OE_OK), 0);
        return 0;
    }
    if (CM_CALL_CODE(regs->rdi) == CM_CODE_ORET) {
        if (t->which == FAKE_OCALL_RAW) {
            depth--;
            leave(regs, run, eret((oe_result_t)CM_CALL_RESULT(regs->rdi)), 0);
        } else {
            step(t, regs, run);
        }
        return 0;
    }
    if (func == CM_ECALL_VIRTUAL_EXCEPTION) {
        enum fake_ecall which = t->which;

        if (which != FAKE_FAULT) {
            depth--;
        }
        leave(regs, run,
              which == FAKE_FAULT_BAD ? CM_CALL_WORD(CM_CODE_OCALL, CM_OCALL_CALL_FUNCTION, 0, 0)
                                      : eret(which == FAKE_FAULT ? OE_OK : OE_FAILURE),
              0);
        return 0;
    }
    if (t != NULL && t->tcs == run->tcs) { /* in an ocall: what our runtime answers */
        leave(regs, run, eret(OE_REENTRANT_ECALL), 0);
        fake_last_tcs = run->tcs;
        return 0;
    }
    if (func == CM_ECALL_INIT) {
        leave(regs, run, answer_init(regs->rsi), 0);
        return 0;
    }
    if (func == CM_ECALL_DESTRUCTOR) {
        leave(regs, run, CM_CALL_WORD(CM_CODE_ERET, func, 0, OE_OK), 0);
        return 0;
    }
    if (FAKE_COUNT - 1 - ((struct cm_call_args *)pointer(regs->rsi))->function_id == FAKE_EINVAL) {
        return -EINVAL;
    }
    ecall(regs, run);
    return 0;
}

const char *fake_image(void)
{
    static char path[64];
    static struct fixture fx;
    struct cm_why why = {""};

    if (path[0] == '\0') {
        (void)snprintf(path, sizeof(path), "/tmp/casemate_fake_%ld.img", (long)getpid());
        fx_make(&fx);
        if (cm_file_write_atomic(path, cm_span_make(fx.b, sizeof(fx.b)), 0600, &why) != CM_OK) {
            (void)printf("%s\n", why.text);
            exit(1);
        }
    }
    return path;
}

oe_result_t fake_create(const oe_ocall_func_t *ocalls, uint32_t ocall_count, oe_enclave_t **out)
{
    struct cm_load_request request = {.path = fake_image(), .device = &fake_device, .debug = true};
    struct cm_tables tables = {ocalls, ocall_count, fake_names, FAKE_NAMES};

    *out = NULL;
    return cm_create_on(&request, &tables, out);
}

oe_result_t fake_call(oe_enclave_t *e, enum fake_ecall which, uint64_t in, uint64_t *out)
{
    static uint64_t ids[FAKE_NAMES] = {
        OE_GLOBAL_ECALL_ID_NULL, OE_GLOBAL_ECALL_ID_NULL, OE_GLOBAL_ECALL_ID_NULL,
        OE_GLOBAL_ECALL_ID_NULL, OE_GLOBAL_ECALL_ID_NULL, OE_GLOBAL_ECALL_ID_NULL,
        OE_GLOBAL_ECALL_ID_NULL, OE_GLOBAL_ECALL_ID_NULL, OE_GLOBAL_ECALL_ID_NULL,
        OE_GLOBAL_ECALL_ID_NULL, OE_GLOBAL_ECALL_ID_NULL, OE_GLOBAL_ECALL_ID_NULL,
    };
    uint64_t inbuf[2] = {in, 0};
    uint64_t outbuf[2] = {0, 0};
    size_t written = 0;
    oe_result_t result = oe_call_enclave_function(e, &ids[which], fake_names[which].name, inbuf,
                                                  sizeof(inbuf), outbuf, sizeof(outbuf), &written);

    if (result == OE_OK && out != NULL) {
        *out = outbuf[0];
    }
    return result;
}
