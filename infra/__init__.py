"""What deploys LiveInsight to AWS."""
