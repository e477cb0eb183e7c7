"""The compiled parts: each `.pxd` says the types of the `.py` or `.pyx` beside it. All else is in pyproject.toml.

Without a C compiler they are left out, and everything works, only slower. SHADOWTAP_PURE=1 leaves them out, too.
"""

import os
import sys
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext
from setuptools.errors import CCompilerError, ExecError, PlatformError

SOURCES = Path("src")
DIRECTIVES = {"language_level": 3, "annotation_typing": False, "nonecheck": True}
"""`nonecheck`: what is None by mistake raises as in Python, instead of ending the process; it costs 1 %."""


def extensions() -> list[Extension]:
    """One for each module with types of its own. To optimise more takes twice as long here and brings 1 to 2 %."""
    typed = [path.with_suffix(".py") for path in SOURCES.rglob("*.pxd")]
    files = sorted([*(path for path in typed if path.exists()), *SOURCES.rglob("*.pyx")])
    return [Extension(_name(path), [str(path)], extra_compile_args=["-O1", "-g0"]) for path in files]


def _name(path: Path) -> str:
    return ".".join(path.relative_to(SOURCES).with_suffix("").parts)


def compiled() -> list[Extension]:
    """The extensions as C."""
    from Cython.Build import cythonize  # noqa: PLC0415

    return cythonize(
        extensions(),
        build_dir="build/cython",
        compiler_directives=DIRECTIVES,
        nthreads=os.cpu_count() or 1,
        quiet=True,
    )


class AllOrNone(build_ext):
    """Compiled modules take each other's types, so where one cannot be built none is of use."""

    def finalize_options(self) -> None:
        """Use all processors; said here, because editable installs forget what is said as an option."""
        self.parallel = self.parallel or os.cpu_count()
        super().finalize_options()

    def run(self) -> None:
        """Build them, or tell why not."""
        try:
            super().run()
        except (CCompilerError, ExecError, PlatformError) as error:
            for extension in self.extensions:
                for there in (
                    Path(self.get_ext_fullpath(extension.name)),
                    *SOURCES.glob(_library(extension.name)),
                ):
                    there.unlink(missing_ok=True)
            self.extensions = []
            print(
                f"shadowtap is not compiled: {error}; it works all the same, and costs more CPU",
                file=sys.stderr,
            )


def _library(name: str) -> str:
    return name.replace(".", "/") + ".*.so"


setup(
    cmdclass={"build_ext": AllOrNone},
    ext_modules=[] if os.environ.get("SHADOWTAP_PURE") else compiled(),
)
