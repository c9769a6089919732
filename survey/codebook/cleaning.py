"""What cleaning asks of the answers: checks, completeness, likeness; and multiple items spread over columns."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from survey.codebook.base import Code, DataWords, Name, Strict


class Check(Strict):
    """Two answers that cannot both be true: whoever gave `if` must have given `then`, as far as both are answered."""

    model_config = ConfigDict(populate_by_name=True)

    if_: Annotated[dict[Name, tuple[Code, ...]], Field(alias="if", min_length=1)]
    """Item or derived variable → codes; all of them must hold."""
    then: Annotated[dict[Name, tuple[Code, ...]], Field(min_length=1)]
    """Item or derived variable → codes; the check fires where one is answered otherwise."""
    action: Literal["kept", "set_missing", "quarantined"] = "kept"
    """What is done with the answer to `of`, or with the interview."""
    of: Name | None = None
    """The item that is in doubt; the first of `then` when left out."""
    text: DataWords
    """What is wrong, in a sentence."""

    @property
    def doubtful(self) -> str:
        """The item whose answer is in doubt."""
        return self.of or next(iter(self.then))


class NearDuplicates(Strict):
    """Interviews of different respondents that are too much alike."""

    share: Annotated[float, Field(gt=0.5, le=1)] = 0.95
    """Least share of the items that one of the two answered on which both agree."""
    min_items: Annotated[int, Field(ge=5)] = 20
    """Fewest answers that both gave alike."""
    blocks: tuple[Name, ...] = ()
    """Chapters whose items are compared; none means every question but those about whom the
    sample, the weights and the quasi-identifiers speak of."""
    action: Literal["kept", "quarantined"] = "kept"
    """kept: flagged in the table of problems; quarantined: all alike are set aside until a reviewer decides."""


class Cleaning(Strict):
    """When an interview counts as one."""

    min_complete: Annotated[float, Field(gt=0, le=1)] = 1.0
    """Least share of the required items that applied to a person which the interview must have reached, refused and
    don't know included; fewer is a partial interview. Items of the design and of the weighting need an answer in any
    case."""
    outside_fieldwork: Literal["kept", "quarantined"] = "kept"
    """What becomes of an interview that began on a day outside the fieldwork (`started`)."""
    near_duplicates: NearDuplicates | None = None
    """Look for interviews that are nearly copies; not looked for when left out."""


class Spread(Strict):
    """A multiple item delivered in several columns."""

    columns: dict[str, Code] | tuple[str, ...]
    """Delivered column → code of the level that it tells of, yes or no; or a list of columns that hold a code each."""
    chosen: tuple[Code, ...] = ("1",)
    """yes/no columns: what stands for a level that was chosen."""
    not_chosen: tuple[Code, ...] = ("0", "2")
    """yes/no columns: what stands for one that was not; a blank is one where another of the columns is filled."""

    def sources(self, item: str) -> dict[str, str]:
        """Delivered column → its name among the cells of the wave.

        >>> Spread(columns={"Q9_1": "1", "Q9_4": "4"}).sources("worry")
        {'Q9_1': 'worry=1', 'Q9_4': 'worry=4'}
        >>> Spread(columns=("Q9a", "Q9b")).sources("worry")
        {'Q9a': 'worry#1', 'Q9b': 'worry#2'}
        """
        if isinstance(self.columns, dict):
            return {column: f"{item}={code}" for column, code in self.columns.items()}
        return {column: f"{item}#{place}" for place, column in enumerate(self.columns, start=1)}
