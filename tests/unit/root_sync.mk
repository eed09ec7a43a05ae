test_root_sync_SRCS := root/lib/sync.c root/lib/time.c tests/unit/root_fake_kernel.c
test_root_sync_CFLAGS := -include tests/unit/root_fake_thread.h
