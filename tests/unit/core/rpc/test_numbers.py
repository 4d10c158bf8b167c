"""Numbers of requests begin again after four thousand million."""

from snowfox.core.rpc.happening import Answered
from snowfox.testing.rpc import Pair, Shop


def test_numbers_begin_again():
    """One that is still under way keeps its number, and a late reply to one from before is no fault."""
    pair = Pair()
    stream = pair.call(Shop.sales, "apple")
    pair.carry()
    pair.caller.calls.__dict__["_last"] = 0xFFFFFFFD
    late = pair.call(Shop.price, "apple", 1)
    pair.carry()
    pair.server.answer(late, 5)
    pair.caller.cancel(late)
    last, again = pair.call(Shop.price, "apple", 2), pair.call(Shop.price, "apple", 3)
    assert (stream, late, last, again) == (1, 0xFFFFFFFE, 0xFFFFFFFF, 2)
    pair.carry()
    pair.server.answer(again, 7)
    pair.carry()
    assert pair.heard == [Answered(again, 7)]
    assert not pair.caller.ended
