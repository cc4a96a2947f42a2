"""FITS files of frames: reading, writing, compression, checksums, and the lists of what a folder holds."""
