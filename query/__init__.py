"""Questions that rollups cannot answer: raw events as columns (Parquet), asked with DuckDB."""
