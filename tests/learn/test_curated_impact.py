"""The figures written beside the curated ontology's changes are those that measuring gives, on the real lesions."""

from __future__ import annotations

import pytest

from kg.curation.impact import impact
from kg.curation.replay import states
from kg.shipped import CURATED, DEFAULT, curated_history, load_shipped
from learn.impact import released_label_data


@pytest.mark.slow
def test_every_written_impact_is_what_measuring_gives() -> None:
    _, data = released_label_data()
    before = load_shipped(DEFAULT)
    for change_set, after in zip(curated_history(), states(before, curated_history()), strict=True):
        assert impact(before, after, data, "lesanet-171").summary == change_set.impact
        before = after


def test_fewer_real_lesions_have_contradictory_labels() -> None:
    _, data = released_label_data()
    total = impact(load_shipped(DEFAULT), load_shipped(CURATED), data, "lesanet-171").total
    assert total.contradictory_before == 1609
    assert total.contradictory_after < 0.65 * total.contradictory_before
