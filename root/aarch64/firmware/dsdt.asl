/* SPDX-License-Identifier: MIT */
/*
 * The devices of the machine that <firmware/platform.h> lays out: processors are in the MADT alone, the serial
 * port, and the power key as a button at a GPIO.
 */
DefinitionBlock ("", "DSDT", 2, "TRIVET", "TRIVETVM", 0x00000001)
{
	Scope (\_SB)
	{
		Device (COM0)
		{
			Name (_HID, "ARMH0011")
			Name (_UID, 0)
			Name (_CRS, ResourceTemplate ()
			{
				Memory32Fixed (ReadWrite, 0x09000000, 0x00001000)
				Interrupt (ResourceConsumer, Level, ActiveHigh, Exclusive) { 33 }
			})
		}

		Device (GPO0)
		{
			Name (_HID, "ARMH0061")
			Name (_UID, 0)
			Name (_CRS, ResourceTemplate ()
			{
				Memory32Fixed (ReadWrite, 0x09030000, 0x00001000)
				Interrupt (ResourceConsumer, Level, ActiveHigh, Exclusive) { 39 }
			})
			Name (_AEI, ResourceTemplate ()
			{
				GpioInt (Edge, ActiveHigh, Exclusive, PullUp, 0, "GPO0", 0,
					 ResourceConsumer, , )
				{
					3
				}
			})

			/* Line 3, the power key. */
			Method (_E03, 0)
			{
				Notify (\_SB.PWRB, 0x80)
			}
		}

		Device (PWRB)
		{
			Name (_HID, "PNP0C0C")
			Name (_UID, 0)
		}
	}
}
