#!/bin/bash
# usage: seal_example.sh SEALING_MD: its example as a function, with what the text around it takes for granted.
set -euo pipefail
code=$(sed -n '/^```c$/,/^```$/{/^```/!p}' "$1")
grep '^#include' <<< "$code"
echo 'void example(uint8_t *secret, size_t secret_size, const uint8_t *purpose, size_t purpose_size);'
echo 'void example(uint8_t *secret, size_t secret_size, const uint8_t *purpose, size_t purpose_size)'
echo '{'
echo '    uint8_t *blob = NULL;'
echo '    size_t blob_size = 0;'
grep -v -e '^#include' -e '^\.\.\.$' <<< "$code"
echo '    if (r == OE_OK) {'
echo '        oe_free(secret);'
echo '    }'
echo '    oe_free(blob);'
echo '}'
