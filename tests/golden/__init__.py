"""Golden numbers: what R's survey answers about a small sample that the project makes itself."""
