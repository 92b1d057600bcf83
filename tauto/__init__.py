"""TAuto."""
