import oracledb
from oracledb import base_impl, thin_impl  # noqa: F401 (the compiled ones)


def work():
    params = oracledb.ConnectParams(host="127.0.0.1", port=1, service_name="x", retry_count=0, tcp_connect_timeout=2)
    assert "PORT=1" in params.get_connect_string().upper()
    params.parse_connect_string("host:1234/name")
    assert params.port == 1234 and params.service_name == "name"
    try:
        oracledb.connect(user="a", password="b", params=params)
    except (oracledb.Error, OSError):
        pass
    else:
        raise AssertionError("a server answered")
    assert oracledb.is_thin_mode()
