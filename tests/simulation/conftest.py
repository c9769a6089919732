"""The city and its delivery, made once."""

from __future__ import annotations

from pathlib import Path

import pytest

from simulation.city import City, build
from simulation.deliver import Delivery, deliver
from survey.codebook import Codebook
from survey.survey_yaml import parse

SHIPPED = Path(__file__).parents[2] / "data" / "raw" / "example-city"


@pytest.fixture(scope="session")
def city() -> City:
    return build()


@pytest.fixture(scope="session")
def book() -> Codebook:
    return parse((SHIPPED / "survey.yaml").read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def delivery(tmp_path_factory: pytest.TempPathFactory) -> Delivery:
    return deliver(tmp_path_factory.mktemp("delivery"))
