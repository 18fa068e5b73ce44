"""What people see of their own account.  Only the receipts of consents stand here yet."""
