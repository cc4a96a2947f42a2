"""What is drawn from a level-1.5 sequence: light curve, sequence figure, channel panel, movie and viewer.

Frames are streamed: a product reads the region of interest of one frame after the other and keeps what it draws, so its
memory does not grow with the sequence. One pass measures (`aia_sequence.figures.measure`), one more draws.
"""
