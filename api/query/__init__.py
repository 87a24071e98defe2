"""The question of `GET /api/stats` with filters, comparison, goals and properties."""
