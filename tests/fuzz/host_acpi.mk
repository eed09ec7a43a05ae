fuzz_host_acpi_SRCS := arch/x86_64/acpi.c
fuzz_host_acpi_CFLAGS := -Iarch/x86_64/include
