#!/usr/bin/env bash
# cbor-x 1.6.9: the option encodeUndefinedAsNil, which its index.d.ts declares, changes nothing.
#
# Expected: with { encodeUndefinedAsNil: true }, as in msgpackr where the option comes
# from, undefined is written as null, F6. Without it, as F7.
# Seen: F7 both times.
#
# Run outside CI; needs node and npm. Exits 1 where another behaviour is seen.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --omit=optional --ignore-scripts --no-audit --no-fund --loglevel=error cbor-x@1.6.9 >/dev/null

cat >seen.mjs <<'END'
import { Encoder } from 'cbor-x'
for (const options of [{ useRecords: false }, { useRecords: false, encodeUndefinedAsNil: true }])
  console.log(new Encoder(options).encode(undefined).toString('hex'))
END
declared=$(grep -c 'encodeUndefinedAsNil' node_modules/cbor-x/index.d.ts)
seen=$(node seen.mjs | paste -sd' ')
echo "cbor-x 1.6.9: declared $declared time(s); undefined is written as: $seen"
[[ $declared == 1 && $seen == "f7 f7" ]]
