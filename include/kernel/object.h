/* SPDX-License-Identifier: MIT */
/*
 * Kernel objects and the handles that name them. An object is counted: each handle holds one
 * reference, and so does each kernel structure that points to it. The last release calls the
 * type's destroy.
 */
#ifndef KERNEL_OBJECT_H
#define KERNEL_OBJECT_H

#include <kernel/lock.h>
#include <trivet/abi.h>

enum object_type {
	OBJECT_NONE = 0,
	OBJECT_TASK,
	OBJECT_THREAD,
	OBJECT_EVENT,
	OBJECT_PARTITION,
	OBJECT_VP,
	OBJECT_DOORBELL,
	OBJECT_PIN,
	OBJECT_MSI_SOURCE,
	OBJECT_VPCI_DEVICE,
	OBJECT_PORT,
	OBJECT_MONITOR,
};

struct object {
	_Atomic uint32_t references;
	uint32_t type; /* enum object_type */
	void (*destroy)(struct object *object);
	/* Called when a task's handle to it is closed; may be NULL. */
	void (*closed)(struct object *object);
};

void object_init(struct object *object, enum object_type type,
		 void (*destroy)(struct object *object));
void object_get(struct object *object);
void object_put(struct object *object);
/* object_get() of one that may be on its way to destroy, and is not freed meanwhile. False: it is. */
bool object_get_alive(struct object *object) __must_check;

struct heap;
struct handle_entry;

/* The table grows by pages of entries from the task's heap, and its directory of pages by
 * doubling, up to HANDLES_MAX. */
#define HANDLES_MAX (512u * 256u * 256u)

struct handle_table {
	struct spinlock lock; /* taken for changes; lookups are read sections (<kernel/reader.h>) */
	struct heap *heap;
	_Atomic(struct handle_entry **) pages; /* 2^directory_order pages of pointers, or NULL */
	uint32_t directory_order;
	_Atomic uint32_t page_count; /* grows after pages lists so many */
	handle_t free_head;	     /* HANDLE_NONE: no entry is free */
};

void handle_table_init(struct handle_table *table, struct heap *heap);
/* Closes every handle and gives the memory back; nobody else may use the table any more. */
void handle_table_destroy(struct handle_table *table);

status_t handle_create(struct handle_table *table, struct object *object, uint32_t rights,
		       handle_t *handle) __must_check; /* takes a reference of its own */
/* The object with one more reference, when it has the type (OBJECT_NONE: any) and the handle all
 * the rights; statuses INVALID_HANDLE, WRONG_TYPE, ACCESS_DENIED. The caller puts it. */
status_t handle_get(struct handle_table *table, handle_t handle, enum object_type type,
		    uint32_t rights, struct object **object) __must_check;
status_t handle_close(struct handle_table *table, handle_t handle);
/* A second handle with fewer or the same rights: ACCESS_DENIED for a right that is not held. */
status_t handle_duplicate(struct handle_table *table, handle_t handle, uint32_t rights,
			  handle_t *copy) __must_check;

#endif
