find_package(hwy REQUIRED)
target_link_libraries(${target} PRIVATE hwy::hwy)
