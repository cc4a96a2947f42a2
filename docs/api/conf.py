"""How Sphinx makes the API page from the library's docstrings; `make docs` calls it, and a warning is an error."""

import aia_sequence

project = "aia-sequence"
version = release = aia_sequence.__version__
extensions = ["sphinx.ext.autodoc", "numpydoc"]
exclude_patterns = ["_build"]
default_role = "py:obj"  # what stands in `backticks`
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
numpydoc_show_class_members = False
html_theme = "alabaster"
html_theme_options = {"nosidebar": True, "page_width": "60rem"}
html_copy_source = False
