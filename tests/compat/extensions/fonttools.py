import io

from fontTools.fontBuilder import FontBuilder
from fontTools.misc import bezierTools
from fontTools.pens.ttGlyphPen import TTGlyphPen
from fontTools.qu2cu import qu2cu  # noqa: F401
from fontTools.ttLib import TTFont


def work():
    assert bezierTools.__file__.endswith(".so")
    assert abs(bezierTools.calcCubicArcLength((0, 0), (1, 0), (2, 0), (3, 0)) - 3) < 1e-6
    pen = TTGlyphPen(None)
    for point in (0, 0), (500, 0), (500, 500):
        (pen.lineTo if pen.points else pen.moveTo)(point)
    pen.closePath()
    builder = FontBuilder(1000, isTTF=True)
    builder.setupGlyphOrder([".notdef", "A"])
    builder.setupCharacterMap({65: "A"})
    builder.setupGlyf({".notdef": TTGlyphPen(None).glyph(), "A": pen.glyph()})
    builder.setupHorizontalMetrics({".notdef": (600, 0), "A": (600, 0)})
    builder.setupHorizontalHeader()
    builder.setupPost()
    file = io.BytesIO()
    builder.save(file)
    assert TTFont(io.BytesIO(file.getvalue())).getBestCmap() == {65: "A"}
