"""What models are made of: formulas, likelihoods, coefficients, margins, predictions, tests of terms, diagnostics."""
