test_arm_ids_SRCS := arch/aarch64/guest/ids.c
test_arm_ids_CFLAGS := -Iarch/aarch64/include -Iarch/aarch64/guest
