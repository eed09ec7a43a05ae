test_vmid_SRCS := arch/aarch64/guest/vmid.c
test_vmid_CFLAGS := -DTRIVET_AARCH64=1 -Iarch/aarch64/include -Iarch/aarch64/guest
