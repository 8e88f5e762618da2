"""How much of ``sla/`` could be wrong without a test noticing: mutmut's verdicts by module, or those of a sample.

``python -m benchmarks.mutants`` prints the score of what has run; ``--run 40 [MODULE …]`` first tries that many mutants
of each module, drawn with a fixed seed, so that a second run goes on where the first was cut short. What is left out
of the score is in ``benchmarks/equivalent.txt``, with the reason.
"""

from __future__ import annotations

import argparse
import fnmatch
import json
import random
import subprocess
import sys
from pathlib import Path

MUTANTS = Path("mutants/sla")
EQUIVALENT = Path(__file__).with_name("equivalent.txt")
GOAL = 90
SURVIVED, UNTESTED = 0, 33
"""mutmut's exit codes: the tests passed; no test reaches the function."""


def verdicts() -> dict[str, dict[str, int | None]]:
    """Module (``run``, ``figures.risk``) to its mutants, each with the exit code of the tests; None where it has not
    been tried."""
    found = {}
    for path in sorted(MUTANTS.rglob("*.py.meta")):
        if codes := json.loads(path.read_text())["exit_code_by_key"]:
            found[".".join(path.relative_to(MUTANTS).parts).removesuffix(".py.meta")] = codes
    return found


def equivalent() -> list[str]:
    """Patterns of the mutants that cannot be told from the original, one a line, before the ``#`` of the reason."""
    lines = EQUIVALENT.read_text().splitlines() if EQUIVALENT.exists() else []
    return [name for line in lines if (name := line.partition("#")[0].strip())]


def wanted(modules: list[str], most: int, seed: int) -> list[str]:
    """The mutants of the sample that have not been tried yet."""
    names = []
    for module, codes in verdicts().items():
        if not modules or module in modules:
            drawn = random.Random(f"{seed} {module}").sample(sorted(codes), min(most, len(codes)))
            names += [name for name in drawn if codes[name] is None]
    return names


def run(names: list[str], children: int) -> None:
    command = [str(Path(sys.executable).with_name("mutmut")), "run", "--max-children", str(children)]
    subprocess.run([*command, *names], check=False)


def report() -> bool:
    """Prints the table; whether the goal is reached."""
    noise = equivalent()
    all_killed = all_tried = 0
    print(f"{'module':20} {'mutants':>8} {'tried':>6} {'killed':>7} {'score':>6}")
    for module, codes in verdicts().items():
        tried = {
            name: code
            for name, code in codes.items()
            if code is not None and not any(fnmatch.fnmatchcase(name, pattern) for pattern in noise)
        }
        lived = sorted(name for name, code in tried.items() if code in (SURVIVED, UNTESTED))
        if not tried:
            continue
        killed = len(tried) - len(lived)
        print(f"{module:20} {len(codes):8} {len(tried):6} {killed:7} {100 * killed / len(tried):5.0f}%")
        for name in lived:
            print(f"    {name}")
        all_killed, all_tried = all_killed + killed, all_tried + len(tried)
    score = 100 * all_killed / max(all_tried, 1)
    print(f"{'all':20} {'':8} {all_tried:6} {all_killed:7} {score:5.1f}%  (goal: {GOAL}%)")
    return score >= GOAL


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("modules", nargs="*", help="modules of sla/, all of them without a name")
    options.add_argument("--run", type=int, default=0, metavar="N", help="try up to so many mutants of each module")
    options.add_argument("--seed", type=int, default=3)
    options.add_argument("--children", type=int, default=2, help="processes at a time")
    given = options.parse_args()
    if given.run:
        if not MUTANTS.exists():
            run(["sla.figures.percentile.*"], given.children)  # whatever is asked for, all mutants are made
        if names := wanted(given.modules, given.run, given.seed):
            run(names, given.children)
    sys.exit(0 if report() else 1)


if __name__ == "__main__":
    main()
