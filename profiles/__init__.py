"""The profiles: one YAML file per audience."""
