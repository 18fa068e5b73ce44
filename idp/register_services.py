"""The registers that a process asks, built once from the settings.

What lives here: `Registers`, what `Services` holds of them.  Not here: how a register is spoken to
(`idp/registers`).
"""

from __future__ import annotations

from dataclasses import dataclass

from idp.registers.absent import NoBusinessRegister, NoPopulationRegister
from idp.registers.ports import BusinessRegister, PopulationRegister


@dataclass(frozen=True, slots=True)
class Registers:
    """Both; where a deployment has none of a kind, it is one that says so."""

    population: PopulationRegister
    business: BusinessRegister


def build_registers() -> Registers:
    """The registers of this deployment."""
    return Registers(NoPopulationRegister(), NoBusinessRegister())
