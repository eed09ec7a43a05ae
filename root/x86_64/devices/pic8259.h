/* SPDX-License-Identifier: MIT */
/*
 * The pair of 8259A interrupt controllers of a PC: ports 0x20/0x21 and 0xa0/0xa1, cascaded
 * over line 2, and the edge/level control registers 0x4d0/0x4d1 (Intel 8259A data sheet,
 * 231468; PIIX4 data sheet, 290562, for ELCR). Complete but for MCS-80/85 mode, buffered
 * mode and cascades other than the PC's: the bits that select them are taken and ignored.
 */
#ifndef DEVICES_PIC8259_H
#define DEVICES_PIC8259_H

#include <devices/device.h>

#define PIC_MASTER_PORT 0x20u
#define PIC_SLAVE_PORT	0xa0u
#define PIC_ELCR_PORT	0x4d0u
#define PIC_LINES	16u
#define PIC_CASCADE	2u

struct pic_chip {
	uint8_t irr, imr, isr;
	uint8_t lines;	     /* level of the inputs */
	uint8_t elcr;	     /* inputs that are level triggered */
	uint8_t elcr_mask;   /* inputs that can be */
	uint8_t vector_base; /* ICW2 */
	uint8_t lowest;	     /* the input of lowest priority; 7 unless rotated */
	uint8_t init_step;   /* the ICW that is expected next, 0: initialised */
	bool needs_icw4, single, level_mode;
	bool auto_eoi, rotate_on_auto_eoi, special_mask, special_nested;
	bool read_isr, poll;
};

struct pic {
	struct device dev;
	struct device_env *env;
	struct pic_chip chip[2]; /* master, slave */
	bool intr;
};

/* Prepare @pic in the state after power-on, and put it on the bus. Bus statuses. */
status_t pic_init(struct pic *pic, struct device_env *env, struct device_bus *bus);

/* Input @line (0..15, not 2) goes to @level. Others are ignored. */
void pic_line_set(struct pic *pic, unsigned int line, bool level);

/*
 * The processor's two INTA cycles: answers the vector and marks the interrupt in service.
 * If the request is gone, the spurious vector of input 7 of the chip that was asked.
 */
uint8_t pic_acknowledge(struct pic *pic);

#endif
