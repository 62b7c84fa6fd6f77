"""`make bench`: prints the README's tables."""

from __future__ import annotations

from bench import fleet_size

if __name__ == "__main__":
    print("## Fleet size\n")
    print(fleet_size.table())
