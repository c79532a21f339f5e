"""`python -m tensorrank`: the command line."""

from tensorrank.cli.main import main

if __name__ == "__main__":
    main()
