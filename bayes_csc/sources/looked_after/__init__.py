"""Children looked after and care leavers, and the local authority interactive tool: panel rows."""
