# bench_crypto: the same crypto inside and outside, as ratios of one run
if(TARGET oecore AND TARGET oehost AND COMMAND cm_sign_enclave)
  cm_add_enclave(bench_crypto_enclave SOURCES bench_crypto_enc.c crypto_work.c LIBS openssl_3)
  cm_edl_generate(bench_crypto_enclave bench_crypto.edl TRUSTED)
  target_include_directories(bench_crypto_enclave PRIVATE ${CMAKE_CURRENT_LIST_DIR})
  cm_sign_enclave(bench_crypto_enclave)
  cm_add_program(bench_crypto SOURCES bench_crypto.c crypto_work.c LIBS oehost)
  cm_edl_generate(bench_crypto bench_crypto.edl UNTRUSTED)
  target_compile_definitions(bench_crypto PRIVATE
    BENCH_CRYPTO_ENCLAVE="${CMAKE_CURRENT_BINARY_DIR}/bench_crypto_enclave.signed")
  add_dependencies(bench_crypto bench_crypto_enclave_signed)
  list(APPEND benches bench_crypto)
endif()
