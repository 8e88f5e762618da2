"""An emulated Salesforce org: OAuth, REST, SOQL, collections, composite, outbound messages.

``EMULATOR`` is what ``python -m emulators salesforce`` serves. ``emulator.py`` shows how the parts fit together.
"""

from emulators.salesforce.emulator import EMULATOR, SalesforceEmulator

__all__ = ["EMULATOR", "SalesforceEmulator"]
