import setproctitle


def work():
    for title in "isles: one", "two", "isles: a longer one":
        setproctitle.setproctitle(title)
        assert setproctitle.getproctitle()  # two interpreters set that of one process
    setproctitle.setthreadtitle("thread")
    assert setproctitle.getthreadtitle() == "thread"
