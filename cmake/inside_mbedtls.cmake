# mbedTLS for enclaves of applications that were written to it, prepared from the installed Debian
# package libmbedtls-dev; docs/inside.md says how.
#
#   ${CM_INSIDE_INCLUDE}/{mbedtls,psa}   headers
#   targets: mbedtls (mbedx509, mbedcrypto, oecryptombedtls)

set(CM_MBED_LIB /usr/lib/x86_64-linux-gnu)
set(CM_MBED_HEADERS /usr/include)
foreach(needed ${CM_MBED_LIB}/libmbedcrypto.a ${CM_MBED_LIB}/libmbedx509.a ${CM_MBED_LIB}/libmbedtls.a
               ${CM_MBED_HEADERS}/mbedtls/ssl.h ${CM_MBED_HEADERS}/psa/crypto.h)
  if(NOT EXISTS ${needed})
    message(FATAL_ERROR "${needed} is missing: install the package libmbedtls-dev (scripts/bootstrap does)")
  endif()
endforeach()
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${CM_MBED_LIB}/libmbedcrypto.a)
file(COPY ${CM_MBED_HEADERS}/mbedtls ${CM_MBED_HEADERS}/psa DESTINATION ${CM_INSIDE_INCLUDE})

# our half
set(dir ${CMAKE_SOURCE_DIR}/src/libc)
add_library(cm_inside_mbedtls OBJECT ${dir}/mbedtls_clock.c ${dir}/mbedtls_cpu.c ${dir}/mbedtls_random.c)
cm_enclave_settings(cm_inside_mbedtls)
target_compile_options(cm_inside_mbedtls PRIVATE ${CM_ENCLAVE_EXPORT})
target_include_directories(cm_inside_mbedtls SYSTEM PRIVATE ${CM_INSIDE_INCLUDE})
target_compile_options(cm_inside_mbedtls PRIVATE -fno-builtin)

# The code for AES-NI stands in one object with the function that asks CPUID for it.
cm_inside_archive(libmbedcrypto.a libmbedtls-dev ${CM_MBED_LIB}/libmbedcrypto.a
  DEPENDS $<TARGET_OBJECTS:cm_inside_mbedtls> ${lib}/liboelibc.a
  ARGS --trap mbedtls_aesni_has_support --scan sections --check whole --without .eh_frame
       --resolve ${lib}/liboelibc.a --resolve ${CM_LIBGCC} --runtime __stack_chk_fail
       --allow cm_ --allow oe_ -- $<TARGET_OBJECTS:cm_inside_mbedtls>)
cm_inside_archive(libmbedx509.a libmbedtls-dev ${CM_MBED_LIB}/libmbedx509.a
  DEPENDS ${lib}/liboelibc.a ${lib}/libmbedcrypto.a
  ARGS --scan sections --check whole --without .eh_frame --resolve ${lib}/liboelibc.a
       --resolve ${lib}/libmbedcrypto.a --resolve ${CM_LIBGCC} --runtime __stack_chk_fail
       --allow cm_ --allow oe_)
cm_inside_archive(libmbedtls.a libmbedtls-dev ${CM_MBED_LIB}/libmbedtls.a
  DEPENDS ${lib}/liboelibc.a ${lib}/libmbedx509.a
  ARGS --scan sections --check whole --without .eh_frame --resolve ${lib}/liboelibc.a
       --resolve ${lib}/libmbedcrypto.a --resolve ${lib}/libmbedx509.a --resolve ${CM_LIBGCC}
       --runtime __stack_chk_fail --allow cm_ --allow oe_)
cm_inside_empty(oecryptombedtls)

add_custom_target(cm_inside_mbed ALL DEPENDS ${lib}/libmbedcrypto.a ${lib}/libmbedx509.a ${lib}/libmbedtls.a)
foreach(name mbedcrypto mbedx509 mbedtls oecryptombedtls)
  add_library(${name} STATIC IMPORTED GLOBAL)
  set_target_properties(${name} PROPERTIES IMPORTED_LOCATION ${lib}/lib${name}.a
    INTERFACE_INCLUDE_DIRECTORIES ${CM_INSIDE_INCLUDE})
  add_dependencies(${name} cm_inside_mbed)
endforeach()
set_property(TARGET mbedcrypto PROPERTY INTERFACE_LINK_LIBRARIES oelibc ${CM_LIBGCC})
set_property(TARGET mbedx509 PROPERTY INTERFACE_LINK_LIBRARIES mbedcrypto)
set_property(TARGET mbedtls PROPERTY INTERFACE_LINK_LIBRARIES mbedx509)
set_property(TARGET oecryptombedtls PROPERTY INTERFACE_LINK_LIBRARIES mbedtls)
