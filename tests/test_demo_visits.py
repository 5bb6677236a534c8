"""A visit ends a while after its page has gone, and not where it comes back."""

import time

from gan_dpr.demo.visits import Visits


def until(condition, seconds: float = 20) -> bool:
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.02)
    return condition()


def test_a_visit_ends_after_a_while_and_everything_of_it_is_dropped():
    visits, dropped = Visits(grace=0.2), []
    visits.ends += [lambda session: dropped.append(("runs", session)), lambda session: dropped.append(("own", session))]
    visits.leave("a")
    assert dropped == []
    assert until(lambda: len(dropped) == 2)
    assert dropped == [("runs", "a"), ("own", "a")]
    visits.leave("b")  # the sweep begins again where there is something to wait for
    assert until(lambda: len(dropped) == 4)


def test_a_page_that_comes_back_finds_everything_and_is_freed_in_the_end():
    visits, dropped = Visits(grace=0.3, idle=2.0), []
    visits.ends.append(dropped.append)
    visits.seen("back")  # of a page that never left there is nothing to remember
    visits.leave("back")
    visits.leave("gone")
    visits.seen("back")
    assert until(lambda: dropped == ["gone"])
    assert until(lambda: dropped == ["gone", "back"])
