"""One file for each outside thing that Numina talks to; settings only call these."""
