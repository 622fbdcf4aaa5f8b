import datetime

import ciso8601


def work():
    moment = ciso8601.parse_datetime("2024-02-29T12:30:45.123456+02:00")
    assert moment == datetime.datetime.fromisoformat("2024-02-29T12:30:45.123456+02:00")
    assert moment.utcoffset() == datetime.timedelta(hours=2) and ciso8601.parse_rfc3339("2024-02-29T00:00:00Z").tzinfo
    for day in range(1, 29):
        assert ciso8601.parse_datetime(f"202402{day:02}").day == day
    try:
        ciso8601.parse_datetime("2024-02-30")
    except ValueError:
        pass
    else:
        raise AssertionError("30 February was taken")
