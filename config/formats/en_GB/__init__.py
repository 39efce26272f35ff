"""English as the bank writes it."""
