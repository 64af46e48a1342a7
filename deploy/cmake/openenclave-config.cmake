# find_package(OpenEnclave CONFIG): the installed SDK for CMake.
#
# Targets, in namespace openenclave:: (the names are those of the Open Enclave SDK)
#   host      oehost; oehostverify (verifying only, also with COMPONENTS OEHOSTVERIFY)
#   enclave   oeenclave oelibc oelibcxx (C++) oecore oesyscall oecryptoopenssl_3 openssl_3 opensslssl_3
#             opensslcrypto_3 oecryptombedtls mbedtls mbedx509 mbedcrypto oelibc_includes oe_includes
#             oehostfs oehostsock oehostresolver oehostepoll (openenclave/bits/module.h)
#             oedebugmalloc (openenclave/debugmalloc.h)
#             cmpfs (casemate/pfs.h)
#             oeseal_gcmaes (objects: target_link_libraries(e $<TARGET_OBJECTS:openenclave::oeseal_gcmaes>))
#   tools     oesign oeedger8r oeutil oegdb casemate
# Functions
#   cm_add_app(<name> EDL <file.edl> HOST <sources> ENCLAVE <sources> [CONFIG <file>] [KEY <file.pem>]
#              [HOST_LIBS <lib>...] [ENCLAVE_LIBS <target>...] [EDL_PATHS <dir>...])
#       the programs <name>_host and <name>_enclave.signed, with the code generated from the EDL
#       file. Without KEY the image is signed with a key that this build folder makes once.
#   cm_sign_enclave(<target> [CONFIG <file>] [KEY <file.pem>])
#   cm_add_enclave_module(<name> <sources>...)
#       lib<name>.so, the shared library of one enclave: name it among ENCLAVE_LIBS. It must lie in the
#       enclave's folder when that is signed and loaded (docs/image.md); any other way to make one works too.
cmake_minimum_required(VERSION 3.11)

get_filename_component(OE_PREFIX "${CMAKE_CURRENT_LIST_DIR}/../../.." ABSOLUTE)
set(OE_LIBDIR ${OE_PREFIX}/lib)
set(OE_BINDIR ${OE_PREFIX}/bin)
set(OE_DATADIR ${OE_PREFIX}/share)
set(OE_INCLUDEDIR ${OE_PREFIX}/include)
set(OE_SCRIPTSDIR ${OE_LIBDIR}/openenclave/scripts)
set(OE_SGX ON)
set(CMAKE_SKIP_RPATH TRUE)

if(NOT CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
  message(FATAL_ERROR "This SDK makes enclaves for x86-64, not for ${CMAKE_SYSTEM_PROCESSOR}.")
endif()
set(OpenEnclave_OEHOSTVERIFY_FOUND TRUE)
foreach(component ${OpenEnclave_FIND_COMPONENTS})
  if(component STREQUAL OEHOSTVERIFY)
    continue()
  endif()
  if(OpenEnclave_FIND_REQUIRED_${component})
    message(FATAL_ERROR "This SDK has no component ${component}.")
  endif()
  set(OpenEnclave_${component}_FOUND FALSE)
endforeach()
if(TARGET openenclave::oehost)
  return()
endif()

find_program(CM_OPENSSL openssl)
set(cm_flags
  -m64 -fPIE -ftls-model=local-exec -fvisibility=hidden -fstack-protector-strong -fstack-clash-protection -fno-common
  -fno-omit-frame-pointer -ffunction-sections -fdata-sections -fcf-protection=none)
# what the compiler itself brings (stdatomic.h, intrinsics) stays; the system's C library does not
set(cm_c "$<OR:$<COMPILE_LANGUAGE:C>,$<COMPILE_LANGUAGE:CXX>>")
set(cm_gcc "$<OR:$<C_COMPILER_ID:GNU>,$<CXX_COMPILER_ID:GNU>>")
set(cm_third "${OE_INCLUDEDIR}/openenclave/3rdparty") # the path may have a blank
set(cm_libc "$<$<COMPILE_LANGUAGE:CXX>:-isystem \"${cm_third}/libcxx\"> -isystem \"${cm_third}/libc\"")
set(cm_headers
  "$<$<AND:${cm_c},${cm_gcc}>:SHELL:-nostdinc ${cm_libc} -iwithprefix include>"
  "$<$<AND:${cm_c},$<NOT:${cm_gcc}>>:SHELL:-nostdlibinc ${cm_libc}>")
set(cm_link
  -nostdlib -nodefaultlibs -nostartfiles -pie
  -Wl,--undefined=cm_musl_td_init,--undefined=cm_musl_td_exit,--undefined=cm_libc_fini
  -Wl,-e,_start,--gc-sections,--no-undefined,--no-dynamic-linker,--build-id=none,--hash-style=sysv
  -Wl,-z,text,-z,relro,-z,now,-z,separate-code,-z,noexecstack,-z,pack-relative-relocs)

string(REPLACE "-fPIE;-ftls-model=local-exec;-fvisibility=hidden" "-fPIC" cm_module_flags "${cm_flags}")
set(cm_module_link
  -nostdlib -nodefaultlibs -nostartfiles -Wl,--gc-sections,--build-id=none,--hash-style=sysv
  -Wl,-z,text,-z,relro,-z,now,-z,separate-code,-z,noexecstack)

# ---- headers
add_library(openenclave::oe_includes INTERFACE IMPORTED)
set_target_properties(openenclave::oe_includes PROPERTIES
  INTERFACE_INCLUDE_DIRECTORIES ${OE_INCLUDEDIR})
add_library(openenclave::oelibc_includes INTERFACE IMPORTED)
set_target_properties(openenclave::oelibc_includes PROPERTIES
  INTERFACE_COMPILE_OPTIONS "${cm_headers}")

# ---- host
add_library(openenclave::oehost STATIC IMPORTED)
set_target_properties(openenclave::oehost PROPERTIES
  IMPORTED_LOCATION ${OE_LIBDIR}/openenclave/host/liboehost.a
  INTERFACE_LINK_LIBRARIES "openenclave::oe_includes;crypto;dl;pthread")

add_library(openenclave::oehostverify STATIC IMPORTED)
set_target_properties(openenclave::oehostverify PROPERTIES
  IMPORTED_LOCATION ${OE_LIBDIR}/openenclave/host/liboehostverify.a
  INTERFACE_LINK_LIBRARIES "openenclave::oe_includes;crypto;dl;pthread")

# ---- enclave: the archives need each other, so they come as one group
function(cm_enclave_archive name)
  add_library(openenclave::${name} STATIC IMPORTED)
  set_target_properties(openenclave::${name} PROPERTIES
    IMPORTED_LOCATION ${OE_LIBDIR}/openenclave/enclave/lib${name}.a
    INTERFACE_LINK_LIBRARIES "${ARGN}")
endfunction()
cm_enclave_archive(oecore openenclave::oe_includes)
cm_enclave_archive(oesyscall openenclave::oe_includes)
foreach(name oehostfs oehostsock oehostresolver oehostepoll oedebugmalloc)
  cm_enclave_archive(${name} openenclave::oelibc)
endforeach()
cm_enclave_archive(cmpfs openenclave::oehostfs openenclave::opensslcrypto_3)
cm_enclave_archive(opensslcrypto_3 openenclave::oelibc)
cm_enclave_archive(opensslssl_3 openenclave::opensslcrypto_3)
set_target_properties(openenclave::opensslcrypto_3 openenclave::opensslssl_3 PROPERTIES
  INTERFACE_INCLUDE_DIRECTORIES ${OE_INCLUDEDIR}/openenclave/3rdparty/openssl_3)
# liboeenclave needs OpenSSL where an enclave uses what does; nothing else takes it from here
set(cm_archives "-loeenclave -lopensslssl_3 -lopensslcrypto_3 -loelibc -loesyscall -loecore -lgcc")
set(cm_group "-Wl,--start-group ${cm_archives} -Wl,--end-group")
add_library(openenclave::oeenclave INTERFACE IMPORTED)
set_target_properties(openenclave::oeenclave PROPERTIES
  INTERFACE_COMPILE_OPTIONS "${cm_flags}"
  INTERFACE_COMPILE_DEFINITIONS "$<${cm_c}:_GNU_SOURCE>;OE_BUILD_ENCLAVE"
  INTERFACE_LINK_OPTIONS "${cm_link}"
  INTERFACE_LINK_DIRECTORIES ${OE_LIBDIR}/openenclave/enclave
  INTERFACE_LINK_LIBRARIES "openenclave::oe_includes;openenclave::oelibc_includes;${cm_group}")
add_library(openenclave::oeseal_gcmaes OBJECT IMPORTED)
set_target_properties(openenclave::oeseal_gcmaes PROPERTIES
  IMPORTED_OBJECTS ${OE_LIBDIR}/openenclave/enclave/oeseal_gcmaes.o)
add_library(openenclave::oelibc INTERFACE IMPORTED)
set_target_properties(openenclave::oelibc PROPERTIES
  INTERFACE_LINK_DIRECTORIES ${OE_LIBDIR}/openenclave/enclave
  INTERFACE_LINK_LIBRARIES "openenclave::oelibc_includes;openenclave::oe_includes;${cm_group}")
# C++: libc++, libc++abi and libunwind are one archive here
add_library(openenclave::oelibcxx INTERFACE IMPORTED)
set_target_properties(openenclave::oelibcxx PROPERTIES
  INTERFACE_LINK_DIRECTORIES ${OE_LIBDIR}/openenclave/enclave
  INTERFACE_LINK_LIBRARIES "openenclave::oelibc_includes;openenclave::oe_includes;-Wl,--start-group -loelibcxx ${cm_archives} -Wl,--end-group")
foreach(name libcxx libcxxrt libunwind)
  add_library(openenclave::${name} INTERFACE IMPORTED)
  set_target_properties(openenclave::${name} PROPERTIES INTERFACE_LINK_LIBRARIES openenclave::oelibcxx)
endforeach()
add_library(openenclave::oecryptoopenssl_3 INTERFACE IMPORTED)
set_target_properties(openenclave::oecryptoopenssl_3 PROPERTIES
  INTERFACE_LINK_OPTIONS -Wl,--undefined=cm_public_key
  INTERFACE_LINK_LIBRARIES "openenclave::opensslssl_3;openenclave::opensslcrypto_3")
add_library(openenclave::openssl_3 INTERFACE IMPORTED)
set_target_properties(openenclave::openssl_3 PROPERTIES
  INTERFACE_LINK_OPTIONS -Wl,--undefined=cm_public_key
  INTERFACE_LINK_LIBRARIES "openenclave::opensslssl_3;openenclave::opensslcrypto_3")

# the names of OpenSSL 1.1.1's archives give OpenSSL 3
foreach(name oecryptoopenssl openssl opensslcrypto opensslssl)
  add_library(openenclave::${name} INTERFACE IMPORTED)
  set_target_properties(openenclave::${name} PROPERTIES INTERFACE_LINK_LIBRARIES openenclave::oecryptoopenssl_3)
endforeach()
# mbedTLS, for applications that were written to it
add_library(openenclave::oecryptombedtls INTERFACE IMPORTED)
set_target_properties(openenclave::oecryptombedtls PROPERTIES
  INTERFACE_INCLUDE_DIRECTORIES ${cm_third}
  INTERFACE_LINK_DIRECTORIES ${OE_LIBDIR}/openenclave/enclave
  INTERFACE_LINK_LIBRARIES "openenclave::oelibc_includes;openenclave::oe_includes;-Wl,--start-group -loecryptombedtls -lmbedtls -lmbedx509 -lmbedcrypto ${cm_archives} -Wl,--end-group")
foreach(name mbedtls mbedx509 mbedcrypto mbedcrypto_static)
  add_library(openenclave::${name} INTERFACE IMPORTED)
  set_target_properties(openenclave::${name} PROPERTIES INTERFACE_LINK_LIBRARIES openenclave::oecryptombedtls)
endforeach()

# ---- tools
foreach(tool oesign oeedger8r oeutil oegdb casemate)
  add_executable(openenclave::${tool} IMPORTED)
  set_target_properties(openenclave::${tool} PROPERTIES IMPORTED_LOCATION ${OE_BINDIR}/${tool})
endforeach()

# ---- names of Open Enclave's own parts: ours are in oecore, and nothing more need be linked
foreach(part oesnmalloc oesnmalloc_obj oedlmalloc_obj oecompiler-rt oelibasm oedebugrt)
  add_library(openenclave::${part} INTERFACE IMPORTED)
endforeach()

# ---- names that would promise what is not there: using one stops with one sentence
set(cm_no_lvi "the archives inside are not hardened against LVI, use the name without -lvi-cfg")
set(cm_no_symcrypt "SymCrypt and FIPS are not in this SDK, use openenclave::oecryptoopenssl_3")
# cm_refuse(reason name...)
function(cm_refuse reason)
  string(REGEX REPLACE "[ :,]+" "_" word "${reason}")
  foreach(name ${ARGN})
    add_library(openenclave::${name} INTERFACE IMPORTED)
    set_target_properties(openenclave::${name} PROPERTIES
      INTERFACE_CM_REFUSED "${reason}" INTERFACE_LINK_LIBRARIES "casemate::refuses__${word}") # for CMake before 3.19
  endforeach()
endfunction()
cm_refuse("${cm_no_lvi}"
  oeenclave-lvi-cfg oecore-lvi-cfg oelibc-lvi-cfg oelibcxx-lvi-cfg oesyscall-lvi-cfg
  oecryptoopenssl-lvi-cfg oecryptoopenssl_3-lvi-cfg oecryptombedtls-lvi-cfg openssl-lvi-cfg
  openssl_3-lvi-cfg opensslcrypto-lvi-cfg opensslcrypto_3-lvi-cfg opensslssl-lvi-cfg
  opensslssl_3-lvi-cfg mbedtls-lvi-cfg mbedx509-lvi-cfg mbedcrypto-lvi-cfg oehostfs-lvi-cfg
  oehostsock-lvi-cfg oehostresolver-lvi-cfg oehostepoll-lvi-cfg oeseal_gcmaes-lvi-cfg
  oesnmalloc-lvi-cfg oedebugmalloc-lvi-cfg)
cm_refuse("${cm_no_symcrypt}"
  oesymcryptengine oesymcryptprovider openssl_symcrypt_fips openssl_3_symcrypt_prov_fips)
function(apply_lvi_mitigation)
  message(FATAL_ERROR "apply_lvi_mitigation: ${cm_no_lvi}.")
endfunction()
if(LVI_MITIGATION AND NOT LVI_MITIGATION STREQUAL "None")
  message(FATAL_ERROR "LVI_MITIGATION=${LVI_MITIGATION}: the archives inside are not hardened against LVI, configure without it.")
endif()
# every target of the project that names one of these, when all of them are known
function(cm_check_refused dir)
  get_property(targets DIRECTORY ${dir} PROPERTY BUILDSYSTEM_TARGETS)
  foreach(target ${targets})
    foreach(property LINK_LIBRARIES INTERFACE_LINK_LIBRARIES)
      get_property(libs TARGET ${target} PROPERTY ${property})
      foreach(lib ${libs})
        if(TARGET "${lib}")
          get_property(reason TARGET ${lib} PROPERTY INTERFACE_CM_REFUSED)
          if(reason)
            message(FATAL_ERROR "${target} links ${lib}: ${reason}.")
          endif()
        endif()
      endforeach()
    endforeach()
  endforeach()
  get_property(dirs DIRECTORY ${dir} PROPERTY SUBDIRECTORIES)
  foreach(sub ${dirs})
    cm_check_refused(${sub})
  endforeach()
endfunction()
if(NOT CMAKE_VERSION VERSION_LESS 3.19)
  cmake_language(EVAL CODE "cmake_language(DEFER DIRECTORY [[${CMAKE_SOURCE_DIR}]] CALL cm_check_refused [[${CMAKE_SOURCE_DIR}]])")
endif()

# ---- functions
# one side's code for an EDL file into a target
function(cm_edl_generate target edl)
  cmake_parse_arguments(A "TRUSTED;UNTRUSTED;USE_PREFIX" "" "SEARCH_PATHS;DEFINES;OPTIONS" ${ARGN})
  if(A_TRUSTED)
    set(side t)
    set(side_option --trusted)
  else()
    set(side u)
    set(side_option --untrusted)
  endif()
  get_filename_component(edl ${edl} ABSOLUTE)
  get_filename_component(name ${edl} NAME_WE)
  set(dir ${CMAKE_CURRENT_BINARY_DIR}/edl/${target})
  file(MAKE_DIRECTORY ${dir})
  set(options ${side_option} --trusted-dir ${dir} --untrusted-dir ${dir} ${A_OPTIONS})
  if(A_USE_PREFIX)
    list(APPEND options --use-prefix)
  endif()
  foreach(path ${A_SEARCH_PATHS} ${OE_INCLUDEDIR})
    list(APPEND options --search-path ${path})
  endforeach()
  foreach(define ${A_DEFINES})
    list(APPEND options -D${define})
  endforeach()
  set(outputs ${dir}/${name}_${side}.c ${dir}/${name}_${side}.h ${dir}/${name}_args.h)
  add_custom_command(OUTPUT ${outputs}
    COMMAND openenclave::oeedger8r ${options} ${edl} > ${dir}/${name}_${side}.log
    DEPENDS ${edl} COMMENT "EDL ${name} (${side}) for ${target}" VERBATIM)
  target_sources(${target} PRIVATE ${outputs})
  target_include_directories(${target} PRIVATE ${dir})
endfunction()

function(cm_sign_enclave target)
  cmake_parse_arguments(A "" "CONFIG;KEY" "" ${ARGN})
  set(options)
  set(depends ${target})
  if(A_CONFIG)
    get_filename_component(config ${A_CONFIG} ABSOLUTE)
    list(APPEND options -c ${config})
    list(APPEND depends ${config})
  endif()
  if(A_KEY)
    get_filename_component(key ${A_KEY} ABSOLUTE)
    list(APPEND depends ${key})
  else()
    set(key ${CMAKE_BINARY_DIR}/signing-key.pem)
    if(NOT TARGET cm_signing_key)
      if(NOT CM_OPENSSL)
        message(FATAL_ERROR "To make a signing key, install the package openssl, or name one: KEY file.pem")
      endif()
      add_custom_command(OUTPUT ${key}
        COMMAND ${CMAKE_COMMAND} -DOPENSSL=${CM_OPENSSL} -DKEY=${key} -P ${OE_LIBDIR}/openenclave/cmake/signing-key.cmake
        COMMENT "Signing key of this build folder" VERBATIM)
      add_custom_target(cm_signing_key DEPENDS ${key})
    endif()
    list(APPEND depends cm_signing_key)
  endif()
  set(signed ${CMAKE_CURRENT_BINARY_DIR}/${target}.signed)
  add_custom_command(OUTPUT ${signed}
    COMMAND openenclave::oesign sign -e $<TARGET_FILE:${target}> ${options} -k ${key} -o ${signed}
    DEPENDS ${depends} COMMENT "Signing ${target}" VERBATIM)
  add_custom_target(${target}_signed ALL DEPENDS ${signed})
endfunction()

function(cm_add_enclave_module name)
  add_library(${name} SHARED ${ARGN})
  set_target_properties(${name} PROPERTIES C_VISIBILITY_PRESET default CXX_VISIBILITY_PRESET default
    LIBRARY_OUTPUT_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR})
  target_compile_options(${name} PRIVATE ${cm_module_flags}
    "-fmacro-prefix-map=${CMAKE_SOURCE_DIR}=/src" "-fmacro-prefix-map=${CMAKE_BINARY_DIR}=/build")
  target_compile_definitions(${name} PRIVATE _GNU_SOURCE OE_BUILD_ENCLAVE)
  target_link_options(${name} PRIVATE ${cm_module_link})
  target_link_libraries(${name} PRIVATE openenclave::oelibc_includes openenclave::oe_includes
                        ${OE_LIBDIR}/openenclave/enclave/cm_module_start.o -lgcc)
endfunction()

function(cm_add_app name)
  cmake_parse_arguments(A "" "EDL;CONFIG;KEY" "HOST;ENCLAVE;HOST_LIBS;ENCLAVE_LIBS;EDL_PATHS" ${ARGN})
  add_executable(${name}_host ${A_HOST})
  target_compile_definitions(${name}_host PRIVATE _GNU_SOURCE)
  target_link_libraries(${name}_host PRIVATE ${A_HOST_LIBS} openenclave::oehost)
  cm_edl_generate(${name}_host ${A_EDL} UNTRUSTED SEARCH_PATHS ${A_EDL_PATHS})
  add_executable(${name}_enclave ${A_ENCLAVE})
  target_link_libraries(${name}_enclave PRIVATE ${A_ENCLAVE_LIBS} openenclave::oeenclave openenclave::oelibc)
  cm_edl_generate(${name}_enclave ${A_EDL} TRUSTED SEARCH_PATHS ${A_EDL_PATHS})
  # a reproducible measurement: no path of this machine in the code (debug information, which is not
  # measured, keeps them, for the debugger)
  target_compile_options(${name}_enclave PRIVATE
    "-fmacro-prefix-map=${CMAKE_SOURCE_DIR}=/src" "-fmacro-prefix-map=${CMAKE_BINARY_DIR}=/build")
  set(options)
  foreach(o CONFIG KEY)
    if(A_${o})
      list(APPEND options ${o} ${A_${o}})
    endif()
  endforeach()
  cm_sign_enclave(${name}_enclave ${options})
  add_dependencies(${name}_host ${name}_enclave_signed)
endfunction()
