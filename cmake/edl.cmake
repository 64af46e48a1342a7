# cm_edl_generate(<target> <file.edl> TRUSTED|UNTRUSTED [USE_PREFIX] [HEADER_ONLY]
#                 [SEARCH_PATHS <dir>...] [DEFINES <name>...] [OPTIONS <oeedger8r option>...])
# Generates one side's code for an EDL file, compiles it into <target> and puts its folder on the
# target's include path. Runs again when the EDL file or anything it imports changes.
function(cm_edl_generate target edl)
  cmake_parse_arguments(A "TRUSTED;UNTRUSTED;USE_PREFIX;HEADER_ONLY" "" "SEARCH_PATHS;DEFINES;OPTIONS" ${ARGN})
  if(A_TRUSTED)
    set(side t)
    set(side_option --trusted)
  elseif(A_UNTRUSTED)
    set(side u)
    set(side_option --untrusted)
  else()
    message(FATAL_ERROR "cm_edl_generate(${target}): TRUSTED or UNTRUSTED?")
  endif()
  get_filename_component(edl ${edl} ABSOLUTE)
  get_filename_component(name ${edl} NAME_WLE)
  set(dir ${CMAKE_CURRENT_BINARY_DIR}/edl/${target})
  set(options ${side_option} --trusted-dir ${dir} --untrusted-dir ${dir} ${A_OPTIONS})
  if(A_USE_PREFIX)
    list(APPEND options --use-prefix)
  endif()
  foreach(path ${A_SEARCH_PATHS} ${CMAKE_SOURCE_DIR}/include)
    list(APPEND options --search-path ${path})
  endforeach()
  foreach(define ${A_DEFINES})
    list(APPEND options -D${define})
  endforeach()
  set(outputs ${dir}/${name}_${side}.h ${dir}/${name}_args.h)
  if(A_HEADER_ONLY)
    list(APPEND options --header-only)
  else()
    list(APPEND outputs ${dir}/${name}_${side}.c)
  endif()
  add_custom_command(
    OUTPUT ${outputs}
    COMMAND oeedger8r ${options} -MF ${dir}/${name}_${side}.d ${edl} > ${dir}_${name}_${side}.log
    DEPENDS ${edl} oeedger8r
    DEPFILE ${dir}/${name}_${side}.d
    COMMENT "EDL ${name} (${side}) for ${target}"
    VERBATIM)
  file(MAKE_DIRECTORY ${dir})
  target_sources(${target} PRIVATE ${outputs})
  target_include_directories(${target} PRIVATE ${dir} ${CMAKE_SOURCE_DIR}/include)
endfunction()
