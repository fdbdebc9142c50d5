#!/usr/bin/env bash
# opentelemetry-api 1.45.1 (Python), TraceState.from_header: one member whose key begins with a digit costs
# all the others.
#
# Expected: W3C Trace Context lets a key begin with a digit (`key = ( lcalpha / DIGIT ) 0*255 ( keychar )`,
# spec/20-http_request_header_format.md of w3c/trace-context at acab820), so both members are kept; or, of
# a library that keeps to Level 1, the other one.
# Seen: `1a=2,b=3` becomes an empty tracestate, and each header logs a warning. A key of a tenant that begins
# with a digit, `1t@v`, is taken, as Level 1 has it.
#
# Run outside CI; needs python3 with venv, and a package index. Exits 1 where another behaviour is seen.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check opentelemetry-api==1.45.1 2>/dev/null

cat >"$folder/seen.py" <<'END'
from opentelemetry.trace import TraceState

for header in ("1a=2,b=3", "a1=2,b=3", "1t@v=1,b=3"):
    print(f"{header} -> {TraceState.from_header([header]).to_header()!r}")
END
seen=$("$folder/venv/bin/python" "$folder/seen.py" 2>/dev/null | paste -sd'|')
echo "opentelemetry-api 1.45.1: $seen"
[[ $seen == "1a=2,b=3 -> ''|a1=2,b=3 -> 'a1=2,b=3'|1t@v=1,b=3 -> '1t@v=1,b=3'" ]]
