"""The orchestration: stages named once, run by a plain call or by Prefect tasks; all I/O below intake."""
