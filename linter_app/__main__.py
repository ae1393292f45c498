"""The command `contracts-lint`, and `python -m linter_app`."""

from linter_app.cli import main

if __name__ == "__main__":
    main()
