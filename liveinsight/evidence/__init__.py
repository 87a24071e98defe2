"""The witnesses of the proof: who, beside the consumers, knows what was accepted, and where."""
