test_pci_serial_SRCS := arch/aarch64/pci_serial.c
test_pci_serial_CFLAGS := -Iarch/aarch64/include
