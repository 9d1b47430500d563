# Who may include whom: the only statement of it. A line lists all the folders that the first one
# may include; what is not listed is forbidden. CMake builds one static library a line from this
# table, and tools/lint/lint.py reads the same lines and checks every #include against them.
# Rule of the table: a folder uses only folders that stand above it.
layer(base)
layer(simd     USES base)
layer(text     USES base)
layer(catalog  USES base)
layer(stats    USES base)
layer(quality  USES base text)
layer(http     USES base)
layer(wire     USES base catalog)
layer(store    USES base catalog stats)
layer(model    USES base simd text catalog)
layer(policy   USES base catalog)
layer(upstream USES base catalog http wire)
layer(gateway  USES base text catalog stats quality http wire store model policy upstream)
layer(simulate USES base text catalog quality http wire)
layer(label    USES base text catalog stats quality http wire upstream)
layer(train    USES base simd text catalog stats model)
layer(eval     USES base text catalog stats model policy train)
layer(config   USES base text catalog quality http wire store model policy upstream gateway)
layer(apps     USES base simd text catalog stats quality http wire store model policy upstream gateway
                    simulate label train eval config)
