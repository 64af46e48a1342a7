# What `make install` puts where; scripts/package makes the Debian packages from the same tree.
#
#   bin/                                 casemate casemate-service oesign oeedger8r oeutil oeverify oegdb
#   include/{openenclave,casemate}/      the API; 3rdparty/: headers of musl, libc++, OpenSSL, mbedTLS
#   lib/openenclave/{host,enclave}/      the libraries; lib/openenclave/cmake/, share/pkgconfig/
#   lib/libcasemate-sgxemu.so            the emulator, preloaded
#   lib/casemate/                        enclaves of casemate doctor and oeutil
#   share/openenclave/                   openenclaverc, samples/
#   share/man/man1/, share/bash-completion/completions/
#   share/doc/casemate/                  documents
set(CM_API_VERSION 0.19.0) # of the Open Enclave SDK whose API this is
set(oe lib/openenclave)

# the names that applications link, in this build as well
if(TARGET openssl_3)
  add_library(openenclave::oecryptoopenssl_3 ALIAS openssl_3)
endif()
add_library(openenclave::oelibcxx ALIAS oelibcxx)
add_library(openenclave::oecryptombedtls ALIAS oecryptombedtls)

# The modules of the C library. Builds name them before or after the other archives, so each is a line
# for the linker that brings along what the module needs.
set(modules oehostfs oehostsock oehostresolver oehostepoll cmpfs)
set(cmpfs_needs "-loehostfs_module -loeenclave -lopensslcrypto_3 ")
foreach(name ${modules})
  if(TARGET ${name})
    file(WRITE ${CMAKE_BINARY_DIR}/modules/lib${name}.a
         "GROUP ( -l${name}_module ${${name}_needs}-loesyscall -loelibc -loecore )\n")
    install(FILES ${CMAKE_BINARY_DIR}/modules/lib${name}.a DESTINATION ${oe}/enclave)
    install(FILES $<TARGET_FILE:${name}> DESTINATION ${oe}/enclave RENAME lib${name}_module.a)
  endif()
endforeach()

# linking this one is asking for it, wherever it stands
if(TARGET oedebugmalloc)
  file(WRITE ${CMAKE_BINARY_DIR}/modules/liboedebugmalloc.a
       "EXTERN ( cm_debug_heap )\nGROUP ( -loedebugmalloc_module -loesyscall -loelibc -loecore )\n")
  install(FILES ${CMAKE_BINARY_DIR}/modules/liboedebugmalloc.a DESTINATION ${oe}/enclave)
  install(FILES $<TARGET_FILE:oedebugmalloc> DESTINATION ${oe}/enclave RENAME liboedebugmalloc_module.a)
endif()

add_custom_target(sdk)
foreach(part cm_module_start casemate casemate-service oesign oeedger8r oehost oehostverify oecore oeenclave oeseal_gcmaes cm_inside cm_inside_libcxx cm_inside_mbed casemate-sgxemu cm_keeper selftest_host
             oeutil oeverify oesyscall oedebugmalloc ${modules})
  if(TARGET ${part})
    add_dependencies(sdk ${part})
  endif()
endforeach()

# man pages, each from its text and from what its tool says to --help
set(pages)
foreach(tool casemate oesign oeedger8r oeutil oeverify)
  if(TARGET ${tool})
    set(page ${CMAKE_BINARY_DIR}/man/${tool}.1)
    add_custom_command(OUTPUT ${page}
      COMMAND ${CMAKE_COMMAND} -E make_directory ${CMAKE_BINARY_DIR}/man
      COMMAND ${CMAKE_SOURCE_DIR}/deploy/man/manpage.sh $<TARGET_FILE_DIR:${tool}> ${PROJECT_VERSION}
              ${CMAKE_SOURCE_DIR}/deploy/man/${tool}.1.in ${page}
      DEPENDS ${tool} ${CMAKE_SOURCE_DIR}/deploy/man/manpage.sh ${CMAKE_SOURCE_DIR}/deploy/man/${tool}.1.in
      COMMENT "Making the man page of ${tool}" VERBATIM)
    list(APPEND pages ${page})
  endif()
endforeach()
set(page ${CMAKE_BINARY_DIR}/man/oegdb.1)
add_custom_command(OUTPUT ${page}
  COMMAND ${CMAKE_COMMAND} -E make_directory ${CMAKE_BINARY_DIR}/man
  COMMAND ${CMAKE_SOURCE_DIR}/deploy/man/manpage.sh ${CMAKE_SOURCE_DIR}/deploy/debugger ${PROJECT_VERSION}
          ${CMAKE_SOURCE_DIR}/deploy/man/oegdb.1.in ${page}
  DEPENDS ${CMAKE_SOURCE_DIR}/deploy/debugger/oegdb ${CMAKE_SOURCE_DIR}/deploy/man/manpage.sh
          ${CMAKE_SOURCE_DIR}/deploy/man/oegdb.1.in
  COMMENT "Making the man page of oegdb" VERBATIM)
list(APPEND pages ${page})
set(page ${CMAKE_BINARY_DIR}/man/casemate-serve.1)
add_custom_command(OUTPUT ${page}
  COMMAND ${CMAKE_COMMAND} -E make_directory ${CMAKE_BINARY_DIR}/man
  COMMAND ${CMAKE_SOURCE_DIR}/deploy/man/manpage.sh $<TARGET_FILE_DIR:casemate> ${PROJECT_VERSION}
          ${CMAKE_SOURCE_DIR}/deploy/man/casemate-serve.1.in ${page}
  DEPENDS casemate casemate-service ${CMAKE_SOURCE_DIR}/deploy/man/manpage.sh
          ${CMAKE_SOURCE_DIR}/deploy/man/casemate-serve.1.in
  COMMENT "Making the man page of casemate serve" VERBATIM)
list(APPEND pages ${page})
add_custom_target(manpages ALL DEPENDS ${pages})
add_dependencies(sdk manpages)
install(FILES ${pages} DESTINATION share/man/man1)
foreach(tool casemate oesign oeedger8r oeutil oeverify oegdb) # one file: bash looks for it by the tool's name
  install(FILES ${CMAKE_SOURCE_DIR}/deploy/completion/casemate
          DESTINATION share/bash-completion/completions RENAME ${tool})
endforeach()

install(TARGETS oehost oehostverify ARCHIVE DESTINATION ${oe}/host)
install(TARGETS oecore oeenclave oesyscall ARCHIVE DESTINATION ${oe}/enclave)
install(FILES ${CM_INSIDE_DIR}/lib/liboelibc.a ${CM_INSIDE_DIR}/lib/liboelibcxx.a
              ${CM_INSIDE_DIR}/lib/libopensslcrypto_3.a
              ${CM_INSIDE_DIR}/lib/libopensslssl_3.a ${CM_INSIDE_DIR}/lib/liboecryptoopenssl_3.a
              ${CM_INSIDE_DIR}/lib/libmbedtls.a ${CM_INSIDE_DIR}/lib/libmbedx509.a
              ${CM_INSIDE_DIR}/lib/libmbedcrypto.a ${CM_INSIDE_DIR}/lib/liboecryptombedtls.a
        DESTINATION ${oe}/enclave)
install(FILES $<TARGET_OBJECTS:cm_module_start> DESTINATION ${oe}/enclave RENAME cm_module_start.o)
foreach(name c dl m pthread rt util)
  install(FILES ${CM_INSIDE_DIR}/lib/lib${name}.a DESTINATION ${oe}/enclave)
endforeach()
install(FILES $<TARGET_OBJECTS:oeseal_gcmaes> DESTINATION ${oe}/enclave RENAME oeseal_gcmaes.o)
if(TARGET casemate-sgxemu)
  install(TARGETS casemate-sgxemu LIBRARY DESTINATION lib)
endif()
install(DIRECTORY ${CMAKE_SOURCE_DIR}/include/openenclave ${CMAKE_SOURCE_DIR}/include/casemate
        DESTINATION include)
install(DIRECTORY ${CM_INSIDE_INCLUDE}/ DESTINATION include/openenclave/3rdparty)
install(DIRECTORY ${CMAKE_SOURCE_DIR}/samples/ DESTINATION share/openenclave/samples
        PATTERN "samples/CMakeLists.txt" EXCLUDE)
install(FILES ${CMAKE_SOURCE_DIR}/README.md ${CMAKE_SOURCE_DIR}/CHANGELOG.md
              ${CMAKE_SOURCE_DIR}/SECURITY.md ${CMAKE_SOURCE_DIR}/LICENSE
              ${CMAKE_SOURCE_DIR}/deploy/NOTICE DESTINATION share/doc/casemate)
install(DIRECTORY ${CMAKE_SOURCE_DIR}/deploy/policies DESTINATION share/casemate)
install(FILES ${CMAKE_SOURCE_DIR}/deploy/systemd/casemate.service ${CMAKE_SOURCE_DIR}/deploy/systemd/serve.conf
        DESTINATION share/casemate/systemd)
install(DIRECTORY ${CMAKE_SOURCE_DIR}/docs/ DESTINATION share/doc/casemate/docs)

# The disassembler is not in every distribution that the tools run on, so it travels along.
file(GLOB zydis ${CM_SSL_LIB}/libZydis.so.4.0)
if(zydis)
  file(REAL_PATH ${zydis} zydis_file)
  install(FILES ${zydis_file} DESTINATION ${oe}/private RENAME libZydis.so.4.0)
endif()
set_target_properties(casemate oesign PROPERTIES INSTALL_RPATH "$ORIGIN/../${oe}/private")

set(gen ${CMAKE_BINARY_DIR}/generated)
configure_file(${CMAKE_SOURCE_DIR}/deploy/cmake/openenclave-config-version.cmake.in
               ${gen}/openenclave-config-version.cmake @ONLY)
install(FILES ${CMAKE_SOURCE_DIR}/deploy/cmake/openenclave-config.cmake
              ${CMAKE_SOURCE_DIR}/deploy/cmake/signing-key.cmake
              ${gen}/openenclave-config-version.cmake DESTINATION ${oe}/cmake)
# The prefix is known only when installing. Straight to its place: two installations of one build tree at the
# same time would write and read one file between.
install(CODE "
  file(READ \"${CMAKE_SOURCE_DIR}/deploy/openenclaverc.in\" text)
  string(REPLACE \"'\" \"'\\\\''\" prefix \"\${CMAKE_INSTALL_PREFIX}\")
  string(REPLACE \"PREFIX_OF_THE_INSTALLATION\" \"'\${prefix}'\" text \"\${text}\")
  set(rc \"\${CMAKE_INSTALL_PREFIX}/share/openenclave/openenclaverc\")
  file(WRITE \"\$ENV{DESTDIR}\${rc}\" \"\${text}\")
  list(APPEND CMAKE_INSTALL_MANIFEST_FILES \"\${rc}\")")

foreach(COMPILER gcc g++ clang clang++)
  set(LIBCXX)
  set(HEADERS)
  if(COMPILER MATCHES "\\+")
    set(LIBCXX " -loelibcxx")
    set(HEADERS " -isystem \${includedir}/openenclave/3rdparty/libcxx")
  endif()
  string(APPEND HEADERS " -isystem \${includedir}/openenclave/3rdparty/libc")
  if(COMPILER MATCHES "^g")
    string(CONCAT HEADERS "-nostdinc" "${HEADERS}" " -iwithprefix include")
  else()
    string(CONCAT HEADERS "-nostdlibinc" "${HEADERS}")
  endif()
  foreach(part oehost oehostverify oeenclave)
    configure_file(${CMAKE_SOURCE_DIR}/deploy/pkgconfig/${part}.pc.in ${gen}/${part}-${COMPILER}.pc @ONLY)
    install(FILES ${gen}/${part}-${COMPILER}.pc DESTINATION share/pkgconfig)
  endforeach()
  configure_file(${CMAKE_SOURCE_DIR}/deploy/pkgconfig/oeenclave-lvi-cfg.pc.in
                 ${gen}/oeenclave-${COMPILER}-lvi-cfg.pc @ONLY)
  install(FILES ${gen}/oeenclave-${COMPILER}-lvi-cfg.pc DESTINATION share/pkgconfig)
endforeach()

# the debugger: gdb with a script that finds the enclaves; docs/debugging.md
install(PROGRAMS ${CMAKE_SOURCE_DIR}/deploy/debugger/oegdb DESTINATION bin)
install(FILES ${CMAKE_SOURCE_DIR}/deploy/debugger/casemate_gdb.py DESTINATION share/openenclave/debugger)
