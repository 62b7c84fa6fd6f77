"""The parts of the stack, one noun a file; `_underscored` files are pure and shared by them."""
