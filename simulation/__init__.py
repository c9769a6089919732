"""A fictional city whose truth is known: population, sample and untidy delivery."""
