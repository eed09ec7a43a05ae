test_root_lib_SRCS := root/lib/memory_pool.c root/lib/heap.c root/lib/format.c root/lib/log_limit.c
