import nh3


def work():
    assert nh3.clean("<b onclick='x()'>bold</b><script>alert(1)</script>") == "<b>bold</b>"
    assert nh3.clean("<a href='http://x'>l</a>", link_rel=None) == '<a href="http://x">l</a>'
    assert nh3.clean("<p class='x'>t</p>", attribute_filter=lambda tag, name, value: None) == "<p>t</p>"
    assert nh3.is_html("<p>") and not nh3.is_html("text") and nh3.clean_text("<&>") == "&lt;&amp;&gt;"
