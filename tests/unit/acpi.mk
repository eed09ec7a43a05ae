test_acpi_SRCS := root/firmware/acpi_common.c root/x86_64/firmware/acpi.c root/x86_64/firmware/memory_layout.c root/loader/guest_memory.c \
	$(BUILD)/gen/x86_64/dsdt.c $(BUILD)/gen/x86_64/vmbus.c
