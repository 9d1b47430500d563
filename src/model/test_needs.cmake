target_include_directories(model_test SYSTEM PRIVATE ${DNNL_INCLUDE_DIR})
target_link_libraries(model_test PRIVATE ${DNNL_LIBRARY})
# The other way of oneDNN: no VNNI, so that products saturate unless activations stay in 7 bits.
add_test(NAME model.encoder_avx2 COMMAND model_test --gtest_filter=Encoder.*
         WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
set_tests_properties(model.encoder_avx2 PROPERTIES ENVIRONMENT ONEDNN_MAX_CPU_ISA=AVX2
                     TIMEOUT 120 LABELS model)
