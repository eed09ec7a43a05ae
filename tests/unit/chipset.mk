test_chipset_SRCS := root/devices/device.c root/devices/timer.c root/x86_64/devices/acpi_pm.c root/x86_64/devices/pci_config.c root/x86_64/devices/i8042.c root/x86_64/devices/hpet.c
