"""Positions in TOML texts: every path of the document, and nothing but the document."""

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.toml_positions import positions

TEXT = """\
title = "it's"   # a comment with = and [
a.b."c d" = 1

[x.y]
z = [1, # one
 {p = 1, q.r = [[2], 3]}, \"\"\"a"b
c\"\"\", 1979-05-27 07:32:00]

[[policies]]
name = ''
[[policies.targets]]
within = { urgent = "15m", low = 'none' }
[[policies.targets]]
[policies.targets.extra]
k = 'a]'
[[policies]]
[x]
w = \"\"\"a\"\"\"\"\"
"""


def paths(value, path=()):
    yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, element in inner:
        yield from paths(element, (*path, key))


def at(document, path):
    for part in path:
        document = document[part]
    return document


def test_every_path_of_the_document_has_a_place_and_no_other():
    assert set(positions(TEXT)) == set(paths(tomllib.loads(TEXT)))


@pytest.mark.parametrize(
    ("path", "line", "column", "text"),
    [
        (("title",), 1, 9, '"it\'s"'),
        (("a", "b", "c d"), 2, 13, "1"),
        (("x", "y"), 4, 1, "[x.y]"),
        (("x", "y", "z", 0), 5, 6, "1"),
        (("x", "y", "z", 1, "q", "r", 0, 0), 6, 18, "2"),
        (("x", "y", "z", 2), 6, 27, '"""a"b\nc"""'),
        (("x", "y", "z", 3), 7, 7, "1979-05-27 07:32:00"),
        (("policies", 0), 9, 1, "[[policies]]"),
        (("policies", 0, "targets", 0, "within", "urgent"), 12, 21, '"15m"'),
        (("policies", 0, "targets", 1, "extra", "k"), 15, 5, "'a]'"),
        (("policies", 1), 16, 1, "[[policies]]"),
        (("x",), 17, 1, "[x]"),
        (("x", "w"), 18, 5, '"""a"""""'),
    ],
)
def test_a_value_stands_where_it_is_written(path, line, column, text):
    assert positions(TEXT)[path].value == (line, column, text)


def test_a_key_stands_where_it_is_written():
    assert positions(TEXT)[("x", "y", "z", 1, "q", "r")].key == (6, 12, "r")
    assert positions(TEXT)[("a", "b", "c d")].key == (2, 5, '"c d"')


def test_lines_of_a_file_from_windows_are_counted_once():
    assert positions("a = 1\r\nb = 2\r\n")[("b",)].value == (2, 5, "2")


plain = st.one_of(
    st.integers(-9, 9).map(str),
    st.booleans().map(lambda value: str(value).lower()),
    st.sampled_from(["1.5", "inf", "2026-03-02", "07:32:00", "1979-05-27T07:32:00Z", "1979-05-27 07:32:00.5+01:00"]),
    st.text("ab#=[]{},. '\\", max_size=6).map(lambda text: '"' + text.replace("\\", "\\\\") + '"'),
    st.text('ab#=[]{}," \\', max_size=6).map(lambda text: f"'{text}'"),
    st.text("ab#=[]{},'\n ", max_size=6).map(lambda text: f'"""{text}"""'),
    st.text('ab#=[]{},"\n ', max_size=6).map(lambda text: f"'''{text}'''"),
)
key = st.one_of(st.text("abc-_1", min_size=1, max_size=3), st.sampled_from(['"x y"', "'.'", '"#="', '"\\u0061q"']))


def inline(values):
    gap = st.sampled_from(["", " ", "\n  ", " # note ]\n"])
    array = st.tuples(st.lists(st.tuples(gap, values, gap), max_size=3), st.sampled_from(["", ",", " # end\n"])).map(
        lambda made: (
            "[" + ",".join("".join(parts) for parts in made[0]) + (made[1] if made[0] or made[1] != "," else "") + "]"
        )
    )
    table = st.dictionaries(key, values, max_size=3).map(
        lambda made: "{ " + ", ".join(f"{name} = {value}" for name, value in made.items()) + " }"
    )
    return array | table


statements = st.dictionaries(key, st.recursive(plain, inline, max_leaves=6), max_size=4).map(
    lambda made: "".join(f"{name} = {value}  # note\n" for name, value in made.items())
)
tables = st.lists(st.tuples(st.sampled_from(["[[p]]", "[[p.t]]", "[p.u.v]", "[t.a]", '[t . "b"]']), statements))


@given(statements, tables)
def test_any_text_that_is_toml_is_read_as_tomllib_reads_it(top, sections):
    text = top + "".join(f"{header}\n{body}" for header, body in sections)
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return
    found = positions(text)
    assert set(found) == set(paths(document))
    for path, place in found.items():
        if place.key is None or place.value != place.key:
            value = at(document, path)
            if path and not place.header:
                assert tomllib.loads(f"it = {place.value.text}")["it"] == value
                line = text.split("\n")[place.value.line - 1]
                assert line[place.value.column - 1 :].startswith(place.value.text.split("\n")[0])
