"""Site settings: the model, the port of their store and its adapters."""
