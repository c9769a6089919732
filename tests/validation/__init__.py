"""Whether intervals cover and tests err as often as they say, over many samples of a city whose truth is known."""
