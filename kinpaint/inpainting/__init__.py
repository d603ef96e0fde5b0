"""Models that fill holes in photographs: presets, and what makes a filling fit its photo."""
