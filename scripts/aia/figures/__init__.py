"""What is drawn from a level-1.5 sequence: light curve, sequence figure, channel panel, movie and viewer.

Frames are streamed: a product reads the region of interest of one frame after the other and keeps what it draws, so its
memory does not grow with the sequence. One pass measures (`aia.figures.measure`), one more draws.
"""

# What decides pixels or numbers of the products. Rules pass it in `params`, so a change of it makes the products again.
VERSION = "1"
