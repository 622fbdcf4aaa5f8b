import io

import pillow_heif
from PIL import Image

pillow_heif.register_heif_opener()


def work():
    file = io.BytesIO()
    Image.new("RGB", (64, 48), (200, 30, 40)).save(file, "HEIF", quality=90)
    again = Image.open(io.BytesIO(file.getvalue()))
    assert again.format == "HEIF" and again.size == (64, 48) and abs(again.getpixel((5, 5))[0] - 200) < 8
    assert pillow_heif.is_supported(io.BytesIO(file.getvalue())) and pillow_heif.libheif_version()
