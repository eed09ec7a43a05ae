test_uart16550_SRCS := root/devices/device.c root/devices/timer.c root/x86_64/devices/uart16550.c
