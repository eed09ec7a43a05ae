test_vmm_console_SRCS := root/vmm/console_keys.c root/vmm/line_editor.c root/vmm/printable.c root/vmbus/utf16.c
