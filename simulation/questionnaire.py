"""What residents are asked, as the simulation sees it: shares in the first wave and what drives each answer.

Every answer comes from a latent score, the sum of drivers times weights plus noise, cut so that the first wave has
exactly the shares written here; the first level takes the highest scores. Drivers are the three latent propensities
(security, trust, engagement), traits, `trend` (0 in the first wave, 1 in the last), `programme`, `victim`, `fraud`, and
`good:x` (satisfied with x). The wording stands in data/raw/example-city/survey.yaml.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

WAVES = ("2023H2", "2024H1", "2024H2", "2025H1", "2025H2", "2026H1")
PRACTICES = ("c1", "c2", "c3", "c4", "c5", "c6", "c7")
VICTIMISATION = ("b1_theft", "b2_fraud", "b3_violence", "b4_vandalism")


@dataclass(frozen=True)
class Question:
    """One question: the shares of its levels in the first wave, its drivers, its routing and its item nonresponse."""

    name: str
    shares: tuple[float, ...]
    """Share of each level; of each option where several may be chosen."""
    drivers: Mapping[str, float]
    multiple: bool = False
    asked_if: tuple[str, tuple[int, ...]] | None = None
    """Question and codes that lead here."""
    dont_know: float = 0.01
    refused: float = 0.005
    not_applicable: float = 0.0


@dataclass(frozen=True)
class Headline:
    """One headline indicator: a person's share of the items answered with `levels`, or whether any is."""

    items: tuple[str, ...]
    levels: tuple[int, ...]
    any_of: bool = False


@dataclass
class _Drivers:
    """Drivers that a family of questions shares, with one question's own on top."""

    shared: dict[str, float] = field(default_factory=dict)

    def plus(self, **own: float) -> dict[str, float]:
        return {**self.shared, **{name.replace("__", ":"): weight for name, weight in own.items()}}


SCENE = _Drivers({"security": 0.7, "age": 0.08, "victim": -0.3, "programme": 0.12})
SATISFIED = _Drivers({"trust": 0.8, "age": 0.12, "urban": -0.08, "edu": -0.05})
AWARE = _Drivers({"engagement": 0.6, "age": 0.1, "edu": 0.12, "migrant": -0.2, "trend": 0.1})
MET = _Drivers({"engagement": 0.5, "age": 0.05})
HARM = _Drivers({"security": -0.25, "urban": 0.12, "age": -0.1, "trend": -0.1})


def _practice(code: str, aware: float, met: float, good: tuple[float, ...], **satisfied: float) -> list[Question]:
    """Awareness, contact and satisfaction of one practice area."""
    knows = 0.6 if code == "c7" else 0.0
    return [
        Question(f"{code}_aware", (aware, 1 - aware), AWARE.plus(programme=knows), dont_know=0.02),
        Question(f"{code}_met", (met, 1 - met), MET.plus(), dont_know=0.01),
        Question(f"{code}_satisfied", good, SATISFIED.plus(**satisfied), dont_know=0.022),
    ]


def _harm(name: str, share: float, reported: float, **own: float) -> list[Question]:
    """One kind of victimisation, and whether it was reported."""
    return [
        Question(name, (share, 1 - share), HARM.plus(**own), dont_know=0.004),
        Question(f"{name}_reported", (reported, 1 - reported), {"trust": 0.4, "age": 0.1}, asked_if=(name, (1,))),
    ]


QUESTIONS: tuple[Question, ...] = (
    *_harm("b1_theft", 0.034, 0.46),
    *_harm("b2_fraud", 0.072, 0.37, edu=-0.1, trend=-0.25),
    *_harm("b3_violence", 0.009, 0.63, female=-0.1),
    *_harm("b4_vandalism", 0.026, 0.31),
    *_practice("c1", 0.55, 0.13, (0.22, 0.44, 0.25, 0.07, 0.02)),
    *_practice("c2", 0.84, 0.58, (0.26, 0.43, 0.20, 0.08, 0.03), trend=0.1),
    *_practice("c3", 0.63, 0.52, (0.30, 0.45, 0.19, 0.05, 0.01)),
    *_practice("c4", 0.69, 0.15, (0.31, 0.44, 0.19, 0.05, 0.01)),
    *_practice("c5", 0.40, 0.47, (0.25, 0.42, 0.23, 0.08, 0.02), programme=0.06),
    Question("c5_volunteers", (0.56, 0.44), MET.plus(trend=0.1)),
    *_practice("c6", 0.74, 0.43, (0.21, 0.43, 0.26, 0.08, 0.02)),
    Question("c6_traffic", (0.18, 0.40, 0.28, 0.11, 0.03), SATISFIED.plus(urban=-0.2)),
    Question("c6_fire", (0.23, 0.44, 0.25, 0.07, 0.01), SATISFIED.plus()),
    Question("c6_explosives", (0.27, 0.44, 0.22, 0.06, 0.01), SATISFIED.plus(urban=0.1), dont_know=0.03),
    Question("c6_schools", (0.31, 0.45, 0.19, 0.04, 0.01), SATISFIED.plus(), dont_know=0.03),
    *_practice("c7", 0.34, 0.37, (0.22, 0.42, 0.28, 0.06, 0.02), programme=0.1),
    Question("d1_fair", (0.26, 0.45, 0.21, 0.06, 0.02), SATISFIED.plus(migrant=-0.1), dont_know=0.02),
    Question("d2_manner", (0.30, 0.45, 0.19, 0.05, 0.01), SATISFIED.plus(), dont_know=0.02),
    Question("d3_efficiency", (0.22, 0.43, 0.25, 0.08, 0.02), SATISFIED.plus(victim=-0.2), dont_know=0.02),
    Question("d4_contact", (0.21, 0.79), {"victim": 0.8, "engagement": 0.2, "age": -0.1}),
    Question("d5_voice", (0.21, 0.41, 0.26, 0.09, 0.03), SATISFIED.plus(engagement=0.2), dont_know=0.03),
    Question("d6_demand", (0.18, 0.82), {"engagement": 0.35, "victim": 0.3, "trust": -0.15}),
    Question("d7_answered", (0.52, 0.33, 0.15), {"trust": 0.7, "trend": 0.2}, asked_if=("d6_demand", (1,))),
    Question("d8_heard", (0.29, 0.41, 0.30), AWARE.plus(), dont_know=0.006),
    Question(
        "d9_channels",
        (0.46, 0.31, 0.27, 0.52, 0.24, 0.16, 0.13, 0.03),
        {"engagement": 0.2},
        multiple=True,
        asked_if=("d8_heard", (1, 2)),
    ),
    Question("d10_patrol", (0.08, 0.92), MET.plus(age=0.15, trend=0.1), dont_know=0.002, refused=0.001),
    Question("d11_activity", (0.19, 0.81), MET.plus(age=0.1, trend=0.1), dont_know=0.002, refused=0.001),
    Question("d12_tip", (0.06, 0.94), MET.plus(), dont_know=0.002, refused=0.001),
    Question("d13_council", (0.07, 0.93), MET.plus(age=0.12), dont_know=0.002, refused=0.001),
    Question(
        "a1_safe_now",
        (0.35, 0.47, 0.14, 0.04),
        SCENE.plus(
            security=0.62,
            victim=-0.45,
            programme=0.34,
            female=-0.06,
            urban=-0.08,
            good__c1=0.14,
            good__c2=0.18,
            good__c3=0.15,
            good__c4=0.1,
            good__c5=0.32,
            good__c6=0.22,
            good__c7=0.05,
        ),
        dont_know=0.004,
        refused=0.003,
    ),
    Question("a2_home_night", (0.46, 0.42, 0.10, 0.02), SCENE.plus(female=-0.1)),
    Question("a3_walk_dark", (0.24, 0.42, 0.25, 0.09), SCENE.plus(female=-0.35, good__c5=0.25)),
    Question("a4_transport", (0.32, 0.50, 0.15, 0.03), SCENE.plus(good__c3=0.15), not_applicable=0.05),
    Question("a5_crowd", (0.31, 0.50, 0.16, 0.03), SCENE.plus(good__c3=0.25)),
    Question("a6_school", (0.39, 0.46, 0.12, 0.03), SCENE.plus(good__c6=0.25), not_applicable=0.09),
    Question("a7_online", (0.16, 0.41, 0.31, 0.12), SCENE.plus(fraud=-0.5, age=-0.1, trend=-0.12, good__c2=0.3)),
    Question("a8_change", (0.19, 0.30, 0.40, 0.09, 0.02), {"security": 0.45, "trust": 0.35, "victim": -0.3}),
    Question(
        "a9_problems",
        (0.21, 0.47, 0.10, 0.14, 0.38, 0.22, 0.16, 0.29, 0.19, 0.06),
        {"security": -0.15},
        multiple=True,
        asked_if=("a1_safe_now", (3, 4)),
    ),
)
BY_NAME = {question.name: question for question in QUESTIONS}

HEADLINES = {
    "sense_of_security": Headline(("a1_safe_now",), (1, 2)),
    "order_satisfaction": Headline(tuple(f"{code}_satisfied" for code in PRACTICES), (1, 2)),
    "enforcement_satisfaction": Headline(("d1_fair", "d2_manner", "d3_efficiency"), (1, 2)),
    "awareness": Headline(("d8_heard",), (1, 2)),
    "participation": Headline(("d10_patrol", "d11_activity", "d12_tip", "d13_council"), (1,), any_of=True),
}
