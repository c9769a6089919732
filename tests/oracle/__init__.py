"""What R's survey package answers, asked of this project's programming interface."""
