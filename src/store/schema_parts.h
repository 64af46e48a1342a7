/* Private to src/store: the statements of the schema's parts, each list ended by NULL. */
#ifndef CM_STORE_SCHEMA_PARTS_H
#define CM_STORE_SCHEMA_PARTS_H

extern const char *const cm_schema_access_2[];
extern const char *const cm_schema_identity_2[];
extern const char *const cm_schema_rules_2[];
extern const char *const cm_schema_decide_2[];
extern const char *const cm_schema_vault_2[];
extern const char *const cm_schema_kbs_2[];
extern const char *const cm_schema_maa_4[];

extern const char *const cm_schema_decide_3[];
extern const char *const cm_schema_vault_3[];

#endif
