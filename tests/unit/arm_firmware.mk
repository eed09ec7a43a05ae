test_arm_firmware_ARCH := aarch64
test_arm_firmware_SRCS := root/firmware/acpi_common.c $(wildcard root/aarch64/firmware/*.c) root/loader/guest_memory.c \
	$(BUILD)/gen/aarch64/dsdt.c $(BUILD)/gen/aarch64/vmbus.c
test_arm_firmware_LIBS := -lfdt
