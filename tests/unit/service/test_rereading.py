"""What is read a second time is what reading all of it says, and only what changed is made anew."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from snowfox.core.config.registry import Sections
from snowfox.core.config.source import File, Sources
from snowfox.service.checked import Checked
from snowfox.service.configuration import read
from snowfox.service.rereading import Former, changed
from snowfox.service.scale import Scale, Scales

SECTIONS = Sections(with_installed=False)
TWO = '[service.a]\ncommand = "a"\n\n[service.b]\ncommand = "b"\n'
WORDS = (
    'command = "a"',
    'command = "b"',
    'command = [\n  "a",\n]',
    'command = ["sh", "-c", "echo $HOME | cat"]\nlimits.memory = "1M"',
    'command = "a"\nrequires = ["a"]',
    'command = "a"\nrequires = ["b"]\nconflicts = ["c"]',
    'command = "a"\nwants = ["c"]\nafter = ["a.b"]',
    'command = "a"\nready = { tcp = "127.0.0.1:1" }',
    'command = "a"\nsockets = ["front"]\nwas = "c"',
    'command = "${X}"\nenvironment = { X = "1" }',
    'command = "${FRONT}"',
    'command = "a"\ntype = "task"\nschedule = "@daily"',
    'extends = "t"',
    'command = "a"\nunknown = 1',
    "command = 1.5",
    'description = """\n[service.b]\n"""\ncommand = "a"',
    "",
)
"""What a service may say, right or wrong, alone or beside others."""
OTHERS = (
    "",
    '[template.t]\ncommand = "t"\nenvironment = { Y = "1" }\n',
    '[template.t]\ncommand = "u"\nrequires = ["a"]\n',
    '[socket.front]\nlisten = "127.0.0.1:8080"\n',
    '[socket.front]\nlisten = "unix:front.sock"\n',
    "[defaults]\nlog = { keep = 5 }\n",
    '[service."a.b".stop]\ngrace = "1s"\n',
    '[service.a.stop]\ngrace = "1s"\n',
    '[service.a.b]\nmemory = "1M"\n',
    "[service.c]\n",
    "x = [\n",
    "]\n",
    '  ["b"],\n]\n',
)
HEADS = ("[service.a]", "[ service . b ] # the second", "[service.c]", '[service."a.b"]', "  [service.d]")

table = st.tuples(st.sampled_from(HEADS), st.sampled_from(WORDS)).map(lambda pair: "\n".join(pair) + "\n")
parts = st.lists(table | st.sampled_from(OTHERS), min_size=1, max_size=6)


def of(text: str, *, owner: int = 1000, **files: str) -> Sources:
    """One file, or a `node.toml` beside files of services."""
    main = File("node.toml" if files else "snowfox.toml", text, owner)
    return Sources(
        "/srv/shop", (main, *(File(f"services/{name}.toml", one, owner) for name, one in files.items()))
    )


def again(before: Sources, after: Sources, scales: Scales | None = None) -> tuple[Checked, Checked | None]:
    """What reading one after the other says of both; None where the first is not fine."""
    first = read(before, host="box", sections=SECTIONS)
    if first.configuration is None or first.problems:
        return first, None
    former = Former(before, {}, first.configuration)
    return first, read(after, host="box", sections=SECTIONS, scales=scales, former=former)


def taken(before: Sources, after: Sources) -> set[str]:
    """The services that are the very same after it."""
    first, second = again(before, after)
    assert second is not None
    one, other = first.require().services, second.require().services
    return {name for name, service in other.items() if one.get(name) is service}


@settings(max_examples=400)
@given(parts, parts)
def test_says_the_same_of_one_file(before: list[str], after: list[str]) -> None:
    """Whatever changed: the same services in the same order, and the same problems at the same places."""
    old, new = of("".join(before)), of("".join(after))
    _, second = again(old, new)
    if second is not None:
        whole = read(new, host="box", sections=SECTIONS)
        assert (second.configuration, second.problems) == (whole.configuration, whole.problems)
        if second.configuration and whole.configuration:
            assert [*second.configuration.services] == [*whole.configuration.services]


@settings(max_examples=200)
@given(st.data())
def test_says_the_same_of_a_change(data: st.DataObject) -> None:
    """Of what is fine, one part written in another way, moved, left out or added."""
    fine = [TWO, *(one for one in OTHERS[1:6] if data.draw(st.booleans()) and "[template.t]" not in one)]
    place = data.draw(st.integers(0, len(fine)))
    changed = [
        *fine[:place],
        data.draw(table | st.sampled_from(OTHERS)),
        *fine[place + data.draw(st.integers(0, 1)) :],
    ]
    old, new = of("".join(fine)), of("".join(changed))
    _, second = again(old, new)
    whole = read(new, host="box", sections=SECTIONS)
    if second is not None:
        assert (second.configuration, second.problems) == (whole.configuration, whole.problems)


@settings(max_examples=200)
@given(*(st.sampled_from(WORDS) for _ in range(4)), st.sampled_from(OTHERS))
def test_says_the_same_of_a_folder(one: str, two: str, three: str, four: str, main: str) -> None:
    """Also where each service has a file."""
    old, new = of(main, a=one, b=two), of(main, a=three, c=four)
    _, second = again(old, new)
    if second is not None:
        whole = read(new, host="box", sections=SECTIONS)
        assert (second.configuration, second.problems) == (whole.configuration, whole.problems)


def test_what_is_as_it_was_is_not_made_again() -> None:
    """A service that is written as before is the very one of before."""
    assert taken(of(TWO), of(TWO.replace('"b"', '"c"'))) == {"a"}
    assert taken(
        of("", a='command = "a"', b='command = "b"'), of("", a='command = "a"', b='command = "c"')
    ) == {"a"}


def test_tables_below_a_service_are_its_own() -> None:
    """Those of one that is as it was are not read again, and those of a name with a dot are of another service."""
    text = TWO + '[service.b.stop]\ngrace = "1s"\n[service."b.stop"]\ncommand = "c"\n'
    assert taken(of(text), of(text.replace('"a"', '"x"'))) == {"b", "b.stop"}
    assert taken(of(text), of(text.replace('"1s"', '"2s"'))) == {"a", "b.stop"}
    assert taken(of(text), of(text.replace('"c"', '"x"'))) == {"a", "b"}


def test_the_digest_is_of_all_files() -> None:
    """The version is that of everything, not of what was read."""
    new = of(TWO.replace('"b"', '"c"'))
    _, second = again(of(TWO), new)
    assert second is not None
    assert second.require().version == read(new, host="box", sections=SECTIONS).require().version


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (of(TWO), of(TWO, owner=1001)),
        (of(TWO), of(TWO + "\n[defaults]\nnice = 1\n")),
        (of(TWO), Sources("/srv/other", of(TWO).files)),
        (of(TWO), of(TWO).replace(unread={"a.env": "it is a folder"})),
        (of("", a='command = "a"'), of("\n", a='command = "a"')),
    ],
)
def test_all_is_read_where_what_is_around_differs(before: Sources, after: Sources) -> None:
    """Owner, defaults, folder, and what is no service's are of each service."""
    assert taken(before, after) == set()


def test_all_is_read_where_people_asked_for_other_numbers() -> None:
    """What is made depends on them."""
    _, second = again(of(TWO), of(TWO), scales={"a": Scale(3, 1)})
    assert second is not None
    assert second.require().services["a"].count == 3


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ('[service.c]\ncommand = "c"\n', "there is no service"),
        ('[service.b]\ncommand = "b"\nrequires = ["a"]\n', "it waits for itself"),
        ('[service.b]\ncommand = "b"\n', "which cannot say that it is ready"),
        ('[service.b]\ncommand = "b"\ntype = "task"\nschedule = "@daily"\n', "runs by its schedule"),
        (
            '[service.b]\ncommand = "b"\nready = { tcp = "127.0.0.1:1" }\nwas = "a"\n',
            'there is a service "a"',
        ),
    ],
)
def test_what_another_makes_wrong_is_told(change: str, told: str) -> None:
    """A service that did not change is told of when another that it names makes it wrong."""
    text = '[service.a]\ncommand = "a"\nrequires = ["b"]\n'
    _, second = again(
        of(text + '[service.b]\ncommand = "b"\nready = { tcp = "127.0.0.1:1" }\n'), of(text + change)
    )
    assert second is not None
    assert any(told in problem.show() for problem in second.problems)


def test_a_text_over_lines_may_hold_what_looks_like_tables() -> None:
    """All is read where one is, for what is added to it is no table."""
    a, b = '[service.a]\ncommand = "a"\ndescription = """\n', '[service.b]\n"""\n[service.b]\ncommand = "b"\n'
    _, second = again(of(a + b), of(f'{a}[service.c]\ncommand = "c"\n{b}'))
    assert second is not None
    assert [*second.require().services] == ["a", "b"]


def test_a_list_over_lines_may_hold_what_looks_like_tables() -> None:
    """Tables that moved into a list are a mistake, though the list alone and the tables alone are none."""
    lists, rest = "[http]\npairs = [\n", '["a", "b"],\n]\n'
    former = Former(of(lists + rest + TWO), {}, read(of(TWO), host="box", sections=SECTIONS).require())
    assert changed(former, of(lists + rest + TWO), {}) is None
    assert changed(former, of(lists + TWO + rest), {}) is None


def test_a_name_that_is_none_is_told() -> None:
    """What nobody can be called is no service."""
    _, second = again(of(TWO), of(TWO + '[service."a..b"]\ncommand = "a"\n'))
    assert second is not None
    assert "is not a name" in second.problems[0].show()
