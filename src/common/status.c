/* Sentences for status codes, and the reason text; see casemate/status.h. */
#include <casemate/status.h>

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* A switch without default: -Wswitch-enum names a code that has no sentence. */
const char *cm_status_str(enum cm_status st)
{
    switch (st) {
    case CM_OK:
        return "success";
    case CM_ERR_PARAM:
        return "an argument is missing, out of range or contradicts another";
    case CM_ERR_STATE:
        return "the object is not in a state that allows this";
    case CM_ERR_SPACE:
        return "the buffer is too small";
    case CM_ERR_EXISTS:
        return "it exists already";
    case CM_ERR_FORMAT:
        return "the input is malformed";
    case CM_ERR_LIMIT:
        return "the input exceeds a stated limit";
    case CM_ERR_OVERFLOW:
        return "a size or an address does not fit its type";
    case CM_ERR_UNSUPPORTED:
        return "a version or feature that is not supported";
    case CM_ERR_SYNTAX:
        return "the text does not follow its grammar";
    case CM_ERR_SIGNATURE:
        return "a signature does not verify";
    case CM_ERR_MISMATCH:
        return "a value differs from the required one";
    case CM_ERR_POLICY:
        return "policy does not accept it";
    case CM_ERR_EXPIRED:
        return "it is outside its period of validity";
    case CM_ERR_REVOKED:
        return "it is revoked";
    case CM_ERR_DENIED:
        return "the platform or the operating system refused";
    case CM_ERR_NOMEM:
        return "out of memory";
    case CM_ERR_IO:
        return "a read or a write failed";
    case CM_ERR_NOTFOUND:
        return "it was not found";
    case CM_ERR_CRYPTO:
        return "the cryptographic library failed";
    case CM_ERR_PLATFORM:
        return "the processor, the kernel or a driver failed or lacks something";
    case CM_ERR_BUSY:
        return "it is in use";
    }
    return "unknown status code";
}

bool cm_why_names(const struct cm_why *why, const char *name)
{
    const size_t n = strlen(name);
    const size_t most = sizeof(why->text) - 1;

    /* a name that is longer than the text can be: what is there of it */
    return n < most ? strncmp(why->text, name, n) == 0 && why->text[n] == ':'
                    : strncmp(why->text, name, most) == 0;
}

void cm_why_set(struct cm_why *why, const char *fmt, ...)
{
    va_list args;

    if (why == NULL || why->text[0] != '\0') {
        return;
    }
    va_start(args, fmt);
    (void)vsnprintf(why->text, sizeof(why->text), fmt, args);
    va_end(args);
}
