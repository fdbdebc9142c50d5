"""``lying_testee.py REQUEST``: our testee, which answers one request wrongly, others right."""

import sys

from tracewire.spec.testee import respond

LIE = "nonsense"


def main(lie_to: str) -> None:
    for line in sys.stdin:
        print(LIE if line.strip() == lie_to else respond(line), flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
