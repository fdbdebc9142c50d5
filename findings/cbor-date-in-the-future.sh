#!/usr/bin/env bash
# cbor 10.0.12 (npm): with dateType 'int' a time is rounded to the nearest second, so half of all times
# are written as one that is still to come.
#
# Expected: whole seconds are cut off, as by Math.floor and as time() of C gives them:
# 1,700,000,000.5 s is written as 1,700,000,000.
# Seen: 1,700,000,001. What checks `issued <= now` refuses such a time.
#
# Run outside CI; needs node and npm. Exits 1 where another behaviour is seen.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --omit=optional --ignore-scripts --no-audit --no-fund --loglevel=error cbor@10.0.12 >/dev/null

cat >seen.mjs <<'END'
import cbor from 'cbor'
for (const milliseconds of [1700000000499, 1700000000500])
  console.log(cbor.encodeOne(new Date(milliseconds), { dateType: 'int' }).toString('hex'))
END
seen=$(node seen.mjs | paste -sd' ')
echo "cbor 10.0.12: 1700000000.499 s and 1700000000.5 s are written as: $seen"
[[ $seen == "c11a6553f100 c11a6553f101" ]]
