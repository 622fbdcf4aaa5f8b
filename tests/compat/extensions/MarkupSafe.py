import markupsafe
from markupsafe import Markup, _speedups, escape


def work():
    assert escape("<a href='x'>&") == "&lt;a href=&#39;x&#39;&gt;&amp;"
    assert Markup("<b>%s</b>") % "<i>" == "<b>&lt;i&gt;</b>"
    assert isinstance(escape(Markup("<b>")), Markup) and escape(Markup("<b>")) == "<b>"
    assert _speedups._escape_inner("<") == "&lt;" and markupsafe.soft_str(5) == "5"
