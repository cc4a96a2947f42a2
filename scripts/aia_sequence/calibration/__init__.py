"""From level 1 to level 1.5: tables, corrections, resampling, uncertainty."""
