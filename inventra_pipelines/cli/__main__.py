"""`python -m inventra_pipelines.cli`: the `inventra` command."""

from inventra_pipelines.cli.main import main

if __name__ == "__main__":
    main()
