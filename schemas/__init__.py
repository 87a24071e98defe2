"""The contracts: Avro schemas, event models, examples. Imports nothing of ours."""
