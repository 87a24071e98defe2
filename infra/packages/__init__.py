"""Builds the zip of the Lambda functions, bit for bit the same each time.

One zip for all functions; a function differs in its handler alone. It holds our packages, every
distribution of the hashed lock (`wheels`) without what never runs (`pruning`), and bytecode for the
runtime's Python (`bytecode`). `python -m infra.packages` writes
`dist/lambda/<architecture>/liveinsight.zip`.
"""
