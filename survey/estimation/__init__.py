"""What estimates and comparisons are made of: groups, cells, intervals, quantiles, tables, ranks, covariances."""
