"""An emulated HubSpot for tests, practice and demonstrations: ``python -m emulators hubspot``."""

from emulators.hubspot.emulator import HubSpotEmulator

EMULATOR = HubSpotEmulator

__all__ = ["EMULATOR", "HubSpotEmulator"]
