"""Does SGD thermalize? One loss, two arms, one verdict."""
