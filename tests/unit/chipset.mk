test_chipset_SRCS := root/devices/device.c root/devices/timer.c root/devices/acpi_pm.c root/devices/pci_config.c root/devices/i8042.c root/devices/hpet.c
