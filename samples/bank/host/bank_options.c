/* See bank_options.h. */
#include "bank_options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char bank_usage[] =
    "usage: bank [options]\n"
    "\n"
    "Several banks find accounts that move money in circles between them, without\n"
    "showing their transfers to each other or to the machine that does the work.\n"
    "\n"
    "  --input DIR      the banks' own files, DIR/NAME.csv (schema: README.md);\n"
    "                   without it, made-up transfers\n"
    "  --enclave FILE   the signed enclave (default: bank_enclave.signed beside this\n"
    "                   program)\n"
    "  --simulate       use the emulator: no SGX needed, nothing protected\n"
    "                   (OE_SIMULATION=1 in the environment says the same)\n"
    "\n"
    "what the banks verify before they release a key:\n"
    "  --policy FILE    which enclave they trust (default: bank.policy beside this\n"
    "                   program; README.md)\n"
    "  --accept-emulated\n"
    "                   also in the emulator, which protects nothing: for tests\n"
    "  --attack NAME    be a malicious host, and see it refused: swapped-key,\n"
    "                   debug-enclave, old-quote, late-quote\n"
    "\n"
    "with an attestation and key release service, which verifies for the banks:\n"
    "  --service URL    such as https://localhost:8443 (casemate serve); also needs\n"
    "  --ca FILE        the service's CA\n"
    "  --bank-token FILE, --host-token FILE\n"
    "                   who may deposit keys, and who may ask for their release\n"
    "\n"
    "the agreement:\n"
    "  --min-length N   accounts in a circle, at least (3)\n"
    "  --max-length N   accounts in a circle, at most (5; 8 is the limit)\n"
    "  --hours N        from the first to the last transfer of a circle (72)\n"
    "  --keep N         percent of the money that each transfer passes on (90)\n"
    "\n"
    "the report:\n"
    "  --circles N      circles to print (10)\n"
    "  --result FILE    the totals, sealed by the enclave for itself\n"
    "  --open FILE      only have the enclave read such a file\n"
    "\n"
    "made-up transfers:\n"
    "  --rows N         how many, 1000 to 2000000 (1000000)\n"
    "  --banks N        2 to 16 (4)\n"
    "  --seed N         the same seed makes the same files (1)\n"
    "  --generate DIR   only write them, into an empty or new folder\n"
    "\n"
    "  --help           this text\n"
    "\n"
    "exit status: 0 done, 1 refused or failed, 2 wrong usage\n";

/* a whole decimal number from low to high */
static bool number(const char *option, const char *text, uint64_t low, uint64_t high, uint64_t *out)
{
    char *end = NULL;
    unsigned long long v = 0;

    errno = 0;
    v = strtoull(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0 || v < low || v > high) {
        (void)fprintf(stderr, "bank: %s needs a number from %llu to %llu, not '%s'\n", option,
                      (unsigned long long)low, (unsigned long long)high, text);
        return false;
    }
    *out = v;
    return true;
}

static bool number32(const char *option, const char *text, uint32_t low, uint32_t high,
                     uint32_t *out)
{
    uint64_t v = 0;

    if (!number(option, text, low, high, &v)) {
        return false;
    }
    *out = (uint32_t)v;
    return true;
}

static bool attack(const char *name, enum bank_attack *out)
{
    if (bank_attack_parse(name, out)) {
        return true;
    }
    (void)fprintf(stderr, "bank: unknown attack '%s'; try bank --help\n", name);
    return false;
}

/* one option that takes a value; false when it is unknown or the value is wrong */
static bool with_value(const char *name, const char *value, struct bank_options *o)
{
    if (strcmp(name, "--input") == 0) {
        o->input = value;
    } else if (strcmp(name, "--enclave") == 0) {
        o->enclave = value;
    } else if (strcmp(name, "--policy") == 0) {
        o->policy = value;
    } else if (strcmp(name, "--attack") == 0) {
        return attack(value, &o->attack);
    } else if (strcmp(name, "--generate") == 0) {
        o->generate = value;
    } else if (strcmp(name, "--service") == 0) {
        o->service = value;
    } else if (strcmp(name, "--ca") == 0) {
        o->ca = value;
    } else if (strcmp(name, "--bank-token") == 0) {
        o->bank_token = value;
    } else if (strcmp(name, "--host-token") == 0) {
        o->host_token = value;
    } else if (strcmp(name, "--result") == 0) {
        o->result = value;
    } else if (strcmp(name, "--open") == 0) {
        o->open = value;
    } else if (strcmp(name, "--min-length") == 0) {
        return number32(name, value, BANK_MIN_LENGTH, BANK_MAX_LENGTH, &o->rules.min_length);
    } else if (strcmp(name, "--max-length") == 0) {
        return number32(name, value, BANK_MIN_LENGTH, BANK_MAX_LENGTH, &o->rules.max_length);
    } else if (strcmp(name, "--hours") == 0) {
        uint32_t hours = 0;

        if (!number32(name, value, 1, BANK_MAX_WINDOW / 3600, &hours)) {
            return false;
        }
        o->rules.window_seconds = hours * 3600;
    } else if (strcmp(name, "--keep") == 0) {
        return number32(name, value, 1, 100, &o->rules.keep_percent);
    } else if (strcmp(name, "--circles") == 0) {
        return number(name, value, 0, BANK_MAX_CIRCLES, &o->circles);
    } else if (strcmp(name, "--rows") == 0) {
        return number(name, value, 1000, BANK_MAX_ROWS, &o->plan.rows);
    } else if (strcmp(name, "--banks") == 0) {
        return number32(name, value, BANK_MIN_BANKS, BANK_MAX_BANKS, &o->plan.banks);
    } else if (strcmp(name, "--seed") == 0) {
        return number(name, value, 0, UINT64_MAX, &o->plan.seed);
    } else {
        (void)fprintf(stderr, "bank: unknown option '%s'; try bank --help\n", name);
        return false;
    }
    return true;
}

bool bank_options_parse(int argc, char **argv, struct bank_options *out)
{
    memset(out, 0, sizeof(*out));
    out->circles = 10;
    out->rules = (struct bank_rules){3, 5, 72 * 3600, 90};
    out->plan = (struct bank_plan){.seed = 1, .banks = 4, .rows = 1000000};
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0) {
            out->help = true;
            return true;
        }
        if (strcmp(argv[i], "--simulate") == 0) {
            out->simulate = true;
            continue;
        }
        if (strcmp(argv[i], "--accept-emulated") == 0) {
            out->accept_emulated = true;
            continue;
        }
        if (strncmp(argv[i], "--", 2) == 0 && i + 1 == argc) {
            (void)fprintf(stderr, "bank: '%s' is unknown or lacks its value; try bank --help\n",
                          argv[i]);
            return false;
        }
        if (strncmp(argv[i], "--", 2) != 0) {
            (void)fprintf(stderr, "bank: unexpected '%s'; try bank --help\n", argv[i]);
            return false;
        }
        if (!with_value(argv[i], argv[i + 1], out)) {
            return false;
        }
        i++;
    }
    if (out->input != NULL && out->generate != NULL) {
        (void)fprintf(stderr, "bank: --input and --generate exclude each other\n");
        return false;
    }
    if (out->service != NULL &&
        (out->ca == NULL || out->bank_token == NULL || out->host_token == NULL)) {
        (void)fprintf(stderr, "bank: --service also needs --ca, --bank-token and --host-token\n");
        return false;
    }
    if (out->service != NULL && out->attack != BANK_HONEST) {
        (void)fprintf(stderr, "bank: --attack is for banks that verify themselves\n");
        return false;
    }
    if (out->rules.min_length > out->rules.max_length) {
        (void)fprintf(stderr, "bank: --min-length is larger than --max-length\n");
        return false;
    }
    out->plan.min_length = out->rules.min_length;
    out->plan.max_length = out->rules.max_length;
    out->plan.window_seconds = out->rules.window_seconds;
    out->plan.keep_percent = out->rules.keep_percent;
    return true;
}
