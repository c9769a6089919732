"""The identity boundary: what passes is listed, and what passes cannot be traced without the key."""

from __future__ import annotations

import hashlib
import hmac

import pandas as pd
import pytest

from survey.anonymity.classes import anonymity
from survey.cleaning import clean
from survey.errors import UsageError
from survey.privacy import Protected, protect, pseudonyms
from survey.survey_yaml import parse
from tests.small_survey import YAML, frame

KEY = b"a secret of thirty-two bytes ..."


def protected(key: bytes = KEY, wave: str = "w1", yaml: str = YAML) -> Protected:
    delivered = frame()
    delivered.index = pd.RangeIndex(2, 2 + len(delivered), name="row")
    book = parse(yaml)
    return protect(clean(delivered, book, "w1"), book, wave, key)


def test_only_listed_columns_pass() -> None:
    passed = set(protected().frame.columns)
    assert passed == {
        *("person", "district", "community", "sex", "base_weight", "safe", "lights", "lit", "feels_safe"),
        *("remarks=lighting", "remarks=noise", "remarks=other"),
    }  # no name, phone or remark; no exact age, because nothing in survey.yaml gives a reason for it


def test_an_exact_number_passes_only_with_a_reason() -> None:
    reason = YAML.replace("privacy: {", "privacy: {exact: {age: {zh: 模型需要, en: The model needs it}}, ")
    assert "age" in protected(yaml=reason).frame


def test_no_delivered_value_of_an_identifier_is_left() -> None:
    cells = {str(value) for column in protected().frame for value in protected().frame[column]}
    delivered = frame()
    for name in ("person", "name", "phone", "community"):
        assert not cells & set(delivered[name])


def test_rows_do_not_keep_the_order_of_the_file() -> None:
    frame_ = protected().frame
    assert frame_.index.tolist() == list(range(360))
    delivered = frame()["weight_in"].astype(float).to_numpy()
    same = (frame_["base_weight"].to_numpy() == delivered).sum()
    assert same < 10  # chance alone leaves about one
    assert sorted(frame_["base_weight"]) == sorted(delivered)


def test_the_order_does_not_depend_on_the_key() -> None:
    first, second = protected().frame, protected(key=KEY[::-1]).frame
    assert first["base_weight"].tolist() == second["base_weight"].tolist()


def test_pseudonyms_are_hmac_sha256() -> None:
    expected = hmac.new(KEY, b"town|w1|person|P1", hashlib.sha256).hexdigest()[:16]
    assert pseudonyms(pd.Series(["P1"]), KEY, "town|w1|person").tolist() == [expected]


def test_people_are_unlinked_between_waves_and_communities_are_not() -> None:
    first, second = protected(wave="w1").frame, protected(wave="w2").frame
    assert not set(first["person"]) & set(second["person"])
    assert first["community"].tolist() == second["community"].tolist()


def test_a_stratum_that_is_an_id_links_the_waves_that_share_it() -> None:
    """Else the same strata would count as different ones and the covariance of two waves as nothing."""
    by_id = YAML.replace("strata: [district], psu: [community]", "strata: [community], psu: [person]")
    one, two = protected(yaml=by_id).frame, protected(wave="w2", yaml=by_id).frame
    assert set(one["community"]) == set(two["community"])
    alone = by_id.replace("lonely_psu: fail", "lonely_psu: fail, shared_psus: false")
    assert not set(one["community"]) & set(protected(wave="w2", yaml=alone).frame["community"])


def test_another_key_gives_other_pseudonyms() -> None:
    assert not set(protected().frame["person"]) & set(protected(key=KEY[::-1]).frame["person"])


@pytest.mark.parametrize("key", [b"short", b"\n" * 32, b"0" * 16])
def test_a_weak_key_is_refused(key: bytes) -> None:
    with pytest.raises(UsageError, match="16 bytes"):
        protected(key=key)


def test_k_by_hand() -> None:
    table = pd.DataFrame({"sex": list("112222"), "area": list("112221")})
    assert anonymity(table, ["sex", "area"]) == (1, 1)
    assert anonymity(table, ["sex"]) == (2, 0)
