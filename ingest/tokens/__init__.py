"""The tokens that let a session send events, and the keys that sign them."""
