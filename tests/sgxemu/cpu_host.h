/* A host with one enclave and a handler that counts: for the tests of masks and waits. */
#ifndef CM_TESTS_CPU_HOST_H
#define CM_TESTS_CPU_HOST_H

#include <signal.h>
#include <string.h>

#include "cpu_kit.h"

static struct kit_enclave enc;
static volatile uint64_t signals_seen;

static bool ready(void)
{
    return enc.base != NULL || cpu_build(&enc, NULL);
}

static void reset(void)
{
    signals_seen = 0;
}

static void set(int sig, void (*handler)(int), int flags)
{
    struct sigaction sa;

    memset(&sa, 0, sizeof(sa));
    sa.sa_handler = handler;
    sa.sa_flags = flags;
    (void)sigaction(sig, &sa, NULL);
}

static void on_signal(int sig)
{
    (void)sig;
    signals_seen++;
}

#endif
