"""The rules, their enforcers and the scanner."""
