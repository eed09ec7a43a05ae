test_arm_hv_quick_SRCS := arch/aarch64/guest/hv_quick.c
test_arm_hv_quick_CFLAGS := -DTRIVET_AARCH64=1 -Iarch/aarch64/include -Iarch/aarch64/guest
