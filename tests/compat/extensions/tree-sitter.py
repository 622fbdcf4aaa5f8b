# needs: tree-sitter tree-sitter-python
import tree_sitter
import tree_sitter_python

LANGUAGE = tree_sitter.Language(tree_sitter_python.language())


def work():
    parser = tree_sitter.Parser(LANGUAGE)
    tree = parser.parse(b"def f(a, b):\n    return a + b\n" * 50)
    assert len(tree.root_node.children) == 50 and not tree.root_node.has_error
    query = tree_sitter.Query(LANGUAGE, "(function_definition name: (identifier) @name)")
    found = tree_sitter.QueryCursor(query).captures(tree.root_node)
    assert len(found["name"]) == 50 and found["name"][0].text == b"f"
    assert parser.parse(b"def f(:").root_node.has_error
