"""Children in need: panel rows from its releases."""
