"""Figures of docs/measurements.md, as ratios measured side by side in one run."""
