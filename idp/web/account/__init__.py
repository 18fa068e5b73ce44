"""What people see of their own account, and what they do to it: one page, one file."""
