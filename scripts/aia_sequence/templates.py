"""Pages and texts, from the templates that lie beside the modules that fill them."""

from pathlib import Path
from typing import Any

import jinja2


def filled(template: Path, **values: Any) -> str:
    """A template with its values.

    Parameters
    ----------
    template
        File of jinja2's language. In a page (``.html``) a value is text, whatever it holds, and never markup.
    values
        By name; all that the template names must be there.

    Notes
    -----
    A template may include what stands beside this module, as ``page.css``.
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader([template.parent, Path(__file__).parent]), autoescape=jinja2.select_autoescape(),
        undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True,
    )  # fmt: skip
    return environment.get_template(template.name).render(**values)
