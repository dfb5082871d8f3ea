"""Questions asked of Evidence, as fixtures; facts read Evidence and nothing else."""
