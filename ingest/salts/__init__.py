"""Salts of visitor ids: the port of their store and its adapters."""
