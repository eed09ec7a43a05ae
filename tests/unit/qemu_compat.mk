test_qemu_compat_SRCS := root/devices/device.c root/devices/timer.c root/x86_64/devices/fw_cfg.c root/x86_64/devices/qemu_test.c root/x86_64/devices/hyperv_test.c
