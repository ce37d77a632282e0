"""From bytes to raw rows: one pure file per format a vendor, a bank or a payroll house sends."""
