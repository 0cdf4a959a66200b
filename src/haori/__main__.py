"""`python -m haori` is the `haori` command."""

from haori.cli.main import main

if __name__ == "__main__":
    main()
