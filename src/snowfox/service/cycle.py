"""Services that wait for one another in a circle."""

from __future__ import annotations

from collections.abc import Mapping, Sequence


def cycles(waits: Mapping[str, Sequence[str]], *, most: int) -> list[list[str]]:
    """Up to `most` circles of a graph, each as its names in order, one for each place where a walk meets itself.

    Every circle has an edge in common with one that is found, so that none is left once those found are broken up
    and this is asked again. Names that lead nowhere are passed over. Takes time that grows with names and edges;
    walks without recursion.
    """
    found: list[list[str]] = []
    done: set[str] = set()
    for start in waits:
        if start in done:
            continue
        way: list[str] = [start]
        on_way = {start: 0}
        open_edges = [iter(waits[start])]
        while way:
            following = next(open_edges[-1], None)
            if following is None:
                done.add(way[-1])
                del on_way[way.pop()]
                open_edges.pop()
            elif following in on_way:
                found.append(way[on_way[following] :])
                if len(found) == most:
                    return found
            elif following in waits and following not in done:
                on_way[following] = len(way)
                way.append(following)
                open_edges.append(iter(waits[following]))
    return found
