/*
 * The enclave of e2e_oom_test: its heap is the runtime's own, with every call counted, so that the
 * test can fail each allocation in turn and see whether all that was taken comes back.
 */
#include <openenclave/advanced/allocator.h>
#include <openenclave/enclave.h>

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "oom_t.h"

static uint64_t countdown;
static bool all_later;
static bool has_failed;
static uint64_t live;

void *__real_oe_allocator_malloc(size_t size);
void *__real_oe_allocator_calloc(size_t count, size_t size);
void *__real_oe_allocator_realloc(void *p, size_t size);
void *__real_oe_allocator_aligned_alloc(size_t alignment, size_t size);
int __real_oe_allocator_posix_memalign(void **p, size_t alignment, size_t size);
void __real_oe_allocator_free(void *p);
void *__wrap_oe_allocator_malloc(size_t size);
void *__wrap_oe_allocator_calloc(size_t count, size_t size);
void *__wrap_oe_allocator_realloc(void *p, size_t size);
void *__wrap_oe_allocator_aligned_alloc(size_t alignment, size_t size);
int __wrap_oe_allocator_posix_memalign(void **p, size_t alignment, size_t size);
void __wrap_oe_allocator_free(void *p);

static bool fails(void)
{
    if (countdown == 0) {
        return false;
    }
    if (countdown > 1) {
        countdown--;
        return false;
    }
    has_failed = true;
    countdown = all_later ? 1 : 0;
    return true;
}

static void *counted(void *p)
{
    live += p != NULL;
    return p;
}

void *__wrap_oe_allocator_malloc(size_t size)
{
    return fails() ? NULL : counted(__real_oe_allocator_malloc(size));
}

void *__wrap_oe_allocator_calloc(size_t count, size_t size)
{
    return fails() ? NULL : counted(__real_oe_allocator_calloc(count, size));
}

void *__wrap_oe_allocator_aligned_alloc(size_t alignment, size_t size)
{
    return fails() ? NULL : counted(__real_oe_allocator_aligned_alloc(alignment, size));
}

int __wrap_oe_allocator_posix_memalign(void **p, size_t alignment, size_t size)
{
    const int e = fails() ? 12 : __real_oe_allocator_posix_memalign(p, alignment, size);

    live += e == 0;
    return e;
}

void *__wrap_oe_allocator_realloc(void *p, size_t size)
{
    void *q = fails() ? NULL : __real_oe_allocator_realloc(p, size);

    live += p == NULL && q != NULL;
    return q;
}

void __wrap_oe_allocator_free(void *p)
{
    live -= p != NULL;
    __real_oe_allocator_free(p);
}

void oom_arm(uint64_t k, bool all)
{
    countdown = k;
    all_later = all;
    has_failed = false;
}

bool oom_state(uint64_t *count)
{
    countdown = 0;
    *count = live;
    return has_failed;
}

/* ------------------------------------------------------------------- generated code */

enum { LEAVES = 3, VALUES = 200 };

static void free_leaves(oom_tree *t)
{
    for (size_t i = 0; t->leaves != NULL && i < t->n; i++) {
        free(t->leaves[i].values);
    }
    free(t->leaves);
    memset(t, 0, sizeof(*t));
}

/* out of memory: what is there is freed, and nothing is handed to the caller */
static bool make_leaves(oom_tree *t)
{
    t->n = LEAVES;
    t->leaves = calloc(LEAVES, sizeof(*t->leaves));
    for (size_t i = 0; t->leaves != NULL && i < LEAVES; i++) {
        t->leaves[i].values = calloc(VALUES, sizeof(uint32_t));
        t->leaves[i].n = VALUES;
        if (t->leaves[i].values == NULL) {
            free_leaves(t);
        }
    }
    return t->leaves != NULL;
}

int oom_deep(oom_tree *t, const char *text, uint8_t *big, size_t n, oom_tree *made)
{
    for (size_t i = 0; i < t->n; i++) {
        for (size_t k = 0; k < t->leaves[i].n; k++) {
            t->leaves[i].values[k] += (uint32_t)strlen(text);
        }
    }
    memset(big, 0x5a, n);
    return make_leaves(made) ? 0 : 1; /* the generated code frees what was made */
}

int oom_ocalls(size_t n)
{
    uint8_t *in = malloc(n);
    uint8_t *out = malloc(n);
    oom_tree tree = {0, NULL};
    oom_tree theirs = {0, NULL};
    uint64_t sum = 0;
    void *host = NULL;
    int bad = 1;

    if (in == NULL || out == NULL || !make_leaves(&tree)) {
        goto done;
    }
    memset(in, 7, n);
    host = oe_host_malloc(n);
    if (host == NULL || oom_host_bytes(in, out, n) != OE_OK || memcmp(in, out, n) != 0 ||
        oom_host_deep(&sum, &tree, "text") != OE_OK || tree.leaves[1].values[1] != 1 ||
        oom_host_make(&theirs) != OE_OK || theirs.n != LEAVES || oom_host_back() != OE_OK) {
        goto done;
    }
    bad = 0;
done:
    oe_host_free(host);
    free_leaves(&theirs);
    free_leaves(&tree);
    free(in);
    free(out);
    return bad;
}

/* ---------------------------------------------------------------- the thread's things */

static pthread_key_t key;
static pthread_once_t key_once = PTHREAD_ONCE_INIT;
static __thread uint32_t local[64];

static void make_key(void)
{
    (void)pthread_key_create(&key, free);
}

int oom_locals(void)
{
    pthread_rwlock_t rw = PTHREAD_RWLOCK_INITIALIZER;
    pthread_mutex_t mutex;
    void *mine = malloc(100);
    int bad = 0;

    (void)pthread_once(&key_once, make_key);
    local[5]++;
    if (mine == NULL) {
        return 1;
    }
    if (pthread_setspecific(key, mine) != 0) {
        free(mine);
        return 1;
    }
    bad |= pthread_getspecific(key) != mine || local[5] != 1;
    bad |= pthread_mutex_init(&mutex, NULL) != 0 || pthread_mutex_lock(&mutex) != 0;
    bad |= pthread_rwlock_wrlock(&rw) != 0 || pthread_rwlock_unlock(&rw) != 0;
    bad |= pthread_mutex_unlock(&mutex) != 0 || pthread_mutex_destroy(&mutex) != 0;
    return bad;
}

int oom_streams(void)
{
    char *text = NULL;
    size_t size = 0;
    FILE *f = open_memstream(&text, &size);
    char *copy = NULL;
    int bad = 1;

    if (f != NULL) {
        bad = fprintf(f, "%d %s", 12, "words") < 0;
        for (int i = 0; i < 3000; i++) {
            bad |= fputc('x', f) != 'x';
        }
        bad |= fclose(f) != 0;
        bad |= asprintf(&copy, "%s", bad != 0 ? "" : text) < 0;
    }
    free(copy);
    free(text);
    return bad;
}

/* ------------------------------------------------------------------------------ EVP */

static bool digest_and_cipher(void)
{
    static const unsigned char zeros[32];
    unsigned char out[64];
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
    int len = 0;
    bool ok = md != NULL && c != NULL && EVP_DigestInit_ex(md, EVP_sha256(), NULL) == 1 &&
              EVP_DigestUpdate(md, zeros, sizeof(zeros)) == 1 &&
              EVP_DigestFinal_ex(md, out, NULL) == 1 &&
              EVP_EncryptInit_ex(c, EVP_aes_256_gcm(), NULL, zeros, zeros) == 1 &&
              EVP_EncryptUpdate(c, out, &len, zeros, sizeof(zeros)) == 1;

    EVP_MD_CTX_free(md);
    EVP_CIPHER_CTX_free(c);
    return ok;
}

static bool sign_and_verify(void)
{
    unsigned char sig[80];
    size_t len = sizeof(sig);
    EVP_PKEY *k = EVP_EC_gen("P-256");
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    EVP_MD_CTX *check = EVP_MD_CTX_new();
    bool ok = k != NULL && md != NULL && check != NULL &&
              EVP_DigestSignInit(md, NULL, EVP_sha256(), NULL, k) == 1 &&
              EVP_DigestSign(md, sig, &len, (const unsigned char *)"abc", 3) == 1 &&
              EVP_DigestVerifyInit(check, NULL, EVP_sha256(), NULL, k) == 1 &&
              EVP_DigestVerify(check, sig, len, (const unsigned char *)"abc", 3) == 1;

    EVP_MD_CTX_free(md);
    EVP_MD_CTX_free(check);
    EVP_PKEY_free(k);
    return ok;
}

int oom_crypto(void)
{
    return digest_and_cipher() && sign_and_verify() ? 0 : 1;
}

OE_SET_ENCLAVE_SGX2(1, 1, ({0}), ({0}), 1, 1, 0, 0, 0, 2048, 64, 2);
