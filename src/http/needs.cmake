find_package(Boost 1.81 REQUIRED)
find_package(OpenSSL REQUIRED)
find_package(ZLIB REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(ZSTD REQUIRED IMPORTED_TARGET libzstd)
target_link_libraries(${target} PUBLIC Boost::headers OpenSSL::SSL OpenSSL::Crypto
                                PRIVATE ZLIB::ZLIB PkgConfig::ZSTD)
# Asio is compiled once, in asio.cc; everybody else sees declarations only.
target_compile_definitions(${target} PUBLIC BOOST_ASIO_NO_DEPRECATED BOOST_ASIO_HAS_CO_AWAIT=1
  BOOST_ASIO_HAS_STD_COROUTINE=1 BOOST_ASIO_SEPARATE_COMPILATION)
target_precompile_headers(${target} PRIVATE ${dir}/pch.h)
