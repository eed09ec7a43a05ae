test_psci_SRCS := arch/aarch64/guest/psci.c
test_psci_CFLAGS := -DTRIVET_AARCH64=1 -Iarch/aarch64/include -Iarch/aarch64/guest
