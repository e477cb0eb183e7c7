"""The compiled parts: each `.pxd` says the types of the `.py` or `.pyx` beside it. All else is in pyproject.toml.

Without a C compiler they are left out, and everything works, only slower. SHADOWTAP_PURE=1 leaves them out, too.
"""

import os
from pathlib import Path

from setuptools import Extension, setup

SOURCES = Path("src")
DIRECTIVES = {"language_level": 3, "annotation_typing": False}


def extensions() -> list[Extension]:
    """One for each module with types of its own."""
    typed = [path.with_suffix(".py") for path in SOURCES.rglob("*.pxd")]
    files = sorted([*(path for path in typed if path.exists()), *SOURCES.rglob("*.pyx")])
    return [
        Extension(_name(path), [str(path)], extra_compile_args=["-O2", "-g0"], optional=True)
        for path in files
    ]


def _name(path: Path) -> str:
    return ".".join(path.relative_to(SOURCES).with_suffix("").parts)


def compiled() -> list[Extension]:
    """The extensions as C."""
    from Cython.Build import cythonize  # noqa: PLC0415

    return cythonize(
        extensions(), build_dir="build/cython", compiler_directives=DIRECTIVES, nthreads=2, quiet=True
    )


setup(
    ext_modules=[] if os.environ.get("SHADOWTAP_PURE") else compiled(),
    options={"build_ext": {"parallel": 2}},
)
