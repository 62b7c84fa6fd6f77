"""Types of the values that components take, each with its rule and its remedy."""
