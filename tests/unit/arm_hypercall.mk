test_arm_hypercall_SRCS := arch/aarch64/guest/hv_call.c arch/aarch64/guest/hv_quick.c arch/aarch64/guest/hv_registers.c kernel/hv_registers.c arch/aarch64/guest/hv.c
test_arm_hypercall_CFLAGS := -DTRIVET_AARCH64=1 -Iarch/aarch64/include -Iarch/aarch64/guest
