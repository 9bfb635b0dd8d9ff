"""Ciw: a network of one node; its records are kept as Ciw keeps them."""

from __future__ import annotations

import ciw
import systems as s
from systems import Played


def w1(n: int, seed: int) -> Played:
    ciw.seed(seed)
    network = ciw.create_network(
        arrival_distributions=[ciw.dists.Exponential(s.W1_RATE)],
        service_distributions=[ciw.dists.Exponential(1 / s.W1_SERVICE)],
        number_of_servers=[s.W1_SERVERS],
    )
    simulation = ciw.Simulation(network)
    simulation.simulate_until_max_customers(n, method="Finish")
    return Played([record.exit_date - record.arrival_date for record in simulation.get_all_records()])


if __name__ == "__main__":
    s.main({"W1": w1})
