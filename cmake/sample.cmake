# An application of two parts: a host program and a signed enclave.
#
#   cm_sign_enclave(<enclave target> [CONFIG <file>] [KEY <file.pem>])
#       Signs the image into <its folder>/<its name>.signed as part of the build. Without KEY, with
#       this build folder's own key, which is made once.
#   cm_add_app(<name> EDL <file.edl> HOST <sources> ENCLAVE <sources> [CONFIG <file>]
#              [HOST_LIBS <target>...] [ENCLAVE_LIBS <target>...] [EDL_PATHS <dir>...])
#       The programs <name>_host and <name>_enclave.signed, with the code generated from the EDL file.

function(cm_build_key out)
  set(key ${CMAKE_BINARY_DIR}/signing-key.pem)
  if(NOT TARGET signing_key)
    add_custom_command(
      OUTPUT ${key}
      COMMAND ${CMAKE_COMMAND} -DOPENSSL=openssl -DKEY=${key}
              -P ${CMAKE_SOURCE_DIR}/deploy/cmake/signing-key.cmake
      COMMENT "Signing key of this build folder"
      VERBATIM)
    add_custom_target(signing_key DEPENDS ${key})
  endif()
  set(${out} ${key} PARENT_SCOPE)
endfunction()

function(cm_sign_enclave target)
  cmake_parse_arguments(A "" "CONFIG;KEY" "" ${ARGN})
  set(options)
  set(depends ${target} oesign)
  if(A_CONFIG)
    get_filename_component(config ${A_CONFIG} ABSOLUTE)
    list(APPEND options -c ${config})
    list(APPEND depends ${config})
  endif()
  if(A_KEY)
    get_filename_component(key ${A_KEY} ABSOLUTE)
  else()
    cm_build_key(key)
    list(APPEND depends signing_key)
  endif()
  set(signed ${CMAKE_CURRENT_BINARY_DIR}/${target}.signed)
  add_custom_command(
    OUTPUT ${signed}
    COMMAND oesign sign -e $<TARGET_FILE:${target}> ${options} -k ${key} -o ${signed}
            > ${signed}.log
    DEPENDS ${depends}
    COMMENT "Signing ${target}"
    VERBATIM)
  add_custom_target(${target}_signed ALL DEPENDS ${signed})
endfunction()

function(cm_add_app name)
  cmake_parse_arguments(A "" "EDL;CONFIG" "HOST;ENCLAVE;HOST_LIBS;ENCLAVE_LIBS;EDL_PATHS" ${ARGN})
  cm_add_program(${name}_host SOURCES ${A_HOST} LIBS ${A_HOST_LIBS} oehost)
  cm_edl_generate(${name}_host ${A_EDL} UNTRUSTED SEARCH_PATHS ${A_EDL_PATHS})
  cm_add_enclave(${name}_enclave SOURCES ${A_ENCLAVE} LIBS ${A_ENCLAVE_LIBS})
  cm_edl_generate(${name}_enclave ${A_EDL} TRUSTED SEARCH_PATHS ${A_EDL_PATHS})
  if(A_CONFIG)
    cm_sign_enclave(${name}_enclave CONFIG ${A_CONFIG})
  else()
    cm_sign_enclave(${name}_enclave)
  endif()
  add_dependencies(${name}_host ${name}_enclave_signed)
endfunction()
