"""The pages of the forgotten password, one step one file."""
