"""Reports as text, HTML, Markdown and figures: pure functions.

``headline`` and ``explain`` are one line and plain sentences, ``bounded`` the JSON form that travels in a notebook.
"""

from tauto.rendering.bounded import bounded
from tauto.rendering.pages import explain, headline, html, markdown, page, render, text

__all__ = ["bounded", "explain", "headline", "html", "markdown", "page", "render", "text"]
