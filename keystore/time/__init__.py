"""Whether the clock of this machine can be believed."""
