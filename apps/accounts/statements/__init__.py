"""How statements look outside: the code that proves them, CSV and PDF."""
