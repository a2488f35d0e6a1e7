"""The children's social work workforce: panel rows."""
