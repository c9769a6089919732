"""The public-use file: records generalised, suppressed and relabelled until they protect as survey.yaml demands."""
