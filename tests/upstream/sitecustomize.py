"""Found by site in each interpreter, and child process, of the tests: the standard modules are Isles' there, too."""

import upstream_alias

upstream_alias.install()
