import pendulum


def work():
    moment = pendulum.datetime(2024, 2, 28, 12, tz="UTC").add(days=2)
    assert moment.to_date_string() == "2024-03-01" and moment.in_timezone("Europe/Berlin").hour == 13
    assert pendulum.parse("2024-02-29T12:00:00+02:00").int_timestamp == 1709200800
    assert moment.diff(pendulum.datetime(2024, 1, 1, tz="UTC")).in_days() == 60
    assert pendulum.duration(days=8).weeks == 1 and pendulum.parse("P1Y2M").years == 1
    try:
        pendulum.parse("nonsense")
    except ValueError:
        pass
    else:
        raise AssertionError("nonsense was parsed")
