"""What a sample design is made of: strata and units, finite populations, replicate weights, calibration steps."""
