"""``python -m thermalize``, the same as the command ``thermalize``."""

from .cli import main

if __name__ == "__main__":
    main()
