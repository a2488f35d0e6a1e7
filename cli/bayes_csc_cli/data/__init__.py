"""Commands about data: build, fetch, check, add, describe, show, refresh and caseload."""
