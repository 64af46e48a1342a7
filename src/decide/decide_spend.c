/* See decide_spend.h. */
#include "decide/decide_spend.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

/* A client's name in the table: of IPv6 the network, for who has one address has all of it. */
static void spender_name(const char *client, char out[128])
{
    struct in6_addr a;

    (void)snprintf(out, 128, "%s", client == NULL ? "" : client);
    if (inet_pton(AF_INET6, out, &a) == 1 && !IN6_IS_ADDR_V4MAPPED(&a)) {
        memset(&a.s6_addr[8], 0, 8);
        (void)!inet_ntop(AF_INET6, &a, out, 128);
    }
}

bool cm_spend(struct cm_spending *k, uint64_t now, const char *client)
{
    struct cm_spender *s = NULL;
    char name[128] = "";

    if (k->minute != now / 60) {
        k->minute = now / 60;
        k->in_minute = 0;
        k->spender_count = 0;
    }
    if (k->in_minute >= CM_KEEPER_UNVOUCHED) {
        return false;
    }
    spender_name(client, name);
    for (size_t i = 0; i < k->spender_count && s == NULL; i++) {
        s = strcmp(k->spenders[i].client, name) == 0 ? &k->spenders[i] : NULL;
    }
    if (s == NULL) { /* there is room: in_minute is their sum */
        s = &k->spenders[k->spender_count++];
        memcpy(s->client, name, sizeof(s->client));
        s->count = 0;
    }
    if (s->count >= CM_KEEPER_UNVOUCHED_CLIENT) {
        return false;
    }
    s->count++;
    k->in_minute++;
    return true;
}
