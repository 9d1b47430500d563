# The tokenizer as a filter, for tools/unicode/diff_tokenizers.py.
add_executable(wordpiece_dump ${CMAKE_SOURCE_DIR}/tools/unicode/wordpiece_dump.cc)
target_link_libraries(wordpiece_dump PRIVATE ${target})
