/* Where a user's state is kept, whatever the environment says or does not say. */
#include "harness.h"

#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/os.h"

/* the home folder that the user database gives; NULL: it does not know the user */
static const char *database_home;

int getpwuid_r(uid_t uid, struct passwd *entry, char *buf, size_t size, struct passwd **found)
{
    *found = NULL;
    if (uid != geteuid() || database_home == NULL || strlen(database_home) >= size) {
        return 0;
    }
    memset(entry, 0, sizeof(*entry));
    memcpy(buf, database_home, strlen(database_home) + 1);
    entry->pw_dir = buf;
    *found = entry;
    return 0;
}

static char folder[64];
static char path[256];
static struct cm_why why;

/* CM_ERR_* of cm_state_dir with these variables; NULL: not set */
static enum cm_status with(const char *own, const char *xdg, const char *home, const char *database)
{
    const char *const names[] = {"CASEMATE_STATE_DIR", "XDG_STATE_HOME", "HOME"};
    const char *const values[] = {own, xdg, home};

    for (size_t i = 0; i < 3; i++) {
        (void)(values[i] != NULL ? setenv(names[i], values[i], 1) : unsetenv(names[i]));
    }
    database_home = database;
    path[0] = '\0';
    memset(&why, 0, sizeof(why));
    return cm_state_dir(path, sizeof(path), &why);
}

/* it is folder/below, and exists; removes it down to `folder` */
static bool is_below(const char *below)
{
    char want[256];
    struct stat sb;
    bool good = false;

    (void)snprintf(want, sizeof(want), "%s%s", folder, below);
    good = strcmp(path, want) == 0 && stat(want, &sb) == 0 && (sb.st_mode & 0777) == 0700;
    while (strlen(want) > strlen(folder)) {
        (void)rmdir(want);
        *strrchr(want, '/') = '\0';
    }
    return good;
}

static bool ready(void)
{
    (void)snprintf(folder, sizeof(folder), "/tmp/cm_state_XXXXXX");
    return mkdtemp(folder) != NULL;
}

TEST(the_first_absolute_variable_counts)
{
    REQUIRE(ready());
    CHECK_EQ(with(folder, "/nowhere", "/nowhere", "/nowhere"), CM_OK);
    CHECK_STR(path, folder);
    CHECK_EQ(with(NULL, folder, "/nowhere", "/nowhere"), CM_OK);
    CHECK(is_below("/casemate"));
    CHECK_EQ(with(NULL, NULL, folder, "/nowhere"), CM_OK);
    CHECK(is_below("/.local/state/casemate"));
    /* empty is not set; a relative one of the system's is nobody's (XDG base directories) */
    CHECK_EQ(with("", "", folder, "/nowhere"), CM_OK);
    CHECK(is_below("/.local/state/casemate"));
    CHECK_EQ(with("", "state", folder, "/nowhere"), CM_OK);
    CHECK(is_below("/.local/state/casemate"));
    (void)rmdir(folder);
}

TEST(without_variables_the_user_database_is_asked)
{
    REQUIRE(ready());
    CHECK_EQ(with(NULL, NULL, NULL, folder), CM_OK);
    CHECK(is_below("/.local/state/casemate"));
    CHECK_EQ(with("", "", "", folder), CM_OK);
    CHECK(is_below("/.local/state/casemate"));
    CHECK_EQ(with(NULL, NULL, "home", folder), CM_OK);
    CHECK(is_below("/.local/state/casemate"));
    CHECK_EQ(with(NULL, NULL, NULL, NULL), CM_ERR_NOTFOUND);
    CHECK(strstr(why.text, "CASEMATE_STATE_DIR") != NULL);
    CHECK_EQ(with(NULL, NULL, NULL, "relative"), CM_ERR_NOTFOUND);
    CHECK_EQ(with(NULL, NULL, NULL, "/proc/nowhere"), CM_ERR_IO);
    CHECK(strstr(why.text, "/proc/nowhere") != NULL);
    (void)rmdir(folder);
}

/* a state folder that depends on where a program starts would lose what was sealed elsewhere */
TEST(a_relative_state_folder_is_refused)
{
    CHECK_EQ(with("state", "/nowhere", "/nowhere", "/nowhere"), CM_ERR_PARAM);
    CHECK(strstr(why.text, "CASEMATE_STATE_DIR") != NULL);
    CHECK_EQ(access("state", F_OK), -1);
    CHECK_EQ(with("./state", NULL, NULL, NULL), CM_ERR_PARAM);
}

TEST(a_path_too_long_is_refused)
{
    char longer[300];

    memset(longer, 'x', sizeof(longer));
    longer[0] = '/';
    longer[sizeof(longer) - 1] = '\0';
    CHECK_EQ(with(longer, NULL, NULL, NULL), CM_ERR_LIMIT);
    CHECK_EQ(with(NULL, NULL, longer, NULL), CM_ERR_LIMIT);
    CHECK_EQ(with(NULL, NULL, NULL, longer), CM_ERR_LIMIT);
}

TEST_MAIN
