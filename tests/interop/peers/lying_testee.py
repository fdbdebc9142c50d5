"""``lying_testee.py REQUEST``: our testee, which answers one request wrongly, others right."""

import sys

from tracewire.codec import FrameError
from tracewire.spec.testee import answer, fault

LIE = "nonsense"


def main(lie_to: str) -> None:
    for line in sys.stdin:
        try:
            said = answer(line.split())
        except FrameError as error:
            refuses = line.startswith("encode")
            said = f"refused {error.rule}" if refuses else f"invalid {fault(error, ' ')}"
        print(LIE if line.strip() == lie_to else said, flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
