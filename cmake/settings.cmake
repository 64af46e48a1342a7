# Compiler settings of host-side code: language, warnings, hardening, sanitisers.
set(CMAKE_C_STANDARD 17)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS ON) # POSIX and GNU names of the C library; the code itself is C17
set(CMAKE_CXX_STANDARD 17)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_C_VISIBILITY_PRESET hidden)

set(CM_WARNINGS
    -Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow -Wstrict-prototypes
    -Wmissing-prototypes -Wold-style-definition -Wundef -Wvla -Wcast-qual -Wcast-align
    -Wpointer-arith -Wwrite-strings -Wswitch-enum -Wformat=2 -Wimplicit-fallthrough
    -Wnull-dereference -Werror)
if(CMAKE_C_COMPILER_ID STREQUAL "GNU")
  list(APPEND CM_WARNINGS -Wjump-misses-init)
endif()

set(CM_HOST_FLAGS -D_GNU_SOURCE -fno-common "-ffile-prefix-map=${CMAKE_SOURCE_DIR}=/src"
    "-ffile-prefix-map=${CMAKE_BINARY_DIR}=/build")
set(CM_HOST_LINK -Wl,-z,relro,-z,now,-z,noexecstack)
if(CM_SANITIZE)
  list(APPEND CM_HOST_FLAGS -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)
  list(APPEND CM_HOST_LINK -fsanitize=address,undefined)
elseif(CM_TSAN)
  list(APPEND CM_HOST_FLAGS -fsanitize=thread)
  list(APPEND CM_HOST_LINK -fsanitize=thread)
else()
  list(APPEND CM_HOST_FLAGS -fstack-protector-strong -D_FORTIFY_SOURCE=2)
endif()
if(CM_FUZZ)
  list(APPEND CM_HOST_FLAGS -fsanitize=fuzzer-no-link)
endif()
