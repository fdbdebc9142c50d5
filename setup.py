"""Where the packages lie and how the codec is compiled; all metadata is in pyproject.toml.

Switches of the environment, each on when set to 1:

    TRACEWIRE_NO_EXTENSIONS       build pure Python, without a compiler
    TRACEWIRE_REQUIRE_EXTENSIONS  fail where a plain build would fall back to pure Python
    TRACEWIRE_DEBUG_BUILD         assertions, bounds checks and symbols, no optimisation
    TRACEWIRE_SANITIZE            address and undefined sanitizers, or those it lists
"""

import os
from glob import glob

from setuptools import Extension, setup

PACKAGES = {
    "tracewire": "package",
    "tracewire.codec": "codec",
    "tracewire.codec.compiled": "codec/compiled",
    "tracewire.codec.reference": "codec/reference",
    "tracewire.protocol": "protocol",
    **{
        f"tracewire.protocol.{wing}": f"protocol/{wing}"
        for wing in ("body", "connection", "operations", "peers", "tracing", "transports")
    },
    "tracewire.spec": "spec",
    "tracewire.spec.suite": "spec/suite",
    "tracewire.spec.tool": "spec/tool",
    "tracewire.spec.tool.bench": "spec/tool/bench",
    "tracewire.spec.tool.conform": "spec/tool/conform",
    "tracewire.spec.tool.frames": "spec/tool/frames",
    "tracewire.spec.tool.peers": "spec/tool/peers",
}
DATA = {
    "tracewire": ["py.typed"],
    "tracewire.codec.compiled": ["*.pyi"],
    "tracewire.spec": [
        "tracewire.md",
        "registry.toml",
        "frame.cddl",
        "testee.md",
        "vectors/*.json",
    ],
}
CHECKED = ["-g", "-UNDEBUG", "-fno-omit-frame-pointer"]


def switch(name: str) -> str:
    value = os.environ.get(f"TRACEWIRE_{name}", "")
    return "" if value == "0" else value


link_args: list[str] = []
if sanitize := switch("SANITIZE"):
    kind = "address,undefined" if sanitize == "1" else sanitize
    link_args = [f"-fsanitize={kind}"]
    compile_args = [*CHECKED, "-O1", "-fno-sanitize-recover=all", *link_args]
elif switch("DEBUG_BUILD"):
    kind, compile_args = "debug", [*CHECKED, "-O0"]
else:
    kind, compile_args = "release", ["-O3", "-DCYTHON_WITHOUT_ASSERTIONS"]

speedups = Extension(
    "tracewire.codec.compiled._speedups",
    ["codec/compiled/_speedups.pyx"],
    depends=glob("codec/compiled/*.pxi"),
    extra_compile_args=compile_args,
    extra_link_args=link_args,
    optional=not switch("REQUIRE_EXTENSIONS"),  # without a compiler: a warning, and pure Python
)
# A directive in the header of the .pyx wins over one from here, so none stands in both.
directives = {"boundscheck": kind == "debug"}
setup(
    packages=list(PACKAGES),
    package_dir=PACKAGES,
    package_data=DATA,
    ext_modules=[] if switch("NO_EXTENSIONS") else [speedups],
    options={
        "build": {"build_base": f"build/{kind}"},  # so that no kind takes up another's objects
        "build_ext": {"cython_c_in_temp": True, "cython_directives": directives},
    },
)
