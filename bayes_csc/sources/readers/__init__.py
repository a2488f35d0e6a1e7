"""Readers of tables, workbooks, rounded figures and R data that several sources share."""
