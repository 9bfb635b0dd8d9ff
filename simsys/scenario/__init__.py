"""The scenario: one YAML file as one checked object, with errors that name the place."""

from simsys.scenario.defaults import Figure, figures
from simsys.scenario.errors import Problem, ScenarioError
from simsys.scenario.load import load_scenario
from simsys.scenario.model import Scenario
from simsys.scenario.promises import SloRule
from simsys.scenario.schema import scenario_schema
from simsys.scenario.shipped import find_scenario, shipped
from simsys.scenario.write import write_scenario

__all__ = [
    "Figure", "Problem", "Scenario", "ScenarioError", "SloRule", "figures", "find_scenario", "load_scenario",
    "scenario_schema", "shipped", "write_scenario",
]  # fmt: skip
