test_machine_acpi_SRCS := arch/aarch64/acpi.c
test_machine_acpi_CFLAGS := -Iarch/aarch64/include
