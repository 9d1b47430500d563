target_link_libraries(simd_test PRIVATE hwy::hwy)
