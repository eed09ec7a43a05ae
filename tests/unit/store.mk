test_store_SRCS := arch/x86_64/guest/store.c
test_store_CFLAGS := -Iarch/x86_64/include -Iarch/x86_64/guest
