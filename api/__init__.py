"""Tables -> JSON: the realtime and stats Lambdas."""
