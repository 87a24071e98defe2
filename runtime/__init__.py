"""What every layer stands on: settings, errors, metrics, SQLite, DynamoDB, objects, sites."""
