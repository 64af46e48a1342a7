# The C++ library that runs inside an enclave, prepared from the installed Debian packages
# libc++-14-dev (whose libc++.a holds libc++abi as well) and libunwind-14-dev; docs/inside.md says how.
#
#   ${CM_INSIDE_INCLUDE}/libcxx   headers, cured for musl    target: oelibcxx

set(CM_CXX_ROOT /usr/lib/llvm-14)
set(CM_CURE_FROM ${CM_CXX_ROOT}/include/c++/v1)
foreach(needed ${CM_CXX_ROOT}/lib/libc++.a ${CM_CXX_ROOT}/lib/libunwind.a ${CM_CURE_FROM}/__config_site)
  if(NOT EXISTS ${needed})
    message(FATAL_ERROR
      "${needed} is missing: install the packages libc++-14-dev, libc++abi-14-dev and libunwind-14-dev (scripts/bootstrap does)")
  endif()
endforeach()
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${CM_CXX_ROOT}/lib/libc++.a
             ${CM_CURE_FROM}/__config_site)

set(CM_CURE_TO ${CM_INSIDE_INCLUDE}/libcxx)
set(CM_CURE_PACKAGE libc++-14-dev)
include(inside_cure)

# What the headers believe about the C library must be what the archive was compiled for where both
# speak of the same object, and musl where the headers alone use it:
# - the C library is musl;
# - a mutex needs no destruction (so it is in the archive, compiled for glibc);
# - the masks of std::ctype_base are glibc's, which musl's table has as well. With libc++'s own masks for
#   musl all would compile, and std::ctype and std::regex would be silently wrong.
file(COPY ${CM_CURE_FROM}/ DESTINATION ${CM_CURE_TO}
     PATTERN __config_site EXCLUDE PATTERN __config EXCLUDE PATTERN __locale EXCLUDE)
cm_cure_header(__config_site
  "/* #undef _LIBCPP_HAS_MUSL_LIBC */"
  "#define _LIBCPP_HAS_MUSL_LIBC\n#define _LIBCPP_HAS_TRIVIAL_MUTEX_DESTRUCTION")
cm_cure_header(__config
  "#define _LIBCPP_VERSION 14000" "#define _LIBCPP_VERSION 14000"
  "    defined(_LIBCPP_HAS_MUSL_LIBC) || defined(__OpenBSD__)\n#define _LIBCPP_PROVIDES_DEFAULT_RUNE_TABLE"
  "    defined(__OpenBSD__)\n#define _LIBCPP_PROVIDES_DEFAULT_RUNE_TABLE")
cm_cure_header(__locale
  "#elif defined(__GLIBC__)\n    typedef unsigned short mask"
  "#elif defined(_LIBCPP_HAS_MUSL_LIBC)\n    typedef unsigned short mask"
  "= _ISspace" "= 0x2000" "= _ISprint" "= 0x4000" "= _IScntrl" "= 0x0002" "= _ISupper" "= 0x0100"
  "= _ISlower" "= 0x0200" "= _ISalpha" "= 0x0400" "= _ISdigit" "= 0x0800" "= _ISpunct" "= 0x0004"
  "= _ISxdigit" "= 0x1000" "= _ISblank" "= 0x0001")

# our half
set(dir ${CMAKE_SOURCE_DIR}/src/libc)
add_library(cm_inside_cxx OBJECT ${dir}/cxx_glibc.c ${dir}/cxx_sync.c ${dir}/cxx_thread.c
            ${dir}/cxx_random.cpp ${dir}/cxx_terminate.cpp)
cm_enclave_settings(cm_inside_cxx)
target_compile_options(cm_inside_cxx PRIVATE ${CM_ENCLAVE_EXPORT})
set_target_properties(cm_inside_cxx PROPERTIES CXX_STANDARD 14) # set_unexpected is gone after that
target_compile_options(cm_inside_cxx PRIVATE -fno-builtin)

# libc++'s calls that need an answer of our own get names of our own (src/libc/cxx_*.c)
set(renamed ${CM_INSIDE_DIR}/libc++-renamed.a)
add_custom_command(
  OUTPUT ${renamed}
  COMMAND ${CMAKE_OBJCOPY} -D --redefine-sym newlocale=cm_cxx_newlocale
          --redefine-sym freelocale=cm_cxx_freelocale --redefine-sym syscall=cm_cxx_syscall
          --redefine-sym strerror_r=cm_cxx_strerror_r
          ${CM_CXX_ROOT}/lib/libc++.a ${renamed}
  DEPENDS ${CM_CXX_ROOT}/lib/libc++.a
  VERBATIM)
cm_inside_archive(liboelibcxx.a libc++-14-dev "${renamed};${CM_CXX_ROOT}/lib/libunwind.a"
  DEPENDS $<TARGET_OBJECTS:cm_inside_cxx> ${lib}/liboelibc.a
  ARGS --scan sections --check whole --resolve ${lib}/liboelibc.a --resolve ${CM_LIBGCC}
       --runtime __stack_chk_fail --allow cm_ --allow oe_ -- $<TARGET_OBJECTS:cm_inside_cxx>)

# what our half relies on, asked of the prepared library itself on top of the installed musl
add_custom_command(
  OUTPUT ${CM_INSIDE_DIR}/probe_cxx.ok
  COMMAND ${CMAKE_CXX_COMPILER} -O1 -nostdinc -isystem ${CM_CURE_TO} -isystem ${CM_INSIDE_INCLUDE}/libc
          -isystem ${CM_COMPILER_INCLUDE} -D_GNU_SOURCE -nostdlib -static -fcf-protection=none
          -Wl,--eh-frame-hdr -o ${CM_INSIDE_DIR}/probe_cxx ${CM_MUSL_LIB}/crt1.o
          ${dir}/prep_probe_cxx.cpp $<FILTER:$<TARGET_OBJECTS:cm_inside_libc>,INCLUDE,inside_fortify>
          ${lib}/liboelibcxx.a ${CM_MUSL_LIB}/libc.a ${CM_LIBGCC}
  COMMAND ${CM_INSIDE_DIR}/probe_cxx
  COMMAND ${CMAKE_COMMAND} -E touch ${CM_INSIDE_DIR}/probe_cxx.ok
  DEPENDS ${dir}/prep_probe_cxx.cpp ${lib}/liboelibcxx.a cm_inside_libc ${CM_CURE_TO}/__locale
  COMMENT "Checking the installed libc++ against what src/libc takes it for"
  COMMAND_EXPAND_LISTS VERBATIM)

add_custom_target(cm_inside_libcxx ALL DEPENDS ${lib}/liboelibcxx.a ${CM_INSIDE_DIR}/probe_cxx.ok)
add_library(oelibcxx STATIC IMPORTED GLOBAL)
set_target_properties(oelibcxx PROPERTIES IMPORTED_LOCATION ${lib}/liboelibcxx.a)
add_dependencies(oelibcxx cm_inside_libcxx cm_inside)
