"""How fast the engine is, as ratios to others in one run: `make bench`."""
