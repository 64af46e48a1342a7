/* Our own collateral client against `casemate pccs`: two halves that were written apart. */
#include "emuplat_kit.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "collateral/collateral_client.h"
#include "common/span.h"

static pid_t server;
static char base[128]; /* http://127.0.0.1:N/sgx/certification/v */

/* Starts the server on a free port and reads from its first line which one that is. */
static bool start(void)
{
    char line[256] = "";
    char *end = NULL;
    int out[2];
    FILE *f = NULL;

    if (pipe(out) != 0) {
        return false;
    }
    server = fork();
    if (server == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* it must not outlive a test that fails */
        (void)dup2(out[1], STDOUT_FILENO);
        (void)close(out[0]);
        (void)close(out[1]);
        (void)execl(CASEMATE, CASEMATE, "pccs", "--port", "0", (char *)NULL);
        _exit(127);
    }
    (void)close(out[1]);
    f = fdopen(out[0], "r");
    if (server < 0 || f == NULL || fgets(line, sizeof(line), f) == NULL) {
        return false;
    }
    (void)fclose(f);
    end = strstr(line, "4/ (");
    if (end == NULL || strstr(line, "http://") == NULL) {
        return false;
    }
    *end = '\0';
    (void)snprintf(base, sizeof(base), "%s", strstr(line, "http://"));
    return true;
}

static bool stop(void)
{
    int status = 0;

    return kill(server, SIGTERM) == 0 && waitpid(server, &status, 0) == server &&
           WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* What a verifier says that fetched the collateral for a quote from the server. */
static struct kit_verdict fetched(struct cm_span quote, unsigned version)
{
    struct kit_verdict v = {CM_ERR_STATE, "not fetched", "", false, CM_AUTHORITY_HARDWARE};
    struct cm_collateral_config config;
    struct cm_collateral_parts *parts = NULL;
    struct cm_collateral_key key;
    struct cm_trust_root root;
    struct cm_why why = {{0}};
    char url[160] = "";

    (void)snprintf(url, sizeof(url), "%s%u/", base, version);
    if (cm_collateral_config_for(url, &config, &why) == CM_OK &&
        cm_collateral_key_of(quote, &key, &why) == CM_OK &&
        cm_emuplat_trust_root(&root, &why) == CM_OK) {
        config.now = cm_emuplat_clock();
        v.status = cm_collateral_fetch(&config, &key, &parts, &why);
    }
    if (parts != NULL) {
        const struct cm_dcap_collateral col = cm_parts_view(parts);
        const struct cm_verify_input in = {.now = cm_emuplat_clock(),
                                           .roots = &root,
                                           .root_count = 1,
                                           .flags = CM_VERIFY_ALLOW_EMULATED};

        v = kit_judge(quote, &col, &in, 0);
    } else {
        (void)printf("  %s\n", why.text);
    }
    cm_parts_free(parts);
    return v;
}

TEST(the_client_gets_what_verifies)
{
    static uint8_t quote[KIT_QUOTE_MAX];
    struct kit_verdict v;
    size_t size = 0;

    REQUIRE(kit_fresh());
    size = kit_quote(quote);
    REQUIRE(size != 0 && start());
    for (unsigned version = 3; version <= 4; version++) {
        v = fetched(cm_span_make(quote, size), version);
        CHECK_EQ(v.status, CM_OK);
        CHECK_STR(v.tcb, "UpToDate");
        CHECK(v.emulated);
    }
    CHECK_EQ(cm_emuplat_set_tcb(CM_DCAP_OUT_OF_DATE, NULL), CM_OK);
    v = fetched(cm_span_make(quote, size), 4);
    CHECK_EQ(v.status, CM_ERR_POLICY);
    CHECK_STR(v.tcb, "OutOfDate");
    CHECK_EQ(cm_emuplat_revoke(NULL), CM_OK);
    v = fetched(cm_span_make(quote, size), 3);
    CHECK_EQ(v.status, CM_ERR_REVOKED);
    CHECK_STR(v.check, "pck.revocation");
    CHECK(stop());
    kit_remove();
}

TEST_MAIN
