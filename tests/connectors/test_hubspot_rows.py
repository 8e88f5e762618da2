"""Batches: a 207 is not a success, a success is not a whole one, and one bad row costs no other its write."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.errors import AuthFailed, ConnectorError, RateLimited, Rejected, RetryLater
from connectors.hubspot.answers import MissingProperty, row_error
from connectors.hubspot.rows import Input, deliver, fates
from connectors.hubspot.shapes import Failed, Row, Written


def rows(*ids: str) -> list[Input]:
    return [Input((f"k{one}",), f"t{one}", {"sla_status": "met"}, one) for one in ids]


def judge(failed: Failed) -> ConnectorError:
    return row_error(failed, now=0, zone="UTC")


def outcomes(found: list) -> dict[str, str]:  # type: ignore[type-arg]
    return {one.key: one.outcome for one in found}


def test_results_are_found_by_id_whatever_their_order() -> None:
    found = fates(rows("1", "2"), Written([Row("2"), Row("1")]), judge)
    assert outcomes(found) == {"k1": "done", "k2": "done"}


def test_one_error_can_speak_for_many_ids() -> None:
    answer = Written([Row("1")], [Failed("OBJECT_NOT_FOUND", context={"ids": ["2", "3"]})])
    assert outcomes(fates(rows("1", "2", "3"), answer, judge)) == {"k1": "done", "k2": "rejected", "k3": "rejected"}


def test_a_created_row_is_found_by_its_trace_or_by_its_mark() -> None:
    inputs = [Input(("a",), "t1", {}, mark="sla-1"), Input(("b",), "t2", {}, mark="sla-2")]
    answer = Written([Row("9", {"hs_task_body": "Made [sla-2]"}), Row("8", object_write_trace_id="t1")])
    assert {one.key: one.crm_id for one in fates(inputs, answer, judge)} == {"a": "8", "b": "9"}


def test_an_error_names_a_created_row_by_its_trace() -> None:
    inputs = [Input(("a",), "t1", {}), Input(("b",), "t2", {})]
    answer = Written([Row("8", object_write_trace_id="t1")],
                     [Failed("VALIDATION_ERROR", context={"objectWriteTraceId": ["t2"]})])  # fmt: skip
    assert outcomes(fates(inputs, answer, judge)) == {"a": "done", "b": "rejected"}


def test_a_row_that_the_answer_leaves_out_may_have_been_written() -> None:
    (found,) = fates(rows("1"), Written(), judge)
    assert (found.outcome, found.unknown) == ("retry", True)


def test_every_write_back_of_a_row_gets_its_receipt() -> None:
    found = fates([Input(("a", "b"), "t", {}, "1")], Written([Row("1")]), judge)
    assert outcomes(found) == {"a": "done", "b": "done"}


def test_a_batch_that_one_row_sinks_is_split_until_the_row_is_alone() -> None:
    sent: list[list[str]] = []

    def send(part: Sequence[Input]) -> Written:
        sent.append([one.id for one in part])
        if any(one.id == "6" for one in part):
            raise Rejected("refused")
        return Written([Row(one.id) for one in part])

    found = deliver(rows(*"12345678"), send, judge)
    assert outcomes(found) == {f"k{n}": "rejected" if n == 6 else "done" for n in range(1, 9)}
    assert len(sent) == 7  # 8, then 4+4, 2+2, 1+1: logarithmic, not one by one


def test_rows_with_a_missing_property_are_refused_at_once() -> None:
    calls = 0

    def send(part: Sequence[Input]) -> Written:
        nonlocal calls
        calls += 1
        if any("sla_due" in one.properties for one in part):
            raise MissingProperty("no sla_due", ["sla_due"])
        return Written([Row(one.id) for one in part])

    bad = [Input((f"b{n}",), f"t{n}", {"sla_due": "1"}, str(n)) for n in range(50, 90)]
    found = deliver([*bad, *rows("1", "2")], send, judge)
    assert calls == 2
    assert sum(one.outcome == "rejected" for one in found) == 40
    assert sum(one.outcome == "done" for one in found) == 2


def test_a_failure_of_the_whole_call_is_raised_when_nothing_was_written() -> None:
    def send(part: Sequence[Input]) -> Written:
        raise RateLimited("slow down", after=10.0)

    with pytest.raises(RateLimited):
        deliver(rows("1", "2"), send, judge)


def test_a_failure_after_a_part_was_written_is_told_row_by_row() -> None:
    calls = 0

    def send(part: Sequence[Input]) -> Written:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise Rejected("one of you")
        if calls == 3:
            raise RetryLater("gone", after=2.0, unknown=True)
        return Written([Row(one.id) for one in part])

    found = deliver(rows("1", "2"), send, judge)
    assert outcomes(found) == {"k1": "done", "k2": "retry"}
    assert next(one for one in found if one.key == "k2").unknown


def test_nothing_to_write_is_no_call() -> None:
    def send(part: Sequence[Input]) -> Written:
        raise AssertionError("called")

    assert deliver([], send, judge) == []


@pytest.mark.parametrize(("category", "kind"), [("RATE_LIMITS", RateLimited), ("MISSING_SCOPES", AuthFailed)])
def test_what_all_rows_say_of_the_connection_is_raised(category: str, kind: type[ConnectorError]) -> None:
    answer = Written([], [Failed(category, context={"ids": ["1", "2"]})], 1)
    with pytest.raises(kind):
        deliver(rows("1", "2"), lambda _rows: answer, judge)


def test_what_one_row_says_of_the_connection_leaves_the_written_ones_done() -> None:
    answer = Written([Row("1")], [Failed("RATE_LIMITS", context={"ids": ["2"]})], 1)
    found = deliver(rows("1", "2"), lambda _rows: answer, judge)
    assert outcomes(found) == {"k1": "done", "k2": "retry"}
    assert found[1].after == 10.0


def test_an_error_that_names_no_row_is_that_of_the_rows_which_hubspot_counts_as_failed() -> None:
    answer = Written([Row("1")], [Failed("VALIDATION_ERROR", "a rule")], 2)
    assert outcomes(fates(rows("1", "2", "3"), answer, judge)) == {"k1": "done", "k2": "rejected", "k3": "rejected"}


def test_an_error_that_names_no_row_says_nothing_of_rows_that_may_have_been_written() -> None:
    answer = Written([Row("1")], [Failed("VALIDATION_ERROR", "a rule")], 1)
    found = fates(rows("1", "2", "3"), answer, judge)
    assert [one.unknown for one in found if one.key != "k1"] == [True, True]


def test_errors_of_two_kinds_that_name_no_row_decide_nothing() -> None:
    answer = Written([], [Failed("VALIDATION_ERROR", "a rule"), Failed("CONFLICT", "there")], 2)
    assert [one.unknown for one in fates(rows("2", "3"), answer, judge)] == [True, True]


IDS = st.sampled_from(["1", "2", "3", "4"])
CATEGORIES = st.sampled_from(["VALIDATION_ERROR", "OBJECT_NOT_FOUND", "CONFLICT", "RATE_LIMITS", "INTERNAL_ERROR", ""])
ERRORS = st.builds(
    lambda category, ids, named: Failed(category, context={"ids": ids} if named else {}),
    CATEGORIES,
    st.lists(IDS, max_size=3),
    st.booleans(),
)


@given(
    wanted=st.lists(IDS, unique=True, min_size=1),
    results=st.lists(IDS, unique=True),
    errors=st.lists(ERRORS, max_size=4),
    count=st.integers(0, 6),
)
def test_whatever_the_answer_says_every_row_has_one_receipt_and_none_is_done_that_was_not_listed(
    wanted: list[str], results: list[str], errors: list[Failed], count: int
) -> None:
    found = fates(rows(*wanted), Written([Row(one) for one in results], errors, count), judge)
    assert sorted(one.key for one in found) == sorted(f"k{one}" for one in wanted)
    assert {one.key for one in found if one.outcome == "done"} == {f"k{one}" for one in wanted if one in results}
    # A row of which nothing is known is looked up before it is sent again.
    said = {str(one) for error in errors for one in error.context.get("ids", [])}
    silent = [one for one in found if one.key[1:] not in said and one.outcome != "done"]
    if not any("ids" not in error.context for error in errors):
        assert all(one.unknown for one in silent)
