"""The number of threads is the fastest one; the other is tried sometimes."""

from mnistlab.runtime.threads import TRIAL_STEPS, Pace


def paced(seconds_per_step, steps, most=2):
    """Take steps that last `seconds_per_step`, by number of threads."""
    now = [0.0]
    pace, taken = Pace(), []
    while steps > 0:
        chosen, count = pace.choose(most, min(steps, 1000))
        seconds = count * seconds_per_step(chosen, now[0])
        now[0] += seconds
        pace.tell(chosen, count, seconds)
        taken.append((chosen, count, seconds))
        steps -= count
    return taken


def test_both_are_tried_and_the_quicker_is_taken():
    for best, cost in ((2, {1: 2e-4, 2: 1e-4}), (1, {1: 1e-4, 2: 5e-2})):
        taken = paced(lambda n, t, cost=cost: cost[n], 200_000)
        assert {n for n, _, _ in taken[:8]} == {1, 2}
        steps = {n: sum(count for m, count, _ in taken if m == n) for n in (1, 2)}
        assert steps[best] > 0.97 * 200_000
        lost = sum(seconds for n, _, seconds in taken[8:] if n != best)
        assert lost < 0.05 * sum(seconds for *_, seconds in taken)
        assert all(count <= TRIAL_STEPS for n, count, _ in taken if n != best)


def test_a_processor_that_is_free_again_is_found():
    def cost(n, now):
        return {1: 2e-4, 2: 1e-2 if now < 20 else 1e-4}[n]

    taken = paced(cost, 500_000)
    steps = {n: sum(count for m, count, _ in taken[-20:] if m == n) for n in (1, 2)}
    assert steps[2] > 0.97 * sum(steps.values())


def test_a_trial_of_slow_steps_is_one_step_long():
    taken = paced(lambda n, t: {1: 0.1, 2: 0.05}[n], 1000)
    assert {count for n, count, _ in taken if n == 1} == {1}


def test_one_thread_needs_no_trial():
    taken = paced(lambda n, t: 1e-4, 10_000, most=1)
    assert {n for n, _, _ in taken} == {1}
    assert len(taken) <= 16
