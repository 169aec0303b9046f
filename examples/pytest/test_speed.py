"""A project's own test: is decoding still as fast as when the baseline was stored?"""


def test_decode_speed(edgebench):
    measured = edgebench.measure("smollm2-135m", workload="tg32", threads=2)
    edgebench.assert_not_slower(measured, "baselines/{device}.json", threshold=0.10)
