"""What people see of their own account.  Only consents and their receipts stand here yet."""
