"""``python -m latmm``: the command line."""

from latmm_cli.main import main  # type: ignore[import-not-found]

if __name__ == "__main__":
    main()
