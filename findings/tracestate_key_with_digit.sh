#!/bin/sh
# OpenTelemetry for Python 1.45.1, package opentelemetry-api, opentelemetry.trace.TraceState.
#
# Guess, before it was run: W3C Trace Context Level 2 lets a key of tracestate begin with a digit
# (key = ( lcalpha / DIGIT ) 0*255 ( keychar ), section 3.3.1.3.1). TraceState.from_header keeps to
# Level 1 there, and one such member, valid as it is, costs all others of the header as well.
#
# Seen: `1a=2,b=3` becomes an empty tracestate, and each header logs a warning. A digit at the
# beginning of a key with a tenant (`1t@v=1`) is taken, as Level 1 has it.
#
# Fails if that changes. It needs python3 with venv, and a package index.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check opentelemetry-api==1.45.1
seen=$("$folder/venv/bin/python" - <<'PYTHON' 2>&1
from opentelemetry.trace import TraceState

for header in ("1a=2,b=3", "a1=2,b=3", "1t@v=1,b=3"):
    print(f"{header} -> {TraceState.from_header([header]).to_header()!r}")
PYTHON
)
expected="Member doesn't match the w3c identifiers format 1a=2
1a=2,b=3 -> ''
a1=2,b=3 -> 'a1=2,b=3'
1t@v=1,b=3 -> '1t@v=1,b=3'"
printf '%s\n' "$seen"
[ "$(printf '%s\n' "$seen" | sort)" = "$(printf '%s\n' "$expected" | sort)" ]
