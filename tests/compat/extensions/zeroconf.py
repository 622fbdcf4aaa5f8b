import socket

from zeroconf import DNSIncoming, DNSOutgoing, DNSQuestion, ServiceInfo, const


def work():
    out = DNSOutgoing(const._FLAGS_QR_QUERY)
    for i in range(20):
        out.add_question(DNSQuestion(f"name{i}._http._tcp.local.", const._TYPE_SRV, const._CLASS_IN))
    incoming = DNSIncoming(out.packets()[0])
    assert incoming.valid and len(incoming.questions) == 20 and incoming.questions[7].name.startswith("name7")
    info = ServiceInfo("_http._tcp.local.", "x._http._tcp.local.", 80, addresses=[socket.inet_aton("127.0.0.1")],
                       properties={"a": "b"})  # fmt: skip
    assert info.parsed_addresses() == ["127.0.0.1"] and info.properties == {b"a": b"b"}
    assert info.dns_service().port == 80 and info.text == b"\x03a=b"
