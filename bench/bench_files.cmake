# bench_files: protected files against plain ones and against their cipher
if(TARGET cmpfs AND TARGET oehost AND COMMAND cm_sign_enclave)
  cm_add_enclave(bench_files_enclave SOURCES bench_files_enc.c LIBS cmpfs openssl_3)
  cm_edl_generate(bench_files_enclave bench_files.edl TRUSTED)
  cm_sign_enclave(bench_files_enclave)
  cm_add_program(bench_files SOURCES bench_files.c bench_kit.c LIBS oehost)
  cm_edl_generate(bench_files bench_files.edl UNTRUSTED)
  target_compile_definitions(bench_files PRIVATE
    BENCH_FILES_ENCLAVE="${CMAKE_CURRENT_BINARY_DIR}/bench_files_enclave.signed")
  add_dependencies(bench_files bench_files_enclave_signed)
  list(APPEND benches bench_files)
endif()
