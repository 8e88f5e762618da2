"""Ranges for connectors."""

from __future__ import annotations

from salesforce_practice import acme, drain, org

__all__ = ["acme", "drain", "org"]
