"""The science of a survey: pure functions on frames, one module a stage."""
