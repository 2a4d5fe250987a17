"""How often Python looks for objects that only refer to each other."""

import gc


def collect_rarely() -> None:
    """Leave out what is there now, and look seldom at the rest.

    A batch makes thousands of short-lived objects, which reference counting frees.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)
