test_memory_layout_SRCS := root/x86_64/firmware/memory_layout.c root/loader/guest_memory.c
