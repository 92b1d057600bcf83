"""TAuto in IPython and Jupyter: ``%load_ext tauto_magics``.

Each magic parses its line, makes one call of the engine, and returns the result.
"""

from tauto_magics.extension import load_ipython_extension, unload_ipython_extension

__all__ = ["load_ipython_extension", "unload_ipython_extension"]
