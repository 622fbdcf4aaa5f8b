import pymupdf


def work():
    document = pymupdf.open()
    page = document.new_page(width=200, height=100)
    page.insert_text((20, 50), "some text on a page")
    page.draw_rect((10, 10, 100, 80), color=(1, 0, 0))
    again = pymupdf.open("pdf", document.tobytes())
    assert again.page_count == 1 and again[0].get_text().strip() == "some text on a page"
    picture = again[0].get_pixmap()
    assert (picture.width, picture.height) == (200, 100) and len(again[0].search_for("text")) == 1
    document.close()
