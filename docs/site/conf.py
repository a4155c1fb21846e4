"""Sphinx: the lessons as pages that need neither a kernel nor a network. `make site` builds them into site/."""

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

import lesson  # noqa: E402

project = "How convolutional networks see time"
author = copyright = "the r2p1d_edu contributors"
language = "en"

extensions = ["myst_nb"]
root_doc = "index"
exclude_patterns = ["assignments", "**/.ipynb_checkpoints"]

# The outputs are those stored in the notebooks; nothing is run.
nb_execution_mode = "off"
nb_custom_formats = {".ipynb": "lesson.read"}
nb_ipywidgets_js = {}  # which would come from a network
nb_code_prompt_show = "Show"
nb_code_prompt_hide = "Hide"
nb_number_source_lines = False
myst_enable_extensions = ["dollarmath", "amsmath"]
myst_heading_anchors = 3

html_theme = "sphinx_book_theme"
html_title = project
templates_path = ["templates"]
html_static_path = ["static"]
html_css_files = ["lesson.css"]
html_math_renderer = "mathml"
html_context = {"default_mode": "auto"}  # light or dark, as the reader's system
html_show_search_summary = False  # it would fetch pages, which a browser refuses to pages on a disk
html_copy_source = False
html_show_sourcelink = False
html_theme_options = {
    "use_download_button": False,
    "use_fullscreen_button": False,
    "show_toc_level": 2,
    "navbar_persistent": [],  # the search field is in the sidebar
}
html_sidebars = {"**": ["navbar-logo", "search-button-field", "explorer-link", "sbt-sidebar-nav"]}


def setup(app):
    """What Sphinx calls."""
    app.add_html_math_renderer("mathml", lesson.math("inline"), lesson.math("block"))
    app.connect("html-page-context", lesson.add_explorer_to_page)
    app.connect("build-finished", lesson.write_explorer)
