"""How far each consumer has read each shard: what Lambda's event source mapping remembers.

The table lies in the same file as the rollups. After a loss of power both are back at the same
moment, so that a position is never ahead of what was counted.
"""

from runtime.sqlite import Database

TABLE = """CREATE TABLE IF NOT EXISTS positions (
    consumer TEXT NOT NULL, shard INTEGER NOT NULL, sequence INTEGER NOT NULL,
    PRIMARY KEY (consumer, shard)) WITHOUT ROWID"""


class Positions:
    """The highest sequence number that a consumer is done with, per shard."""

    def __init__(self, database: Database) -> None:
        self._database = database
        with database.writing() as connection:
            connection.execute(TABLE)

    def get(self, consumer: str, shard: int) -> int:
        """Return the position, 0 for the start of the shard."""
        query = "SELECT sequence FROM positions WHERE consumer = ? AND shard = ?"
        with self._database.reading() as connection:
            row = connection.execute(query, (consumer, shard)).fetchone()
        return 0 if row is None else int(row[0])

    def advance(self, consumer: str, shard: int, sequence: int) -> None:
        """Move the position forward; never back."""
        with self._database.writing() as connection:
            connection.execute(
                "INSERT INTO positions VALUES (?, ?, ?) ON CONFLICT DO UPDATE"
                " SET sequence = max(sequence, excluded.sequence)",
                (consumer, shard, sequence),
            )
