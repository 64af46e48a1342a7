/* One holder at a time, among threads and processes; see os.h. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "os/os.h"

enum cm_status cm_file_lock(const char *path, int *fd, struct cm_why *why)
{
    int r = -1;

    *fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    do {
        r = *fd < 0 ? -1 : flock(*fd, LOCK_EX);
    } while (r != 0 && *fd >= 0 && errno == EINTR);
    if (r != 0) {
        cm_why_set(why, "%s: %s", path, strerror(errno));
        cm_file_unlock(*fd);
        *fd = -1;
        return CM_ERR_IO;
    }
    return CM_OK;
}

void cm_file_unlock(int fd)
{
    if (fd >= 0) {
        (void)close(fd);
    }
}
