"""Versions of the steps from query to figures; raise one when its products change, so that finished jobs are repeated.

They stand apart from the code so that planning need not import it. The version of the conditions is `filters.VERSION`.
"""

FILES = "1"  # the list of files at hand
METADATA = "3"  # columns and values of a block's metadata
EXPORT = "1"  # what is asked for, and what is written down about it
LEVEL1 = "3"  # level-1 files and their manifest
TABLES = "1"  # frozen calibration tables
PSF = "2"  # point spread functions
AUDIT = "5"  # audit.csv and audit.html
CRATE = "3"  # the crate, the checksum list and the references
LEVEL15 = "6"  # level-1.5 pixels, headers and their manifest; a golden digest in the tests changes with it
ACCELERATED = "2"  # level-1.5 pixels of accelerated deconvolutions, where nothing else of LEVEL15 changes
FIGURES = "5"  # figures, movies, viewers, light curves; a golden digest in the tests changes with it
CUBE = "2"  # cubes of a channel
SETS = "1"  # lists of co-temporal frames
SLIT = "2"  # brightness along slits
