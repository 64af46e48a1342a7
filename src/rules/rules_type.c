/* The types of policies and what is in force where nobody set anything; see rules.h. */
#include <string.h>
#include <strings.h>

#include "rules/rules_private.h"

/* The six claims are what Azure's clients read from a token besides the verified ones. */
static const char sgx_default[] = "version= 1.1;\n"
                                  "configurationrules\n"
                                  "{\n"
                                  "    => issueproperty(type=\"x-ms-sgx-tcbidentifier\","
                                  " value=\"azuredefault\");\n"
                                  "};\n"
                                  "authorizationrules\n"
                                  "{\n"
                                  "    => permit();\n"
                                  "};\n"
                                  "issuancerules\n"
                                  "{\n"
                                  "    c:[type==\"x-ms-sgx-is-debuggable\"]"
                                  " => issue(type=\"is-debuggable\", value=c.value);\n"
                                  "    c:[type==\"x-ms-sgx-mrsigner\"]"
                                  " => issue(type=\"sgx-mrsigner\", value=c.value);\n"
                                  "    c:[type==\"x-ms-sgx-mrenclave\"]"
                                  " => issue(type=\"sgx-mrenclave\", value=c.value);\n"
                                  "    c:[type==\"x-ms-sgx-product-id\"]"
                                  " => issue(type=\"product-id\", value=c.value);\n"
                                  "    c:[type==\"x-ms-sgx-svn\"]"
                                  " => issue(type=\"svn\", value=c.value);\n"
                                  "    c:[type==\"x-ms-attestation-type\"]"
                                  " => issue(type=\"tee\", value=c.value);\n"
                                  "};\n";

/* its hash stands in the tokens that Azure documents for TDX: the bytes are not ours to change */
static const char permit_default[] = "version= 1.0;\n\n"
                                     "authorizationrules\n"
                                     "{\n"
                                     "    => permit();\n"
                                     "};\n\n"
                                     "issuancerules\n"
                                     "{\n"
                                     "};";

/* Azure's machines without a TEE (Trusted Launch) come by the same endpoint: who wants those says so */
static const char isolated_default[] =
    "version= 1.0;\n"
    "authorizationrules\n"
    "{\n"
    "    [type==\"x-ms-isolation-tee.x-ms-attestation-type\"] => permit();\n"
    "};\n"
    "issuancerules\n"
    "{\n"
    "};\n";

static const char refuse_default[] = "version=1.0;\n"
                                     "// nothing is permitted until a policy is set\n"
                                     "authorizationrules\n"
                                     "{\n"
                                     "    => deny();\n"
                                     "};\n"
                                     "issuancerules\n"
                                     "{\n"
                                     "};\n";

/* resources go to guests whose appraisal is affirming: what src/kbs says of them */
static const char affirming_default[] =
    "version= 1.2;\n"
    "authorizationrules\n"
    "{\n"
    "    [type==\"ear.status\", value==\"affirming\"] => permit();\n"
    "};\n"
    "issuancerules\n"
    "{\n"
    "};\n";

static const struct {
    const char *name;
    const char *text;
} types[CM_RULES_TYPES] = {
    {"SgxEnclave", sgx_default},      {"OpenEnclave", sgx_default},
    {"SevSnpVm", permit_default},     {"TdxVm", permit_default},
    {"AzureGuest", isolated_default}, {"Tpm", refuse_default},
    {"Nitro", refuse_default},        {"Gce", refuse_default},
    {"GcpToken", refuse_default},     {"Cca", refuse_default},
    {"Psa", refuse_default},          {"OpTee", refuse_default},
    {"Nvidia", refuse_default},       {"Kbs-Resource", affirming_default},
};

int cm_rules_index(const char *name)
{
    for (int i = 0; name != NULL && i < CM_RULES_TYPES; i++) {
        if (strcasecmp(types[i].name, name) == 0) {
            return i;
        }
    }
    return -1;
}

const char *cm_rules_type(const char *name)
{
    int index = cm_rules_index(name);

    return index < 0 ? NULL : types[index].name;
}

const char *cm_rules_type_at(size_t index)
{
    return index < CM_RULES_TYPES ? types[index].name : NULL;
}

const char *cm_rules_default(const char *type)
{
    int index = cm_rules_index(type);

    return index < 0 ? refuse_default : types[index].text;
}
