from selectolax.lexbor import LexborHTMLParser


def work():
    tree = LexborHTMLParser("<ul>" + "<li class='x'>text <b>b</b></li>" * 200 + "</ul>")
    assert len(tree.css("li.x > b")) == 200 and tree.css_first("li").text() == "text b"
    node = tree.css_first("li")
    node.attrs["id"] = "first"
    assert tree.css_first("#first").html.startswith('<li class="x" id="first">')
    node.decompose()
    assert len(tree.css("li")) == 199
