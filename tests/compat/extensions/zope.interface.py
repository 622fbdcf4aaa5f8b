import zope.interface
from zope.interface import _zope_interface_coptimizations as compiled
from zope.interface.adapter import AdapterRegistry


class IShape(zope.interface.Interface):
    def area():
        """Its area."""


@zope.interface.implementer(IShape)
class Square:
    def area(self):
        return 4


class IText(zope.interface.Interface):
    pass


def work():
    square = Square()
    assert IShape.providedBy(square) and not IText.providedBy(square) and IShape.implementedBy(Square)
    registry = AdapterRegistry()
    registry.register([IShape], IText, "", lambda shape: f"area {shape.area()}")
    assert registry.queryAdapter(square, IText) == "area 4"
    for _ in range(500):
        assert IShape(square) is square and IText(square, None) is None
    assert zope.interface.interface.SpecificationBase is compiled.SpecificationBase
