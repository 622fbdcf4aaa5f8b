from lxml import etree, html, objectify


def work():
    root = etree.fromstring("<a>" + "<b x='1'>t</b>" * 200 + "</a>")
    assert len(root.xpath("//b[@x=1]")) == 200 and root.xpath("string(b[3])") == "t"
    style = etree.XSLT(etree.XML('<x:stylesheet version="1.0" xmlns:x="http://www.w3.org/1999/XSL/Transform"><x:template match="/">'
                                 '<n><x:value-of select="count(//b)"/></n></x:template></x:stylesheet>'))  # fmt: skip
    assert style(root).getroot().text == "200"
    try:
        etree.fromstring("<a>")
    except etree.XMLSyntaxError as error:
        assert "line 1" in str(error)
    else:
        raise AssertionError("an element without an end was taken")
    assert html.fromstring("<p>one<br>two").text_content() == "onetwo"
    assert objectify.fromstring("<r><n>5</n></r>").n + 1 == 6
    schema = etree.RelaxNG(etree.XML('<element name="a" xmlns="http://relaxng.org/ns/structure/1.0"><text/></element>'))
    assert schema.validate(etree.XML("<a>x</a>")) and not schema.validate(root)
