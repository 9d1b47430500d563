# oneDNN runs the encoder's matrix products. Its own CMake package would ask for OpenCL, which weir
# does not use. libgomp is what Debian's build of it takes its threads from; it is told to use one.
find_library(DNNL_LIBRARY dnnl REQUIRED)
find_path(DNNL_INCLUDE_DIR dnnl.hpp REQUIRED)
target_include_directories(${target} SYSTEM PRIVATE ${DNNL_INCLUDE_DIR})
target_link_libraries(${target} PRIVATE ${DNNL_LIBRARY} gomp)
