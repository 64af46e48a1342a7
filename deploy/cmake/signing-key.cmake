# cmake -DOPENSSL=<program> -DKEY=<file> -P signing-key.cmake: makes the key that a build folder signs
# with. A script of CMake and not of the shell, so that a folder's name can hold anything and runs nothing.
unset(ENV{RANDFILE})
file(REMOVE "${KEY}.new") # openssl makes a new file readable for its owner only, but keeps an old one's mode
execute_process(COMMAND "${OPENSSL}" genrsa -3 -out "${KEY}.new" 3072
                RESULT_VARIABLE result OUTPUT_QUIET ERROR_VARIABLE reason)
if(NOT result EQUAL 0)
  file(REMOVE "${KEY}.new")
  message(FATAL_ERROR "${OPENSSL} genrsa cannot make the signing key ${KEY} (${result}):\n${reason}")
endif()
file(RENAME "${KEY}.new" "${KEY}")
