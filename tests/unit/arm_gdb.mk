test_arm_gdb_ARCH := aarch64
test_arm_gdb_SRCS := root/gdb/rows.c root/aarch64/gdb/registers.c root/gdb/breakpoints.c
test_arm_gdb_CFLAGS := -DTRIVET_AARCH64=1
