"""What a month on AWS costs: metered units times list prices."""
