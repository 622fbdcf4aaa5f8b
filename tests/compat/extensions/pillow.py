import io

from PIL import Image, ImageDraw, ImageFilter, ImageFont


def work():
    image = Image.new("RGB", (64, 64), (10, 20, 30))
    draw = ImageDraw.Draw(image)
    draw.rectangle((8, 8, 40, 40), fill=(200, 0, 0))
    draw.text((2, 2), "text", font=ImageFont.load_default(12), fill="white")
    for format_ in "PNG", "JPEG", "WEBP", "TIFF":
        file = io.BytesIO()
        image.save(file, format_)
        again = Image.open(io.BytesIO(file.getvalue()))
        again.load()
        assert again.size == (64, 64) and abs(again.getpixel((30, 30))[0] - 200) < 12, format_
    small = image.resize((16, 16), Image.Resampling.LANCZOS).filter(ImageFilter.GaussianBlur(1)).convert("L")
    assert small.size == (16, 16) and sum(image.histogram()) == 3 * 64 * 64 and image.rotate(90).getpixel((63, 63))[2] == 30
