"""Whether what arrived was accepted, archived and counted: all of it, once."""
