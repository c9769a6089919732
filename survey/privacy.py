"""The identity boundary: below it no frame holds a direct identifier, a free text or an exact moment.

What stays is listed, never what goes: a column that nobody thought of is dropped.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from survey.anonymity.classes import classes, measure
from survey.anonymity.risk import risk
from survey.cleaning import Cleaned
from survey.codebook import Codebook
from survey.nonresponse import FACTOR, adjustment
from survey.quality import FLAGGED
from survey.secret import strong
from survey.selection import BASE, base_weights

RECORD_KEY = "record_key"


@dataclass(frozen=True)
class Protected:
    """One wave without identifiers; every later stage accepts only this.

    frame: answers, derived variables, design and weights, one row a respondent.   reasons: why an answer is missing.
    facts: what was dropped, replaced and generalised, and the k that was measured.
    """

    frame: pd.DataFrame
    reasons: pd.DataFrame
    facts: dict[str, Any]

    def with_weights(self, weights: pd.DataFrame) -> Protected:
        """The same wave with weight columns beside the answers."""
        return Protected(pd.concat([self.frame, weights], axis=1), self.reasons, self.facts)


def protect(
    cleaned: Cleaned,
    book: Codebook,
    wave: str,
    key: bytes,
    flagged: pd.Series | None = None,
    shared: bytes | None = None,
) -> Protected:
    """Drop identifiers, replace ids by keyed pseudonyms, keep the generalised variable instead of the exact one.

    Selection probabilities, which tell the community, are kept only as the base weight they make; of the cases without
    an interview nothing is kept but what they add to the respondents' nonresponse factors, and counts of classes.

    Args: key: secret of this wave, at least 16 bytes, kept outside the repository.   flagged: by row, whether its
    interviewer or sampling unit stands out (`survey.quality.assess`); it passes as a mark that names nobody.   shared:
    secret of the pseudonyms that link waves, those of a panel's persons and of shared strata and PSUs; else `key`.
    Returns: rows in an order that follows from their answers, so that nothing of the delivered order survives.
    Raises: UsageError: a key is weak.   DataError: a base weight cannot be made.
    """
    shared = key if shared is None else shared
    strong(key, shared)
    kept = _kept(book, cleaned.frame)
    base = base_weights(cleaned.frame, book.weighting)
    adjusted = adjustment(cleaned, book)
    order = _order(cleaned.frame[[name for name in kept if name not in book.privacy.pseudonyms]], base)
    weights = {BASE: base} | ({FACTOR: adjusted[0]} if adjusted else {})
    frame = cleaned.frame[kept].assign(**weights).iloc[order].reset_index(drop=True)
    if book.disclosure.counts.method == "cell_key":
        frame[RECORD_KEY] = _record_keys(cleaned.frame, book, wave, key)[order]
    if flagged is not None:
        frame[FLAGGED] = flagged.to_numpy(dtype=bool)[order]
    for item in book.privacy.pseudonyms:
        if item in frame:
            linked = _links_waves(item, book)
            scope = f"{book.survey}|{'' if linked else wave}|{item}"
            frame[item] = pseudonyms(frame[item], shared if linked else key, scope)
    kept_items = {column.split("=")[0] for column in kept}
    reasons = cleaned.reasons[[item for item in cleaned.reasons if item in kept_items]]
    reasons = reasons.iloc[order].reset_index(drop=True)
    facts = {"privacy": _facts(cleaned, frame, book)} | ({"nonresponse": adjusted[1]} if adjusted else {})
    return Protected(frame, reasons, facts)


def _links_waves(item: str, book: Codebook) -> bool:
    """Whether equal values keep one pseudonym over all waves.

    A panel's persons must be known again; and where waves share strata and PSUs their errors are correlated.
    """
    drawn = item in (*book.design.strata, *book.design.psu)
    return book.privacy.panel or (drawn and book.design.shared_psus)


def _kept(book: Codebook, frame: pd.DataFrame) -> list[str]:
    """Columns that may pass: answers with a scale, recipes, pseudonyms, and the numbers that have a stated use."""
    used = {*book.privacy.exact, *book.design.fpc, *book.design.strata, *book.design.psu, *book.other_weights()}
    coded = {name for name, item in book.items.items() if item.kind in ("single", "multiple")}
    passing = (coded | set(book.recipes()) | set(book.privacy.pseudonyms) | used) - set(book.privacy.generalise)
    forbidden = {name for name, item in book.items.items() if item.kind in ("identifier", "text", "time")}
    return [column for column in frame.columns if column.split("=")[0] in passing - forbidden]


def _order(answers: pd.DataFrame, base: pd.Series) -> NDArray[np.intp]:
    """Positions in the order of a digest of the answers: the same on every machine, whatever its key."""
    digests = pd.util.hash_pandas_object(answers.assign(**{BASE: base}), index=False)
    return np.argsort(digests.to_numpy(), kind="stable")


def pseudonyms(values: pd.Series, key: bytes, scope: str) -> pd.Series:
    """Keyed pseudonyms: HMAC-SHA-256 of scope and value (RFC 2104), the first 16 hexadecimal digits; blank stays blank.

    Equal values of one scope share a pseudonym; without the key nobody can test a guess.

    >>> pseudonyms(pd.Series(["a", "b", "a", ""]), b"0123456789abcdef", "demo").str.len().tolist()
    [16, 16, 16, 0]
    """

    def pseudonym(value: str) -> str:
        return hmac.new(key, f"{scope}|{value}".encode(), hashlib.sha256).hexdigest()[:16] if value else ""

    texts = values.astype(str)
    return texts.map({value: pseudonym(value) for value in texts.unique()}).astype("str")


def _record_keys(frame: pd.DataFrame, book: Codebook, wave: str, key: bytes) -> NDArray[np.int64]:
    """Keys of the records for noise in counts, uniform on 0 … 2³² − 1: HMAC-SHA-256 of the respondent's own code.

    Without such a code of what was answered; of records that answered alike each has its own all the same.
    """
    own = book.respondent if book.respondent in frame and frame[book.respondent].is_unique else None
    asked = sorted(name for name, item in book.items.items() if item.kind in ("single", "number") and name in frame)
    texts = frame[own].astype(str) if own else frame[asked].astype(str).agg("|".join, axis=1)
    alike = texts.groupby(texts).cumcount()
    scope = f"{book.survey}|{wave}|{RECORD_KEY}"
    named = [f"{scope}|{text}|{k}".encode() for text, k in zip(texts, alike, strict=True)]
    digests = [hmac.new(key, text, hashlib.sha256).digest()[:4] for text in named]
    return np.array([int.from_bytes(digest, "big") for digest in digests], dtype=np.int64)


def _facts(cleaned: Cleaned, frame: pd.DataFrame, book: Codebook) -> dict[str, Any]:
    kinds = {name: item.kind for name, item in book.items.items()}
    dropped = [str(name) for name in cleaned.frame if name not in frame]
    facts: dict[str, Any] = {
        "records": len(frame),
        "dropped": len(dropped),
        "identifiers": sum(kinds.get(name) == "identifier" for name in dropped),
        "free_text": sum(kinds.get(name) == "text" for name in dropped),
        "pseudonymised": list(book.privacy.pseudonyms),
        "generalised": dict(book.privacy.generalise),
        "quasi_identifiers": list(book.privacy.quasi_identifiers),
    }
    if book.privacy.quasi_identifiers:
        facts |= _findable(frame, book)
    return facts


def _findable(frame: pd.DataFrame, book: Codebook) -> dict[str, Any]:
    """k, sample uniques, and the risk of being found by design weights; a count of few persons is not told (None)."""
    code = classes(frame, list(book.privacy.quasi_identifiers))
    kept, least = measure(code, ()), book.disclosure.min_n
    told = kept.uniques if kept.uniques == 0 or kept.uniques >= least else None
    facts: dict[str, Any] = {"k": kept.k, "uniques": told}
    weights = frame[BASE].to_numpy(float)
    if np.isfinite(weights).all() and (weights > 0).all() and not _relative(weights):
        found = risk(code, weights)
        facts["risk"] = {
            "max": round(float(found.individual.max()), 4),
            "expected": round(found.expected, 1),
            "population_uniques": round(found.population_uniques, 1),
        }
    return facts


def _relative(weights: NDArray[np.float64]) -> bool:
    """Whether the weights add up to about the number of respondents and so tell nothing of the population."""
    return bool(weights.sum() < 1.05 * len(weights))
