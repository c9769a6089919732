"""The science of a survey: pure functions on frames, one module a stage.

Three rooms hold what the stages are built of: `sampling` under design, `estimation` under estimate and compare,
`regression` under model.
"""
