test_acpi_SRCS := root/firmware/acpi.c root/firmware/memory_layout.c root/loader/guest_memory.c \
	$(DSDT_C) $(VMBUS_C)
