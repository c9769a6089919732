"""The report on the whole: eight blocks, the question first."""

from __future__ import annotations

from collections.abc import Iterator

from reports.answers import residents
from reports.blocks import headline, key_points, trends
from reports.drivers import drivers
from reports.leagues import areas, groups
from reports.map import with_map
from reports.method import method
from reports.scene import Scene
from reports.view import Drivers, Leagues, Page, Residents


def city(scene: Scene) -> Page:
    """The view model of one language."""
    where, who, goes_with, answers = with_map(scene, areas(scene)), groups(scene), drivers(scene), residents(scene)
    return Page(
        headline=headline(scene),
        points=key_points(scene, _findings(scene, where, who, goes_with, answers)),
        trends=trends(scene),
        residents=answers,
        areas=where,
        groups=who,
        drivers=goes_with,
        method=method(scene),
    )


def _findings(
    scene: Scene, where: Leagues | None, who: Leagues | None, goes_with: Drivers | None, answers: Residents | None
) -> Iterator[str]:
    """What the blocks found, in the order of the key points."""
    if where:
        yield where.finding
    if goes_with and goes_with.models:
        yield scene.lang.t(
            "%(finding)s; association is not causation, and the survey cannot tell which came first",
            finding=goes_with.models[0].point,
        )
    if who:
        yield who.finding
    if answers and answers.told:
        yield answers.finding
