"""The claims: one file each, with its statement, its rule written before the run, and its verdict."""
