"""The documentation as a site, built by Sphinx: `make docs`.

Pages are Markdown, docstrings reStructuredText. Two kinds of page are written here from the
code, so that nothing is typed twice: the reference of a package from what it exports, and the
claims from their objects. Formulas become MathML, which browsers draw themselves: a page
loads no script or font from elsewhere.
"""

import ast
import inspect
import logging
import re
import sys
import textwrap
from importlib import import_module
from pathlib import Path

from docutils import nodes
from docutils.utils.math import latex2mathml

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from thermalize.version import __version__  # noqa: E402

for noisy in ("arviz", "jax"):
    logging.getLogger(noisy).setLevel(logging.ERROR)

project, author, release = "thermalize", "the thermalize authors", __version__
extensions = ["myst_parser", "sphinx.ext.autodoc"]
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3
html_theme = "furo"
html_title = f"thermalize {__version__}"
html_math_renderer = "mathml"
html_copy_source = html_show_sourcelink = False
html_static_path = ["static"]
html_css_files = ["site.css"]
autodoc_typehints = "signature"
autodoc_member_order = "bysource"
python_maximum_signature_line_length = 88
nitpicky = False

PACKAGES = {"models": "models", "samplers": "samplers", "volume": "samplers.volume", "compare": "compare"}
# What a script calls of the package that puts the others together; the rest serves the command line.
CALLED = {
    "thermalize.cores": ["use_cores"],
    "thermalize.arm": ["Arm"],
    "thermalize.blocks": ["Blocks"],
    "thermalize.pipeline": ["compare_arms", "compare"],
    "thermalize.evaluate": ["evaluate"],
    "thermalize.config": ["Layer", "RunConfig", "make_config"],
    "thermalize.cluster": ["cluster"],
    "thermalize.store": ["Store", "create_run", "open_run"],
    "thermalize.report": ["write", "render"],
    "thermalize.references": ["load"],
    "thermalize.claims.claim": [
        "Claim", "Evidence", "Case", "Number", "Check", "Graph", "Curve", "Published", "settled", "together",
    ],
}  # fmt: skip


def setup(app):
    """Called by Sphinx."""
    app.add_html_math_renderer("mathml", (inline_formula, None), (block_formula, None))
    app.connect("source-read", written_from_code)
    return {"parallel_read_safe": True}


def mathml(text, as_block=False):
    """A formula in the part of TeX that docutils knows: sizes of delimiters and sums are left to it."""
    for word, known in (("\\textstyle", " "), ("\\dots", "\\ldots"), ("\\Big", " ")):
        text = re.sub(re.escape(word) + "(?![a-zA-Z])", lambda _, known=known: known, text)
    return latex2mathml.tex2mathml(text, as_block=as_block)


def inline_formula(writer, node):
    """A formula in a line of text, as MathML."""
    writer.body.append(mathml(node.astext()))
    raise nodes.SkipNode


def block_formula(writer, node):
    """A formula of its own, with aligned columns where it has `&` or `\\\\`."""
    text = node.astext()
    if "&" in text or "\\\\" in text:
        text = rf"\begin{{aligned}}{text}\end{{aligned}}"
    writer.body.append(f'<div class="math">{mathml(text, as_block=True)}</div>\n')
    raise nodes.SkipNode


def written_from_code(app, docname, source):
    """Fill the pages whose text stands in the code."""
    folder, _, name = docname.rpartition("/")
    if docname == "claims":
        source[0] += claims_page()
    elif docname == "commands":
        source[0] += commands_page()
    elif folder == "api" and name == "thermalize":
        source[0] += "".join(section(module, module, names) for module, names in CALLED.items())
    elif folder == "api":
        source[0] += package_page(PACKAGES[name])


def package_page(package):
    """Every module that the package exports something of, with its docstring and these names."""
    exported = {}
    for node in ast.parse(inspect.getsource(import_module(package))).body:
        if isinstance(node, ast.ImportFrom):
            exported.setdefault(f"{package}.{node.module}", []).extend(a.asname or a.name for a in node.names)
    return "".join(section(module, package, names) for module, names in sorted(exported.items()))


def section(module, home, names):
    """One module: its docstring, then the names, found where a user imports them from."""
    lines = [f".. py:currentmodule:: {home}", "", inspect.getdoc(import_module(module)) or "", ""]
    for name in names:
        value = getattr(import_module(home), name)
        if inspect.isclass(value):
            lines += [f".. autoclass:: {name}", *(f"   :{o}" for o in class_options(value)), ""]
            if fields := declared_fields(value):
                lines += ["   .. code-block:: python", "", textwrap.indent(fields, " " * 6), ""]
        elif callable(value):
            lines += [f".. autofunction:: {name}", ""]
        else:
            lines += [f".. py:data:: {name}", ""]
    body = "\n".join(lines)
    return f"\n## {module}\n\n````{{eval-rst}}\n{body}\n````\n"


def class_options(value):
    """Methods are shown where they are documented; fields stand in the code below."""
    methods = [n for n, f in vars(value).items() if not n.startswith("_") and documented(f)]
    return [f"members: {','.join(methods)}"] if methods else []


def documented(member):
    function = member.fget if isinstance(member, property) else member
    return (inspect.isfunction(function) or inspect.isroutine(function)) and bool(inspect.getdoc(function))


def declared_fields(value):
    """The fields of a class as they are written, with the comments that give shapes and units."""
    source = textwrap.dedent(inspect.getsource(value))
    lines = source.splitlines()
    (definition,) = ast.parse(source).body
    found = []
    for node in definition.body:
        if isinstance(node, ast.AnnAssign):
            found += lines[node.lineno - 1 : node.end_lineno]
    return textwrap.dedent("\n".join(found))


def claims_page():
    """Statement, source, estimand and rule of every claim."""
    from thermalize.claims.catalogue import ALL

    parts = []
    for claim in ALL:
        parts.append(f"\n## {claim.statement}\n\n`thermalize claim {claim.id}`\n\n")
        for head, text in (
            ("Who says so", claim.source),
            ("What is measured", claim.estimand),
            ("The rule", claim.rule),
        ):
            parts.append(f"**{head}.** {in_markdown(text[0].upper() + text[1:])}\n\n")
    return "".join(parts)


def in_markdown(text):
    """Plain words, with nothing in them taken as markup."""
    return "".join(f"\\{c}" if c in "\\`*_{}[]<>#|$~^" else c for c in text)


def commands_page():
    """The help of every command, as `--help` prints it."""
    import typer

    from thermalize.cli import app

    group = typer.main.get_command(app)
    parts = []
    for name, command in group.commands.items():
        with command.make_context(f"thermalize {name}", [], resilient_parsing=True) as context:
            text = command.get_help(context)
        parts.append(f"\n## {name}\n\n```text\n{text}\n```\n")
    return "".join(parts)
