test_arm_loader_ARCH := aarch64
test_arm_loader_SRCS := $(wildcard root/loader/*.c root/aarch64/loader/*.c) root/firmware/acpi_common.c \
	$(wildcard root/aarch64/firmware/*.c) kernel/status.c $(BUILD)/gen/aarch64/dsdt.c
test_arm_loader_LIBS := -lfdt
