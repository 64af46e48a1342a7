/* What a piece of code writes to stderr: for tests of messages. Include after harness.h. */
#ifndef CM_TESTS_LISTEN_H
#define CM_TESTS_LISTEN_H

#include <fcntl.h>
#include <stddef.h>
#include <unistd.h>

/* stderr goes into a file from here on; the result is for listen_end */
static int listen_start(void)
{
    int saved = dup(STDERR_FILENO);
    int file = open("/tmp", O_TMPFILE | O_RDWR, 0600);

    (void)dup2(file, STDERR_FILENO);
    (void)close(file);
    return saved;
}

/* stderr is what it was; what came meanwhile is in said, cut to its size and ended with NUL */
static void listen_end(int saved, char *said, size_t size)
{
    ssize_t n = pread(STDERR_FILENO, said, size - 1, 0);

    said[n > 0 ? n : 0] = '\0';
    (void)dup2(saved, STDERR_FILENO);
    (void)close(saved);
}

#endif
