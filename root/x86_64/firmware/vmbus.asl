/* SPDX-License-Identifier: MIT */
/*
 * The VMBus of a guest with the Hyper-V interface: that it is there. Its interrupts come by the synic; the line
 * below is never raised, but guests expect one. Power goes on and off by name only.
 */
DefinitionBlock ("", "SSDT", 2, "TRIVET", "TRIVETVB", 0x00000001)
{
	Device (\_SB.VMBS)
	{
		Name (STA, 0x0F)
		Name (_UID, 0)
		Name (_DDN, "VMBUS")
		Name (_CRS, ResourceTemplate ()
		{
			IRQNoFlags () { 5 }
		})

		/* A method, since the name has not the form that the compiler wants of a constant. */
		Method (_HID, 0)
		{
			Return ("VMBus")
		}

		Method (_STA, 0)
		{
			Return (STA)
		}

		Method (_DIS, 0)
		{
			STA &= 0x0D
		}

		Method (_PS0, 0)
		{
			STA |= 0x0F
		}

		Method (_PS3, 0)
		{
		}
	}
}
