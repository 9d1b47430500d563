find_package(yaml-cpp 0.7 REQUIRED)
target_link_libraries(${target} PRIVATE yaml-cpp)
