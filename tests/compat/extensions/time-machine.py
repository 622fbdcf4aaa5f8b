import datetime
import time

import time_machine


def work():
    real = time.time()
    with time_machine.travel(datetime.datetime(2000, 2, 29, tzinfo=datetime.timezone.utc), tick=False) as traveller:
        assert time.time() == 951782400 and datetime.date.today().year == 2000
        traveller.shift(60)
        assert datetime.datetime.now(datetime.timezone.utc).minute == 1 and time.gmtime().tm_year == 2000
    assert time.time() >= real
