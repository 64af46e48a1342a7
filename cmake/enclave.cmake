# How code that runs inside an enclave is compiled and linked.
#
#   cm_add_enclave_library(name SOURCES a.c ... [LIBS target ...])   a static library of enclave code
#   cm_add_enclave(name SOURCES a.c ... [LIBS target ...])           the enclave image (unsigned ELF)
#   cm_add_enclave_module(name SOURCES a.c ... [LIBS target ...])    the shared library of an image (libNAME.so)
#
# An image may have one module: name it among its LIBS. It is measured with the image, and must lie in the
# same folder when the image is signed and loaded (docs/image.md).
#
# LIBS: enclave libraries; openssl_3 for libcrypto and libssl; oelibcxx for the C++ library. The C
# library and the runtime are linked without being asked for.

set(CM_INSIDE_DIR ${CMAKE_BINARY_DIR}/inside)
set(CM_INSIDE_INCLUDE ${CM_INSIDE_DIR}/include/openenclave/3rdparty)

# the compiler's own headers (stdarg.h, intrinsics), since -nostdinc takes them away as well
if(CMAKE_C_COMPILER_ID STREQUAL "Clang")
  execute_process(COMMAND ${CMAKE_C_COMPILER} -print-resource-dir
                  OUTPUT_VARIABLE CM_COMPILER_INCLUDE OUTPUT_STRIP_TRAILING_WHITESPACE
                  COMMAND_ERROR_IS_FATAL ANY)
  string(APPEND CM_COMPILER_INCLUDE /include)
else()
  execute_process(COMMAND ${CMAKE_C_COMPILER} -print-file-name=include
                  OUTPUT_VARIABLE CM_COMPILER_INCLUDE OUTPUT_STRIP_TRAILING_WHITESPACE
                  COMMAND_ERROR_IS_FATAL ANY)
endif()
# arithmetic helpers that compiled code calls (complex and 128-bit numbers)
execute_process(COMMAND ${CMAKE_C_COMPILER} -rtlib=libgcc -print-libgcc-file-name
                OUTPUT_VARIABLE CM_LIBGCC OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
if(NOT EXISTS "${CM_LIBGCC}")
  execute_process(COMMAND ${CMAKE_C_COMPILER} -print-libgcc-file-name
                  OUTPUT_VARIABLE CM_LIBGCC OUTPUT_STRIP_TRAILING_WHITESPACE
                  COMMAND_ERROR_IS_FATAL ANY)
endif()

# The last matching -ffile-prefix-map wins, so the build directory (inside the sources) comes last.
set(CM_ENCLAVE_COMPILE
    -m64 -O2 -fPIE -ftls-model=local-exec -fvisibility=hidden -fno-common
    -ffunction-sections -fdata-sections -fstack-protector-strong
    -fstack-clash-protection -fno-omit-frame-pointer -fcf-protection=none
    -nostdinc "SHELL:-isystem \"${CM_COMPILER_INCLUDE}\"" -D_GNU_SOURCE
    "-ffile-prefix-map=${CMAKE_SOURCE_DIR}=/src" "-ffile-prefix-map=${CMAKE_BINARY_DIR}=/build")
# gcc finds libc++'s own code in what it inlines, and takes it for uninitialised
set(CM_ENCLAVE_COMPILE_CXX -Wall -Wextra -Werror -Wno-maybe-uninitialized -Wno-unknown-warning-option)
# The C library's thread hooks are asked for by name, so that they win over the weak ones that the
# runtime has for itself, in whatever order the archives come.
set(CM_ENCLAVE_LINK
    -nostdlib -nodefaultlibs -nostartfiles -pie
    -Wl,--undefined=cm_musl_td_init,--undefined=cm_musl_td_exit,--undefined=cm_libc_fini
    -Wl,-e,_start,--gc-sections,--no-undefined,--no-dynamic-linker,--build-id=none,--hash-style=sysv
    -Wl,-z,text,-z,relro,-z,now,-z,separate-code,-z,noexecstack,-z,pack-relative-relocs)

# Gives a target of enclave code its compiler settings.
function(cm_enclave_settings name)
  set_target_properties(${name} PROPERTIES POSITION_INDEPENDENT_CODE OFF)
  target_compile_options(${name} PRIVATE ${CM_ENCLAVE_COMPILE} $<$<COMPILE_LANGUAGE:C>:${CM_WARNINGS}>
                         $<$<COMPILE_LANGUAGE:CXX>:${CM_ENCLAVE_COMPILE_CXX}>)
  target_include_directories(${name} PRIVATE ${CMAKE_SOURCE_DIR}/src ${CMAKE_SOURCE_DIR}/include)
  # libc++ wraps headers of the C library, so it comes first
  target_include_directories(${name} SYSTEM PRIVATE $<$<COMPILE_LANGUAGE:CXX>:${CM_INSIDE_INCLUDE}/libcxx>
                             ${CM_INSIDE_INCLUDE}/libc ${CM_INSIDE_INCLUDE}/openssl_3)
endfunction()

# What the C library and the runtime offer to the image they offer to its module as well; in an image
# without one nothing is exported, so this changes nothing there.
set(CM_ENCLAVE_EXPORT -fvisibility=default)

function(cm_add_enclave_library name)
  cmake_parse_arguments(A "" "" "SOURCES;LIBS" ${ARGN})
  add_library(${name} STATIC ${A_SOURCES})
  cm_enclave_settings(${name})
  target_compile_options(${name} PRIVATE ${CM_ENCLAVE_EXPORT})
  target_link_libraries(${name} PUBLIC ${A_LIBS})
endfunction()

function(cm_add_enclave name)
  cmake_parse_arguments(A "" "" "SOURCES;LIBS" ${ARGN})
  add_executable(${name} ${A_SOURCES})
  if(NOT TARGET enclaves)
    add_custom_target(enclaves) # all of them: scripts/check_repro
  endif()
  add_dependencies(enclaves ${name})
  cm_enclave_settings(${name})
  target_link_options(${name} PRIVATE ${CM_ENCLAVE_LINK})
  set_target_properties(${name} PROPERTIES SKIP_BUILD_RPATH ON) # a module is where the image is
  # the libraries need each other: a program's function may be called by the runtime, the C library
  # calls the runtime, and the runtime the C library
  target_link_libraries(${name} PRIVATE -Wl,--start-group ${A_LIBS}
                        $<TARGET_NAME_IF_EXISTS:oeenclave> oelibc $<TARGET_NAME_IF_EXISTS:oesyscall>
                        $<TARGET_NAME_IF_EXISTS:oecore>
                        ${CM_LIBGCC} -Wl,--end-group)
endfunction()

# -z defs is not asked for: what a module uses of the image is found when both are signed
set(CM_MODULE_COMPILE -m64 -O2 -fPIC -fno-common -ffunction-sections -fdata-sections -fstack-protector-strong
    -fstack-clash-protection -fno-omit-frame-pointer -fcf-protection=none -nostdinc
    "SHELL:-isystem \"${CM_COMPILER_INCLUDE}\"" -D_GNU_SOURCE
    "-ffile-prefix-map=${CMAKE_SOURCE_DIR}=/src" "-ffile-prefix-map=${CMAKE_BINARY_DIR}=/build")
set(CM_MODULE_LINK -nostdlib -nodefaultlibs -nostartfiles -Wl,--gc-sections,--build-id=none,--hash-style=sysv
    -Wl,-z,text,-z,relro,-z,now,-z,separate-code,-z,noexecstack)

# what every module has last
add_library(cm_module_start OBJECT ${CMAKE_SOURCE_DIR}/src/libc/module_start.c)
target_compile_options(cm_module_start PRIVATE ${CM_MODULE_COMPILE} ${CM_WARNINGS})

function(cm_add_enclave_module name)
  cmake_parse_arguments(A "" "" "SOURCES;LIBS" ${ARGN})
  add_library(${name} SHARED ${A_SOURCES} $<TARGET_OBJECTS:cm_module_start>)
  set_target_properties(${name} PROPERTIES C_VISIBILITY_PRESET default CXX_VISIBILITY_PRESET default)
  target_compile_options(${name} PRIVATE ${CM_MODULE_COMPILE} $<$<COMPILE_LANGUAGE:C>:${CM_WARNINGS}>
                         $<$<COMPILE_LANGUAGE:CXX>:${CM_ENCLAVE_COMPILE_CXX}>)
  target_include_directories(${name} PRIVATE ${CMAKE_SOURCE_DIR}/include)
  target_include_directories(${name} SYSTEM PRIVATE $<$<COMPILE_LANGUAGE:CXX>:${CM_INSIDE_INCLUDE}/libcxx>
                             ${CM_INSIDE_INCLUDE}/libc)
  target_link_options(${name} PRIVATE ${CM_MODULE_LINK})
  target_link_libraries(${name} PRIVATE ${A_LIBS} ${CM_LIBGCC})
endfunction()
