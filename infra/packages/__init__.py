"""Builds the zips of the Lambda functions, bit for bit the same each time.

A zip holds what its function imports and no more: our modules by their import statements
(`closure`), third parties as whole distributions from the hashed lock (`wheels`) without what never
runs (`pruning`), and bytecode for the runtime's Python (`bytecode`). `python -m infra.packages`
writes `dist/lambda/<architecture>/<function>.zip`.
"""
