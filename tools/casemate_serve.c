/* The service's commands: a program of its own, beside this one. */
#include "casemate_serve.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "casemate_args.h"

#define PROGRAM "casemate-service"

int cm_command_service(char **argv)
{
    char path[4096 + sizeof(PROGRAM)] = "";
    ssize_t n = readlink("/proc/self/exe", path, 4096);
    char *slash = NULL;

    path[n > 0 ? n : 0] = '\0';
    slash = strrchr(path, '/');
    if (slash != NULL) {
        memcpy(slash + 1, PROGRAM, sizeof(PROGRAM));
        (void)execv(path, argv);
    }
    cm_print_wrapped(stderr, "casemate: ",
                     errno == ENOENT ? "the service is not installed: install casemate-service"
                                     : strerror(errno));
    return EXIT_FAILED;
}
