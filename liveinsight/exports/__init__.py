"""What the product holds of a site, as files that other tools read."""
