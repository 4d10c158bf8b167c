"""Circles."""

from hypothesis import given
from hypothesis import strategies as st

from snowfox.service.cycle import cycles

GRAPHS = st.dictionaries(st.integers(0, 6), st.lists(st.integers(0, 7), max_size=4), max_size=7)


def reaches(graph, start, target):
    """Whether a walk leads from one to the other."""
    seen, todo = set(), list(graph.get(start, ()))
    while todo:
        node = todo.pop()
        if node == target:
            return True
        if node not in seen:
            seen.add(node)
            todo += graph.get(node, ())
    return False


@given(GRAPHS)
def test_found_when_there(graph):
    """Each that is found is a circle; one is found exactly when there is one."""
    graph = {str(node): [str(other) for other in others] for node, others in graph.items()}
    found = cycles(graph, most=100)
    for circle in found:
        for node, following in zip(circle, [*circle[1:], circle[0]], strict=True):
            assert following in graph[node]
    assert bool(found) == any(reaches(graph, node, node) for node in graph)


def test_bounds():
    """A chain of any length is walked, and no more circles than asked for are listed."""
    chain = {str(number): [str(number + 1)] for number in range(50_000)} | {"50000": ["0"]}
    assert len(cycles(chain, most=5)[0]) == 50_001
    full = {str(one): [str(other) for other in range(30)] for one in range(30)}
    assert len(cycles(full, most=5)) == 5
