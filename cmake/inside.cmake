# The C library and the crypto library that run inside an enclave, prepared from the installed
# Debian packages musl-dev and libssl-dev; docs/inside.md says how and why.
#
#   ${CM_INSIDE_DIR}/include   headers    ${CM_INSIDE_DIR}/lib   archives
#   targets: oelibc, openssl_3 (opensslssl_3, opensslcrypto_3, oecryptoopenssl_3)

set(CM_MUSL_LIB /usr/lib/x86_64-linux-musl)
set(CM_MUSL_HEADERS /usr/include/x86_64-linux-musl)
set(CM_SSL_LIB /usr/lib/x86_64-linux-gnu)
set(CM_SSL_HEADERS /usr/include/openssl)
set(CM_SSL_ARCH_HEADERS /usr/include/x86_64-linux-gnu/openssl)
foreach(needed ${CM_MUSL_LIB}/libc.a ${CM_MUSL_HEADERS}/stdio.h)
  if(NOT EXISTS ${needed})
    message(FATAL_ERROR "${needed} is missing: install the package musl-dev (scripts/bootstrap does)")
  endif()
endforeach()
foreach(needed ${CM_SSL_LIB}/libcrypto.a ${CM_SSL_LIB}/libssl.a ${CM_SSL_HEADERS}/evp.h
               ${CM_SSL_ARCH_HEADERS}/configuration.h)
  if(NOT EXISTS ${needed})
    message(FATAL_ERROR "${needed} is missing: install the package libssl-dev (scripts/bootstrap does)")
  endif()
endforeach()

# Headers are copied when the build is configured, and again when a package has changed.
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${CM_MUSL_LIB}/libc.a
             ${CM_SSL_LIB}/libcrypto.a)
file(COPY ${CM_MUSL_HEADERS}/ DESTINATION ${CM_INSIDE_INCLUDE}/libc)
file(COPY ${CM_SSL_HEADERS} ${CM_SSL_ARCH_HEADERS} DESTINATION ${CM_INSIDE_INCLUDE}/openssl_3)
file(MAKE_DIRECTORY ${CM_INSIDE_DIR}/lib)

set(dir ${CMAKE_SOURCE_DIR}/src/libc)

# our half of the C library
file(GLOB sources CONFIGURE_DEPENDS ${dir}/inside_*.c ${dir}/syscall_*.c)
add_library(cm_inside_libc OBJECT ${sources})
cm_enclave_settings(cm_inside_libc)
# -fno-builtin: calloc made of malloc and memset must not become a call of calloc
target_compile_options(cm_inside_libc PRIVATE -fno-builtin ${CM_ENCLAVE_EXPORT})
set_source_files_properties(${dir}/inside_td.c PROPERTIES COMPILE_OPTIONS -fno-stack-protector)

# our half of the crypto library
add_library(cm_inside_crypto OBJECT ${dir}/openssl_cap.c ${dir}/openssl_cpu.c ${dir}/openssl_glibc.c)
cm_enclave_settings(cm_inside_crypto)
target_compile_options(cm_inside_crypto PRIVATE -fno-builtin ${CM_ENCLAVE_EXPORT})

# musl's private layouts that our half relies on, asked of the installed library itself
add_custom_command(
  OUTPUT ${CM_INSIDE_DIR}/probe.ok
  COMMAND ${CMAKE_C_COMPILER} -O1 -nostdinc -isystem ${CM_INSIDE_INCLUDE}/libc
          -isystem ${CM_COMPILER_INCLUDE} -I ${CMAKE_SOURCE_DIR}/src -D_GNU_SOURCE -nostdlib -static
          -fno-stack-protector -fcf-protection=none -o ${CM_INSIDE_DIR}/probe
          ${CM_MUSL_LIB}/crt1.o ${dir}/prep_probe.c ${CM_MUSL_LIB}/libc.a ${CM_LIBGCC}
  COMMAND ${CM_INSIDE_DIR}/probe
  COMMAND ${CMAKE_COMMAND} -E touch ${CM_INSIDE_DIR}/probe.ok
  DEPENDS ${dir}/prep_probe.c ${dir}/inside_musl.h ${CM_MUSL_LIB}/libc.a
  COMMENT "Checking the layouts of the installed musl"
  VERBATIM)

# cm_inside_archive(file package inputs DEPENDS ... ARGS ...): one run of the archive tool
function(cm_inside_archive file package inputs)
  cmake_parse_arguments(A "" "" "DEPENDS;ARGS" ${ARGN})
  list(TRANSFORM inputs PREPEND "--in;" OUTPUT_VARIABLE in)
  add_custom_command(
    OUTPUT ${CM_INSIDE_DIR}/lib/${file}
    COMMAND cm_inside_ar --package ${package} ${in} --out ${CM_INSIDE_DIR}/lib/${file}
            --report ${CM_INSIDE_DIR}/${file}.txt ${A_ARGS}
    DEPENDS cm_inside_ar ${inputs} ${A_DEPENDS}
    COMMENT "Preparing ${file} from ${package}"
    COMMAND_EXPAND_LISTS VERBATIM)
endfunction()

# cm_inside_empty(name): an archive that only has its name
function(cm_inside_empty name)
  set(file ${CM_INSIDE_DIR}/lib/lib${name}.a)
  file(WRITE ${file}.part "!<arch>\n")
  file(COPY_FILE ${file}.part ${file} ONLY_IF_DIFFERENT)
  file(REMOVE ${file}.part)
endfunction()

set(lib ${CM_INSIDE_DIR}/lib)
cm_inside_archive(liboelibc.a musl-dev ${CM_MUSL_LIB}/libc.a
  DEPENDS $<TARGET_OBJECTS:cm_inside_libc> ${CM_INSIDE_DIR}/probe.ok ${dir}/inside_roots.txt
  ARGS --scan sections --check roots --roots ${dir}/inside_roots.txt --resolve ${CM_LIBGCC}
       --runtime __stack_chk_fail --allow cm_ --allow oe_ -- $<TARGET_OBJECTS:cm_inside_libc>)
# RC4_options: text that names the variant stands inside the symbol's size
cm_inside_archive(libopensslcrypto_3.a libssl-dev ${CM_SSL_LIB}/libcrypto.a
  DEPENDS $<TARGET_OBJECTS:cm_inside_crypto> ${lib}/liboelibc.a
  ARGS --scan functions --check whole --waive RC4_options --without .eh_frame
       --resolve ${lib}/liboelibc.a --resolve ${CM_LIBGCC} --runtime __stack_chk_fail
       --allow cm_ --allow oe_ -- $<TARGET_OBJECTS:cm_inside_crypto>)
cm_inside_archive(libopensslssl_3.a libssl-dev ${CM_SSL_LIB}/libssl.a
  DEPENDS ${lib}/liboelibc.a ${lib}/libopensslcrypto_3.a
  ARGS --scan functions --check whole --without .eh_frame --resolve ${lib}/liboelibc.a
       --resolve ${lib}/libopensslcrypto_3.a --resolve ${CM_LIBGCC}
       --runtime __stack_chk_fail --allow cm_ --allow oe_)
# a name that builds made for Open Enclave link; the shims stand in libopensslcrypto_3.a, where the
# order of the linker's command line cannot lose them
cm_inside_empty(oecryptoopenssl_3)
# as musl has them: programs name these from habit, and the host's libraries must not be found instead
foreach(name c dl m pthread rt util)
  cm_inside_empty(${name})
endforeach()

add_custom_target(cm_inside ALL DEPENDS ${lib}/liboelibc.a ${lib}/libopensslcrypto_3.a
                  ${lib}/libopensslssl_3.a)

foreach(name oelibc opensslcrypto_3 opensslssl_3 oecryptoopenssl_3)
  add_library(${name} STATIC IMPORTED GLOBAL)
  set_target_properties(${name} PROPERTIES IMPORTED_LOCATION ${lib}/lib${name}.a)
  add_dependencies(${name} cm_inside)
endforeach()
# dup, poll and who the process is: what answers them is src/syscall, which needs the C library
set_property(TARGET oelibc PROPERTY INTERFACE_LINK_LIBRARIES oesyscall)
set_property(TARGET opensslcrypto_3 PROPERTY INTERFACE_LINK_LIBRARIES oelibc)
set_property(TARGET opensslssl_3 PROPERTY INTERFACE_LINK_LIBRARIES opensslcrypto_3)
add_library(openssl_3 INTERFACE)
target_link_libraries(openssl_3 INTERFACE oecryptoopenssl_3 opensslssl_3 opensslcrypto_3)

include(inside_cxx)
include(inside_mbedtls)
