"""Report formats: pure functions of the Report, one file each."""
