import io

import pikepdf


def work():
    pdf = pikepdf.new()
    for _ in range(3):
        pdf.add_blank_page(page_size=(200, 100))
    pdf.docinfo["/Title"] = "ä title"
    pdf.Root.Mine = pikepdf.Dictionary(A=[1, 2.5, pikepdf.Name.B], S=pikepdf.String("text"))
    file = io.BytesIO()
    pdf.save(file, object_stream_mode=pikepdf.ObjectStreamMode.generate)
    again = pikepdf.open(io.BytesIO(file.getvalue()))
    assert len(again.pages) == 3 and str(again.docinfo["/Title"]) == "ä title" and again.Root.Mine.A[0] == 1
    del again.pages[0]
    assert len(again.pages) == 2
    try:
        pikepdf.open(io.BytesIO(b"nonsense"))
    except pikepdf.PdfError:
        pass
    else:
        raise AssertionError("nonsense was opened")
