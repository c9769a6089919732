"""The looks of a report: view model, chart geometry and words."""
