"""Ofsted's inspections, visits and reports: panel rows."""
