/* Runs a fuzz target over files and folders of files, so that a corpus is an ordinary test. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static int replay_file(const char *path)
{
    FILE *f = fopen(path, "rb");
    unsigned char *buf = NULL;
    long size = 0;
    int rc = -1;

    if (f == NULL) {
        return -1;
    }
    if (fseek(f, 0, SEEK_END) == 0 && (size = ftell(f)) >= 0 && fseek(f, 0, SEEK_SET) == 0) {
        buf = malloc((size_t)size + 1);
        /* an exact heap block per input, so that a sanitiser sees the first byte past the end */
        if (buf != NULL && fread(buf, 1, (size_t)size, f) == (size_t)size) {
            unsigned char *exact = malloc(size == 0 ? 1 : (size_t)size);

            if (exact != NULL) {
                memcpy(exact, buf, (size_t)size);
                (void)LLVMFuzzerTestOneInput(exact, (size_t)size);
                rc = 0;
            }
            free(exact);
        }
    }
    free(buf);
    (void)fclose(f);
    return rc;
}

static int replay_dir(const char *path, int *count)
{
    DIR *d = opendir(path);
    struct dirent *e = NULL;
    int rc = 0;

    if (d == NULL) {
        return -1;
    }
    while (rc == 0 && (e = readdir(d)) != NULL) {
        char name[4096] = "";

        if (e->d_name[0] == '.') {
            continue;
        }
        (void)snprintf(name, sizeof(name), "%s/%s", path, e->d_name);
        rc = replay_file(name);
        (*count)++;
    }
    (void)closedir(d);
    return rc;
}

int main(int argc, char **argv)
{
    int count = 0;

    for (int i = 1; i < argc; i++) {
        struct stat sb;
        int rc = stat(argv[i], &sb);

        if (rc == 0 && S_ISDIR(sb.st_mode)) {
            rc = replay_dir(argv[i], &count);
        } else if (rc == 0) {
            rc = replay_file(argv[i]);
            count++;
        }
        if (rc != 0) {
            (void)fprintf(stderr, "replay: cannot read %s\n", argv[i]);
            return 1;
        }
    }
    (void)printf("replayed %d inputs\n", count);
    return count > 0 ? 0 : 1; /* an empty corpus tests nothing */
}
