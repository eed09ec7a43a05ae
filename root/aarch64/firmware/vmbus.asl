/* SPDX-License-Identifier: MIT */
/*
 * The VMBus of a guest with the Hyper-V interface: that it is there, and by which interrupt, of each processor's
 * own, its synic tells of messages. Power goes on and off by name only.
 */
DefinitionBlock ("", "SSDT", 2, "TRIVET", "TRIVETVB", 0x00000001)
{
	Device (\_SB.VMBS)
	{
		Name (STA, 0x0F)
		Name (_UID, 0)
		Name (_DDN, "VMBUS")
		Name (_CCA, 1)
		Name (_CRS, ResourceTemplate ()
		{
			Interrupt (ResourceConsumer, Edge, ActiveHigh, Exclusive) { 18 }
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
