/* An enclave that sets no properties: as many Open Enclave applications, it has them in its oesign file. */
#include "oeconf_t.h"

int conf_sum(int first, int second)
{
    return first + second;
}
