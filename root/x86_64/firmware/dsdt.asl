/* SPDX-License-Identifier: MIT */
/*
 * The differentiated description of a partition's machine: the devices on its ISA bus, and how
 * it is switched off. Processors are in the MADT, the fixed power-management hardware in the
 * FADT; addresses are those of platform.h. The PCI bus holds nothing but its host bridge, so it
 * isn't named here.
 */
DefinitionBlock ("", "DSDT", 2, "TRIVET", "TRIVETVM", 0x00000001)
{
	/* SLP_TYPa for hibernation and soft off. */
	Name (\_S4, Package () { 0x04, 0x00, 0x00, 0x00 })
	Name (\_S5, Package () { 0x05, 0x00, 0x00, 0x00 })

	/* How the guest routes interrupts: nothing here depends on it, but systems tell. */
	Name (\PICM, 0)
	Method (\_PIC, 1)
	{
		\PICM = Arg0
	}

	Scope (\_SB)
	{
		/* A root for the devices, so that systems see one bus and not loose devices. */
		Device (ISA0)
		{
			Name (_HID, EisaId ("PNP0A00"))
			Name (_UID, 0)

			Device (COM1)
			{
				Name (_HID, EisaId ("PNP0501"))
				Name (_UID, 0)
				Name (_STA, 0x0F)
				Name (_CRS, ResourceTemplate ()
				{
					IO (Decode16, 0x03F8, 0x03F8, 0x01, 0x08)
					IRQNoFlags () { 4 }
				})
			}

			Device (RTC0)
			{
				Name (_HID, EisaId ("PNP0B00"))
				Name (_CRS, ResourceTemplate ()
				{
					IO (Decode16, 0x0070, 0x0070, 0x01, 0x02)
					IRQNoFlags () { 8 }
				})
			}

			Device (PIT0)
			{
				Name (_HID, EisaId ("PNP0100"))
				Name (_CRS, ResourceTemplate ()
				{
					IO (Decode16, 0x0040, 0x0040, 0x01, 0x04)
					IO (Decode16, 0x0061, 0x0061, 0x01, 0x01)
					IRQNoFlags () { 0 }
				})
			}

			Device (PIC0)
			{
				Name (_HID, EisaId ("PNP0000"))
				Name (_CRS, ResourceTemplate ()
				{
					IO (Decode16, 0x0020, 0x0020, 0x01, 0x02)
					IO (Decode16, 0x00A0, 0x00A0, 0x01, 0x02)
					IO (Decode16, 0x04D0, 0x04D0, 0x01, 0x02)
					IRQNoFlags () { 2 }
				})
			}

			/* The power-management block, so that nobody else takes its ports. */
			Device (PMIO)
			{
				Name (_HID, EisaId ("PNP0C02"))
				Name (_CRS, ResourceTemplate ()
				{
					IO (Decode16, 0x0600, 0x0600, 0x01, 0x40)
				})
			}
		}
	}
}
