/* SPDX-License-Identifier: MIT */
/* A VP's accesses to what is no RAM, for the files of this folder. */
#ifndef VMM_ACCESS_H
#define VMM_ACCESS_H

#include <vmm/machine.h>

/* False: nothing is there. */
bool processor_mmio_read(struct processor *processor, gpa_t gpa, unsigned int size,
			 uint64_t *value);
bool processor_mmio_write(struct processor *processor, gpa_t gpa, unsigned int size,
			  uint64_t value);
/* The access ends with an external abort; why is said, within limits. */
void processor_abort(struct processor *processor, gpa_t gpa, bool write, const char *why);

#endif
