/* Tokens are signed, verified and published by many threads while keys change under them. */
#include <pthread.h>
#include <stdatomic.h>

#include "identity_kit.h"

enum { THREADS = 4, ROUNDS = 40, ROTATIONS = 6 };

static atomic_bool wrong;

static void *work(void *arg)
{
    const enum cm_signer signer = *(const enum cm_signer *)arg;

    for (unsigned i = 0; i < ROUNDS; i++) {
        char *token = sign_as(kit_service(), signer, i % 2 == 0);

        if (verify_as(kit_service(), signer, token) != CM_OK ||
            published(kit_service(), signer) == 0) {
            atomic_store(&wrong, true);
        }
        free(token);
    }
    return NULL;
}

TEST(keys_change_while_they_are_used)
{
    static const enum cm_signer signers[THREADS] = {CM_SIGNER_RESULT, CM_SIGNER_RESULT,
                                                    CM_SIGNER_TOKEN, CM_SIGNER_RELEASE};
    enum cm_signer of[THREADS];
    pthread_t threads[THREADS];
    struct cm_why why = {""};

    start_identity();
    for (size_t i = 0; i < THREADS; i++) {
        of[i] = signers[i];
        CHECK_EQ(pthread_create(&threads[i], NULL, work, &of[i]), 0);
    }
    for (size_t i = 0; i < ROTATIONS; i++) { /* P-256: those that do not take their time */
        CHECK_EQ(cm_identity_rotate(kit_service(), CM_SIGNER_RESULT, &why), CM_OK);
    }
    for (size_t i = 0; i < THREADS; i++) {
        (void)pthread_join(threads[i], NULL);
    }
    CHECK(!atomic_load(&wrong));
    CHECK_EQ(published(kit_service(), CM_SIGNER_RESULT), ROTATIONS + 1);
    stop_identity();
}

TEST_MAIN
